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

namespace aero::pi {

/// How `pi-strip-layernorm` takes a norm out.
enum class StripNormMode {
  /// The norm disappears with its gamma and beta. The network is another one
  /// and has to be trained again.
  Remove
};

/// Which norms `pi-strip-layernorm` takes out.
enum class StripNormWhich { All, Block, Final };

/// What `pi-replace-activation` puts in place of an activation.
enum class ReplacementActivation { Identity, Relu, LeakyRelu };

/// Whether `pi-verify-nonlinearities` wants an op in the network.
enum class Presence { Any, Required, Absent };

/// Which activation `pi-verify-nonlinearities` wants in the network.
enum class PromisedActivation { Any, None, Gelu, Relu };

#define GEN_PASS_DECL
#include "aero/Dialect/PI/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "aero/Dialect/PI/Transforms/Passes.h.inc"

} // namespace aero::pi

#endif // AERO_DIALECT_PI_TRANSFORMS_PASSES_H
