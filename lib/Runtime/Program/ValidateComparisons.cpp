//===- ValidateComparisons.cpp - Checks of rings, norms, softmax ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpChecker.h"
#include "aero/Runtime/Parameters.h"
#include "aero/Runtime/Rows.h"

using namespace aero;
using namespace aero::rt;
using program::Value;

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

/// A compared value is cut into groups of four bits.
Status OpChecker::compareWidth(unsigned bits) const {
  if (bits >= 8 && bits <= 64 && bits % 4 == 0)
    return {};
  return Error{"compares " + std::to_string(bits) +
               " bits, expected a multiple of 4 from 8 to 64"};
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

Status OpChecker::argMax() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  AERO_RETURN_IF_ERROR(bitsOf(0, 64));
  uint32_t bits = op.argmax().compare_bits(), drop = op.argmax().drop_bits();
  AERO_RETURN_IF_ERROR(compareWidth(bits));
  if (drop > 64 - bits)
    return Error{"drops " + std::to_string(drop) + " bits of 64 to compare " +
                 std::to_string(bits)};
  Shape rows;
  AERO_RETURN_IF_ERROR(rowsOf(/*causal=*/false, rows));
  return resultIs(rows, argMaxBits, 0);
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
