//===- ReplaceActivation.cpp - Replaces activations -----------------------===//
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
#define GEN_PASS_DEF_REPLACEACTIVATIONPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

constexpr StringLiteral kPass = "pi-replace-activation";

bool isActivation(Operation *op) {
  return isa<GeluOp, SiluOp, ReluOp, LeakyReluOp, PReluOp>(op);
}

/// The product of `activation` and a second linear map, which makes the
/// feed-forward network a gated one (SwiGLU), or null.
MulOp getGatedProduct(Operation *activation, const LayerAnalysis &layers) {
  for (Operation *user : activation->getUsers())
    if (auto product = dyn_cast<MulOp>(user);
        product && llvm::all_of(product->getOperands(), [&](Value operand) {
          Operation *producer = operand.getDefiningOp();
          return !producer || layers.isData(producer);
        }))
      return product;
  return {};
}

struct ReplaceActivationPass
    : public impl::ReplaceActivationPassBase<ReplaceActivationPass> {
  using ReplaceActivationPassBase::ReplaceActivationPassBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    if (learnable && to != ReplacementActivation::LeakyRelu) {
      emitError(func.getLoc())
          << kPass << ": learnable=true is about the slope of to=leaky_relu";
      return signalPassFailure();
    }
    if (!std::isfinite(slope.getValue())) {
      emitError(func.getLoc()) << kPass << ": expected a finite slope, got "
                               << std::to_string(slope.getValue());
      return signalPassFailure();
    }
    LayerAnalysis layers(func);
    FailureOr<LayerSelection> selection =
        LayerSelection::parse(func, kPass, layerList, layers.getNumLayers());
    if (failed(selection))
      return signalPassFailure();

    SmallVector<std::pair<Operation *, int64_t>> chosen;
    func.walk([&](Operation *op) {
      if (int64_t layer = layers.getLayer(op);
          isActivation(op) && selection->contains(layer))
        chosen.push_back({op, layer});
    });
    if (chosen.empty())
      remark::missed(func.getLoc(),
                     remark::RemarkOpts::name("activation").category(kPass))
          << remark::reason("there is no activation to replace");
    // Gates first: an error must not leave half of the network changed.
    if (to == ReplacementActivation::Identity)
      for (auto [op, layer] : chosen)
        if (MulOp product = getGatedProduct(op, layers);
            product && gate == GateHandling::Refuse)
          return refuse(op);
    slopes.clear();
    for (auto [op, layer] : chosen)
      replace(op, layer, layers);
  }

private:
  void refuse(Operation *op) {
    InFlightDiagnostic diag = emitError(op->getLoc())
                              << kPass << ": " << describe(op)
                              << " is the gate of a feed-forward network: "
                                 "without it the network is a product of two "
                                 "linear maps, which is not linear";
    diag.attachNote() << "choose to=relu, gate=drop (the gate and its matrix "
                         "go as well) or gate=keep (the product stays)";
    signalPassFailure();
  }

  void replace(Operation *op, int64_t layer, const LayerAnalysis &layers);

  /// How many slopes each layer has so far: -1 is outside of layers.
  DenseMap<int64_t, int64_t> slopes;
};

/// %a = pi.gelu %x  ->  %a = pi.relu %x, pi.leaky_relu %x, pi.prelu %x or %x
/// and, to drop a gate, %p = pi.mul %a, %u  ->  %u
void ReplaceActivationPass::replace(Operation *op, int64_t layer,
                                    const LayerAnalysis &layers) {
  OpBuilder builder(op);
  Value input = op->getOperand(0), result = op->getResult(0);
  Location loc = op->getLoc();
  switch (to.getValue()) {
  case ReplacementActivation::Identity: {
    MulOp product = getGatedProduct(op, layers);
    if (product && gate == GateHandling::Drop) {
      Value other =
          product.getLhs() == result ? product.getRhs() : product.getLhs();
      product.replaceAllUsesWith(other);
      eraseUnused(product.getResult());
      return;
    }
    result.replaceAllUsesWith(input);
    break;
  }
  case ReplacementActivation::Relu:
    if (isa<ReluOp>(op))
      return;
    result.replaceAllUsesWith(
        ReluOp::create(builder, loc, result.getType(), input));
    break;
  case ReplacementActivation::LeakyRelu: {
    // One that is leaky already keeps the slope that it was trained with.
    auto leaky = dyn_cast<LeakyReluOp>(op);
    if (isa<PReluOp>(op) || (leaky && !learnable))
      return;
    FloatAttr value =
        leaky ? leaky.getSlopeAttr() : builder.getF32FloatAttr(slope);
    if (!learnable) {
      result.replaceAllUsesWith(
          LeakyReluOp::create(builder, loc, result.getType(), input, value));
      break;
    }
    std::string name = "aero.leaky_slope";
    if (layer >= 0)
      name += "." + std::to_string(layer);
    if (int64_t index = slopes[layer]++)
      name += "." + std::to_string(index);
    Value weight = createScalarWeight(builder, loc, name,
                                      value.getValue().convertToFloat());
    result.replaceAllUsesWith(
        PReluOp::create(builder, loc, result.getType(), input, weight));
    break;
  }
  }
  eraseUnused(result);
}

} // namespace
} // namespace aero::pi
