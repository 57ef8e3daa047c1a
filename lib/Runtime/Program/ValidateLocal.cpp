//===- ValidateLocal.cpp - Checks of local instructions -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpChecker.h"

using namespace aero;
using namespace aero::rt;
using program::Value;
using program::Weight;

Status OpChecker::add() const { return sum("add"); }

Status OpChecker::sub() const { return sum("subtract"); }

Status OpChecker::sum(const char *verb) const {
  AERO_RETURN_IF_ERROR(operandCount(2));
  const Value &x = operand(0), &y = operand(1);
  if (!sameShape(x.shape(), y.shape()) || x.bits() != y.bits() ||
      x.frac() != y.frac())
    return Error{std::string("cannot ") + verb + " " +
                 describe(x.shape(), x.bits(), x.frac()) + " and " +
                 describe(y.shape(), y.bits(), y.frac())};
  return resultIs(x.shape(), x.bits(), x.frac());
}

Status OpChecker::addWeight() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  const Value &x = operand(0);
  const Weight *weight = nullptr;
  AERO_RETURN_IF_ERROR(weightAt(op.add_weight().weight(), weight));
  const Shape &suffix = weight->shape();
  if (!isSuffix(suffix, x.shape()))
    return Error{"cannot add a weight of shape " + formatShape(suffix) +
                 " to an operand of shape " + formatShape(x.shape()) +
                 ": it must be a suffix"};
  if (weight->frac() != x.frac())
    return Error{"the weight has " + std::to_string(weight->frac()) +
                 " fractional bits, the operand " + std::to_string(x.frac())};
  return resultIs(x.shape(), x.bits(), x.frac());
}

Status OpChecker::mulPublic() const {
  AERO_RETURN_IF_ERROR(operandCount(1));
  const Value &x = operand(0);
  const program::MulPublic &factor = op.mul_public();
  const Shape &suffix = factor.shape();
  uint64_t count = 1;
  for (uint32_t dim : suffix)
    count *= dim;
  if (!isSuffix(suffix, x.shape()) || count != uint64_t(factor.values_size()))
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
