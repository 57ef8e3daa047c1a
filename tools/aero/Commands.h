//===- Commands.h - The commands of the aero driver -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TOOLS_AERO_COMMANDS_H
#define AERO_TOOLS_AERO_COMMANDS_H

#include "aero/Driver/Model.h"

#include "llvm/Support/Error.h"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace aero {

/// What every command takes.
struct ModelArguments {
  std::string path;
  std::string config = "as-is";
  /// Each as given, for parseBinding and parseFixedInput.
  std::vector<std::string> bindings, fixedInputs;
  /// Outputs of the graph, or none for all.
  std::vector<std::string> keptOutputs;
  /// How the configuration is made. The configuration itself is in `config`.
  RewriteOptions rewrite;
  /// Samples for StripNormMode::Static, or empty.
  std::string calibrate;
  bool json = false;
};

/// What every command takes that lowers the model.
struct LoweringArguments : ModelArguments {
  Answer answer = Answer::LastLogits;
  /// A network profile by name or file, or empty.
  std::string optimizeFor;
  /// Names of optimisations to leave out.
  std::vector<std::string> without;
};

struct InspectArguments : ModelArguments {};

struct CompileArguments : LoweringArguments {
  std::string output;
};

struct ReportArguments : LoweringArguments {
  /// A second configuration to set beside the first, or empty.
  std::string compare;
  /// One row for every ONNX node instead of every layer and kind.
  bool nodes = false;
  /// Built-in network profiles by name, others by file; none for all built-in.
  std::vector<std::string> networks;
  /// File of the page to write, or empty.
  std::string html;
};

struct CheckArguments : LoweringArguments {
  std::vector<std::string> engines = {"float", "fixed"};
  std::string prompts;
  unsigned samples = 8;
  double maxError = 0.02;
  std::string saveLogits;
  /// Also say how large values became in fixed point.
  bool ranges = false;
};

struct EmitArguments : ModelArguments {
  Answer answer = Answer::LastLogits;
  /// The name of a backend.
  std::string target;
  std::string output;
  /// Replace files in a folder that holds some.
  bool force = false;
};

struct CompareArguments : ModelArguments {
  Answer answer = Answer::LastLogits;
  std::vector<std::string> engines = {"float", "fixed", "dealer"};
  /// A file of prompts, or one prompt; random ones without.
  std::string prompts, prompt, tokens;
  unsigned samples = 1;
  double maxError = 0.02;
  /// Seconds for each program that an engine starts.
  unsigned timeLimit = 600;
};

struct RunArguments : LoweringArguments {
  std::string prompt, tokens;
  unsigned newTokens = 24;
  unsigned serverPort = 0, dealerPort = 0, threads = 0;
  bool profile = false;
};

struct RewriteArguments : ModelArguments {
  std::string output;
  int64_t opset = 17;
  bool report = false;
  /// Prompts to compare outputs on, or empty for random inputs.
  std::string check;
  unsigned samples = 2;
};

struct ImportWeightsArguments {
  std::string model, weights, output;
  bool partial = false, json = false;
};

llvm::Error inspect(const InspectArguments &arguments);
llvm::Error compile(const CompileArguments &arguments);
llvm::Error report(const ReportArguments &arguments);
llvm::Error check(const CheckArguments &arguments);
llvm::Error compare(const CompareArguments &arguments);
llvm::Error emit(const EmitArguments &arguments);
llvm::Error run(const RunArguments &arguments);
llvm::Error rewrite(const RewriteArguments &arguments);
llvm::Error importTrained(const ImportWeightsArguments &arguments);

/// Lowers the model as the user asked.
llvm::Error lower(Model &model, const LoweringArguments &arguments);

/// What was decided for a network, as the key `collapse`.
void addCollapse(nlohmann::json &json,
                 const std::optional<CollapseChoice> &choice);

/// Opens the model as the configuration that the user named, for the engines.
llvm::Expected<std::unique_ptr<Model>>
openModel(const ModelArguments &arguments);
/// As above, any model that can be imported.
llvm::Expected<std::unique_ptr<Model>>
openAnyModel(const ModelArguments &arguments);
/// As above, with the stages of its rewrite.
llvm::Expected<std::unique_ptr<Model>>
openTracedModel(const ModelArguments &arguments);

} // namespace aero

#endif // AERO_TOOLS_AERO_COMMANDS_H
