//===- CollapseLinearTest.cpp - Sums and shared inputs keep the function --===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestModel.h"
#include "TransformTestBase.h"

using namespace mlir;

namespace aero::pi {
namespace {

using CollapseLinearTest = TransformTestBase;
using JoinLinearTest = TransformTestBase;

/// Two softmax-only layers: the residual stream, and what the attention of a
/// layer would read, as a second result.
constexpr const char *kLayers = R"(
  func.func @main(%x: tensor<1x5x6xf32>, %c0: tensor<1x5x6xf32>, %c1: tensor<1x5x6xf32>) -> (tensor<1x5x18xf32>, tensor<1x5x18xf32>, tensor<1x5x6xf32>) {
    %o0 = pi.weight "o0" dense<0.5> : tensor<6x6xf32>
    %p0 = pi.weight "p0" dense<0.5> : tensor<6xf32>
    %f0 = pi.weight "f0" dense<0.5> : tensor<6x6xf32>
    %g0 = pi.weight "g0" dense<0.5> : tensor<6xf32>
    %o1 = pi.weight "o1" dense<0.5> : tensor<6x6xf32>
    %f1 = pi.weight "f1" dense<0.5> : tensor<6x6xf32>
    %q0 = pi.weight "q0" dense<0.5> : tensor<6x18xf32>
    %q1 = pi.weight "q1" dense<0.5> : tensor<6x18xf32>
    %r1 = pi.weight "r1" dense<0.5> : tensor<18xf32>
    %0 = pi.linear %x, %q0 : tensor<1x5x6xf32>, tensor<6x18xf32> -> tensor<1x5x18xf32>
    %1 = pi.linear %c0, %o0 bias %p0 : tensor<6xf32> : tensor<1x5x6xf32>, tensor<6x6xf32> -> tensor<1x5x6xf32>
    %2 = pi.add %x, %1 : tensor<1x5x6xf32>, tensor<1x5x6xf32> -> tensor<1x5x6xf32>
    %3 = pi.linear %2, %f0 bias %g0 : tensor<6xf32> : tensor<1x5x6xf32>, tensor<6x6xf32> -> tensor<1x5x6xf32>
    %4 = pi.linear %3, %q1 bias %r1 : tensor<18xf32> : tensor<1x5x6xf32>, tensor<6x18xf32> -> tensor<1x5x18xf32>
    %5 = pi.linear %c1, %o1 : tensor<1x5x6xf32>, tensor<6x6xf32> -> tensor<1x5x6xf32>
    %6 = pi.add %5, %3 : tensor<1x5x6xf32>, tensor<1x5x6xf32> -> tensor<1x5x6xf32>
    %7 = pi.linear %6, %f1 : tensor<1x5x6xf32>, tensor<6x6xf32> -> tensor<1x5x6xf32>
    return %0, %4, %7 : tensor<1x5x18xf32>, tensor<1x5x18xf32>, tensor<1x5x6xf32>
  })";

TEST_F(CollapseLinearTest, AsManyMultiplyAdds) {
  load(kLayers);
  expectSame(createCollapseLinearPass());
  // Each residual sum is of two maps now, and %3 is still read by two ops.
  EXPECT_EQ(count<LinearOp>(), 6);
  EXPECT_EQ(count<AddOp>(), 2);
}

TEST_F(CollapseLinearTest, MoreMultiplyAdds) {
  load(kLayers);
  expectSame(createCollapseLinearPass({.growth = 1.8}));
  EXPECT_EQ(count<LinearOp>(), 7);
  EXPECT_EQ(count<AddOp>(), 3);
}

TEST_F(CollapseLinearTest, ThenJoined) {
  load(kLayers);
  expectSame(createCollapseLinearPass({.growth = 1.8}));
  expectSame(createJoinLinearPass());
  // One map for each of %x, %c0 and %c1, and one for what %3 was.
  EXPECT_EQ(count<LinearOp>(), 4);
}

TEST_F(CollapseLinearTest, SumOfMapsAlone) {
  load(R"(
    func.func @main(%c: tensor<5x6xf32>, %d: tensor<5x3xf32>) -> tensor<5x4xf32> {
      %w1 = pi.weight "w1" dense<0.5> : tensor<6x8xf32>
      %b1 = pi.weight "b1" dense<0.5> : tensor<8xf32>
      %w2 = pi.weight "w2" dense<0.5> : tensor<3x8xf32>
      %b2 = pi.weight "b2" dense<0.5> : tensor<8xf32>
      %w3 = pi.weight "w3" dense<0.5> : tensor<8x4xf32>
      %0 = pi.linear %c, %w1 bias %b1 : tensor<8xf32> : tensor<5x6xf32>, tensor<6x8xf32> -> tensor<5x8xf32>
      %1 = pi.linear %d, %w2 bias %b2 : tensor<8xf32> : tensor<5x3xf32>, tensor<3x8xf32> -> tensor<5x8xf32>
      %2 = pi.add %0, %1 : tensor<5x8xf32>, tensor<5x8xf32> -> tensor<5x8xf32>
      %3 = pi.linear %2, %w3 : tensor<5x8xf32>, tensor<8x4xf32> -> tensor<5x4xf32>
      return %3 : tensor<5x4xf32>
    })");
  expectSame(createCollapseLinearPass());
  EXPECT_EQ(count<LinearOp>(), 2);
}

/// Whole models, with norms and activations and without.
class CollapseLinearModelTest : public TransformTestBase,
                                public testing::WithParamInterface<bool> {};

TEST_P(CollapseLinearModelTest, KeepsTheFunction) {
  load(TestModel{.scaled = GetParam()}.print());
  expectSame(createMergeLinearPass({.chain = true, .residual = true}));
  expectSame(createCollapseLinearPass({.growth = 1.8}));
  expectSame(createJoinLinearPass());
}

INSTANTIATE_TEST_SUITE_P(Scaled, CollapseLinearModelTest, testing::Bool());

TEST_F(JoinLinearTest, BitForBit) {
  load(R"(
    func.func @main(%x: tensor<1x5x7xf32>) -> (tensor<1x5x3xf32>, tensor<1x5x9xf32>, tensor<1x5x4xf32>) {
      %w1 = pi.weight "w1" dense<0.5> : tensor<7x3xf32>
      %w2 = pi.weight "w2" dense<0.5> : tensor<9x7xf32>
      %t2 = pi.transpose %w2 [1, 0] : tensor<9x7xf32> -> tensor<7x9xf32>
      %b2 = pi.weight "b2" dense<0.5> : tensor<9xf32>
      %w3 = pi.constant dense<0.5> : tensor<7x4xf32>
      %0 = pi.linear %x, %w1 : tensor<1x5x7xf32>, tensor<7x3xf32> -> tensor<1x5x3xf32>
      %1 = pi.linear %x, %t2 bias %b2 : tensor<9xf32> : tensor<1x5x7xf32>, tensor<7x9xf32> -> tensor<1x5x9xf32>
      %2 = pi.linear %x, %w3 : tensor<1x5x7xf32>, tensor<7x4xf32> -> tensor<1x5x4xf32>
      return %0, %1, %2 : tensor<1x5x3xf32>, tensor<1x5x9xf32>, tensor<1x5x4xf32>
    })");
  expectSame(createJoinLinearPass());
  EXPECT_EQ(count<LinearOp>(), 1);
  EXPECT_EQ(count<SliceOp>(), 3);
}

} // namespace
} // namespace aero::pi
