//===- ValidateOps.cpp - Checks of single instructions --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Validate.h"
#include "aero/Runtime/Parameters.h"

#include <algorithm>

using namespace aero;
using namespace aero::rt;
using program::Instruction;
using program::Value;
using program::Weight;
using Shape = google::protobuf::RepeatedField<uint32_t>;

namespace {

/// The checks of one instruction, by op family.
class OpChecker {
public:
  OpChecker(const program::Program &program, const Instruction &op)
      : program(program), op(op), result(program.values(op.result())) {}

  Status check() const;

private:
  // Inputs and outputs.
  Status embedding() const;
  Status takeRow() const;
  Status reveal() const;
  // Products.
  Status linear() const;
  Status matmul() const;
  Status mul() const;
  Status mulWeight() const;
  Status causalScores() const;
  Status causalContext() const;
  // Rings and comparisons.
  Status extend() const;
  Status trunc() const;
  Status maxRow() const;
  Status exp2() const;
  Status recip() const;
  Status relu() const;
  Status tail() const;
  Status normalize() const;
  // Local arithmetic.
  Status add() const;
  Status addWeight() const;
  Status sub() const;
  Status mulPublic() const;
  Status sumRow() const;
  // Data movement.
  Status slice() const;
  Status reshape() const;
  Status transpose() const;
  Status concat() const;
  Status repeat() const;

  const Value &operand(int i) const { return program.values(op.operands(i)); }
  Status operandCount(int expected) const;
  Status weightAt(uint32_t index, const Weight *&weight) const;
  Status bitsOf(int i, unsigned expected) const;
  Status compareWidth(unsigned bits) const;
  /// Operand 0 holds rows of scores: the shape of what has one element a row.
  Status rowsOf(bool causal, Shape &rows) const;
  /// The result's type; the bits and fraction that the operation yields.
  Status resultIs(const Shape &shape, uint64_t bits, int64_t frac) const;

  const program::Program &program;
  const Instruction &op;
  const Value &result;
};

} // namespace

static std::string describe(const Shape &shape, uint64_t bits, int64_t frac) {
  return formatShape(shape) + " with " + std::to_string(bits) + " bits, " +
         std::to_string(frac) + " of them fractional";
}

static bool sameShape(const Shape &a, const Shape &b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

static Shape withoutLast(const Shape &shape) {
  return Shape(shape.begin(), shape.end() - 1);
}

static std::string operandName(int i) {
  return "operand " + std::to_string(i + 1);
}

Status OpChecker::operandCount(int expected) const {
  if (op.operands_size() == expected)
    return {};
  return Error{"has " + std::to_string(op.operands_size()) +
               " operands, expected " + std::to_string(expected)};
}

Status OpChecker::weightAt(uint32_t index, const Weight *&weight) const {
  if (index >= static_cast<uint32_t>(program.weights_size()))
    return Error{"weight " + std::to_string(index) + " is not one of the " +
                 std::to_string(program.weights_size()) + " weights"};
  weight = &program.weights(index);
  return {};
}

Status OpChecker::bitsOf(int i, unsigned expected) const {
  if (operand(i).bits() == expected)
    return {};
  return Error{operandName(i) + " has " + std::to_string(operand(i).bits()) +
               " bits, expected " + std::to_string(expected)};
}

/// A compared value is cut into groups of four bits.
Status OpChecker::compareWidth(unsigned bits) const {
  if (bits >= 8 && bits <= 64 && bits % 4 == 0)
    return {};
  return Error{"compares " + std::to_string(bits) +
               " bits, expected a multiple of 4 from 8 to 64"};
}

Status OpChecker::resultIs(const Shape &shape, uint64_t bits,
                           int64_t frac) const {
  if (sameShape(result.shape(), shape) && result.bits() == bits &&
      result.frac() == frac)
    return {};
  return Error{"the result is " +
               describe(result.shape(), result.bits(), result.frac()) +
               ", expected " + describe(shape, bits, frac)};
}

Status OpChecker::embedding() const {
  AERO_RETURN_IF_ERROR(operandCount(0));
  const Weight *table = nullptr;
  AERO_RETURN_IF_ERROR(weightAt(op.embedding().weight(), table));
  if (table->shape_size() != 2 || table->shape(0) != program.vocabulary() ||
      table->type() != Weight::TYPE_I32)
    return Error{"the table has shape " + formatShape(table->shape()) +
                 ", expected 32-bit integers of shape (" +
                 std::to_string(program.vocabulary()) + ",width)"};
  Shape shape;
  shape.Add(program.context());
  shape.Add(table->shape(1));
  return resultIs(shape, 32, table->frac());
}

Status OpChecker::takeRow() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  const Value &x = operand(0);
  if (!program.last_token_only())
    return Error{"takes the row of the last token in a program that computes "
                 "all rows"};
  if (x.shape_size() != 2 || x.shape(0) != program.context())
    return Error{"the operand has shape " + formatShape(x.shape()) +
                 ", expected (" + std::to_string(program.context()) +
                 ",width)"};
  Shape shape;
  shape.Add(1);
  shape.Add(x.shape(1));
  return resultIs(shape, x.bits(), x.frac());
}

