//===- Attention.cpp - Causal attention on shares -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Lowering.h"

#include "aero/Runtime/Parameters.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace aero;

// pi.attention(q, k, v) scale ln 2 causal
//
// ->  s = causal_mask(trunc(Q K^T))         per head: Q, K, V (H, T, dk)
//     e = exp2(s, max_row s)
//     c = trunc(e V) * recip(sum_row e)
//
// Dividing the context instead of the probabilities makes the division T / dk
// times smaller, and lets recip, which is long and thin, run beside e V.
//
// Ranges (f activation fraction bits, l compare bits):
// - The truncation of Q K^T is correct only for |x| < 2^62 at scale 2f, so the
//   program is only defined if every score is below 2^(62 - 2f): 2^30 for f
//   = 16. That, and not a calibration, is the proof that max_row asks for.
// - The mask is -2^(l - 3): inside of what max_row compares, and below every
//   score that a row can have beside a maximum that is not itself absurd.
// - max_row answers floor(max) or one less, so s - max < 2 and e < 4; the row
//   maximum contributes e >= 1. Hence sum_row e lies in [1, 4 T].
// - c / recip is at most 4 T max|V|, which its truncation needs below
//   2^(62 - 20 - f).
LogicalResult Lowering::lowerAttention(pi::AttentionOp op) {
  Location loc = op.getLoc();
  int32_t frac = options.activationFrac;
  int64_t heads = op.getHeads();
  ArrayRef<int64_t> shape = dropBatch(op.getQuery().getType().getShape());
  int64_t length = shape[0], width = shape[1] / heads;

  auto splitHeads = [&](Value value) -> Value {
    Value split = mpc::ReshapeOp::create(
        builder, loc, shareType({length, heads, width}, frac),
        getActivation(value), IntegerAttr());
    return mpc::TransposeOp::create(
        builder, loc, shareType({heads, length, width}, frac), split,
        ArrayRef<int64_t>{1, 0, 2}, IntegerAttr());
  };
  Value q = splitHeads(op.getQuery());
  Value k = splitHeads(op.getKey());
  Value v = splitHeads(op.getValue());

  mpc::ShareType scoresType = shareType({heads, length, length}, frac);
  Value product = mpc::MatMulOp::create(
      builder, loc, shareType(scoresType.getShape(), 2 * frac), q, k,
      /*transposeRhs=*/true, IntegerAttr());
  Value scores = truncate(loc, product, frac);

  unsigned bits = options.compareBits;
  int64_t fill = -(int64_t(1) << (bits - 3 + frac));
  scores = mpc::CausalMaskOp::create(builder, loc, scoresType, scores, fill,
                                     IntegerAttr());
  double bound = std::ldexp(1.0, int(mpc::truncBoundLog2) - 2 * frac);
  // Wide comparisons have a mask below every proved score.
  bound = std::max(bound, std::ldexp(1.0, int(bits) - 3));
  auto range =
      mpc::RangeAttr::get(builder.getContext(), bound, mpc::Provenance::Proved);
  ArrayRef<int64_t> rows = scoresType.getShape().drop_back();
  Value max = mpc::MaxRowOp::create(
      builder, loc,
      mpc::ShareType::get(builder.getContext(), rows, bits, /*frac=*/0), scores,
      bits, range, IntegerAttr());

  Value powers = mpc::Exp2Op::create(
      builder, loc, shareType(scoresType.getShape(), rt::exp2Frac), scores, max,
      IntegerAttr());
  Value sum = mpc::SumRowOp::create(builder, loc, shareType(rows, rt::exp2Frac),
                                    powers, IntegerAttr());
  Value inverse =
      mpc::RecipOp::create(builder, loc, shareType(rows, rt::recipFrac), sum,
                           /*upperBound=*/4 * length, IntegerAttr());

  SmallVector<int64_t> headShape = {heads, length, width};
  Value context = mpc::MatMulOp::create(
      builder, loc, shareType(headShape, frac + int64_t(rt::exp2Frac)), powers,
      v, /*transposeRhs=*/false, IntegerAttr());
  context = truncate(loc, context, rt::exp2Frac);
  context = mpc::MulOp::create(
      builder, loc, shareType(headShape, frac + int64_t(rt::recipFrac)),
      context, inverse, IntegerAttr());
  context = truncate(loc, context, rt::recipFrac);

  Value joined = mpc::TransposeOp::create(
      builder, loc, shareType({length, heads, width}, frac), context,
      ArrayRef<int64_t>{1, 0, 2}, IntegerAttr());
  shares[op.getResult()] = mpc::ReshapeOp::create(
      builder, loc, shareType(shape, frac), joined, IntegerAttr());
  return success();
}
