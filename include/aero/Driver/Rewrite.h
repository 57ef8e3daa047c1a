//===- Rewrite.h - What each pass of a configuration does -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Watches a rewrite pass by pass: which ops, parameters and FLOPs each took
/// out, how far it moved the outputs, and what the network costs afterwards.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_DRIVER_REWRITE_H
#define AERO_DRIVER_REWRITE_H

#include "aero/Reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace aero {

/// The function after one pass; weights are shared with the module.
struct RewriteStage {
  /// "pi-strip-layernorm"; empty for the model as imported.
  std::string pass;
  mlir::OwningOpRef<mlir::ModuleOp> module;

  mlir::func::FuncOp getFunction();
};

/// Stages of one function: as imported, and after each pass that changed it.
using RewriteTrace = std::vector<RewriteStage>;

/// Records the stages of a pipeline that runs on functions; to be added to its
/// pass manager. `trace` must outlive it.
std::unique_ptr<mlir::PassInstrumentation> traceRewrite(RewriteTrace &trace);

/// How far outputs are from those of the model as imported.
struct OutputDistance {
  /// The largest difference of an element, and the same relative to the largest
  /// element of that output.
  double largest = 0, relative = 0;
};

/// What a secure inference of one prompt takes.
struct SecureCost {
  uint64_t onlineBytes = 0, offlineBytes = 0;
  uint32_t exchanges = 0;
};

struct RewriteStep {
  std::string pass;
  /// Ops by kind ("layer_norm"), without weights and constants.
  std::map<std::string, int64_t> ops;
  /// Elements of all weights, and FLOPs of all products but the lookups, which
  /// are free in the clear.
  int64_t parameters = 0, flops = 0;
  /// Not set if the stage was not run.
  std::optional<OutputDistance> distance;
  /// Not set unless the engines can run the stage.
  std::optional<SecureCost> cost;
};

/// The ops, parameters and FLOPs of every stage. The first is the model in
/// raised form: `pi-raise` finds its layers and takes nothing away.
std::vector<RewriteStep> summarizeRewrite(RewriteTrace &trace);

/// "layer_norm 5, gelu 2": which ops `after` has fewer of, with the sign "+"
/// those that it has more of, and "nothing".
std::string describeChange(const RewriteStep &before, const RewriteStep &after);

/// Runs every stage on `inputs` and fills in the distances of `steps`, which
/// summarizeRewrite made from `trace`.
llvm::Error
measureOutputs(RewriteTrace &trace, std::vector<RewriteStep> &steps,
               llvm::ArrayRef<std::vector<reference::Tensor>> inputs);

/// Lowers every stage that can be lowered, for the logits of one token, and
/// fills in the costs.
void predictCosts(RewriteTrace &trace, std::vector<RewriteStep> &steps);

} // namespace aero

#endif // AERO_DRIVER_REWRITE_H
