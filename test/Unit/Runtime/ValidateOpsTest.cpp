//===- ValidateOpsTest.cpp - Rules of single instructions ---------------===//
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

namespace {
class OpRuleTest : public RuleTest {};
} // namespace

/// Makes a truncation a reshape to one dimension, at the scale before it.
static void flatten(Program &p, Instruction &op) {
  Value &flat = *p.mutable_values(int(op.result()));
  uint64_t elements = elementCount(flat);
  flat.clear_shape();
  flat.add_shape(uint32_t(elements));
  flat.set_frac(p.values(int(op.operands(0))).frac());
  op.mutable_reshape();
  refreshCosts(p);
}

/// Changes the scale of the embedding in the program with a norm.
static void setInputFrac(Program &p, int frac) {
  p.mutable_weights(0)->set_frac(frac);
  p.mutable_values(0)->set_frac(frac);
  operandOf(p, Instruction::kNormalize).set_frac(frac);
}

TEST_P(OpRuleTest, IsChecked) { check(); }

INSTANTIATE_TEST_SUITE_P(
    Products, OpRuleTest,
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
             "has 1 operands, expected 2", makeNormProgram},
        Rule{"MatMulInner",
             [](Program &p) {
               find(p, Instruction::kMatmul)
                   .mutable_matmul()
                   ->set_transpose_rhs(false);
             },
             "cannot multiply shapes (2,4,2) and (2,4,2), expected (...,M,K) "
             "and (...,K,N)",
             makeNormProgram},
        Rule{"MatMulRanks",
             [](Program &p) {
               find(p, Instruction::kMatmul).set_operands(1, 1);
             },
             "cannot multiply shapes (2,4,2) and (4,4)", makeNormProgram},
        Rule{"MatMulBits",
             [](Program &p) {
               find(p, Instruction::kMatmul).set_operands(1, 0);
             },
             "operand 2 has 32 bits", makeNormProgram},
        Rule{"MatMulResult",
             [](Program &p) {
               resultOf(p, Instruction::kMatmul).set_shape(0, 3);
             },
             "the result is (3,4,4)", makeNormProgram},
        Rule{"MulShapes",
             [](Program &p) { find(p, Instruction::kMul).set_operands(1, 3); },
             "cannot multiply shapes (2,4,2) and (4,4)"},
        Rule{"MulResult",
             [](Program &p) { resultOf(p, Instruction::kMul).set_frac(16); },
             "expected (2,4,2) with 64 bits, 44"},
        Rule{"MulWeightOperands",
             [](Program &p) {
               find(p, Instruction::kMulWeight).add_operands(1);
             },
             "has 2 operands, expected 1", makeNormProgram},
        Rule{"MulWeightBits",
             [](Program &p) {
               find(p, Instruction::kMulWeight).set_operands(0, 0);
             },
             "operand 1 has 32 bits", makeNormProgram},
        Rule{"MulWeightIndex",
             [](Program &p) {
               find(p, Instruction::kMulWeight)
                   .mutable_mul_weight()
                   ->set_weight(9);
             },
             "weight 9 is not one of the 5 weights", makeNormProgram},
        Rule{"MulWeightSuffix",
             [](Program &p) { p.mutable_weights(1)->set_shape(0, 3); },
             "cannot multiply an operand of shape (4,4) with a weight of shape "
             "(3), expected 32-bit integers of a suffix of it",
             makeNormProgram},
        Rule{"MulWeightRank",
             [](Program &p) {
               for (int i = 0; i < 2; ++i)
                 p.mutable_weights(1)->add_shape(4);
             },
             "with a weight of shape (4,4,4)", makeNormProgram},
        Rule{"MulWeightType",
             [](Program &p) {
               p.mutable_weights(1)->set_type(program::Weight::TYPE_I64);
             },
             "expected 32-bit integers of a suffix of it", makeNormProgram},
        Rule{"MulWeightRows",
             [](Program &p) { p.mutable_weights(3)->set_shape(1, 2); },
             "cannot multiply an operand of shape (2,4,2) with a weight of "
             "shape (2,2), expected 32-bit integers, one a row",
             makeNormProgram},
        Rule{"MulWeightResult",
             [](Program &p) {
               resultOf(p, Instruction::kMulWeight).set_frac(16);
             },
             "expected (4,4) with 64 bits, 36", makeNormProgram},
        Rule{"MulWeightMaskedTwice",
             [](Program &p) {
               find(p, Instruction::kLinear, 1).mutable_linear()->set_weight(2);
             },
             "weight 2 is already used by another", makeNormProgram},
        Rule{"CausalScoresOperands",
             [](Program &p) {
               find(p, Instruction::kCausalScores)
                   .mutable_operands()
                   ->RemoveLast();
             },
             "has 1 operands, expected 2"},
        Rule{"CausalScoresBits",
             [](Program &p) {
               find(p, Instruction::kCausalScores).set_operands(0, 0);
             },
             "operand 1 has 32 bits"},
        Rule{"CausalScoresOtherBits",
             [](Program &p) {
               find(p, Instruction::kCausalScores).set_operands(1, 0);
             },
             "operand 2 has 32 bits"},
        Rule{"CausalScoresShapes",
             [](Program &p) {
               find(p, Instruction::kCausalScores).set_operands(1, 3);
             },
             "cannot score shapes (2,4,2) and (4,4), expected equal ones"},
        Rule{"CausalScoresResult",
             [](Program &p) {
               resultOf(p, Instruction::kCausalScores).set_shape(1, 16);
             },
             "the result is (2,16) with 64 bits, 32 of them fractional, "
             "expected (2,10)"},
        Rule{"CausalContextOperands",
             [](Program &p) {
               find(p, Instruction::kCausalContext).add_operands(1);
             },
             "has 3 operands, expected 2"},
        Rule{"CausalContextBits",
             [](Program &p) {
               find(p, Instruction::kCausalContext).set_operands(1, 0);
             },
             "operand 2 has 32 bits"},
        Rule{"CausalContextShapes",
             [](Program &p) {
               find(p, Instruction::kCausalContext).set_operands(1, 3);
             },
             "cannot multiply shapes (2,10) and (4,4), expected packed "
             "triangles of T rows and (...,T,N)"},
        Rule{"CausalContextResult",
             [](Program &p) {
               resultOf(p, Instruction::kCausalContext).set_frac(32);
             },
             "expected (2,4,2) with 64 bits, 36"}),
    ruleName);

