//===- ValidateTest.cpp - Rules of program files --------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestProgram.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <functional>

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;
using program::Instruction;
using program::Program;
using program::Value;
using testing::HasSubstr;

namespace {

/// A rule: what breaks the test program, and what the error says.
struct Rule {
  const char *name;
  std::function<void(Program &)> breakIt;
  const char *error;
};

void PrintTo(const Rule &rule, std::ostream *out) { *out << rule.name; }

class RuleTest : public testing::TestWithParam<Rule> {};

} // namespace

/// The n-th instruction of a kind.
static Instruction &find(Program &p, Instruction::OpCase kind, int n = 0) {
  for (Instruction &instruction : *p.mutable_instructions())
    if (instruction.op_case() == kind && n-- == 0)
      return instruction;
  ADD_FAILURE() << "no instruction of kind " << kind;
  return *p.mutable_instructions(0);
}

static Value &resultOf(Program &p, Instruction::OpCase kind) {
  return *p.mutable_values(find(p, kind).result());
}

static Value &operandOf(Program &p, Instruction::OpCase kind, int i = 0) {
  return *p.mutable_values(find(p, kind).operands(i));
}

/// Makes the stored costs agree with changed parameters.
static void refreshCosts(Program &p) {
  for (Instruction &instruction : *p.mutable_instructions())
    storeCost(p, instruction);
}

TEST_P(RuleTest, IsChecked) {
  Program p = makeTestProgram();
  ASSERT_TRUE(validateProgram(p).ok());
  GetParam().breakIt(p);
  Status status = validateProgram(p);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr(GetParam().error));
}

static std::string ruleName(const testing::TestParamInfo<Rule> &info) {
  return info.param.name;
}

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
    Program, RuleTest,
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
    ValuesAndWeights, RuleTest,
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
    Instructions, RuleTest,
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
               find(p, Instruction::kMatmul)
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

INSTANTIATE_TEST_SUITE_P(
    Products, RuleTest,
    testing::Values(
        Rule{"EmbeddingOperands",
             [](Program &p) { p.mutable_instructions(2)->mutable_embedding(); },
             "has 1 operands, expected 0"},
        Rule{"EmbeddingWeight",
             [](Program &p) {
               p.mutable_instructions(0)->mutable_embedding()->set_weight(5);
             },
             "weight 5 is not one of the 5 weights"},
        Rule{"EmbeddingTable", [](Program &p) { p.set_vocabulary(9); },
             "the table has shape (8,4), expected"},
        Rule{"EmbeddingType",
             [](Program &p) {
               p.mutable_weights(0)->set_type(program::Weight::TYPE_I64);
             },
             "expected 32-bit integers of shape (8,width)"},
        Rule{"EmbeddingResult",
             [](Program &p) { p.mutable_values(0)->set_bits(64); },
             "the result is (4,4) with 64 bits, 20 of them fractional, "
             "expected (4,4) with 32 bits"},
        Rule{"LinearBits",
             [](Program &p) {
               find(p, Instruction::kLinear).set_operands(0, 0);
             },
             "operand 1 has 32 bits, expected 64"},
        Rule{"LinearShapes",
             [](Program &p) { p.mutable_weights(2)->set_shape(0, 5); },
             "cannot multiply an operand of shape (4,4) with a weight of shape "
             "(5,12)"},
        Rule{"LinearType",
             [](Program &p) {
               p.mutable_weights(2)->set_type(program::Weight::TYPE_I64);
             },
             "expected (M,K) and 32-bit integers"},
        Rule{"LinearBiasIndex",
             [](Program &p) {
               find(p, Instruction::kLinear).mutable_linear()->set_bias(77);
             },
             "weight 77 is not one of"},
        Rule{"LinearBiasShape",
             [](Program &p) { p.mutable_weights(3)->set_shape(0, 11); },
             "the bias has shape (11)"},
        Rule{"LinearBiasFrac",
             [](Program &p) { p.mutable_weights(3)->set_frac(20); },
             "20 fractional bits, expected (12) and 36"},
        Rule{"LinearResult",
             [](Program &p) { resultOf(p, Instruction::kLinear).set_frac(16); },
             "expected (4,12) with 64 bits, 36"},
        Rule{"MatMulOperands",
             [](Program &p) {
               find(p, Instruction::kMatmul).mutable_operands()->RemoveLast();
             },
             "has 1 operands, expected 2"},
        Rule{"MatMulInner",
             [](Program &p) {
               find(p, Instruction::kMatmul)
                   .mutable_matmul()
                   ->set_transpose_rhs(false);
             },
             "cannot multiply shapes (2,4,2) and (2,4,2), expected (...,M,K) "
             "and (...,K,N)"},
        Rule{"MatMulRanks",
             [](Program &p) {
               find(p, Instruction::kMatmul).set_operands(1, 3);
             },
             "cannot multiply shapes (2,4,2) and (4,4)"},
        Rule{"MatMulBits",
             [](Program &p) {
               find(p, Instruction::kMatmul).set_operands(1, 0);
             },
             "operand 2 has 32 bits"},
        Rule{"MatMulResult",
             [](Program &p) {
               resultOf(p, Instruction::kMatmul).set_shape(0, 3);
             },
             "the result is (3,4,4)"},
        Rule{"MulShapes",
             [](Program &p) { find(p, Instruction::kMul).set_operands(1, 3); },
             "cannot multiply shapes (2,4,4) and (4,4)"},
        Rule{"MulResult",
             [](Program &p) { resultOf(p, Instruction::kMul).set_frac(16); },
             "expected (2,4,4) with 64 bits, 48"}),
    ruleName);

