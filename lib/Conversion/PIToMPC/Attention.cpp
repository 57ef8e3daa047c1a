//===- Attention.cpp - Attention on shares --------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "aero/Runtime/Parameters.h"

using namespace mlir;
using namespace aero;

Value Lowering::splitHeads(Location loc, Value value, int64_t heads) {
  auto type = cast<mpc::ShareType>(value.getType());
  int64_t length = type.getShape()[0], width = type.getShape()[1] / heads;
  Value split = mpc::ReshapeOp::create(builder, loc,
                                       type.withShape({length, heads, width}),
                                       value, IntegerAttr());
  return mpc::TransposeOp::create(builder, loc,
                                  type.withShape({heads, length, width}), split,
                                  ArrayRef<int64_t>{1, 0, 2}, IntegerAttr());
}

Value Lowering::joinHeads(Location loc, Value value) {
  auto type = cast<mpc::ShareType>(value.getType());
  int64_t heads = type.getShape()[0], length = type.getShape()[1],
          width = type.getShape()[2];
  Value joined = mpc::TransposeOp::create(
      builder, loc, type.withShape({length, heads, width}), value,
      ArrayRef<int64_t>{1, 0, 2}, IntegerAttr());
  return mpc::ReshapeOp::create(builder, loc,
                                type.withShape({length, heads * width}), joined,
                                IntegerAttr());
}

// pi.attention(q, k, v) scale ln 2; another scale is a public factor of Q
//
// ->  s = trunc(Q K^T)                      per head: Q, K, V (H, T, dk)
//     e = exp2(s, max_row s)
//     c = trunc(e V) * recip(sum_row e)
//
// Causal scores are packed: only the lower triangle is compared, exponentiated
// and multiplied. Dividing the context instead of the probabilities makes the
// division T / dk times smaller, and lets recip, which is long and thin, run
// beside e V.
//
// Ranges (f activation fraction bits, l compare bits):
// - Scores lie below the bound that pi::SecureForm proves from the weights.
//   Where it proves nothing: the truncation of Q K^T is correct only for
//   |x| < 2^62 at scale 2f, so the program is only defined if every score is
//   below 2^(62 - 2f), 2^30 for f = 16. That, and not a calibration, is the
//   range that max_row asks for; l is the narrowest that holds it.
// - max_row answers floor(max) or one less, so s - max < 2 and e < 4; the row
//   maximum contributes e >= 1. Hence sum_row e lies in [1, 4 T].
// - c / recip is at most 4 T max|V|, which its truncation needs below
//   2^(62 - 20 - f).
LogicalResult Lowering::lowerAttention(pi::AttentionOp op) {
  Location loc = op.getLoc();
  int32_t frac = options.activationFrac;
  int64_t heads = op.getHeads(), keyHeads = op.getKeyHeadCount();
  bool causal = op.getCausal();
  Value q = splitHeads(loc, getActivation(op.getQuery()), heads);
  Value k = splitHeads(loc, getActivation(op.getKey()), keyHeads);
  Value v = splitHeads(loc, getActivation(op.getValue()), keyHeads);
  ArrayRef<int64_t> headShape = cast<mpc::ShareType>(q.getType()).getShape();
  int64_t length = headShape[1];
  int64_t keys = cast<mpc::ShareType>(k.getType()).getShape()[1];

  if (op.getTemperature()) {
    q = divideByTemperature(op, q);
    if (!q)
      return failure();
  }
  if (op.getScale().convertToFloat() != pi::kAttentionScale)
    q = truncate(
        loc,
        multiplyPublic(
            loc, q, {op.getScale().convertToFloat() / pi::kAttentionScale}, {}),
        options.weightFrac);
  if (keyHeads != heads) {
    auto repeat = [&](Value value) -> Value {
      auto type = cast<mpc::ShareType>(value.getType());
      return mpc::RepeatOp::create(
          builder, loc,
          type.withShape({heads, type.getShape()[1], type.getShape()[2]}),
          value, /*axis=*/0, heads / keyHeads, IntegerAttr());
    };
    k = repeat(k);
    v = repeat(v);
  }

  SmallVector<int64_t> scoresShape = {heads, length, keys};
  if (causal)
    scoresShape = {heads, int64_t(rt::triangle(length))};
  mpc::ShareType productType = shareType(scoresShape, 2 * frac);
  Value product =
      causal ? mpc::CausalScoresOp::create(builder, loc, productType, q, k,
                                           IntegerAttr())
                   .getResult()
             : mpc::MatMulOp::create(builder, loc, productType, q, k,
                                     /*transposeRhs=*/true, IntegerAttr())
                   .getResult();
  Value scores = truncate(loc, product, frac);

  unsigned bits = form.getScoreBits(op);
  SmallVector<int64_t> rows = {heads, length};
  Value max = mpc::MaxRowOp::create(
      builder, loc,
      mpc::ShareType::get(builder.getContext(), rows, bits, /*frac=*/0), scores,
      causal, bits, getRange(form.getScoreBound(op)), IntegerAttr());
  Value powers =
      mpc::Exp2Op::create(builder, loc, shareType(scoresShape, rt::exp2Frac),
                          scores, max, causal, IntegerAttr());
  Value sum = mpc::SumRowOp::create(builder, loc, shareType(rows, rt::exp2Frac),
                                    powers, causal, IntegerAttr());
  Value inverse =
      mpc::RecipOp::create(builder, loc, shareType(rows, rt::recipFrac), sum,
                           /*upperBound=*/4 * keys, IntegerAttr());

  mpc::ShareType mixedType = shareType(headShape, int64_t(frac) + rt::exp2Frac);
  Value context =
      causal ? mpc::CausalContextOp::create(builder, loc, mixedType, powers, v,
                                            IntegerAttr())
                   .getResult()
             : mpc::MatMulOp::create(builder, loc, mixedType, powers, v,
                                     /*transposeRhs=*/false, IntegerAttr())
                   .getResult();
  context = truncate(loc, context, rt::exp2Frac);
  context = mpc::MulOp::create(
      builder, loc, shareType(headShape, int64_t(frac) + rt::recipFrac),
      context, inverse, IntegerAttr());
  context = truncate(loc, context, rt::recipFrac);
  shares[op.getResult()] = joinHeads(loc, context);
  return success();
}

// A temperature of each head and position divides a query's scores: a factor of
// the query's row. (One of each head alone is in the query weights by now.)
Value Lowering::divideByTemperature(pi::AttentionOp op, Value q) {
  auto type = cast<mpc::ShareType>(q.getType());
  Value factor = getInverse(op, op.getTemperature(),
                            {type.getShape()[0], type.getShape()[1]});
  if (!factor)
    return {};
  int32_t frac = options.weightFrac;
  Value product = mpc::MulWeightOp::create(
      builder, op.getLoc(),
      shareType(type.getShape(), int64_t(type.getFrac()) + frac), q, factor,
      /*rows=*/true, IntegerAttr());
  return truncate(op.getLoc(), product, frac);
}
