//===- Roles.h - What weights and the ops around the blocks are for -------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_ANALYSIS_ROLES_H
#define AERO_LIB_ANALYSIS_ROLES_H

#include "aero/Analysis/Layers.h"
#include "aero/Dialect/PI/IR/PIOps.h"

namespace aero::pi {

/// What stands at the ends of a language model.
struct Roles {
  /// The lookup of the tokens; null if nothing is looked up.
  EmbeddingOp tokenEmbedding;
  /// The `pi.linear` or `pi.matmul` that makes the logits, or null.
  mlir::Operation *vocabularyProjection = nullptr;
  /// The `pi.weight`s with one row a position.
  llvm::DenseSet<mlir::Operation *> positionTables;
};

Roles findRoles(mlir::func::FuncOp func, const LayerAnalysis &layers);

/// The weight that `value` is, seen through transposes, slices and other ops
/// that move elements only; null if it is something else.
WeightOp getWeight(mlir::Value value);

/// The ops that compute with `weight`, seen through the same ops.
llvm::SmallVector<mlir::Operation *> getReaders(WeightOp weight);

/// The weight matrix of a `pi.linear` or `pi.matmul`, or null.
WeightOp getMatrix(mlir::Operation *op);

/// `b` is `a`, or holds its transpose, element by element: exporters store a
/// vocabulary matrix that is shared with the embedding twice.
bool isSameParameter(WeightOp a, WeightOp b);

} // namespace aero::pi

#endif // AERO_LIB_ANALYSIS_ROLES_H
