//===- Model.h - A model from ONNX to a program ---------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What every command of the driver does first: import an ONNX file, rewrite it
/// as a configuration, and, where shares are needed, lower it. The float
/// reference runs on the rewritten module, the parties on the lowered one, so
/// that both compute the same function.
///
/// A model can be looked at (openAny) or run (open): the engines take
/// decoder-only language models alone.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_DRIVER_MODEL_H
#define AERO_DRIVER_MODEL_H

#include "aero/Analysis/NetworkProfile.h"
#include "aero/Driver/Rewrite.h"
#include "aero/Import/ONNX/Import.h"
#include "aero/Pipelines/Pipelines.h"
#include "aero/Reference/FixedInterpreter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace aero {

/// A reason why the engines cannot run a model.
struct Problem {
  /// One line, without the file's name.
  std::string message;
  /// Of the op that it is about, or of the function.
  mlir::Location loc;
};

/// What the client learns of an answer.
enum class Answer {
  LastLogits, ///< of the last prompt token
  AllLogits,  ///< of all tokens
  NextToken,  ///< the id of the next token alone
};

/// What collapsing the linear maps between softmaxes would change, as predicted
/// for a network: online and offline seconds of one inference together.
struct CollapseChoice {
  std::string network;
  double apart;
  /// Nothing if it would change nothing, or cannot be done.
  std::optional<double> collapsed;
  /// Why there is nothing to choose from; empty if there is.
  std::string obstacle;

  bool isCollapsed() const { return collapsed && *collapsed < apart; }
  /// One line for people.
  std::string describe() const;
};

struct ModelOptions {
  ImportOptions import;
  /// The configuration and how it is made; that ops must be raised, and what
  /// norms divide by, is set by the model.
  RewriteOptions rewrite;
  /// Samples (see Samples.h) on which the imported model is run, in float, to
  /// measure what its norms divide by: for StripNormMode::Static, which needs
  /// them, and for no other mode.
  std::string calibration;
};

class Model {
public:
  /// Imports `path` and rewrites it as a configuration, for the engines to run.
  /// The error is an ImportError, or holds one line for every problem found.
  static llvm::Expected<std::unique_ptr<Model>>
  open(llvm::StringRef path, const ModelOptions &options);
  /// As above, for any model that can be imported; only the import, or a
  /// configuration or option that does not fit, is an error.
  static llvm::Expected<std::unique_ptr<Model>>
  openAny(llvm::StringRef path, const ModelOptions &options);
  /// As above, with the stages of the rewrite kept. Ops that `pi-raise` does
  /// not know are errors, unless the configuration is as-is: no other can
  /// promise anything about them.
  static llvm::Expected<std::unique_ptr<Model>>
  openTraced(llvm::StringRef path, const ModelOptions &options);

  /// Lowers the rewritten module to shares, on a copy; what `answer` decides is
  /// set in `options`. For a network it does so with and without collapsing the
  /// linear maps between softmaxes, and keeps what is predicted to be faster
  /// there, unless `options` say to collapse nothing.
  llvm::Error lower(Answer answer, const LowerOptions &options = {},
                    const NetworkProfile *network = nullptr);
  /// What was decided for that network. None without one, and where nothing can
  /// be collapsed, or the collapsed weights are too large for the engines.
  const std::optional<CollapseChoice> &getCollapseChoice() const {
    return collapseChoice;
  }
  /// A copy of the rewritten module with all constants folded, still float:
  /// what a Backend takes. The client's answer are logits.
  llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> fold(Answer answer);
  /// An error unless the model has the inputs and outputs that the engines
  /// take; then it has a context and a vocabulary. open() did this already.
  llvm::Error requireLanguageModel();
  /// All that keeps the engines from running the model; lowers it on the way.
  std::vector<Problem> findProblems();

  /// The rewritten float module, and its main function.
  mlir::ModuleOp getModule() { return *rewritten; }
  mlir::func::FuncOp getFunction();
  /// The lowered module; only after lower().
  mlir::ModuleOp getLowered() { return *lowered; }
  mlir::func::FuncOp getLoweredFunction();

  const std::string &getPath() const { return path; }
  /// The file name without its folder, for people.
  llvm::StringRef getName() const;
  Configuration getConfiguration() const { return config; }
  /// The names of the function's arguments in the file.
  std::vector<std::string> getInputNames() const;
  /// What the file says about itself.
  const ImportSummary &getSummary() const { return summary; }
  /// The stages of the rewrite, of a model that was opened with a trace.
  RewriteTrace &getTrace() { return trace; }
  /// Only of a model for the engines.
  int64_t getContext() const { return context; }
  int64_t getVocabulary() const { return vocabulary; }

  /// Logits of the float reference for `tokens` (padded to the context), all
  /// rows, row-major (context x vocabulary).
  llvm::Expected<std::vector<double>> runFloat(llvm::ArrayRef<int64_t> tokens);
  /// Logits that the parties must reconstruct, up to rounding: the lowered
  /// module on plain integers. One row, or all of them, as lowered.
  llvm::Expected<std::vector<double>>
  runFixed(llvm::ArrayRef<int64_t> tokens, int64_t position,
           reference::FixedObserver observer = nullptr);

private:
  Model(llvm::StringRef path, Configuration config);
  static llvm::Expected<std::unique_ptr<Model>>
  importAndRewrite(llvm::StringRef path, const ModelOptions &options,
                   bool requireRaised, bool traced);
  llvm::Expected<pi::NormCalibration> calibrate(llvm::StringRef samples);
  std::vector<Problem> checkSignature();
  std::vector<Problem> runLowering(Answer answer, LowerOptions options = {});
  std::vector<int64_t> pad(llvm::ArrayRef<int64_t> tokens) const;

  mlir::MLIRContext mlirContext;
  std::string path;
  Configuration config;
  ImportSummary summary;
  mlir::OwningOpRef<mlir::ModuleOp> rewritten, lowered;
  std::optional<CollapseChoice> collapseChoice;
  RewriteTrace trace;
  /// Of the lowered module; made when it is first needed.
  std::optional<reference::FixedInterpreter> fixed;
  int64_t context = 0, vocabulary = 0;
};

} // namespace aero

#endif // AERO_DRIVER_MODEL_H
