//===- FeedForwards.cpp - The feed-forward networks of a transformer ------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/FeedForwards.h"

using namespace mlir;

namespace aero::pi {
namespace {

/// What `op` multiplies or divides by a weight or constant of one element, or
/// null. The scalar is not read: networks without data have feed-forward
/// networks too.
Value getScaledBase(Operation *op) {
  auto isScalar = [](Value value) {
    auto type = cast<RankedTensorType>(value.getType());
    return isa_and_present<WeightOp, ConstantOp>(value.getDefiningOp()) &&
           type.getElementType().isF32() && type.getNumElements() == 1;
  };
  if (!isa_and_present<MulOp, DivOp>(op))
    return {};
  Value lhs = op->getOperand(0), rhs = op->getOperand(1);
  Type type = op->getResult(0).getType();
  if (isScalar(rhs) && lhs.getType() == type)
    return lhs;
  return isa<MulOp>(op) && isScalar(lhs) && rhs.getType() == type ? rhs
                                                                  : Value();
}

/// `value` without the factors in front of it. `isReadOnce` becomes false if
/// something else reads one of the values on the way.
Value stripFactors(Value value, bool &isReadOnce,
                   SmallVectorImpl<Operation *> &factors) {
  isReadOnce &= value.hasOneUse();
  while (Value base = getScaledBase(value.getDefiningOp())) {
    factors.push_back(value.getDefiningOp());
    value = base;
    isReadOnce &= value.hasOneUse();
  }
  return value;
}

} // namespace

SmallVector<FeedForward> findFeedForwards(func::FuncOp func,
                                          const LayerAnalysis &layers) {
  SmallVector<FeedForward> found;
  auto isOutput = [&](Value value) {
    auto linear = value.getDefiningOp<LinearOp>();
    return linear && layers.getPart(linear) == BlockPart::FeedForward;
  };
  func.walk([&](AddOp sum) {
    for (auto [stream, branch] : {std::pair(sum.getLhs(), sum.getRhs()),
                                  std::pair(sum.getRhs(), sum.getLhs())}) {
      bool isReadOnce = true, ignored = true;
      SmallVector<Operation *, 1> branchFactors, streamFactors;
      Value output = stripFactors(branch, isReadOnce, branchFactors);
      Value base = stripFactors(stream, ignored, streamFactors);
      // A sum of two linear maps is inside of a network. So is one with a
      // parameter.
      Operation *producer = base.getDefiningOp();
      if (!isOutput(output) || isOutput(base) || !isReadOnce ||
          stream.getType() != branch.getType() ||
          (producer && !layers.isData(producer)))
        continue;
      Operation *linear = output.getDefiningOp();
      int64_t layer = layers.getLayer(linear);
      found.push_back({layer, sum, base, output, std::move(streamFactors),
                       std::move(branchFactors),
                       layers.getDepth(linear) <= layer});
      return;
    }
  });
  return found;
}

} // namespace aero::pi
