//===- Attention.cpp - Attention and rotary angles in linalg --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include <limits>

using namespace mlir;
using namespace aero;
using namespace aero::linalgform;

/// softmax's argument, of shape (batch, heads, tokens, keys): products scaled
/// and divided by the temperature, plus bias, minus infinity where a query must
/// not see a key.
static Value emitScores(Emitter &e, pi::AttentionOp op, Value products) {
  Shape shape = shapeOf(products);
  float scale = op.getScale().convertToFloat();
  int64_t earlier = shape[3] - shape[2];
  SmallVector<Value> inputs = {products};
  SmallVector<AffineMap> maps = {e.getMultiDimIdentityMap(4)};
  if (op.getBias()) {
    inputs.push_back(op.getBias());
    maps.push_back(e.broadcastMap(shapeOf(op.getBias()), shape));
  }
  size_t temperature = inputs.size();
  if (op.getTemperature()) {
    inputs.push_back(op.getTemperature());
    bool perQuery = shapeOf(op.getTemperature())[1] == shape[2];
    AffineExpr query =
        perQuery ? e.getAffineDimExpr(2) : e.getAffineConstantExpr(0);
    maps.push_back(
        AffineMap::get(4, 0, {e.getAffineDimExpr(1), query}, e.getContext()));
  }
  if (op.getMask()) {
    inputs.push_back(op.getMask());
    maps.push_back(e.loopMap(4, {0, 3}));
  }
  return e.map(
      shape, e.getF32Type(), inputs, maps,
      [&](Emitter &e, ValueRange x) -> Value {
        Value score = arith::MulFOp::create(e, x[0], e.constant(scale));
        if (op.getTemperature())
          score = arith::DivFOp::create(e, score, x[temperature]);
        if (op.getBias())
          score = arith::AddFOp::create(e, score, x[1]);
        SmallVector<Value> conditions;
        if (op.getCausal()) {
          Value last =
              arith::AddIOp::create(e, linalg::IndexOp::create(e, 2),
                                    arith::ConstantIndexOp::create(e, earlier));
          conditions.push_back(
              arith::CmpIOp::create(e, arith::CmpIPredicate::sle,
                                    linalg::IndexOp::create(e, 3), last));
        }
        if (op.getMask()) {
          Value mask = x.back();
          if (!mask.getType().isInteger(1))
            mask = arith::CmpIOp::create(e, arith::CmpIPredicate::ne, mask,
                                         e.constant(mask.getType(), 0));
          conditions.push_back(mask);
        }
        Value hidden;
        if (!conditions.empty())
          hidden = e.constant(-std::numeric_limits<float>::infinity());
        for (Value condition : conditions)
          score = arith::SelectOp::create(e, condition, score, hidden);
        return score;
      });
}

// pi.attention  ->  contraction, scores, softmax, contraction; heads are split
// and joined by reshapes only, no element moves.
static Value lowerAttention(pi::AttentionOp op, Emitter &e) {
  Shape query = shapeOf(op.getQuery());
  int64_t batch = query[0], tokens = query[1], keys = shapeOf(op.getKey())[1];
  int64_t heads = op.getHeads(), keyHeads = op.getKeyHeadCount();
  int64_t width = op.getHeadWidth();

  // Loops: batch, heads, tokens, keys, columns. Grouped heads are two loops,
  // and keys have the first of them.
  SmallVector<int64_t> headShape = {keyHeads};
  SmallVector<unsigned> headLoops = {1};
  if (keyHeads != heads) {
    headShape.push_back(heads / keyHeads);
    headLoops.push_back(2);
  }
  unsigned b = 0, kh = 1, t = headLoops.back() + 1, s = t + 1, c = t + 2;
  auto join = [](auto first, ArrayRef<typename decltype(first)::value_type> mid,
                 auto last) {
    llvm::append_range(first, mid);
    llvm::append_range(first, last);
    return first;
  };
  using Loops = SmallVector<unsigned>;
  using Sizes = SmallVector<int64_t>;
  Loops rowLoops = join(Loops{b, t}, headLoops, Loops{c});
  Loops keyLoops = {b, s, kh, c};
  Loops scoreLoops = join(Loops{b}, headLoops, Loops{t, s});
  Sizes rows = join(Sizes{batch, tokens}, headShape, Sizes{width});
  Sizes scores = join(Sizes{batch}, headShape, Sizes{tokens, keys});
  Sizes keyRows = {batch, keys, keyHeads, width};

  Value products = e.contract(e.reshape(op.getQuery(), rows), rowLoops,
                              e.reshape(op.getKey(), keyRows), keyLoops,
                              scoreLoops, scores, c + 1);
  products = e.reshape(products, {batch, heads, tokens, keys});
  Value weights = emitSoftmax(e, emitScores(e, op, products), /*axis=*/3);
  Value result = e.contract(e.reshape(weights, scores), scoreLoops,
                            e.reshape(op.getValue(), keyRows), keyLoops,
                            rowLoops, rows, c + 1);
  return e.reshape(result, query);
}

