//===- MPCOps.cpp - Verifiers of the mpc dialect --------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Labels (C1), (C2), ... number the constraints of an op; the tests in
/// test/Dialect/MPC/ops-errors.mlir repeat them. They are the rules of
/// lib/Runtime/Program/ValidateOps.cpp, checked earlier and with the ONNX node
/// in the location, plus those that only the compiler can know (ranges).
///
//===----------------------------------------------------------------------===//

#include "Verifiers.h"
#include "aero/Runtime/Parameters.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

#include <cmath>

using namespace mlir;
using namespace aero;
using namespace aero::mpc;

#define GET_OP_CLASSES
#include "aero/Dialect/MPC/IR/MPCOps.cpp.inc"

bool aero::mpc::isInstruction(Operation *op) {
  return isa<CostOpInterface>(op);
}

rt::Rows aero::mpc::getRows(ShareType scores, ShareType rows, bool causal) {
  return {size_t(rows.getNumElements()),
          size_t(causal ? rows.getShape().back() : scores.getShape().back()),
          causal};
}

uint32_t aero::mpc::getDropBits(MaxRowOp op) {
  return op.getInput().getType().getFrac();
}

/// The shape of what has one element for each row of `type`.
static LogicalResult verifyRows(Operation *op, ShareType type, bool causal,
                                SmallVector<int64_t> &rows) {
  if (type.getRank() < 2)
    return op->emitOpError() << "expected rows of scores, got " << type;
  rows.assign(type.getShape().begin(), type.getShape().end() - 1);
  if (!causal)
    return success();
  auto packed = uint64_t(type.getShape().back());
  auto tokens = size_t(std::sqrt(2.0 * double(packed)));
  if (rt::triangle(tokens) != packed)
    return op->emitOpError() << "expected packed lower triangles, got " << type;
  rows.push_back(int64_t(tokens));
  return success();
}

/// A compared value is cut into groups of four bits, and `exp2` needs 8.
static LogicalResult verifyCompareBits(Operation *op, unsigned bits) {
  if (bits < rt::exp2MinCompareBits || bits > ringBits || bits % 4 != 0)
    return op->emitOpError()
           << "compares " << bits << " bits, expected a multiple of 4 from "
           << rt::exp2MinCompareBits << " to " << ringBits;
  return success();
}

//===----------------------------------------------------------------------===//
// Server data and products with it
//===----------------------------------------------------------------------===//

LogicalResult WeightOp::verify() {
  // (C1)
  auto type = dyn_cast<RankedTensorType>(getValue().getShapedType());
  if (!type || !type.getElementType().isF32())
    return emitOpError() << "expected a value of f32 elements, got "
                         << getValue().getShapedType();
  // (C2)
  if (type.getShape() != getResult().getType().getShape())
    return emitOpError() << "the value of type " << type
                         << " has another shape than the result "
                         << getResult().getType();
  return success();
}

LogicalResult EmbeddingOp::verify() {
  TokensType tokens = getTokens().getType();
  ServerType table = getTable().getType();
  // (C1)
  if (table.getShape().size() != 2 ||
      table.getShape()[0] != tokens.getVocabulary())
    return emitOpError() << "expected a table of " << tokens.getVocabulary()
                         << " rows, got " << table;
  // (C2)
  return verifyResult(*this, {tokens.getLength(), table.getShape()[1]},
                      embeddingBits, table.getFrac());
}

LogicalResult LinearOp::verify() {
  ShareType x = getInput().getType();
  ServerType w = getWeight().getType();
  // (C1)
  if (failed(verifyFullRing(*this, x)))
    return failure();
  // (C2)
  if (x.getRank() != 2 || w.getShape().size() != 2 ||
      x.getShape()[1] != w.getShape()[0])
    return emitOpError() << "expected shapes (M, K) and (K, N), got " << x
                         << " and " << w;
  int64_t frac = int64_t(x.getFrac()) + w.getFrac();
  // (C3)
  if (getBias()) {
    ServerType bias = getBias().getType();
    if (bias.getShape() != w.getShape().drop_front() || bias.getFrac() != frac)
      return emitOpError() << "expected a bias of " << w.getShape()[1]
                           << " elements with the scale of the product, f = "
                           << frac << ", got " << bias;
  }
  // (C4)
  return verifyResult(*this, {x.getShape()[0], w.getShape()[1]}, ringBits,
                      frac);
}

