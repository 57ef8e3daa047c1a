//===- ValidateOps.cpp - Checks of single instructions --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpChecker.h"
#include "aero/Runtime/Rows.h"

using namespace aero;
using namespace aero::rt;
using program::Instruction;
using program::Value;
using program::Weight;

std::string aero::rt::describe(const Shape &shape, uint64_t bits,
                               int64_t frac) {
  return formatShape(shape) + " with " + std::to_string(bits) + " bits, " +
         std::to_string(frac) + " of them fractional";
}

std::string aero::rt::operandName(int i) {
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

Status OpChecker::resultIs(const Shape &shape, uint64_t bits,
                           int64_t frac) const {
  if (sameShape(result.shape(), shape) && result.bits() == bits &&
      result.frac() == frac)
    return {};
  return Error{"the result is " +
               describe(result.shape(), result.bits(), result.frac()) +
               ", expected " + describe(shape, bits, frac)};
}

//===----------------------------------------------------------------------===//
// Inputs and outputs
//===----------------------------------------------------------------------===//

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

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

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
  bool fits = op.mul_weight().rows() ? sameShape(w, withoutLast(x.shape()))
                                     : isSuffix(w, x.shape());
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

//===----------------------------------------------------------------------===//
// All
//===----------------------------------------------------------------------===//

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
  case Instruction::kArgmax:
    return argMax();
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