// pi.rotary_embedding  ->  the two columns of all pairs cut out, rotated, and
// put back; what is not rotated stays in place.
static Value lowerRotary(pi::RotaryEmbeddingOp op, Emitter &e) {
  Shape shape = shapeOf(op.getInput()), angles = shapeOf(op.getCos());
  int64_t heads = op.getHeads(), pairs = angles.back();
  int64_t all[] = {shape[0], shape[1], heads, shape[2] / heads};
  int64_t half[] = {shape[0], shape[1], heads, pairs};
  bool interleaved = op.getInterleaved();
  auto places = [&](int64_t offset) {
    return std::tuple(
        SmallVector<OpFoldResult>{e.getIndexAttr(0), e.getIndexAttr(0),
                                  e.getIndexAttr(0), e.getIndexAttr(offset)},
        getAsIndexOpFoldResult(e.getContext(), half),
        SmallVector<OpFoldResult>{e.getIndexAttr(1), e.getIndexAttr(1),
                                  e.getIndexAttr(1),
                                  e.getIndexAttr(interleaved ? 2 : 1)});
  };
  auto [xAt, sizes, strides] = places(0);
  auto [yAt, ySizes, yStrides] = places(interleaved ? 1 : pairs);

  Value input = e.reshape(op.getInput(), all);
  Value x = tensor::ExtractSliceOp::create(e, input, xAt, sizes, strides);
  Value y = tensor::ExtractSliceOp::create(e, input, yAt, ySizes, yStrides);
  AffineMap same = e.getMultiDimIdentityMap(4);
  AffineMap angle =
      angles.size() == 3 ? e.loopMap(4, {0, 1, 3}) : e.loopMap(4, {1, 3});
  SmallVector<AffineMap> maps = {same, same, angle, angle};
  SmallVector<Value> inputs = {x, y, op.getCos(), op.getSin()};
  Value rotatedX = e.map(half, e.getF32Type(), inputs, maps,
                         [](Emitter &e, ValueRange v) -> Value {
                           return arith::SubFOp::create(
                               e, arith::MulFOp::create(e, v[0], v[2]),
                               arith::MulFOp::create(e, v[1], v[3]));
                         });
  Value rotatedY = e.map(half, e.getF32Type(), inputs, maps,
                         [](Emitter &e, ValueRange v) -> Value {
                           return arith::AddFOp::create(
                               e, arith::MulFOp::create(e, v[1], v[2]),
                               arith::MulFOp::create(e, v[0], v[3]));
                         });
  Value result =
      tensor::InsertSliceOp::create(e, rotatedX, input, xAt, sizes, strides);
  result =
      tensor::InsertSliceOp::create(e, rotatedY, result, yAt, ySizes, yStrides);
  return e.reshape(result, shape);
}

void linalgform::populateAttention(RewritePatternSet &patterns) {
  add<pi::AttentionOp>(patterns, lowerAttention);
  add<pi::RotaryEmbeddingOp>(patterns, lowerRotary);
}
