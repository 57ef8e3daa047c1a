//===- ValidateLocalTest.cpp - Rules of local instructions --------------===//
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
class LocalRuleTest : public RuleTest {};
} // namespace

TEST_P(LocalRuleTest, IsChecked) { check(); }

INSTANTIATE_TEST_SUITE_P(
    Local, LocalRuleTest,
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
        Rule{"SubOperands",
             [](Program &p) { find(p, Instruction::kSub).clear_operands(); },
             "has 0 operands, expected 2", makeNormProgram},
        Rule{"SubFrac",
             [](Program &p) { find(p, Instruction::kSub).set_operands(1, 1); },
             "cannot subtract (2,4,1) with 64 bits, 36 of them fractional and "
             "(4,4)",
             makeNormProgram},
        Rule{"SubResult",
             [](Program &p) { resultOf(p, Instruction::kSub).set_frac(16); },
             "expected (2,4,1) with 64 bits, 36", makeNormProgram},
        Rule{"MulPublicOperands",
             [](Program &p) {
               find(p, Instruction::kMulPublic).add_operands(1);
             },
             "has 2 operands, expected 1", makeNormProgram},
        Rule{"MulPublicSuffix",
             [](Program &p) {
               find(p, Instruction::kMulPublic)
                   .mutable_mul_public()
                   ->set_shape(1, 2);
             },
             "cannot multiply an operand of shape (2,4,1) with 4 public values "
             "of shape (4,2)",
             makeNormProgram},
        Rule{"MulPublicCount",
             [](Program &p) {
               find(p, Instruction::kMulPublic)
                   .mutable_mul_public()
                   ->add_values(1);
             },
             "with 5 public values of shape (4,1)", makeNormProgram},
        Rule{"MulPublicNoValues",
             [](Program &p) {
               find(p, Instruction::kMulPublic).mutable_mul_public()->Clear();
             },
             "with 0 public values of shape ()", makeNormProgram},
        Rule{"MulPublicResult",
             [](Program &p) {
               find(p, Instruction::kMulPublic)
                   .mutable_mul_public()
                   ->set_frac(INT32_MAX);
             },
             "of them fractional, expected (2,4,1) with 64 bits, 2147483663",
             makeNormProgram},
        Rule{"ConcatOperands",
             [](Program &p) { find(p, Instruction::kConcat).clear_operands(); },
             "has no operands", makeNormProgram},
        Rule{"ConcatDim",
             [](Program &p) {
               find(p, Instruction::kConcat).mutable_concat()->set_dim(3);
             },
             "joins dimension 3 of shape (2,4,1)", makeNormProgram},
        Rule{"ConcatScale",
             [](Program &p) {
               find(p, Instruction::kConcat).set_operands(1, 1);
             },
             "operand 2 has another rank, ring or scale", makeNormProgram},
        Rule{"ConcatShape",
             [](Program &p) {
               // Half of the queries and all of them.
               Instruction &op = find(p, Instruction::kConcat);
               uint32_t half = find(p, Instruction::kMulPublic).operands(0);
               op.mutable_concat()->set_dim(0);
               op.set_operands(0, half);
               op.set_operands(1, p.instructions(int(half)).operands(0));
             },
             "operand 2 has shape (2,4,2), which does not join (2,4,1)",
             makeNormProgram},
        Rule{"ConcatResult",
             [](Program &p) {
               find(p, Instruction::kConcat).mutable_concat()->set_dim(1);
             },
             "expected (2,8,1)", makeNormProgram},
        Rule{"RepeatOperands",
             [](Program &p) { find(p, Instruction::kRepeat).add_operands(1); },
             "has 2 operands, expected 1", makeNormProgram},
        Rule{"RepeatDim",
             [](Program &p) {
               find(p, Instruction::kRepeat).mutable_repeat()->set_dim(3);
             },
             "repeats dimension 3 of shape (1,4,2)", makeNormProgram},
        Rule{"RepeatNever",
             [](Program &p) {
               find(p, Instruction::kRepeat).mutable_repeat()->set_times(0);
             },
             "repeats dimension 0 of shape (1,4,2) 0 times", makeNormProgram},
        Rule{"RepeatOverflow",
             [](Program &p) {
               Instruction &op = find(p, Instruction::kRepeat);
               op.mutable_repeat()->set_dim(1);
               op.mutable_repeat()->set_times((1u << 30) + 1);
             },
             "repeats to 4294967300 indices", makeNormProgram},
        Rule{"RepeatResult",
             [](Program &p) {
               find(p, Instruction::kRepeat).mutable_repeat()->set_times(3);
             },
             "expected (3,4,2)", makeNormProgram},
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