Status OpChecker::reveal() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  AERO_RETURN_IF_ERROR(bitsOf(0, 64));
  return resultIs(operand(0).shape(), 64, operand(0).frac());
}

Status OpChecker::linear() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  AERO_RETURN_IF_ERROR(bitsOf(0, 64));
  const Value &x = operand(0);
  const Weight *weight = nullptr;
  AERO_RETURN_IF_ERROR(weightAt(op.linear().weight(), weight));
  if (x.shape_size() != 2 || weight->shape_size() != 2 ||
      weight->type() != Weight::TYPE_I32 || x.shape(1) != weight->shape(0))
    return Error{"cannot multiply an operand of shape " +
                 formatShape(x.shape()) + " with a weight of shape " +
                 formatShape(weight->shape()) +
                 ", expected (M,K) and 32-bit integers of shape (K,N)"};
  int64_t frac = int64_t(x.frac()) + weight->frac();
  if (op.linear().has_bias()) {
    const Weight *bias = nullptr;
    AERO_RETURN_IF_ERROR(weightAt(op.linear().bias(), bias));
    if (bias->shape_size() != 1 || bias->shape(0) != weight->shape(1) ||
        bias->frac() != frac)
      return Error{
          "the bias has shape " + formatShape(bias->shape()) + " and " +
          std::to_string(bias->frac()) + " fractional bits, expected (" +
          std::to_string(weight->shape(1)) + ") and " + std::to_string(frac)};
  }
  Shape shape;
  shape.Add(x.shape(0));
  shape.Add(weight->shape(1));
  return resultIs(shape, 64, frac);
}

Status OpChecker::matmul() const {
  AERO_RETURN_IF_ERROR(operandCount(2));
  AERO_RETURN_IF_ERROR(bitsOf(0, 64));
  AERO_RETURN_IF_ERROR(bitsOf(1, 64));
  const Shape &lhs = operand(0).shape(), &rhs = operand(1).shape();
  int rank = lhs.size();
  bool transposed = op.matmul().transpose_rhs();
  if (rank < 2 || rhs.size() != rank ||
      !std::equal(lhs.begin(), lhs.end() - 2, rhs.begin()) ||
      lhs[rank - 1] != rhs[transposed ? rank - 1 : rank - 2])
    return Error{"cannot multiply shapes " + formatShape(lhs) + " and " +
                 formatShape(rhs) +
                 (transposed ? ", expected (...,M,K) and (...,N,K)"
                             : ", expected (...,M,K) and (...,K,N)")};
  Shape shape = lhs;
  shape[rank - 1] = rhs[transposed ? rank - 2 : rank - 1];
  return resultIs(shape, 64, int64_t(operand(0).frac()) + operand(1).frac());
}

Status OpChecker::mul() const {
  AERO_RETURN_IF_ERROR(operandCount(2));
  AERO_RETURN_IF_ERROR(bitsOf(0, 64));
  AERO_RETURN_IF_ERROR(bitsOf(1, 64));
  const Shape &lhs = operand(0).shape(), &rhs = operand(1).shape();
  if (!sameShape(lhs, rhs) && !sameShape(withoutLast(lhs), rhs))
    return Error{"cannot multiply shapes " + formatShape(lhs) + " and " +
                 formatShape(rhs) +
                 ", expected equal ones or a right one without the last "
                 "dimension"};
  return resultIs(lhs, 64, int64_t(operand(0).frac()) + operand(1).frac());
}

