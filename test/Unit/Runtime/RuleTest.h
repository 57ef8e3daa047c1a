//===- RuleTest.h - Programs that break one rule ----------------*- C++ -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TEST_UNIT_RUNTIME_RULETEST_H
#define AERO_TEST_UNIT_RUNTIME_RULETEST_H

#include "TestProgram.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <functional>

namespace aero::rt::test {

/// A rule: what breaks a test program, and what the error says.
struct Rule {
  const char *name;
  std::function<void(program::Program &)> breakIt;
  const char *error;
  program::Program (*make)() = makeTestProgram;
};

inline void PrintTo(const Rule &rule, std::ostream *out) { *out << rule.name; }

class RuleTest : public testing::TestWithParam<Rule> {
protected:
  void check() {
    program::Program p = GetParam().make();
    ASSERT_TRUE(validateProgram(p).ok());
    GetParam().breakIt(p);
    Status status = validateProgram(p);
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(status.message(), testing::HasSubstr(GetParam().error));
  }
};

inline std::string ruleName(const testing::TestParamInfo<Rule> &info) {
  return info.param.name;
}

/// The n-th instruction of a kind.
inline program::Instruction &
find(program::Program &p, program::Instruction::OpCase kind, int n = 0) {
  for (program::Instruction &instruction : *p.mutable_instructions())
    if (instruction.op_case() == kind && n-- == 0)
      return instruction;
  ADD_FAILURE() << "no instruction of kind " << kind;
  return *p.mutable_instructions(0);
}

inline program::Value &resultOf(program::Program &p,
                                program::Instruction::OpCase kind) {
  return *p.mutable_values(find(p, kind).result());
}

inline program::Value &operandOf(program::Program &p,
                                 program::Instruction::OpCase kind, int i = 0) {
  return *p.mutable_values(find(p, kind).operands(i));
}

/// Makes the stored costs agree with changed parameters.
inline void refreshCosts(program::Program &p) {
  for (program::Instruction &instruction : *p.mutable_instructions())
    storeCost(p, instruction);
}

} // namespace aero::rt::test

#endif // AERO_TEST_UNIT_RUNTIME_RULETEST_H
