//===- OpChecker.h - The checks of one instruction --------------*- C++ -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_PROGRAM_OPCHECKER_H
#define AERO_LIB_RUNTIME_PROGRAM_OPCHECKER_H

#include "Validate.h"

#include <algorithm>
#include <string>

namespace aero::rt {

using Shape = google::protobuf::RepeatedField<uint32_t>;

/// The checks of one instruction. Each op family has its file: ValidateOps.cpp
/// (inputs, outputs and products), ValidateComparisons.cpp, ValidateLocal.cpp.
class OpChecker {
public:
  OpChecker(const program::Program &program, const program::Instruction &op)
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
  Status argMax() const;
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

  const program::Value &operand(int i) const {
    return program.values(op.operands(i));
  }
  Status operandCount(int expected) const;
  Status weightAt(uint32_t index, const program::Weight *&weight) const;
  Status bitsOf(int i, unsigned expected) const;
  Status compareWidth(unsigned bits) const;
  /// Two operands of one type, and the result's.
  Status sum(const char *verb) const;
  /// Operand 0 holds rows of scores: the shape of what has one element a row.
  Status rowsOf(bool causal, Shape &rows) const;
  /// The result's type; the bits and fraction that the operation yields.
  Status resultIs(const Shape &shape, uint64_t bits, int64_t frac) const;

  const program::Program &program;
  const program::Instruction &op;
  const program::Value &result;
};

inline bool sameShape(const Shape &a, const Shape &b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

/// Whether the last dimensions of `shape` are those of `suffix`.
inline bool isSuffix(const Shape &suffix, const Shape &shape) {
  return suffix.size() <= shape.size() &&
         std::equal(suffix.begin(), suffix.end(), shape.end() - suffix.size());
}

inline Shape withoutLast(const Shape &shape) {
  return Shape(shape.begin(), shape.end() - 1);
}

/// "(4,8) with 64 bits, 16 of them fractional".
std::string describe(const Shape &shape, uint64_t bits, int64_t frac);

/// "operand 1", as errors count them.
std::string operandName(int i);

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_PROGRAM_OPCHECKER_H