LogicalResult AddWeightOp::verify() {
  ShareType x = getInput().getType();
  ServerType w = getWeight().getType();
  // (C1)
  if (static_cast<int64_t>(w.getShape().size()) > x.getRank() ||
      x.getShape().take_back(w.getShape().size()) != w.getShape())
    return emitOpError() << "expected a weight whose shape ends that of " << x
                         << ", got " << w;
  // (C2)
  if (w.getFrac() != x.getFrac())
    return emitOpError() << "adds values of different scales, " << x << " and "
                         << w;
  // (C3)
  return verifyResult(*this, x.getShape(), x.getBits(), x.getFrac());
}

LogicalResult MulWeightOp::verify() {
  ShareType x = getInput().getType();
  ServerType w = getWeight().getType();
  // (C1)
  if (failed(verifyFullRing(*this, x)))
    return failure();
  // (C2)
  if (getRows()) {
    if (w.getShape() != x.getShape().drop_back())
      return emitOpError() << "expected one factor for each row of " << x
                           << ", got " << w;
  } else if (int64_t(w.getShape().size()) > x.getRank() ||
             x.getShape().take_back(w.getShape().size()) != w.getShape()) {
    return emitOpError() << "expected a weight whose shape ends that of " << x
                         << ", got " << w;
  }
  // (C3)
  return verifyResult(*this, x.getShape(), ringBits,
                      int64_t(x.getFrac()) + w.getFrac());
}

//===----------------------------------------------------------------------===//
// Products of shares
//===----------------------------------------------------------------------===//

LogicalResult MatMulOp::verify() {
  ShareType lhs = getLhs().getType(), rhs = getRhs().getType();
  // (C1)
  if (failed(verifyFullRing(*this, lhs, rhs)))
    return failure();
  // (C2)
  int64_t rank = lhs.getRank();
  bool transposed = getTransposeRhs();
  if (rank < 2 || rhs.getRank() != rank ||
      lhs.getShape().drop_back(2) != rhs.getShape().drop_back(2) ||
      lhs.getShape().back() != rhs.getShape()[transposed ? rank - 1 : rank - 2])
    return emitOpError() << "expected shapes (..., M, K) and "
                         << (transposed ? "(..., N, K)" : "(..., K, N)")
                         << ", got " << lhs << " and " << rhs;
  // (C3)
  SmallVector<int64_t> shape(lhs.getShape());
  shape.back() = rhs.getShape()[transposed ? rank - 2 : rank - 1];
  return verifyResult(*this, shape, ringBits,
                      int64_t(lhs.getFrac()) + rhs.getFrac());
}

LogicalResult MulOp::verify() {
  ShareType lhs = getLhs().getType(), rhs = getRhs().getType();
  // (C1)
  if (failed(verifyFullRing(*this, lhs, rhs)))
    return failure();
  // (C2)
  if (lhs.getShape() != rhs.getShape() &&
      lhs.getShape().drop_back() != rhs.getShape())
    return emitOpError()
           << "expected equal shapes or a right operand without the last "
              "dimension, got "
           << lhs << " and " << rhs;
  // (C3)
  return verifyResult(*this, lhs.getShape(), ringBits,
                      int64_t(lhs.getFrac()) + rhs.getFrac());
}

//===----------------------------------------------------------------------===//
// Scale and ring
//===----------------------------------------------------------------------===//

LogicalResult TruncOp::verify() {
  ShareType x = getInput().getType();
  // (C1)
  if (failed(verifyFullRing(*this, x)))
    return failure();
  // (C2)
  if (getShift() < 1 || getShift() > truncBoundLog2)
    return emitOpError() << "expected a shift of 1 to " << truncBoundLog2
                         << ", got " << int32_t(getShift());
  // (C3)
  return verifyResult(*this, x.getShape(), ringBits,
                      int64_t(x.getFrac()) - getShift());
}

LogicalResult ExtendOp::verify() {
  ShareType x = getInput().getType();
  // (C1)
  if (x.getBits() < 3 || x.getBits() >= ringBits)
    return emitOpError() << "extends a ring of 3 to " << ringBits - 1
                         << " bits, got " << x;
  // (C2)
  return verifyResult(*this, x.getShape(), ringBits, x.getFrac());
}

//===----------------------------------------------------------------------===//
// Softmax
//===----------------------------------------------------------------------===//

