//===- Shape.cpp - Moving elements in linalg ------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;
using namespace aero;
using namespace aero::linalgform;

static Value lowerReshape(pi::ReshapeOp op, Emitter &e) {
  return e.reshape(op.getInput(), shapeOf(op.getResult()));
}

static Value lowerTranspose(pi::TransposeOp op, Emitter &e) {
  RankedTensorType type = tensorOf(op.getResult());
  Value init = e.empty(type.getShape(), type.getElementType());
  return linalg::TransposeOp::create(e, op.getInput(), init,
                                     op.getPermutation())
      ->getResult(0);
}

static Value lowerBroadcast(pi::BroadcastOp op, Emitter &e) {
  RankedTensorType type = tensorOf(op.getResult());
  return e.map(type.getShape(), type.getElementType(), op.getInput(),
               [](Emitter &, ValueRange x) { return x[0]; });
}

/// A box of a tensor, at `offset` of one dimension and at 0 of the others.
struct Box {
  SmallVector<OpFoldResult> offsets, sizes, strides;

  Box(Emitter &e, Shape shape, int64_t axis, OpFoldResult offset)
      : offsets(shape.size(), e.getIndexAttr(0)),
        sizes(getAsIndexOpFoldResult(e.getContext(), shape)),
        strides(shape.size(), e.getIndexAttr(1)) {
    offsets[axis] = offset;
  }
};

static Value emitSlice(Emitter &e, Value input, Shape shape, int64_t axis,
                       OpFoldResult offset) {
  Box box(e, shape, axis, offset);
  return tensor::ExtractSliceOp::create(e, input, box.offsets, box.sizes,
                                        box.strides);
}

static Value lowerSlice(pi::SliceOp op, Emitter &e) {
  return emitSlice(e, op.getInput(), shapeOf(op.getResult()), op.getAxis(),
                   e.getIndexAttr(op.getOffset()));
}

// pi.select_token(x at p)  ->  extract_slice x[0, p, 0]
static Value lowerSelectToken(pi::SelectTokenOp op, Emitter &e) {
  Value position = tensor::ExtractOp::create(e, op.getPosition(), ValueRange());
  position = arith::IndexCastOp::create(e, e.getIndexType(), position);
  return emitSlice(e, op.getInput(), op.getType().getShape(), /*axis=*/1,
                   position);
}

// pi.take  ->  generic ins(the indices) { tensor.extract }
static Value lowerTake(pi::TakeOp op, Emitter &e) {
  RankedTensorType type = op.getType();
  Value input = op.getInput();
  unsigned axis = op.getAxis();
  auto indices = RankedTensorType::get(type.getDimSize(axis), e.getI64Type());
  Value table = arith::ConstantOp::create(
      e, DenseElementsAttr::get(indices, op.getIndices()));
  return e.map(
      type.getShape(), type.getElementType(), table,
      e.loopMap(type.getRank(), axis), [&](Emitter &e, ValueRange x) -> Value {
        SmallVector<Value> at;
        for (unsigned i = 0, rank = type.getRank(); i < rank; ++i)
          at.push_back(
              i == axis ? arith::IndexCastOp::create(e, e.getIndexType(), x[0])
                              .getResult()
                        : linalg::IndexOp::create(e, i).getResult());
        return tensor::ExtractOp::create(e, input, at);
      });
}

// pi.concat  ->  insert_slice of one after the other: tensor.concat does not
// bufferize by itself
static Value lowerConcat(pi::ConcatOp op, Emitter &e) {
  RankedTensorType type = op.getType();
  Value result = e.empty(type.getShape(), type.getElementType());
  int64_t offset = 0, axis = op.getAxis();
  for (Value input : op.getInputs()) {
    Box box(e, shapeOf(input), axis, e.getIndexAttr(offset));
    result = tensor::InsertSliceOp::create(e, input, result, box.offsets,
                                           box.sizes, box.strides);
    offset += shapeOf(input)[axis];
  }
  return result;
}

void linalgform::populateShape(RewritePatternSet &patterns) {
  add<pi::ReshapeOp>(patterns, lowerReshape);
  add<pi::TransposeOp>(patterns, lowerTranspose);
  add<pi::BroadcastOp>(patterns, lowerBroadcast);
  add<pi::SliceOp>(patterns, lowerSlice);
  add<pi::SelectTokenOp>(patterns, lowerSelectToken);
  add<pi::TakeOp>(patterns, lowerTake);
  add<pi::ConcatOp>(patterns, lowerConcat);
}