Status OpChecker::mulWeight() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  AERO_RETURN_IF_ERROR(bitsOf(0, 64));
  const Value &x = operand(0);
  const Weight *weight = nullptr;
  AERO_RETURN_IF_ERROR(weightAt(op.mul_weight().weight(), weight));
  const Shape &w = weight->shape();
  bool fits =
      op.mul_weight().rows()
          ? sameShape(w, withoutLast(x.shape()))
          : w.size() <= x.shape_size() &&
                std::equal(w.begin(), w.end(), x.shape().end() - w.size());
  if (!fits || w.empty() || weight->type() != Weight::TYPE_I32)
    return Error{"cannot multiply an operand of shape " +
                 formatShape(x.shape()) + " with a weight of shape " +
                 formatShape(w) +
                 (op.mul_weight().rows()
                      ? ", expected 32-bit integers, one a row"
                      : ", expected 32-bit integers of a suffix of it")};
  return resultIs(x.shape(), 64, int64_t(x.frac()) + weight->frac());
}

Status OpChecker::causalScores() const {
  AERO_RETURN_IF_ERROR(operandCount(2));
  AERO_RETURN_IF_ERROR(bitsOf(0, 64));
  AERO_RETURN_IF_ERROR(bitsOf(1, 64));
  const Shape &lhs = operand(0).shape(), &rhs = operand(1).shape();
  if (lhs.size() < 2 || !sameShape(lhs, rhs))
    return Error{"cannot score shapes " + formatShape(lhs) + " and " +
                 formatShape(rhs) + ", expected equal ones, (...,T,K)"};
  Shape shape = withoutLast(lhs);
  shape[shape.size() - 1] = uint32_t(triangle(shape[shape.size() - 1]));
  return resultIs(shape, 64, int64_t(operand(0).frac()) + operand(1).frac());
}

Status OpChecker::causalContext() const {
  AERO_RETURN_IF_ERROR(operandCount(2));
  AERO_RETURN_IF_ERROR(bitsOf(0, 64));
  AERO_RETURN_IF_ERROR(bitsOf(1, 64));
  const Shape &lhs = operand(0).shape(), &rhs = operand(1).shape();
  int rank = rhs.size();
  if (rank < 2 || lhs.size() != rank - 1 ||
      !std::equal(lhs.begin(), lhs.end() - 1, rhs.begin()) ||
      lhs[rank - 2] != triangle(rhs[rank - 2]))
    return Error{"cannot multiply shapes " + formatShape(lhs) + " and " +
                 formatShape(rhs) +
                 ", expected packed triangles of T rows and (...,T,N)"};
  return resultIs(rhs, 64, int64_t(operand(0).frac()) + operand(1).frac());
}

Status OpChecker::extend() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  const Value &x = operand(0);
  if (x.bits() < 3 || x.bits() > 63)
    return Error{"extends from " + std::to_string(x.bits()) +
                 " bits, expected 3 to 63"};
  return resultIs(x.shape(), 64, x.frac());
}

Status OpChecker::trunc() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  AERO_RETURN_IF_ERROR(bitsOf(0, 64));
  uint32_t shift = op.trunc().shift();
  if (shift < 1 || shift > 62)
    return Error{"shifts by " + std::to_string(shift) +
                 " bits, expected 1 to 62"};
  return resultIs(operand(0).shape(), 64, int64_t(operand(0).frac()) - shift);
}

Status OpChecker::maxRow() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  AERO_RETURN_IF_ERROR(bitsOf(0, 64));
  AERO_RETURN_IF_ERROR(compareWidth(op.max_row().compare_bits()));
  const Value &x = operand(0);
  uint32_t bits = op.max_row().compare_bits(), drop = op.max_row().drop_bits();
  // The share's bits above the dropped ones must cover the compared ring.
  if (drop > 64 - bits)
    return Error{"drops " + std::to_string(drop) + " bits of 64 to compare " +
                 std::to_string(bits)};
  Shape rows;
  AERO_RETURN_IF_ERROR(rowsOf(op.max_row().causal(), rows));
  return resultIs(rows, bits, int64_t(x.frac()) - drop);
}

