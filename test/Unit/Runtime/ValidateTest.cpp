//===- ValidateTest.cpp - Rules of program files ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RuleTest.h"

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;
using program::Instruction;
using program::Program;
using program::Value;
using testing::HasSubstr;

namespace {
class ProgramRuleTest : public RuleTest {};
} // namespace

TEST_P(ProgramRuleTest, IsChecked) { check(); }

TEST(ValidateTest, TheErrorNamesTheInstruction) {
  Program p = makeTestProgram();
  p.mutable_instructions(2)->mutable_trunc()->set_shift(0);
  EXPECT_THAT(validateProgram(p).message(),
              HasSubstr("instruction 2 (trunc, node 'node2'): shifts by 0"));
}

TEST(ValidateTest, AnEmptyProgramIsNone) {
  EXPECT_FALSE(validateProgram({}).ok());
}

INSTANTIATE_TEST_SUITE_P(
    Program, ProgramRuleTest,
    testing::Values(
        Rule{"Security",
             [](Program &p) {
               p.set_security(program::SECURITY_MODE_UNSPECIFIED);
             },
             "unknown security mode 0"},
        Rule{"RingBits",
             [](Program &p) { p.mutable_fixed_point()->set_ring_bits(32); },
             "the ring has 32 bits"},
        Rule{"ActivationFrac",
             [](Program &p) {
               p.mutable_fixed_point()->set_activation_frac(63);
             },
             "fixed-point fractions of 63"},
        Rule{"WeightFrac",
             [](Program &p) { p.mutable_fixed_point()->set_weight_frac(0); },
             "and 0 bits"},
        Rule{"Context", [](Program &p) { p.set_context(0); },
             "the context is 0 tokens"},
        Rule{"Vocabulary", [](Program &p) { p.set_vocabulary(1 << 24); },
             "the vocabulary is 16777216"},
        Rule{"TooManyInstructions",
             [](Program &p) {
               for (int i = 0; i < 100'001; ++i)
                 p.add_instructions();
             },
             "the limit is 100000"},
        Rule{"TooManyWeights",
             [](Program &p) {
               for (int i = 0; i < 100'001; ++i)
                 p.add_weights();
             },
             "weights, the limit is"},
        Rule{"ValueWithoutDefinition",
             [](Program &p) { *p.add_values() = p.values(0); },
             "each value is defined exactly once"},
        Rule{"NoReveal",
             [](Program &p) {
               p.mutable_instructions()->RemoveLast();
               p.mutable_values()->RemoveLast();
             },
             "no instruction reveals a result"},
        Rule{"TwoReveals",
             [](Program &p) {
               *p.add_values() = p.values(p.values_size() - 1);
               Instruction &last = *p.add_instructions();
               last = p.instructions(p.instructions_size() - 2);
               last.set_result(p.values_size() - 1);
             },
             "there is already a reveal"},
        Rule{"OtherResult", [](Program &p) { p.set_result(0); },
             "but the program's result is value 0"},
        Rule{"ResultIsUsed",
             [](Program &p) {
               *p.add_values() = p.values(p.values_size() - 1);
               Instruction &last = *p.add_instructions();
               last.mutable_reshape();
               last.add_operands(p.result());
               last.set_result(p.values_size() - 1);
               last.set_start(p.exchanges());
             },
             "is the revealed result"},
        Rule{"ResultRows",
             [](Program &p) {
               // Slicing the row is fine in a program that computes all of
               // them, but it leaves one.
               find(p, Instruction::kTakeRow).mutable_slice();
               p.set_last_token_only(false);
             },
             "the result has shape (1,8), expected 4 rows"},
        Rule{"TakeRowOfAllRows",
             [](Program &p) { p.set_last_token_only(false); },
             "takes the row of the last token"},
        Rule{"Exchanges",
             [](Program &p) { p.set_exchanges(p.exchanges() + 1); },
             "its schedule ends at"}),
    ruleName);

INSTANTIATE_TEST_SUITE_P(
    ValuesAndWeights, ProgramRuleTest,
    testing::Values(
        Rule{"NoDimension",
             [](Program &p) { p.mutable_values(1)->clear_shape(); },
             "value 1 has 0 dimensions"},
        Rule{"NineDimensions",
             [](Program &p) {
               for (int i = 0; i < 7; ++i)
                 p.mutable_values(1)->add_shape(1);
             },
             "value 1 has 9 dimensions"},
        Rule{"ZeroDimension",
             [](Program &p) { p.mutable_values(1)->set_shape(0, 0); },
             "value 1 has a dimension of size 0"},
        Rule{"LargeDimension",
             [](Program &p) { p.mutable_values(1)->set_shape(0, 1 << 24); },
             "a dimension of size 16777216"},
        Rule{"LargeValue",
             [](Program &p) {
               for (int i = 0; i < 2; ++i)
                 p.mutable_values(1)->set_shape(i, 1 << 20);
             },
             "exceeds the limit of 8589934592 elements"},
        Rule{"LargeTogether",
             [](Program &p) {
               for (int i = 0; i < 6; ++i) {
                 p.mutable_values(i)->set_shape(0, 1 << 15);
                 p.mutable_values(i)->set_shape(1, 1 << 16);
               }
             },
             "value 4 of shape (32768,65536) exceeds"},
        Rule{"OverflowingShape",
             [](Program &p) {
               Value &value = *p.mutable_values(1);
               value.clear_shape();
               for (int i = 0; i < 8; ++i)
                 value.add_shape(1 << 16);
             },
             "exceeds the limit"},
        Rule{"NoBits", [](Program &p) { p.mutable_values(1)->set_bits(0); },
             "value 1 has 0 bits"},
        Rule{"ManyBits", [](Program &p) { p.mutable_values(1)->set_bits(65); },
             "value 1 has 65 bits"},
        Rule{"Frac", [](Program &p) { p.mutable_values(1)->set_frac(63); },
             "value 1 has 63 fractional bits"},
        Rule{"NegativeFrac",
             [](Program &p) { p.mutable_values(1)->set_frac(-63); },
             "value 1 has -63 fractional bits"},
        Rule{"WeightShape",
             [](Program &p) { p.mutable_weights(1)->clear_shape(); },
             "weight 1 ('w1') has 0 dimensions"},
        Rule{"WeightType",
             [](Program &p) { p.mutable_weights(1)->clear_type(); },
             "weight 1 ('w1') has an unknown type"},
        Rule{"WeightFrac",
             [](Program &p) { p.mutable_weights(1)->set_frac(-1); },
             "has -1 fractional bits"},
        Rule{"WeightOffset",
             [](Program &p) { p.mutable_weights(1)->set_offset(65); },
             "lies at offset 65"}),
    ruleName);

INSTANTIATE_TEST_SUITE_P(
    Instructions, ProgramRuleTest,
    testing::Values(
        Rule{"OperandRange",
             [](Program &p) { p.mutable_instructions(2)->set_operands(0, 99); },
             "operand 99 is not one of the"},
        Rule{"ResultRange",
             [](Program &p) { p.mutable_instructions(2)->set_result(99); },
             "result 99 is not one of the"},
        Rule{"Order",
             [](Program &p) { p.mutable_instructions(2)->set_operands(0, 5); },
             "operand 5 is used before it is defined"},
        Rule{"OwnResult",
             [](Program &p) { p.mutable_instructions(2)->set_operands(0, 2); },
             "operand 2 is used before it is defined"},
        Rule{"DefinedTwice",
             [](Program &p) { p.mutable_instructions(2)->set_result(1); },
             "value 1 is defined twice"},
        Rule{"UnknownOp",
             [](Program &p) { p.mutable_instructions(2)->clear_op(); },
             "is not one that this build knows"},
        Rule{"Layer",
             [](Program &p) { p.mutable_instructions(2)->set_layer(-2); },
             "layer -2 does not exist"},
        Rule{"StartsTooEarly",
             [](Program &p) { p.mutable_instructions(2)->set_start(1); },
             "starts at exchange 1, but operand 1 is only there at exchange 2"},
        Rule{"LocalStartsTooEarly",
             [](Program &p) { find(p, Instruction::kAddWeight).set_start(2); },
             "is only there at exchange 3"},
        Rule{"IdleSchedule",
             [](Program &p) {
               find(p, Instruction::kReveal).set_start(1'000'000);
               p.set_exchanges(1'000'001);
             },
             "more than its instructions one after the other"},
        Rule{"StartOverflow",
             [](Program &p) {
               find(p, Instruction::kReveal).set_start(~0u);
               p.set_exchanges(0);
             },
             "its schedule ends at 4294967296"},
        Rule{"CostBytes",
             [](Program &p) {
               find(p, Instruction::kTrunc)
                   .mutable_cost()
                   ->set_client_to_server(1);
             },
             "the cost in the file differs"},
        Rule{"CostExchanges",
             [](Program &p) {
               find(p, Instruction::kAdd).mutable_cost()->set_exchanges(1);
             },
             "the cost in the file differs"},
        Rule{"CostMultiplyAdds",
             [](Program &p) {
               find(p, Instruction::kCausalScores)
                   .mutable_cost()
                   ->set_multiply_adds(1);
             },
             "the cost in the file differs"},
        Rule{"CostMissing",
             [](Program &p) { find(p, Instruction::kExp2).clear_cost(); },
             "the cost in the file differs"},
        Rule{"WeightMaskedTwice",
             [](Program &p) {
               Instruction copy = find(p, Instruction::kEmbedding);
               copy.set_result(p.values_size());
               *p.add_values() = p.values(0);
               *p.add_instructions() = copy;
             },
             "weight 0 is already used by another"}),
    ruleName);