INSTANTIATE_TEST_SUITE_P(
    RingsAndComparisons, RuleTest,
    testing::Values(
        Rule{"ExtendFrom",
             [](Program &p) { p.mutable_instructions(2)->mutable_extend(); },
             "extends from 64 bits, expected 3 to 63"},
        Rule{"ExtendResult",
             [](Program &p) { resultOf(p, Instruction::kExtend).set_bits(63); },
             "expected (4,4) with 64 bits"},
        Rule{"TruncShift",
             [](Program &p) {
               find(p, Instruction::kTrunc).mutable_trunc()->set_shift(63);
             },
             "shifts by 63 bits"},
        Rule{"TruncResult",
             [](Program &p) { resultOf(p, Instruction::kTrunc).set_frac(17); },
             "expected (4,4) with 64 bits, 16"},
        Rule{"MaxRowWidth",
             [](Program &p) {
               find(p, Instruction::kMaxRow)
                   .mutable_max_row()
                   ->set_compare_bits(23);
             },
             "compares 23 bits, expected a multiple of 4"},
        Rule{"MaxRowHugeWidth",
             [](Program &p) {
               find(p, Instruction::kMaxRow)
                   .mutable_max_row()
                   ->set_compare_bits(~3u);
             },
             "compares 4294967292 bits"},
        Rule{"MaxRowDrop",
             [](Program &p) {
               find(p, Instruction::kMaxRow)
                   .mutable_max_row()
                   ->set_drop_bits(41);
             },
             "drops 41 bits of 64 to compare 24"},
        Rule{"MaxRowResult",
             [](Program &p) { resultOf(p, Instruction::kMaxRow).set_frac(1); },
             "expected (2,4) with 24 bits, 0"},
        Rule{"Exp2Width",
             [](Program &p) {
               find(p, Instruction::kExp2).mutable_exp2()->set_compare_bits(28);
             },
             "operand 2 has 24 bits, expected 28"},
        Rule{"Exp2Maximum",
             [](Program &p) {
               operandOf(p, Instruction::kExp2, 1).set_frac(1);
               find(p, Instruction::kMaxRow)
                   .mutable_max_row()
                   ->set_drop_bits(15);
             },
             "expected one integer a row"},
        Rule{
            "Exp2Frac",
            [](Program &p) {
              // The scores become integers; what makes them agrees.
              operandOf(p, Instruction::kExp2).set_frac(0);
              find(p, Instruction::kTrunc, 2).mutable_trunc()->set_shift(32);
              p.mutable_values(find(p, Instruction::kTrunc, 2).result())
                  ->set_frac(0);
              find(p, Instruction::kMaxRow).mutable_max_row()->set_drop_bits(0);
              refreshCosts(p);
            },
            "the scores have 0 fractional bits, expected 1 to 40"},
        Rule{"Exp2Result",
             [](Program &p) { resultOf(p, Instruction::kExp2).set_frac(16); },
             "expected (2,10) with 64 bits, 20"},
        Rule{"RecipBound",
             [](Program &p) {
               find(p, Instruction::kRecip).mutable_recip()->set_upper_bound(0);
             },
             "the operand's bound is 0"},
        Rule{"RecipHugeBound",
             [](Program &p) {
               find(p, Instruction::kRecip)
                   .mutable_recip()
                   ->set_upper_bound(~0u);
             },
             "the operand's bound is 4294967295"},
        Rule{
            "RecipOperand",
            [](Program &p) { find(p, Instruction::kRecip).set_operands(0, 3); },
            "the operand has 16 fractional bits, expected 20"},
        Rule{"RecipResult",
             [](Program &p) { resultOf(p, Instruction::kRecip).set_frac(20); },
             "expected (2,4) with 64 bits, 28"}),
    ruleName);

