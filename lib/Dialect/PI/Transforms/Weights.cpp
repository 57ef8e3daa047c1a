//===- Weights.cpp - Weights as the passes see them -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Weights.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace aero::pi {
namespace {

/// What holds the elements of a known value: behind its transpose, if any.
Value getStored(Value value) {
  auto transpose = value.getDefiningOp<TransposeOp>();
  return transpose && isMatrixTranspose(transpose) ? transpose.getInput()
                                                   : value;
}

/// The attribute of a weight or constant, null for other values.
ElementsAttr getAttr(Value value) {
  Operation *op = value.getDefiningOp();
  if (auto weight = dyn_cast_if_present<WeightOp>(op))
    return weight.getValue();
  if (auto constant = dyn_cast_if_present<ConstantOp>(op))
    return constant.getValue();
  return {};
}

} // namespace

bool isKnown(Value value) {
  return getAttr(getStored(value)) &&
         cast<RankedTensorType>(value.getType()).getElementType().isF32();
}

LogicalResult verifyWeightsReadable(Operation *root) {
  WalkResult result = root->walk([](Operation *op) {
    if (!isa<WeightOp, ConstantOp>(op) || !isKnown(op->getResult(0)))
      return WalkResult::advance();
    // Dense elements always hold their data, and reading a splat would copy it.
    ElementsAttr attr = getAttr(op->getResult(0));
    if (isa<DenseElementsAttr>(attr))
      return WalkResult::advance();
    auto data = getFloatData(attr);
    if (data)
      return WalkResult::advance();
    op->emitOpError() << "cannot be read: " << llvm::toString(data.takeError());
    return WalkResult::interrupt();
  });
  return failure(result.wasInterrupted());
}

std::string describe(Operation *op) {
  std::string node = getNodeName(op->getLoc());
  std::string kind = op->getName().getStringRef().str();
  return node.empty() ? kind : "'" + node + "' (" + kind + ")";
}

ElementsData<float> getElements(Value known) {
  assert(isKnown(known) && "expected a float weight or constant");
  Value stored = getStored(known);
  ElementsData<float> data = llvm::cantFail(getFloatData(getAttr(stored)));
  if (stored == known)
    return data;
  auto type = cast<RankedTensorType>(stored.getType());
  std::vector<float> transposed(data.size());
  transposeMatrix(data.begin(), transposed.data(), type.getDimSize(0),
                  type.getDimSize(1));
  return transposed;
}

std::optional<double> getScalar(Value value) {
  if (!isKnown(value) ||
      cast<RankedTensorType>(value.getType()).getNumElements() != 1)
    return std::nullopt;
  return getElements(value)[0];
}

std::optional<Scaling> matchScaling(Operation *op) {
  auto match = [&](Value base, Value scalar,
                   bool divide) -> std::optional<Scaling> {
    std::optional<double> factor = getScalar(scalar);
    if (!factor || base.getType() != op->getResult(0).getType())
      return std::nullopt;
    return Scaling{base, scalar, divide ? 1.0 / *factor : *factor};
  };
  if (auto mul = dyn_cast_if_present<MulOp>(op)) {
    if (auto scaling = match(mul.getLhs(), mul.getRhs(), /*divide=*/false))
      return scaling;
    return match(mul.getRhs(), mul.getLhs(), /*divide=*/false);
  }
  if (auto div = dyn_cast_if_present<DivOp>(op))
    return match(div.getLhs(), div.getRhs(), /*divide=*/true);
  return std::nullopt;
}

std::string joinNames(ArrayRef<Value> parts) {
  llvm::SmallSetVector<StringRef, 4> names;
  for (Value part : parts) {
    auto weight = part ? getStored(part).getDefiningOp<WeightOp>() : WeightOp();
    if (!weight)
      continue;
    SmallVector<StringRef> pieces;
    weight.getName().split(pieces, '+');
    names.insert(pieces.begin(), pieces.end());
  }
  return llvm::join(names, "+");
}

Value createKnown(OpBuilder &builder, Location loc, ArrayRef<Value> parts,
                  ArrayRef<int64_t> shape, std::vector<float> &&values) {
  // Where its first part is, so that weights stay together.
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPointAfterValue(parts.front());
  auto type = RankedTensorType::get(shape, builder.getF32Type());
  std::string name = joinNames(parts);
  ElementsAttr attr = makeFloatResource(type, std::move(values), name);
  if (name.empty())
    return ConstantOp::create(builder, loc, type, attr);
  return WeightOp::create(builder, loc, name, attr);
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
