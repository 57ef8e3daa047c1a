//===- Builder.cpp - Building pi from loops over tensors ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Builder.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace aero;
using namespace aero::linalgtopi;

TypedAttr linalgtopi::getSplat(Value value) {
  Operation *op = value.getDefiningOp();
  while (isa_and_present<pi::BroadcastOp, pi::ReshapeOp>(op))
    op = op->getOperand(0).getDefiningOp();
  auto constant = dyn_cast_or_null<pi::ConstantOp>(op);
  if (!constant)
    return {};
  auto dense = dyn_cast<DenseElementsAttr>(constant.getValue());
  if (!dense || !dense.isSplat())
    return {};
  return cast<TypedAttr>(dense.getSplatValue<Attribute>());
}

std::optional<float> linalgtopi::getFloatConstant(Value value) {
  if (auto number = dyn_cast_or_null<FloatAttr>(getSplat(value)))
    return number.getValue().convertToFloat();
  return std::nullopt;
}

Value TensorBuilder::scalar(TypedAttr value) {
  auto type = RankedTensorType::get({}, value.getType());
  return pi::ConstantOp::create(*this, type,
                                DenseElementsAttr::get(type, Attribute(value)));
}

Value TensorBuilder::range(int64_t size, unsigned rank) {
  SmallVector<int64_t> shape(rank, 1);
  shape.front() = size;
  auto type = RankedTensorType::get(shape, getI64Type());
  auto values = llvm::to_vector(llvm::seq<int64_t>(0, size));
  return pi::ConstantOp::create(
      *this, type, DenseElementsAttr::get(type, ArrayRef<int64_t>(values)));
}

Value TensorBuilder::reshape(Value value, Shape shape) {
  if (shapeOf(value) == shape)
    return value;
  return pi::ReshapeOp::create(*this, value, shape);
}

Value TensorBuilder::transpose(Value value, Shape permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return value;
  return pi::TransposeOp::create(*this, value, permutation);
}

Value TensorBuilder::broadcast(Value value, Shape shape) {
  if (shapeOf(value) == shape)
    return value;
  return pi::BroadcastOp::create(*this, tensorOf(value).clone(shape), value);
}

Value TensorBuilder::slice(Value value, int64_t axis, int64_t offset,
                           int64_t size, int64_t stride) {
  if (stride == 1 || size == 1) {
    if (shapeOf(value)[axis] == size)
      return value;
    return pi::SliceOp::create(*this, value, axis, offset, size);
  }
  SmallVector<int64_t> indices;
  for (int64_t i = 0; i < size; ++i)
    indices.push_back(offset + i * stride);
  return pi::TakeOp::create(*this, value, axis, indices);
}

Value TensorBuilder::concat(ValueRange values, int64_t axis) {
  if (values.size() == 1)
    return values.front();
  return pi::ConcatOp::create(*this, values, axis);
}
