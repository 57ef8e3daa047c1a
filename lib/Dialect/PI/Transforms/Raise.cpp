//===- Raise.cpp - From ONNX arithmetic to the ops of transformers --------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Raise.h"

#include "aero/Analysis/Layers.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace aero::pi {
#define GEN_PASS_DEF_RAISEPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {

std::optional<ElementsData<float>> readFloats(Value value) {
  ElementsAttr elements;
  if (auto weight = value.getDefiningOp<WeightOp>())
    elements = weight.getValue();
  else if (auto constant = value.getDefiningOp<ConstantOp>())
    elements = constant.getValue();
  if (!elements)
    return std::nullopt;
  auto data = getFloatData(elements);
  if (data)
    return *data;
  llvm::consumeError(data.takeError());
  return std::nullopt;
}

std::optional<double> readScalar(Value value) {
  if (cast<RankedTensorType>(value.getType()).getNumElements() != 1)
    return std::nullopt;
  std::optional<ElementsData<float>> data = readFloats(value);
  return data ? std::optional<double>((*data)[0]) : std::nullopt;
}

int64_t getWidth(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getRank() ? type.getShape().back() : 0;
}

bool isVector(Value value, int64_t width) {
  auto type = cast<RankedTensorType>(value.getType());
  return isa_and_present<WeightOp, ConstantOp>(value.getDefiningOp()) &&
         type.getElementType().isF32() && type.getRank() == 1 &&
         type.getDimSize(0) == width;
}

std::optional<ScalarOperand> matchScalarOperand(Operation *op) {
  if (std::optional<double> number = readScalar(op->getOperand(1)))
    return ScalarOperand{op->getOperand(0), op->getOperand(1), *number};
  if (op->hasTrait<OpTrait::IsCommutative>())
    if (std::optional<double> number = readScalar(op->getOperand(0)))
      return ScalarOperand{op->getOperand(1), op->getOperand(0), *number};
  return std::nullopt;
}

std::string describeValue(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return "an argument";
  std::string name = getNodeName(op->getLoc());
  std::string text = op->getName().getStringRef().str();
  return name.empty() ? text : text + " (ONNX node '" + name + "')";
}

Value createConstant(OpBuilder &builder, Location loc, ArrayRef<int64_t> shape,
                     std::vector<float> &&values) {
  auto type = RankedTensorType::get(shape, builder.getF32Type());
  // Equal constants of all layers become one, which takes a comparison; beyond
  // this many elements memory for a second one is cheaper.
  constexpr size_t kLargestUniqued = size_t(1) << 20;
  ElementsAttr attr;
  if (values.size() <= kLargestUniqued)
    attr = DenseElementsAttr::get(type, ArrayRef<float>(values));
  else
    attr = makeFloatResource(type, std::move(values), "constant");
  return ConstantOp::create(builder, loc, type, attr);
}

Location fuseLocations(ArrayRef<Operation *> ops) {
  SmallVector<Operation *> sorted(ops);
  llvm::sort(sorted,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  SmallVector<Location> locations;
  for (Operation *op : sorted)
    locations.push_back(op->getLoc());
  return FusedLoc::get(ops.front()->getContext(), locations);
}

namespace {

struct RaisePass : impl::RaisePassBase<RaisePass> {
  using RaisePassBase::RaisePassBase;

  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    populateRaiseLayerNormPatterns(set);
    populateRaiseActivationPatterns(set);
    populateRaiseGeluPatterns(set);
    populateRaiseLinearPatterns(set);
    populateRaiseAttentionPatterns(set);
    populateRaiseRotaryPatterns(set);
    populateRaiseLayoutPatterns(set);
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    if (failed(applyPatternsGreedily(func, patterns)))
      return signalPassFailure();
    recordLayers(func);
  }

private:
  /// Later passes change the graph, the locations stay.
  static void recordLayers(func::FuncOp func) {
    LayerAnalysis layers(func);
    func.getBody().walk([&](Operation *op) {
      int64_t layer = layers.getLayer(op);
      if (layer != getLayer(op->getLoc()))
        op->setLoc(withLayer(op->getLoc(), layer));
    });
  }

  FrozenRewritePatternSet patterns;
};

} // namespace
} // namespace aero::pi