INSTANTIATE_TEST_SUITE_P(
    Local, RuleTest,
    testing::Values(
        Rule{"AddFrac",
             [](Program &p) { find(p, Instruction::kAdd).set_operands(1, 1); },
             "cannot add (4,4) with 64 bits, 16 of them fractional and (4,4) "
             "with 64 bits, 20"},
        Rule{"AddWeightSuffix",
             [](Program &p) { p.mutable_weights(1)->set_shape(1, 3); },
             "cannot add a weight of shape (4,3)"},
        Rule{"AddWeightRank",
             [](Program &p) { p.mutable_weights(1)->add_shape(4); },
             "it must be a suffix"},
        Rule{"AddWeightFrac",
             [](Program &p) { p.mutable_weights(1)->set_frac(20); },
             "the weight has 20 fractional bits, the operand 16"},
        Rule{"SumRowResult",
             [](Program &p) {
               resultOf(p, Instruction::kSumRow).set_shape(1, 3);
             },
             "the result is (2,3)"},
        Rule{"SliceDim",
             [](Program &p) {
               find(p, Instruction::kSlice).mutable_slice()->set_dim(2);
             },
             "slices dimension 2 of shape (4,12)"},
        Rule{"SliceEnd",
             [](Program &p) {
               find(p, Instruction::kSlice).mutable_slice()->set_offset(9);
             },
             "slices up to 13 of a dimension of size 12"},
        Rule{"SliceOverflow",
             [](Program &p) {
               find(p, Instruction::kSlice).mutable_slice()->set_offset(~0u);
             },
             "slices up to 4294967299"},
        Rule{"SliceResult",
             [](Program &p) {
               resultOf(p, Instruction::kSlice).set_shape(0, 3);
             },
             "the result is (3,4)"},
        Rule{"ReshapeElements",
             [](Program &p) {
               resultOf(p, Instruction::kReshape).set_shape(0, 5);
             },
             "which has another number of elements"},
        Rule{"TransposeRepeated",
             [](Program &p) {
               find(p, Instruction::kTranspose)
                   .mutable_transpose()
                   ->set_permutation(0, 0);
             },
             "(0,0,2) is not a permutation"},
        Rule{"TransposeRange",
             [](Program &p) {
               find(p, Instruction::kTranspose)
                   .mutable_transpose()
                   ->set_permutation(0, 40);
             },
             "(40,0,2) is not a permutation"},
        Rule{"TransposeLength",
             [](Program &p) {
               find(p, Instruction::kTranspose)
                   .mutable_transpose()
                   ->add_permutation(1);
             },
             "(1,0,2,1) is not a permutation"},
        Rule{"TransposeResult",
             [](Program &p) {
               resultOf(p, Instruction::kTranspose).set_shape(0, 4);
             },
             "expected (2,4,2)"},
        Rule{"TakeRowShape",
             [](Program &p) {
               find(p, Instruction::kTakeRow)
                   .set_operands(0, find(p, Instruction::kTranspose).result());
             },
             "expected (4,width)"},
        Rule{"TakeRowResult",
             [](Program &p) {
               resultOf(p, Instruction::kTakeRow).set_shape(0, 2);
             },
             "expected (1,4)"},
        Rule{"RevealBits",
             [](Program &p) {
               find(p, Instruction::kReveal).set_operands(0, 0);
             },
             "operand 1 has 32 bits, expected 64"},
        Rule{"RevealResult",
             [](Program &p) {
               resultOf(p, Instruction::kReveal).set_shape(1, 4);
             },
             "expected (1,8)"}),
    ruleName);
