//===- FoldedModel.h - What every backend asks of a module ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TARGET_FOLDEDMODEL_H
#define AERO_TARGET_FOLDEDMODEL_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <string>

namespace aero {

/// The function @main of a folded module (see Backend::emit) and its sizes.
struct FoldedModel {
  mlir::func::FuncOp function;
  /// The context, the embedding's rows, and the rows of the answer.
  int64_t tokens = 0, vocabulary = 0, rows = 0;
  /// The client says which row it wants, in a second argument.
  bool hasPosition = false;
};

/// An error unless `module` is a folded language model whose token ids are
/// looked up in a table.
llvm::Expected<FoldedModel> readFoldedModel(mlir::ModuleOp module);

/// "'pi.tanh' (ONNX node '/h.0/Tanh') WHAT", as every backend says that it
/// cannot express an op.
std::string describeProblem(mlir::Operation *op, const llvm::Twine &what);

/// A name from a file for a comment of a program: one line of ASCII.
std::string sanitizeName(llvm::StringRef name);

/// Replaces every `from` in a template by `to`.
void replaceAll(std::string &text, llvm::StringRef from, llvm::StringRef to);

} // namespace aero

#endif // AERO_TARGET_FOLDEDMODEL_H
