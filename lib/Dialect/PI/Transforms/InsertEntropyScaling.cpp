//===- InsertEntropyScaling.cpp - Learnable temperatures of attention -----===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerSelection.h"
#include "Weights.h"
#include "aero/Analysis/Layers.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/IR/Remarks.h"

#include <cmath>

namespace aero::pi {
#define GEN_PASS_DEF_INSERTENTROPYSCALINGPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

constexpr StringLiteral kPass = "pi-insert-entropy-scaling";

struct InsertEntropyScalingPass
    : public impl::InsertEntropyScalingPassBase<InsertEntropyScalingPass> {
  using InsertEntropyScalingPassBase::InsertEntropyScalingPassBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    if (failed(checkOptions()))
      return signalPassFailure();
    LayerAnalysis layers(func);
    FailureOr<LayerSelection> selection =
        LayerSelection::parse(func, kPass, layerList, layers.getNumLayers());
    if (failed(selection))
      return signalPassFailure();

    bool found = false;
    DenseMap<int64_t, int64_t> used;
    func.walk([&](AttentionOp op) {
      int64_t layer = layers.getLayer(op);
      if (!selection->contains(layer))
        return;
      found = true;
      insert(op, layer, used[layer]++);
    });
    if (found)
      return;
    if (configuration.empty()) {
      remark::missed(func.getLoc(),
                     remark::RemarkOpts::name("temperature").category(kPass))
          << remark::reason("there is no attention");
      return;
    }
    InFlightDiagnostic diag = emitError(func.getLoc())
                              << "configuration '" << configuration
                              << "' gives attention a temperature, and the "
                                 "model '"
                              << func.getSymName() << "' has no attention";
    diag.attachNote() << "choose a configuration without SM(t), or as-is";
    signalPassFailure();
  }

private:
  LogicalResult checkOptions() {
    Location loc = getOperation().getLoc();
    if (!std::isfinite(initial.getValue()) || initial <= 0)
      return emitError(loc)
             << kPass << ": expected a temperature above 0, got initial="
             << std::to_string(initial.getValue());
    if (!(threshold >= 0 && threshold <= 1))
      return emitError(loc) << kPass
                            << ": expected a threshold in [0, 1], a part of "
                               "the largest entropy, got threshold="
                            << std::to_string(threshold.getValue());
    return success();
  }

  /// pi.attention  ->  pi.attention temperature %t entropy_thresholds [...]
  void insert(AttentionOp op, int64_t layer, int64_t index) {
    OpBuilder builder(op);
    auto options = remark::RemarkOpts::name("temperature").category(kPass);
    int64_t heads = op.getHeads();
    if (!op.getEntropyThresholds())
      op.setEntropyThresholds(SmallVector<float>(heads, threshold.getValue()));
    if (op.getTemperature()) {
      remark::missed(op.getLoc(), options)
          << remark::reason("{0} has a temperature already", describe(op));
      return;
    }
    std::string name = "aero.temperature";
    if (layer >= 0)
      name += "." + std::to_string(layer);
    if (index > 0)
      name += "." + std::to_string(index);
    int64_t columns = shape == TemperatureShape::Head
                          ? 1
                          : op.getQuery().getType().getDimSize(1);
    auto type = RankedTensorType::get({heads, columns}, builder.getF32Type());
    Value weight =
        WeightOp::create(builder, op.getLoc(), name,
                         DenseElementsAttr::get(type, initial.getValue()));
    op.getTemperatureMutable().assign(weight);
    remark::passed(op.getLoc(), options)
        << remark::add("gave {0} a temperature of {1} heads and {2} positions",
                       describe(op), heads, columns);
  }
};

} // namespace
} // namespace aero::pi