/// Causal rows are packed, and how many there are follows from their number of
/// elements.
Status OpChecker::rowsOf(bool causal, Shape &rows) const {
  const Value &x = operand(0);
  if (x.shape_size() < 2)
    return Error{"the operand has shape " + formatShape(x.shape()) +
                 ", expected rows of scores"};
  rows = withoutLast(x.shape());
  if (!causal)
    return {};
  uint64_t packed = x.shape(x.shape_size() - 1), tokens = 0;
  while (triangle(tokens) < packed)
    ++tokens;
  if (triangle(tokens) != packed)
    return Error{"the operand has shape " + formatShape(x.shape()) +
                 ", expected packed lower triangles"};
  rows.Add(uint32_t(tokens));
  return {};
}

Status OpChecker::relu() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  AERO_RETURN_IF_ERROR(bitsOf(0, 64));
  uint32_t bits = op.relu().compare_bits(), drop = op.relu().drop_bits();
  AERO_RETURN_IF_ERROR(compareWidth(bits));
  if (drop > 64 - bits)
    return Error{"drops " + std::to_string(drop) + " bits of 64 to compare " +
                 std::to_string(bits)};
  return resultIs(operand(0).shape(), 64, operand(0).frac());
}

Status OpChecker::tail() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  AERO_RETURN_IF_ERROR(bitsOf(0, 64));
  if (op.tail().function() < program::Tail::FUNCTION_GELU ||
      op.tail().function() > program::Tail::FUNCTION_SILU)
    return Error{"the function is not one that this build knows"};
  const TailTable &table = tailTable(TailFunction(op.tail().function()));
  int frac = operand(0).frac();
  int least = int(table.frac), most = int(table.frac + 64 - table.ringBits);
  if (frac < least || frac > most)
    return Error{"the operand has " + std::to_string(frac) +
                 " fractional bits, expected " + std::to_string(least) +
                 " to " + std::to_string(most)};
  uint32_t bits = op.tail().compare_bits();
  AERO_RETURN_IF_ERROR(compareWidth(bits));
  if (bits > table.ringBits - (table.frac - tailCompareFrac))
    return Error{"compares " + std::to_string(bits) + " bits of a ring of " +
                 std::to_string(table.ringBits)};
  return resultIs(operand(0).shape(), 64, frac);
}

Status OpChecker::normalize() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  AERO_RETURN_IF_ERROR(bitsOf(0, 64));
  const Value &x = operand(0);
  if (x.shape_size() < 1 || x.shape(x.shape_size() - 1) > normalizeMaxColumns)
    return Error{"the operand has shape " + formatShape(x.shape()) +
                 ", expected rows of at most " +
                 std::to_string(normalizeMaxColumns) + " elements"};
  if (2 * x.frac() <= int(normalizeSumFrac) || x.frac() > 24)
    return Error{"the operand has " + std::to_string(x.frac()) +
                 " fractional bits, expected " +
                 std::to_string(normalizeSumFrac / 2 + 1) + " to 24"};
  if (op.normalize().epsilon() < uint64_t(1) << normalizeLowestLog2 ||
      op.normalize().epsilon() >= uint64_t(1) << (normalizeHighestLog2 - 1))
    return Error{"epsilon is " + std::to_string(op.normalize().epsilon()) +
                 ", expected at least 2^" +
                 std::to_string(normalizeLowestLog2) + " and less than 2^" +
                 std::to_string(normalizeHighestLog2 - 1)};
  return resultIs(x.shape(), 64, int64_t(x.frac()) + normalizeFrac);
}

Status OpChecker::exp2() const {
  AERO_RETURN_IF_ERROR(operandCount(2));
  AERO_RETURN_IF_ERROR(bitsOf(0, 64));
  AERO_RETURN_IF_ERROR(compareWidth(op.exp2().compare_bits()));
  AERO_RETURN_IF_ERROR(bitsOf(1, op.exp2().compare_bits()));
  const Value &scores = operand(0), &maximum = operand(1);
  Shape rows;
  AERO_RETURN_IF_ERROR(rowsOf(op.exp2().causal(), rows));
  if (!sameShape(rows, maximum.shape()) || maximum.frac() != 0)
    return Error{"the row maximum is " +
                 describe(maximum.shape(), maximum.bits(), maximum.frac()) +
                 " for scores of shape " + formatShape(scores.shape()) +
                 ", expected one integer a row"};
  if (scores.frac() < 1 ||
      scores.frac() + int64_t(op.exp2().compare_bits()) > 64)
    return Error{"the scores have " + std::to_string(scores.frac()) +
                 " fractional bits, expected 1 to " +
                 std::to_string(64 - int(op.exp2().compare_bits()))};
  return resultIs(scores.shape(), 64, exp2Frac);
}

