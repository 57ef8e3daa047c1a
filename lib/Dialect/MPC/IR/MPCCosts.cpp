//===- MPCCosts.cpp - Costs and error bounds of mpc ops -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The formulas stand in include/aero/Runtime/Cost.h; this file only reads
/// sizes off the types.
///
//===----------------------------------------------------------------------===//

#include "aero/Dialect/MPC/IR/MPCOps.h"
#include "aero/Runtime/Parameters.h"

#include <cmath>

using namespace mlir;
using namespace aero;
using namespace aero::mpc;

static uint64_t elements(Value value) {
  return cast<ShareType>(value.getType()).getNumElements();
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

rt::Cost EmbeddingOp::getCost() {
  ArrayRef<int64_t> table = getTable().getType().getShape();
  return rt::cost::embedding(getTokens().getType().getLength(), table[0],
                             table[1]);
}

rt::Cost LinearOp::getCost() {
  ArrayRef<int64_t> weight = getWeight().getType().getShape();
  return rt::cost::linear(getInput().getType().getShape()[0], weight[0],
                          weight[1]);
}

rt::Cost MatMulOp::getCost() {
  ArrayRef<int64_t> lhs = getLhs().getType().getShape();
  uint64_t batch = 1;
  for (int64_t dim : lhs.drop_back(2))
    batch *= dim;
  return rt::cost::matmul(batch, lhs[lhs.size() - 2], lhs.back(),
                          getResult().getType().getShape().back());
}

rt::Cost MulOp::getCost() {
  return rt::cost::mul(elements(getLhs()), elements(getRhs()));
}

rt::Cost TruncOp::getCost() {
  return rt::cost::trunc(elements(getInput()), getShift());
}

rt::Cost ExtendOp::getCost() {
  return rt::cost::extend(elements(getInput()), getInput().getType().getBits());
}

rt::Cost MulWeightOp::getCost() {
  return rt::cost::mulWeight(elements(getInput()),
                             getWeight().getType().getNumElements());
}

rt::Cost CausalScoresOp::getCost() {
  ArrayRef<int64_t> shape = getLhs().getType().getShape();
  uint64_t tokens = shape[shape.size() - 2], width = shape.back();
  return rt::cost::causalScores(elements(getLhs()) / (tokens * width), tokens,
                                width);
}

rt::Cost CausalContextOp::getCost() {
  ArrayRef<int64_t> shape = getRhs().getType().getShape();
  uint64_t tokens = shape[shape.size() - 2], width = shape.back();
  return rt::cost::causalContext(elements(getRhs()) / (tokens * width), tokens,
                                 width);
}

rt::Cost MaxRowOp::getCost() {
  return rt::cost::maxRow(
      getRows(getInput().getType(), getResult().getType(), getCausal()),
      getCompareBits());
}

rt::Cost ArgMaxOp::getCost() {
  return rt::cost::argMax(getRows(getInput().getType(), getResult().getType(),
                                  /*causal=*/false),
                          getCompareBits());
}

rt::Cost ReluOp::getCost() {
  return rt::cost::relu(elements(getInput()), getCompareBits());
}

rt::Cost TailOp::getCost() {
  return rt::cost::tail(elements(getInput()), rt::TailFunction(getFunction()),
                        getCompareBits(), getInput().getType().getFrac());
}

rt::Cost NormalizeOp::getCost() {
  uint64_t columns = getInput().getType().getShape().back();
  return rt::cost::normalize(elements(getInput()) / columns, columns,
                             getInput().getType().getFrac(), getCentred());
}

rt::Cost Exp2Op::getCost() {
  return rt::cost::exp2(elements(getInput()), getMax().getType().getBits(),
                        getInput().getType().getFrac());
}

rt::Cost RecipOp::getCost() {
  return rt::cost::recip(elements(getInput()), getUpperBound());
}

rt::Cost RevealOp::getCost() { return rt::cost::reveal(elements(getInput())); }

// Each party computes on its own share.
rt::Cost AddWeightOp::getCost() { return {}; }
rt::Cost SubOp::getCost() { return {}; }
rt::Cost MulPublicOp::getCost() { return {}; }
rt::Cost ConcatOp::getCost() { return {}; }
rt::Cost RepeatOp::getCost() { return {}; }
rt::Cost SumRowOp::getCost() { return {}; }
rt::Cost AddOp::getCost() { return {}; }
rt::Cost SliceOp::getCost() { return {}; }
rt::Cost ReshapeOp::getCost() { return {}; }
rt::Cost TransposeOp::getCost() { return {}; }
rt::Cost TakeRowOp::getCost() { return {}; }

//===----------------------------------------------------------------------===//
// Distance from the exact fixed-point result, on equal inputs
//===----------------------------------------------------------------------===//

// floor(x / 2^s) or one less.
uint32_t TruncOp::getMaxErrorUnits() { return 1; }

// Dropping the fraction of each share gives the floor or one less.
uint32_t MaxRowOp::getMaxErrorUnits() { return 1; }

// One for dropping the low bits of the shares modulo 2^128 + 1, one for the
// rounding of the two factors and of the reference.
uint32_t Exp2Op::getMaxErrorUnits() { return 2; }

// A relative error below 1e-6 of at most 1, with 28 fraction bits.
uint32_t RecipOp::getMaxErrorUnits() {
  return (uint32_t(1) << rt::recipFrac) / 1000000 + 1;
}

// A value just below zero may be kept.
uint32_t ReluOp::getMaxErrorUnits() { return uint32_t(1) << getDrop(); }

uint32_t TailOp::getMaxErrorUnits() {
  return uint32_t(
      std::ceil(std::ldexp(rt::tailError, getInput().getType().getFrac())));
}

// Relative to 1 + |y|, of which the largest possible |y| is sqrt(N); the mean
// of a centred row is off by a unit of the operand, which a row of small values
// magnifies to at most 1 / sqrt(epsilon).
uint32_t NormalizeOp::getMaxErrorUnits() {
  ShareType type = getInput().getType();
  double columns = double(type.getShape().back());
  double scale = std::ldexp(1.0, type.getFrac() + int(rt::normalizeFrac));
  double smallest = std::sqrt(
      std::ldexp(double(getEpsilon()), -int(rt::normalizeSumFrac)) / columns);
  double error = rt::normalizeError * (1 + std::sqrt(columns)) +
                 2 * std::ldexp(1.0, -type.getFrac()) / smallest;
  return uint32_t(std::min(error * scale, double(UINT32_MAX)));
}
