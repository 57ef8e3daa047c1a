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

#include <optional>

namespace aero {

struct RewriteOptions {
  Configuration config = Configuration::AsIs;
  /// Fail on ops that `pi-raise` does not know; without, they stay, which only
  /// a person who looks at the network can want.
  bool requireRaised = true;

  // What is not set is the default of the pass. What is set has to be of a pass
  // that the configuration runs, see checkRewriteOptions.

  /// How norms are taken out, and for Static what they divide by.
  std::optional<pi::StripNormMode> normMode;
  pi::NormCalibration calibration;
  /// Where the scales of a scaled feed-forward network start.
  std::optional<float> initialAlpha, initialBeta;
  /// Where temperatures and entropy thresholds of attention start, and what has
  /// a temperature of its own.
  std::optional<float> initialTemperature, initialThreshold;
  std::optional<pi::TemperatureShape> temperatureShape;
  /// Makes of each ReLU that the configuration puts in a leaky one with a
  /// learnable slope, which starts here.
  std::optional<float> initialSlope;
};

/// The error has one line for each option that contradicts another, or is of a
/// pass that the configuration does not run. It calls them as the pipeline and
/// the tool do: 'initial-alpha'.
llvm::Error checkRewriteOptions(const RewriteOptions &options);

/// From imported `pi` to the network of a configuration, in raised `pi`. The
/// weights keep their initializer names, so that the network can be trained
/// and its values put back. Fails in the pass manager, with a diagnostic, if
/// the model cannot be made into that network. The options must have passed
/// checkRewriteOptions.
void buildRewritePipeline(mlir::OpPassManager &pm,
                          const RewriteOptions &options);

/// Which sums of linear maps are multiplied with the matrix behind them.
enum class CollapseLinear {
  Never,
  /// Where it takes no more multiply-adds.
  Free,
  /// Everything between two softmaxes: fewer exchanges for more multiply-adds.
  Always
};

struct LowerOptions {
  /// Compute the logits of one token, at a public position, instead of all.
  bool lastTokenOnly = true;
  /// Scores in base 2: what the secure exponential wants. Without, there is no
  /// lowering to shares, but the rewritten `pi` is the same function.
  bool base2 = true;
  /// Stop before `convert-pi-to-mpc`, at `pi` with all constants folded.
  bool toShares = true;
  /// The client learns the next token, and not the logits.
  bool revealToken = false;
  CollapseLinear collapse = CollapseLinear::Free;
  /// Multiply one input by all its matrices at once.
  bool join = true;
  /// Compare in as few bits as proved ranges take.
  bool provedRanges = true;
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
