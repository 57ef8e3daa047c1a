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
//===----------------------------------------------------------------------===//

#ifndef AERO_DRIVER_MODEL_H
#define AERO_DRIVER_MODEL_H

#include "aero/Pipelines/Configurations.h"
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

class Model {
public:
  /// Imports `path` and rewrites it as `config`. The error holds one line for
  /// every problem found.
  static llvm::Expected<std::unique_ptr<Model>> open(llvm::StringRef path,
                                                     Configuration config);

  /// Lowers the rewritten module to shares, on a copy.
  llvm::Error lower(bool lastTokenOnly);

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
  int64_t getContext() const { return context; }
  int64_t getVocabulary() const { return vocabulary; }

  /// Logits of the float reference for `tokens` (padded to the context), all
  /// rows, row-major (context x vocabulary).
  llvm::Expected<std::vector<double>> runFloat(llvm::ArrayRef<int64_t> tokens);
  /// Logits that the parties must reconstruct, up to rounding: the lowered
  /// module on plain integers. One row, or all of them, as lowered.
  llvm::Expected<std::vector<double>> runFixed(llvm::ArrayRef<int64_t> tokens,
                                               int64_t position);

private:
  Model(llvm::StringRef path, Configuration config);
  std::vector<int64_t> pad(llvm::ArrayRef<int64_t> tokens) const;

  mlir::MLIRContext mlirContext;
  std::string path;
  Configuration config;
  mlir::OwningOpRef<mlir::ModuleOp> rewritten, lowered;
  /// Of the lowered module; made when it is first needed.
  std::optional<reference::FixedInterpreter> fixed;
  int64_t context = 0, vocabulary = 0;
};

} // namespace aero

#endif // AERO_DRIVER_MODEL_H