Status OpChecker::recip() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  AERO_RETURN_IF_ERROR(bitsOf(0, 64));
  uint32_t bound = op.recip().upper_bound();
  if (bound < 1 || bound > recipMaxUpperBound)
    return Error{"the operand's bound is " + std::to_string(bound) +
                 ", expected 1 to " + std::to_string(recipMaxUpperBound)};
  if (operand(0).frac() != int(exp2Frac))
    return Error{"the operand has " + std::to_string(operand(0).frac()) +
                 " fractional bits, expected " + std::to_string(exp2Frac)};
  return resultIs(operand(0).shape(), 64, recipFrac);
}

Status OpChecker::add() const {
  AERO_RETURN_IF_ERROR(operandCount(2));
  const Value &x = operand(0), &y = operand(1);
  if (!sameShape(x.shape(), y.shape()) || x.bits() != y.bits() ||
      x.frac() != y.frac())
    return Error{"cannot add " + describe(x.shape(), x.bits(), x.frac()) +
                 " and " + describe(y.shape(), y.bits(), y.frac())};
  return resultIs(x.shape(), x.bits(), x.frac());
}

Status OpChecker::addWeight() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  const Value &x = operand(0);
  const Weight *weight = nullptr;
  AERO_RETURN_IF_ERROR(weightAt(op.add_weight().weight(), weight));
  const Shape &suffix = weight->shape();
  if (suffix.size() > x.shape_size() ||
      !std::equal(suffix.begin(), suffix.end(),
                  x.shape().end() - suffix.size()))
    return Error{"cannot add a weight of shape " + formatShape(suffix) +
                 " to an operand of shape " + formatShape(x.shape()) +
                 ": it must be a suffix"};
  if (weight->frac() != x.frac())
    return Error{"the weight has " + std::to_string(weight->frac()) +
                 " fractional bits, the operand " + std::to_string(x.frac())};
  return resultIs(x.shape(), x.bits(), x.frac());
}

Status OpChecker::sub() const { return add(); }

Status OpChecker::mulPublic() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  const Value &x = operand(0);
  const program::MulPublic &factor = op.mul_public();
  const Shape &suffix = factor.shape();
  uint64_t count = 1;
  for (uint32_t dim : suffix)
    count *= dim;
  if (suffix.size() > x.shape_size() ||
      !std::equal(suffix.begin(), suffix.end(),
                  x.shape().end() - suffix.size()) ||
      count != uint64_t(factor.values_size()))
    return Error{"cannot multiply an operand of shape " +
                 formatShape(x.shape()) + " with " +
                 std::to_string(factor.values_size()) +
                 " public values of shape " + formatShape(suffix)};
  return resultIs(x.shape(), x.bits(), int64_t(x.frac()) + factor.frac());
}

Status OpChecker::sumRow() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  Shape rows;
  AERO_RETURN_IF_ERROR(rowsOf(op.sum_row().causal(), rows));
  return resultIs(rows, operand(0).bits(), operand(0).frac());
}

Status OpChecker::slice() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  const Value &x = operand(0);
  uint32_t dim = op.slice().dim();
  if (dim >= static_cast<uint32_t>(x.shape_size()) ||
      result.shape_size() != x.shape_size())
    return Error{"slices dimension " + std::to_string(dim) + " of shape " +
                 formatShape(x.shape()) + " to shape " +
                 formatShape(result.shape())};
  uint64_t end = uint64_t(op.slice().offset()) + result.shape(dim);
  if (end > x.shape(dim))
    return Error{"slices up to " + std::to_string(end) +
                 " of a dimension of size " + std::to_string(x.shape(dim))};
  Shape shape = x.shape();
  shape[dim] = result.shape(dim);
  return resultIs(shape, x.bits(), x.frac());
}

Status OpChecker::reshape() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  const Value &x = operand(0);
  if (elementCount(x) != elementCount(result))
    return Error{"reshapes " + formatShape(x.shape()) + " to " +
                 formatShape(result.shape()) +
                 ", which has another number of elements"};
  return resultIs(result.shape(), x.bits(), x.frac());
}

