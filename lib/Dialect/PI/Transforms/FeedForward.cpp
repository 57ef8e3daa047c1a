//===- FeedForward.cpp - The feed-forward networks of a transformer -------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FeedForward.h"

#include "Weights.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace aero::pi {
namespace {

/// What `op` multiplies or divides by a known scalar, or null. Unlike
/// matchScaling it does not read the scalar: networks without data have feed-
/// forward networks too.
Value getScaledBase(Operation *op) {
  auto isScalar = [](Value value) {
    return isKnown(value) &&
           cast<RankedTensorType>(value.getType()).getNumElements() == 1;
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
Value stripFactors(Value value, bool &isReadOnce) {
  isReadOnce &= value.hasOneUse();
  while (Value base = getScaledBase(value.getDefiningOp())) {
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
      Value output = stripFactors(branch, isReadOnce);
      Value base = stripFactors(stream, ignored);
      // A sum of two linear maps is inside of a network. So is one with a
      // parameter.
      Operation *producer = base.getDefiningOp();
      if (!isOutput(output) || isOutput(base) || !isReadOnce ||
          stream.getType() != branch.getType() ||
          (producer && !layers.isData(producer)))
        continue;
      Operation *linear = output.getDefiningOp();
      int64_t layer = layers.getLayer(linear);
      found.push_back({layer, sum, base, output,
                       base != stream || output != branch,
                       layers.getDepth(linear) <= layer});
      return;
    }
  });
  return found;
}

Value createScalarWeight(OpBuilder &builder, Location loc, const Twine &name,
                         float value) {
  auto type = RankedTensorType::get({}, builder.getF32Type());
  return WeightOp::create(builder, loc, name.str(),
                          DenseElementsAttr::get(type, value));
}

void eraseUnused(ArrayRef<Value> values) {
  llvm::SmallSetVector<Operation *, 8> worklist;
  for (Value value : values)
    if (Operation *op = value.getDefiningOp())
      worklist.insert(op);
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val();
    if (!isOpTriviallyDead(op))
      continue;
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        worklist.insert(producer);
    op->erase();
  }
}

} // namespace aero::pi