LogicalResult CausalScoresOp::verify() {
  ShareType lhs = getLhs().getType(), rhs = getRhs().getType();
  // (C1)
  if (failed(verifyFullRing(*this, lhs, rhs)))
    return failure();
  // (C2)
  if (lhs.getRank() < 2 || lhs.getShape() != rhs.getShape())
    return emitOpError() << "expected two operands of one shape (..., T, K), "
                            "got "
                         << lhs << " and " << rhs;
  // (C3)
  SmallVector<int64_t> shape(lhs.getShape().drop_back());
  shape.back() = int64_t(rt::triangle(shape.back()));
  return verifyResult(*this, shape, ringBits,
                      int64_t(lhs.getFrac()) + rhs.getFrac());
}

LogicalResult CausalContextOp::verify() {
  ShareType lhs = getLhs().getType(), rhs = getRhs().getType();
  // (C1)
  if (failed(verifyFullRing(*this, lhs, rhs)))
    return failure();
  // (C2)
  ArrayRef<int64_t> left = lhs.getShape(), right = rhs.getShape();
  if (right.size() < 2 || left.size() != right.size() - 1 ||
      left.drop_back() != right.drop_back(2) ||
      left.back() != int64_t(rt::triangle(right[right.size() - 2])))
    return emitOpError()
           << "expected packed triangles of T rows and (..., T, N), got " << lhs
           << " and " << rhs;
  // (C3)
  return verifyResult(*this, right, ringBits,
                      int64_t(lhs.getFrac()) + rhs.getFrac());
}

LogicalResult MaxRowOp::verify() {
  ShareType x = getInput().getType();
  // (C1)
  SmallVector<int64_t> rows;
  if (failed(verifyFullRing(*this, x)) ||
      failed(verifyRows(*this, x, getCausal(), rows)))
    return failure();
  // (C2)
  uint32_t bits = getCompareBits();
  if (failed(verifyCompareBits(*this, bits)))
    return failure();
  // (C3): the bits above the dropped fraction must cover the compared ring.
  if (x.getFrac() < 0 || x.getFrac() + int64_t(bits) > ringBits)
    return emitOpError() << "expected scores with 0 to " << ringBits - bits
                         << " fraction bits to compare " << bits
                         << " of them, got " << x;
  // (C4)
  if (getRange().getProvenance() != Provenance::Proved)
    return emitOpError() << "needs a proved range, got " << getRange()
                         << ": outside of it the maximum is garbage";
  // (C5): two values of [-bound, bound) differ by less than 2^(bits - 1).
  if (4 * getRange().getBound() > std::ldexp(1.0, bits))
    return emitOpError() << "the range " << getRange() << " does not fit into "
                         << bits << " bits: expected 4 * bound <= 2^" << bits;
  // (C6)
  return verifyResult(*this, rows, bits, 0);
}

LogicalResult Exp2Op::verify() {
  ShareType x = getInput().getType(), max = getMax().getType();
  // (C1)
  SmallVector<int64_t> rows;
  if (failed(verifyFullRing(*this, x)) ||
      failed(verifyRows(*this, x, getCausal(), rows)))
    return failure();
  // (C2)
  if (max.getShape() != ArrayRef<int64_t>(rows) || max.getFrac() != 0)
    return emitOpError() << "expected one integer a row of " << x << ", got "
                         << max;
  // (C3)
  if (failed(verifyCompareBits(*this, max.getBits())))
    return failure();
  // (C4): the opened ring has bits + frac bits.
  if (x.getFrac() < 1 || x.getFrac() + max.getBits() > ringBits)
    return emitOpError() << "expected scores with 1 to "
                         << ringBits - max.getBits()
                         << " fraction bits beside a maximum of "
                         << max.getBits() << " bits, got " << x;
  // (C5)
  return verifyResult(*this, x.getShape(), ringBits, rt::exp2Frac);
}

LogicalResult SumRowOp::verify() {
  ShareType x = getInput().getType();
  // (C1)
  SmallVector<int64_t> rows;
  if (failed(verifyRows(*this, x, getCausal(), rows)))
    return failure();
  // (C2)
  return verifyResult(*this, rows, x.getBits(), x.getFrac());
}

LogicalResult RecipOp::verify() {
  ShareType x = getInput().getType();
  // (C1)
  if (failed(verifyFullRing(*this, x)))
    return failure();
  // (C2)
  if (x.getFrac() != int32_t(rt::exp2Frac))
    return emitOpError() << "expected an operand with " << rt::exp2Frac
                         << " fraction bits, got " << x;
  // (C3)
  if (getUpperBound() < 1 || getUpperBound() > int64_t(rt::recipMaxUpperBound))
    return emitOpError() << "expected an upper bound from 1 to "
                         << rt::recipMaxUpperBound << ", got "
                         << int64_t(getUpperBound());
  // (C4)
  return verifyResult(*this, x.getShape(), ringBits, rt::recipFrac);
}

