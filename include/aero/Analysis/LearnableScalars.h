//===- LearnableScalars.h - What AERO networks are trained with -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_ANALYSIS_LEARNABLESCALARS_H
#define AERO_ANALYSIS_LEARNABLESCALARS_H

#include "aero/Analysis/Layers.h"
#include "aero/Dialect/PI/IR/PIOps.h"

#include <vector>

namespace aero::pi {

/// What a learnable scalar is for, in the AERO paper's terms.
enum class ScalarRole {
  /// Of a scaled feed-forward network, beta * y + ffn(y) / alpha.
  Alpha,
  Beta,
  /// Of attention: divides the scores.
  Temperature,
  /// Of a `pi.prelu`.
  LeakySlope
};

/// "ffn_alpha", "ffn_beta", "temperature", "leaky_slope": as files have it.
llvm::StringRef stringifyRole(ScalarRole role);

/// A weight that has a role, however it is called.
struct LearnableScalar {
  ScalarRole role;
  /// The transformer layer, or -1 outside of all layers.
  int64_t layer;
  WeightOp weight;
  /// The op that computes with it: `pi.div`, `pi.mul`, `pi.attention` or
  /// `pi.prelu`.
  mlir::Operation *op;
};

/// The learnable scalars of a function of raised `pi`, in program order. A
/// weight that several layers share is named for each of them.
std::vector<LearnableScalar> findLearnableScalars(mlir::func::FuncOp func,
                                                  const LayerAnalysis &layers);

} // namespace aero::pi

#endif // AERO_ANALYSIS_LEARNABLESCALARS_H
