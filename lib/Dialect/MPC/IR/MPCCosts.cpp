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

rt::Cost MaxRowOp::getCost() {
  return rt::cost::maxRow(elements(getResult()),
                          getInput().getType().getShape().back(),
                          getCompareBits());
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
rt::Cost CausalMaskOp::getCost() { return {}; }
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
