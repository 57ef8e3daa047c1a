//===- FeedForward.h - The feed-forward networks of a transformer ---------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_DIALECT_PI_TRANSFORMS_FEEDFORWARD_H
#define AERO_LIB_DIALECT_PI_TRANSFORMS_FEEDFORWARD_H

#include "aero/Analysis/Layers.h"
#include "aero/Dialect/PI/IR/PIOps.h"

#include <string>

namespace aero::pi {

/// The feed-forward network of a layer, where it joins the residual stream:
///   sum = beta * stream + branch / alpha
/// with the factors of a scaled network, or without.
struct FeedForward {
  int64_t layer;
  /// The residual sum.
  AddOp sum;
  /// Its operands, without the factors.
  mlir::Value stream, branch;
  /// There is a factor on one of the two.
  bool isScaled;
  /// The network does not read what the layer's attention wrote.
  bool isParallel;
};

/// The feed-forward networks, in program order. One whose result has readers
/// beside the residual sum is none.
llvm::SmallVector<FeedForward> findFeedForwards(mlir::func::FuncOp func,
                                                const LayerAnalysis &layers);

/// A parameter of one element that training starts at `value`: tensor<f32>.
mlir::Value createScalarWeight(mlir::OpBuilder &builder, mlir::Location loc,
                               const llvm::Twine &name, float value);

/// Erases what computes `values`, as far as nothing reads it.
void eraseUnused(llvm::ArrayRef<mlir::Value> values);

} // namespace aero::pi

#endif // AERO_LIB_DIALECT_PI_TRANSFORMS_FEEDFORWARD_H
