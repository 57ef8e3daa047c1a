//===- Engines.h - One model on several engines ---------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The same prompts on several engines, with the values behind each layer where
/// an engine can show them. A diagnosis on sample prompts: all parties are on
/// this machine, and nothing in it is secret.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_DRIVER_ENGINES_H
#define AERO_DRIVER_ENGINES_H

#include "aero/Driver/Model.h"
#include "aero/Driver/Prompts.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace aero {

/// What an engine made of one prompt, row-major.
struct EngineAnswer {
  /// The stream behind each layer; empty where the engine does not show it.
  std::vector<std::vector<double>> layers;
  std::vector<double> logits;
};

/// What a party sent in one inference, online and offline.
struct PartyBytes {
  std::string party;
  uint64_t bytes = 0;
};

/// What one inference took.
struct EngineCost {
  /// All parties together, online and offline.
  uint64_t bytes = 0;
  std::vector<PartyBytes> parties;
  /// As the engine counts: exchanges, or rounds of its first party.
  uint64_t rounds = 0;
  /// Without starting, compiling and setting up.
  double seconds = 0;
  /// What the engine's own compiler took, once for all inferences; nothing for
  /// an engine without one.
  std::optional<double> compileSeconds;
};

/// A model with the places behind its layers. Refers to the model.
class LayeredModel {
public:
  static llvm::Expected<LayeredModel> create(Model &model, Answer answer);

  /// The reference: the folded module in float.
  llvm::Expected<EngineAnswer> runFloat(const Tokens &tokens) const;

  Model &getModel() const { return *model; }
  mlir::ModuleOp getFolded() const { return *folded; }
  Answer getAnswer() const { return answer; }
  /// The op of the folded module whose result is behind each layer; a layer
  /// without a sum has none.
  llvm::ArrayRef<mlir::Operation *> getLayers() const { return layers; }
  /// The number of the layer that getLayers()[index] is behind.
  int64_t getLayerNumber(size_t index) const { return numbers[index]; }
  /// Tokens, padded to the context.
  std::vector<int64_t> pad(const Tokens &tokens) const;

private:
  LayeredModel() = default;

  Model *model = nullptr;
  Answer answer = Answer::LastLogits;
  mlir::OwningOpRef<mlir::ModuleOp> folded;
  std::vector<mlir::Operation *> layers;
  std::vector<int64_t> numbers;
};

class Engine {
public:
  virtual ~Engine() = default;
  virtual llvm::Expected<EngineAnswer> run(const Tokens &tokens) = 0;
  /// What an inference took; nothing for an engine without parties. After the
  /// last prompt.
  virtual llvm::Expected<std::optional<EngineCost>> finish() = 0;
};

struct EngineOptions {
  LowerOptions lower;
  /// For each program that an engine runs, and each answer of a party.
  unsigned timeLimitSeconds = 600;
};

/// "fixed", "dealer", "mpspdz:ring", ...: what can be compared with float.
std::vector<std::string> getEngineNames();

/// Why the engine is not there, e.g. because MPSPDZ_HOME is not set; empty if
/// it is, or if starting it will say what is wrong with it.
std::string whyEngineIsMissing(llvm::StringRef name);

llvm::Expected<std::unique_ptr<Engine>>
startEngine(llvm::StringRef name, const LayeredModel &model,
            const EngineOptions &options);

} // namespace aero

#endif // AERO_DRIVER_ENGINES_H