//===----------------------------------------------------------------------===//
// Activations and norms
//===----------------------------------------------------------------------===//

/// Checks that values of the range, with `frac` fraction bits, can be compared.
static LogicalResult verifyComparison(Operation *op, RangeAttr range,
                                      unsigned bits, int64_t frac) {
  if (failed(verifyCompareBits(op, bits)))
    return failure();
  if (range.getProvenance() != Provenance::Proved)
    return op->emitOpError() << "needs a proved range, got " << range
                             << ": outside of it the result is garbage";
  if (std::ldexp(range.getBound(), int(frac) + 2) > std::ldexp(1.0, int(bits)))
    return op->emitOpError()
           << "the range " << range << " with " << frac
           << " fraction bits does not fit into " << bits << " bits";
  return success();
}

/// The same without the low bits that the op drops.
template <typename OpTy>
static LogicalResult verifyDroppedComparison(OpTy op, ShareType x) {
  uint32_t drop = op.getDrop(), bits = op.getCompareBits();
  if (drop + bits > ringBits)
    return op.emitOpError() << "drops " << drop << " bits of " << ringBits
                            << " to compare " << bits;
  return verifyComparison(op, op.getRange(), bits, int64_t(x.getFrac()) - drop);
}

LogicalResult ReluOp::verify() {
  ShareType x = getInput().getType();
  // (C1)
  if (failed(verifyFullRing(*this, x)))
    return failure();
  // (C2), (C3)
  if (failed(verifyDroppedComparison(*this, x)))
    return failure();
  // (C4)
  return verifyResult(*this, x.getShape(), ringBits, x.getFrac());
}

LogicalResult ArgMaxOp::verify() {
  ShareType x = getInput().getType();
  // (C1)
  SmallVector<int64_t> rows;
  if (failed(verifyFullRing(*this, x)) ||
      failed(verifyRows(*this, x, /*causal=*/false, rows)))
    return failure();
  // (C2), (C3)
  if (failed(verifyDroppedComparison(*this, x)))
    return failure();
  // (C4)
  return verifyResult(*this, rows, rt::argMaxBits, 0);
}

LogicalResult TailOp::verify() {
  ShareType x = getInput().getType();
  // (C1)
  if (failed(verifyFullRing(*this, x)))
    return failure();
  // (C2)
  const rt::TailTable &table = rt::tailTable(rt::TailFunction(getFunction()));
  int least = int(table.frac), most = int(table.frac + 64 - table.ringBits);
  if (x.getFrac() < least || x.getFrac() > most)
    return emitOpError() << "expected " << least << " to " << most
                         << " fraction bits, got " << x;
  // (C3)
  if (getCompareBits() > table.ringBits - table.frac + rt::tailCompareFrac)
    return emitOpError() << "compares " << getCompareBits()
                         << " bits of a ring of " << table.ringBits;
  // (C4)
  if (failed(verifyComparison(*this, getRange(), getCompareBits(),
                              rt::tailCompareFrac)))
    return failure();
  // (C5)
  return verifyResult(*this, x.getShape(), ringBits, x.getFrac());
}

LogicalResult NormalizeOp::verify() {
  ShareType x = getInput().getType();
  // (C1)
  if (failed(verifyFullRing(*this, x)))
    return failure();
  // (C2)
  if (x.getRank() < 1 || x.getShape().back() > int64_t(rt::normalizeMaxColumns))
    return emitOpError() << "expected rows of at most "
                         << rt::normalizeMaxColumns << " elements, got " << x;
  // (C3)
  if (2 * x.getFrac() <= int32_t(rt::normalizeSumFrac) || x.getFrac() > 24)
    return emitOpError() << "expected " << rt::normalizeSumFrac / 2 + 1
                         << " to 24 fraction bits, got " << x;
  // (C4)
  int64_t least = int64_t(1) << rt::normalizeLowestLog2,
          most = int64_t(1) << (rt::normalizeHighestLog2 - 1);
  if (int64_t(getEpsilon()) < least || int64_t(getEpsilon()) >= most)
    return emitOpError() << "expected an epsilon from " << least << " to "
                         << most - 1 << " units, got " << int64_t(getEpsilon());
  // (C5)
  return verifyResult(*this, x.getShape(), ringBits,
                      int64_t(x.getFrac()) + rt::normalizeFrac);
}
