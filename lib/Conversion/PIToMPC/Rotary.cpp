//===- Rotary.cpp - Rotary embeddings on shares ---------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "aero/Support/Elements.h"

#include <cmath>

using namespace mlir;
using namespace aero;

Value Lowering::multiplyPublic(Location loc, Value value,
                               ArrayRef<float> factors,
                               ArrayRef<int64_t> shape) {
  auto type = cast<mpc::ShareType>(value.getType());
  int32_t frac = options.weightFrac;
  SmallVector<int32_t> integers;
  for (float factor : factors)
    integers.push_back(int32_t(std::lrint(std::ldexp(double(factor), frac))));
  SmallVector<int64_t> dims(shape);
  if (dims.empty()) { // one factor for all: a row of it
    dims.push_back(type.getShape().back());
    integers.resize(dims.front(), integers.front());
  }
  auto attr = DenseIntElementsAttr::get(
      RankedTensorType::get(dims, builder.getI32Type()),
      ArrayRef<int32_t>(integers));
  return mpc::MulPublicOp::create(
      builder, loc, shareType(type.getShape(), int64_t(type.getFrac()) + frac),
      value, attr, frac, IntegerAttr());
}

// (x, y)  ->  (x cos - y sin, y cos + x sin), with public angles: local but for
// the truncation of what comes out. Columns beyond the angles are multiplied by
// 1, so that all have one scale.
LogicalResult Lowering::lowerRotary(pi::RotaryEmbeddingOp op) {
  Location loc = op.getLoc();
  auto table = cast<RankedTensorType>(op.getCos().getType());
  auto read = [&](Value value) {
    auto constant = value.getDefiningOp<pi::ConstantOp>();
    llvm::Expected<ElementsData<float>> data =
        getFloatData(constant.getValue());
    if (data)
      return *data;
    emitError(loc) << "the angles cannot be read: "
                   << llvm::toString(data.takeError()) << describeNode(op);
    return ElementsData<float>();
  };
  ElementsData<float> cosines = read(op.getCos()), sines = read(op.getSin());
  if (cosines.size() == 0 || sines.size() == 0)
    return failure();
  int64_t tokens = table.getShape().drop_back().back();
  int64_t half = table.getShape().back();

  Value x = splitHeads(loc, getActivation(op.getInput()), op.getHeads());
  auto type = cast<mpc::ShareType>(x.getType());
  int64_t heads = op.getHeads(), width = type.getShape()[2];
  auto slice = [&](Value value, int64_t axis, int64_t offset, int64_t size) {
    auto from = cast<mpc::ShareType>(value.getType());
    SmallVector<int64_t> shape(from.getShape());
    shape[axis] = size;
    return mpc::SliceOp::create(builder, loc, from.withShape(shape), value,
                                axis, offset, IntegerAttr())
        .getResult();
  };
  auto reshape = [&](Value value, ArrayRef<int64_t> shape) {
    auto from = cast<mpc::ShareType>(value.getType());
    return mpc::ReshapeOp::create(builder, loc, from.withShape(shape), value,
                                  IntegerAttr())
        .getResult();
  };
  auto concat = [&](ArrayRef<Value> parts, int64_t axis,
                    ArrayRef<int64_t> shape) {
    auto from = cast<mpc::ShareType>(parts.front().getType());
    return mpc::ConcatOp::create(builder, loc, from.withShape(shape), parts,
                                 axis, IntegerAttr())
        .getResult();
  };
  Value first, second;
  if (op.getInterleaved()) {
    Value pairs = reshape(slice(x, 2, 0, 2 * half), {heads, tokens, half, 2});
    first = reshape(slice(pairs, 3, 0, 1), {heads, tokens, half});
    second = reshape(slice(pairs, 3, 1, 1), {heads, tokens, half});
  } else {
    first = slice(x, 2, 0, half);
    second = slice(x, 2, half, half);
  }
  auto times = [&](Value value, ArrayRef<float> angles) {
    return multiplyPublic(loc, value, angles, {tokens, half});
  };
  Value a = times(first, cosines), b = times(second, sines);
  Value c = times(second, cosines), d = times(first, sines);
  Value left =
      mpc::SubOp::create(builder, loc, a.getType(), a, b, IntegerAttr());
  Value right =
      mpc::AddOp::create(builder, loc, c.getType(), c, d, IntegerAttr());
  SmallVector<Value> parts;
  if (op.getInterleaved()) {
    Value pairs = concat({reshape(left, {heads, tokens, half, 1}),
                          reshape(right, {heads, tokens, half, 1})},
                         3, {heads, tokens, half, 2});
    parts.push_back(reshape(pairs, {heads, tokens, 2 * half}));
  } else {
    parts = {left, right};
  }
  if (width > 2 * half)
    parts.push_back(multiplyPublic(loc, slice(x, 2, 2 * half, width - 2 * half),
                                   {1.0f}, {}));
  Value rotated = parts.size() == 1 ? parts.front()
                                    : concat(parts, 2, {heads, tokens, width});
  shares[op.getResult()] = joinHeads(loc, rotated);
  return success();
}