Status OpChecker::transpose() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  const Value &x = operand(0);
  const Shape &permutation = op.transpose().permutation();
  Shape shape;
  uint32_t seen = 0;
  for (uint32_t dim : permutation) {
    if (dim >= static_cast<uint32_t>(x.shape_size()))
      break;
    seen |= 1u << dim;
    shape.Add(x.shape(dim));
  }
  if (permutation.size() != x.shape_size() ||
      seen != (1u << x.shape_size()) - 1)
    return Error{formatShape(permutation) +
                 " is not a permutation of the dimensions of shape " +
                 formatShape(x.shape())};
  return resultIs(shape, x.bits(), x.frac());
}

Status OpChecker::concat() const {
  if (op.operands_size() < 1)
    return Error{"has no operands"};
  const Value &first = operand(0);
  uint32_t dim = op.concat().dim();
  if (dim >= uint32_t(first.shape_size()))
    return Error{"joins dimension " + std::to_string(dim) + " of shape " +
                 formatShape(first.shape())};
  Shape shape = first.shape();
  uint64_t size = 0;
  for (int i = 0; i < op.operands_size(); ++i) {
    const Value &x = operand(i);
    Shape other = x.shape();
    if (other.size() != shape.size() || x.bits() != first.bits() ||
        x.frac() != first.frac())
      return Error{operandName(i) + " has another rank, ring or scale"};
    size += other[int(dim)];
    other[int(dim)] = shape[int(dim)];
    if (!sameShape(other, shape))
      return Error{operandName(i) + " has shape " + formatShape(x.shape()) +
                   ", which does not join " + formatShape(first.shape())};
  }
  if (size > UINT32_MAX)
    return Error{"joins " + std::to_string(size) + " indices"};
  shape[int(dim)] = uint32_t(size);
  return resultIs(shape, first.bits(), first.frac());
}

Status OpChecker::repeat() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  const Value &x = operand(0);
  uint32_t dim = op.repeat().dim();
  if (dim >= uint32_t(x.shape_size()) || op.repeat().times() < 1)
    return Error{"repeats dimension " + std::to_string(dim) + " of shape " +
                 formatShape(x.shape()) + " " +
                 std::to_string(op.repeat().times()) + " times"};
  Shape shape = x.shape();
  uint64_t size = uint64_t(shape[int(dim)]) * op.repeat().times();
  shape[int(dim)] = uint32_t(size);
  if (size > UINT32_MAX)
    return Error{"repeats to " + std::to_string(size) + " indices"};
  return resultIs(shape, x.bits(), x.frac());
}

Status OpChecker::check() const {
  switch (op.op_case()) {
  case Instruction::kEmbedding:
    return embedding();
  case Instruction::kExtend:
    return extend();
  case Instruction::kLinear:
    return linear();
  case Instruction::kTrunc:
    return trunc();
  case Instruction::kMatmul:
    return matmul();
  case Instruction::kMul:
    return mul();
  case Instruction::kAdd:
    return add();
  case Instruction::kAddWeight:
    return addWeight();
  case Instruction::kMulWeight:
    return mulWeight();
  case Instruction::kCausalScores:
    return causalScores();
  case Instruction::kCausalContext:
    return causalContext();
  case Instruction::kRelu:
    return relu();
  case Instruction::kTail:
    return tail();
  case Instruction::kNormalize:
    return normalize();
  case Instruction::kSub:
    return sub();
  case Instruction::kMulPublic:
    return mulPublic();
  case Instruction::kConcat:
    return concat();
  case Instruction::kRepeat:
    return repeat();
  case Instruction::kMaxRow:
    return maxRow();
  case Instruction::kExp2:
    return exp2();
  case Instruction::kSumRow:
    return sumRow();
  case Instruction::kRecip:
    return recip();
  case Instruction::kSlice:
    return slice();
  case Instruction::kReshape:
    return reshape();
  case Instruction::kTranspose:
    return transpose();
  case Instruction::kTakeRow:
    return takeRow();
  case Instruction::kReveal:
    return reveal();
  case Instruction::OP_NOT_SET:
    break;
  }
  return Error{"the operation is not one that this build knows: recompile the "
               "model with this version"};
}

Status aero::rt::validateOp(const program::Program &program,
                            const Instruction &instruction) {
  return OpChecker(program, instruction).check();
}
