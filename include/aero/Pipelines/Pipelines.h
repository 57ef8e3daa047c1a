//===- Pipelines.h - Named pipelines --------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_PIPELINES_PIPELINES_H
#define AERO_PIPELINES_PIPELINES_H

#include "aero/Pipelines/Configurations.h"
#include "mlir/Pass/PassManager.h"

namespace aero {

struct RewriteOptions {
  Configuration config = Configuration::AsIs;
  /// Fail on ops that `pi-raise` does not know; without, they stay, which only
  /// a person who looks at the network can want.
  bool requireRaised = true;
};

/// From imported `pi` to the network of a configuration, in raised `pi`. The
/// weights keep their initializer names, so that the network can be trained
/// and its values put back. Fails in the pass manager, with a diagnostic, if
/// the model cannot be made into that network.
void buildRewritePipeline(mlir::OpPassManager &pm,
                          const RewriteOptions &options);

struct LowerOptions {
  /// Compute the logits of one token, at a public position, instead of all.
  bool lastTokenOnly = true;
  /// Scores in base 2: what the secure exponential wants. Without, there is no
  /// lowering to shares, but the rewritten `pi` is the same function.
  bool base2 = true;
  /// Stop before `convert-pi-to-mpc`, at `pi` with all constants folded.
  bool toShares = true;
};

/// From a rewritten network to scheduled `mpc`: folds every constant into the
/// weights and lowers to fixed-point shares.
void buildLowerPipeline(mlir::OpPassManager &pm, const LowerOptions &options);

struct CompileOptions {
  RewriteOptions rewrite;
  LowerOptions lower;
};

/// Rewrite, then lower.
void buildCompilePipeline(mlir::OpPassManager &pm,
                          const CompileOptions &options);

/// Registers `aero-rewrite`, `aero-lower` and `aero-compile`.
void registerPipelines();

} // namespace aero

#endif // AERO_PIPELINES_PIPELINES_H
