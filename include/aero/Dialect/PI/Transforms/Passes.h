//===- Passes.h - Passes over the pi dialect ------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_PI_TRANSFORMS_PASSES_H
#define AERO_DIALECT_PI_TRANSFORMS_PASSES_H

#include "aero/Dialect/PI/IR/PIDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

#include <map>
#include <string>

namespace aero::pi {

/// How `pi-strip-layernorm` takes a norm out.
enum class StripNormMode {
  /// The norm disappears with its gamma and beta. The network is another one
  /// and has to be trained again.
  Remove,
  /// Gamma and beta stay: x * gamma + beta.
  Affine,
  /// The norm divides by a constant from calibration data.
  Static
};

/// Which norms `pi-strip-layernorm` takes out.
enum class StripNormWhich { All, Block, Final };

/// What each norm divides by, sqrt(variance + epsilon), under its
/// `NormSite::key` or `NormSite::place`.
using NormCalibration = std::map<std::string, double>;

/// What `pi-replace-activation` puts in place of an activation.
enum class ReplacementActivation { Identity, Relu, LeakyRelu };

/// What the identity makes of the gate of a feed-forward network.
enum class GateHandling { Refuse, Drop, Keep };

/// What has a temperature of its own.
enum class TemperatureShape { HeadAndPosition, Head };

/// By what `pi-static-norm` divides a matrix, and which it chooses.
enum class StaticNormMethod { Weight, Spectral };
enum class StaticNormWhich { FeedForward, Attention, All };

/// Whether `pi-verify-nonlinearities` wants an op in the network.
enum class Presence { Any, Required, Absent };

/// Which activation `pi-verify-nonlinearities` wants in the network.
enum class PromisedActivation { Any, None, Gelu, Relu, LeakyRelu };

#define GEN_PASS_DECL
#include "aero/Dialect/PI/Transforms/Passes.h.inc"

/// `pi-strip-layernorm` with calibration data that a program has, not a file.
std::unique_ptr<mlir::Pass>
createStripLayerNormPass(StripLayerNormPassOptions options,
                         NormCalibration calibration);

#define GEN_PASS_REGISTRATION
#include "aero/Dialect/PI/Transforms/Passes.h.inc"

} // namespace aero::pi

#endif // AERO_DIALECT_PI_TRANSFORMS_PASSES_H