INSTANTIATE_TEST_SUITE_P(
    RingsAndComparisons, OpRuleTest,
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
        Rule{
            "ArgMaxDrop",
            [](Program &p) {
              find(p, Instruction::kArgmax).mutable_argmax()->set_drop_bits(29);
            },
            "drops 29 bits of 64 to compare 36", makeNormProgram},
        Rule{"ArgMaxWidth",
             [](Program &p) {
               find(p, Instruction::kArgmax)
                   .mutable_argmax()
                   ->set_compare_bits(35);
             },
             "compares 35 bits, expected a multiple of 4", makeNormProgram},
        Rule{"ArgMaxResult",
             [](Program &p) { resultOf(p, Instruction::kArgmax).set_frac(1); },
             "expected (4) with 32 bits, 0", makeNormProgram},
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
        Rule{"MaxRowRank",
             [](Program &p) { flatten(p, find(p, Instruction::kTrunc, 2)); },
             "expected rows of scores"},
        Rule{
            "MaxRowTriangle",
            [](Program &p) {
              find(p, Instruction::kMaxRow).mutable_max_row()->set_causal(true);
            },
            "the operand has shape (2,4,4), expected packed lower triangles",
            makeNormProgram},
        Rule{"MaxRowPacked",
             [](Program &p) {
               find(p, Instruction::kMaxRow)
                   .mutable_max_row()
                   ->set_causal(false);
             },
             "the result is (2,4) with 24 bits, 0 of them fractional, expected "
             "(2) with 24 bits"},
        Rule{"Exp2Triangle",
             [](Program &p) {
               find(p, Instruction::kExp2).mutable_exp2()->set_causal(true);
             },
             "the operand has shape (2,4,4), expected packed lower triangles",
             makeNormProgram},
        Rule{"Exp2Packed",
             [](Program &p) {
               find(p, Instruction::kExp2).mutable_exp2()->set_causal(false);
             },
             "for scores of shape (2,10), expected one integer a row"},
        Rule{
            "SumRowTriangle",
            [](Program &p) {
              find(p, Instruction::kSumRow).mutable_sum_row()->set_causal(true);
            },
            "the operand has shape (2,4,4), expected packed lower triangles",
            makeNormProgram},
        Rule{"ReluOperands",
             [](Program &p) { find(p, Instruction::kRelu).add_operands(1); },
             "has 2 operands, expected 1", makeNormProgram},
        Rule{"ReluBits",
             [](Program &p) { find(p, Instruction::kRelu).set_operands(0, 0); },
             "operand 1 has 32 bits", makeNormProgram},
        Rule{"ReluWidth",
             [](Program &p) {
               find(p, Instruction::kRelu).mutable_relu()->set_compare_bits(68);
             },
             "compares 68 bits, expected a multiple of 4 from 8 to 64",
             makeNormProgram},
        Rule{"ReluDrop",
             [](Program &p) {
               find(p, Instruction::kRelu).mutable_relu()->set_drop_bits(41);
             },
             "drops 41 bits of 64 to compare 24", makeNormProgram},
        Rule{"ReluResult",
             [](Program &p) { resultOf(p, Instruction::kRelu).set_frac(15); },
             "expected (4,4) with 64 bits, 16", makeNormProgram},
        Rule{"TailOperands",
             [](Program &p) { find(p, Instruction::kTail).clear_operands(); },
             "has 0 operands, expected 1", makeNormProgram},
        Rule{"TailBits",
             [](Program &p) { find(p, Instruction::kTail).set_operands(0, 0); },
             "operand 1 has 32 bits", makeNormProgram},
        Rule{"TailNoFunction",
             [](Program &p) {
               find(p, Instruction::kTail).mutable_tail()->clear_function();
             },
             "the function is not one that this build knows", makeNormProgram},
        Rule{"TailUnknownFunction",
             [](Program &p) {
               find(p, Instruction::kTail)
                   .mutable_tail()
                   ->set_function(program::Tail::Function(4));
             },
             "the function is not one that this build knows", makeNormProgram},
        Rule{"TailFrac",
             [](Program &p) {
               find(p, Instruction::kTail)
                   .set_operands(0, find(p, Instruction::kLinear).result());
             },
             "the operand has 36 fractional bits, expected 12 to 20",
             makeNormProgram},
        Rule{"TailSiluFrac",
             [](Program &p) {
               Instruction &op = find(p, Instruction::kTail);
               op.mutable_tail()->set_function(program::Tail::FUNCTION_SILU);
               op.set_operands(0, find(p, Instruction::kNormalize).result());
             },
             "the operand has 44 fractional bits, expected 12 to 16",
             makeNormProgram},
        Rule{"TailWidth",
             [](Program &p) {
               find(p, Instruction::kTail).mutable_tail()->set_compare_bits(22);
             },
             "compares 22 bits, expected a multiple of 4", makeNormProgram},
        Rule{"TailRing",
             [](Program &p) {
               find(p, Instruction::kTail).mutable_tail()->set_compare_bits(52);
             },
             "compares 52 bits of a ring of 56", makeNormProgram},
        Rule{"TailResult",
             [](Program &p) { resultOf(p, Instruction::kTail).set_frac(12); },
             "expected (4,4) with 64 bits, 16", makeNormProgram},
        Rule{"NormalizeOperands",
             [](Program &p) {
               find(p, Instruction::kNormalize).add_operands(1);
             },
             "has 2 operands, expected 1", makeNormProgram},
        Rule{"NormalizeBits",
             [](Program &p) {
               find(p, Instruction::kNormalize).set_operands(0, 0);
             },
             "operand 1 has 32 bits", makeNormProgram},
        Rule{"NormalizeColumns",
             [](Program &p) {
               operandOf(p, Instruction::kNormalize).set_shape(1, 8193);
               p.mutable_values(0)->set_shape(1, 8193);
               p.mutable_weights(0)->set_shape(1, 8193);
               refreshCosts(p);
             },
             "the operand has shape (4,8193), expected rows of at most 8192",
             makeNormProgram},
        Rule{"NormalizeFewFractionBits",
             [](Program &p) { setInputFrac(p, 12); },
             "the operand has 12 fractional bits, expected 13 to 24",
             makeNormProgram},
        Rule{"NormalizeManyFractionBits",
             [](Program &p) { setInputFrac(p, 25); },
             "the operand has 25 fractional bits, expected 13 to 24",
             makeNormProgram},
        Rule{"NormalizeSmallEpsilon",
             [](Program &p) {
               find(p, Instruction::kNormalize)
                   .mutable_normalize()
                   ->set_epsilon(1023);
             },
             "epsilon is 1023, expected at least 2^10", makeNormProgram},
        Rule{"NormalizeLargeEpsilon",
             [](Program &p) {
               find(p, Instruction::kNormalize)
                   .mutable_normalize()
                   ->set_epsilon(uint64_t(1) << 53);
             },
             "and less than 2^53", makeNormProgram},
        Rule{"NormalizeResult",
             [](Program &p) {
               resultOf(p, Instruction::kNormalize).set_frac(16);
             },
             "expected (4,4) with 64 bits, 44", makeNormProgram},
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
