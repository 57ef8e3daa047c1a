//===- FeedForwards.h - The feed-forward networks of a transformer --------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_ANALYSIS_FEEDFORWARDS_H
#define AERO_ANALYSIS_FEEDFORWARDS_H

#include "aero/Analysis/Layers.h"
#include "aero/Dialect/PI/IR/PIOps.h"

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
  /// The factors: `pi.mul` and `pi.div` by known scalars, from the sum up.
  llvm::SmallVector<mlir::Operation *, 1> streamFactors, branchFactors;
  /// The network does not read what the layer's attention wrote.
  bool isParallel;

  /// There is a factor on one of the two.
  bool isScaled() const {
    return !streamFactors.empty() || !branchFactors.empty();
  }
};

/// The feed-forward networks, in program order. One whose result has readers
/// beside the residual sum is none.
llvm::SmallVector<FeedForward> findFeedForwards(mlir::func::FuncOp func,
                                                const LayerAnalysis &layers);

} // namespace aero::pi

#endif // AERO_ANALYSIS_FEEDFORWARDS_H
