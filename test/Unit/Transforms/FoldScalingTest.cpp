//===- FoldScalingTest.cpp - pi-fold-scaling keeps the function -----------===//
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

struct ModelCase {
  bool norms;
  const char *activation;
  bool scaled, base2;
};

class FoldScalingModelTest : public TransformTestBase,
                             public testing::WithParamInterface<ModelCase> {};

TEST_P(FoldScalingModelTest, KeepsTheFunction) {
  const ModelCase &model = GetParam();
  load(TestModel{.norms = model.norms,
                 .activation = model.activation,
                 .scaled = model.scaled}
           .print());
  expectSame(createFoldScalingPass({.base2 = model.base2}));
  module->walk([&](AttentionOp op) {
    EXPECT_EQ(op.getScale().convertToFloat(),
              model.base2 ? 0.693147182f : 1.0f);
  });
  module->walk([&](LayerNormOp op) {
    EXPECT_FALSE(op.getGamma());
    EXPECT_FALSE(op.getBeta());
  });
  EXPECT_EQ(count<MulOp>() + count<DivOp>(), 0);
}

TEST_P(FoldScalingModelTest, IsIdempotent) {
  const ModelCase &model = GetParam();
  load(TestModel{.norms = model.norms,
                 .activation = model.activation,
                 .scaled = model.scaled}
           .print());
  apply(createFoldScalingPass({.base2 = model.base2}));
  auto print = [&] {
    std::string text;
    llvm::raw_string_ostream stream(text);
    module->print(stream);
    return text;
  };
  std::string once = print();
  apply(createFoldScalingPass({.base2 = model.base2}));
  EXPECT_EQ(once, print());
}

INSTANTIATE_TEST_SUITE_P(Models, FoldScalingModelTest,
                         testing::Values(ModelCase{false, "", false, false},
                                         ModelCase{false, "", true, false},
                                         ModelCase{false, "", true, true},
                                         ModelCase{true, "", true, true},
                                         ModelCase{true, "gelu", false, false},
                                         ModelCase{true, "gelu", false, true},
                                         ModelCase{true, "gelu", true, true},
                                         ModelCase{false, "relu", true, true},
                                         ModelCase{true, "relu", true, false}));

using FoldScalingTest = TransformTestBase;

/// A factor that meets every kind of op that it passes through.
TEST_F(FoldScalingTest, TransposedMatrix) {
  load(R"(
    func.func @main(%x: tensor<5x7xf32>) -> tensor<5x3xf32> {
      %w = pi.weight "w" dense<0.5> : tensor<3x7xf32>
      %t = pi.transpose %w [1, 0] : tensor<3x7xf32> -> tensor<7x3xf32>
      %s = pi.weight "s" dense<0.5> : tensor<1xf32>
      %0 = pi.linear %x, %t : tensor<5x7xf32>, tensor<7x3xf32> -> tensor<5x3xf32>
      %1 = pi.mul %s, %0 : tensor<1xf32>, tensor<5x3xf32> -> tensor<5x3xf32>
      return %1 : tensor<5x3xf32>
    })");
  expectSame(createFoldScalingPass());
  EXPECT_EQ(count<MulOp>() + count<TransposeOp>(), 0);
}

TEST_F(FoldScalingTest, ThroughEveryOp) {
  load(R"(
    func.func @main(%x: tensor<1x4x8xf32>, %p: tensor<i64>) -> tensor<1x1x3xf32> {
      %w = pi.weight "w" dense<0.5> : tensor<8x8xf32>
      %b = pi.weight "b" dense<0.5> : tensor<8xf32>
      %v = pi.weight "v" dense<0.5> : tensor<8x3xf32>
      %g = pi.weight "g" dense<0.5> : tensor<8xf32>
      %table = pi.weight "table" dense<0.5> : tensor<1x4x8xf32>
      %c = pi.weight "c" dense<0.5> : tensor<f32>
      %0 = pi.rms_norm %x gamma %g : tensor<8xf32> epsilon 0.25 : tensor<1x4x8xf32>
      %1 = pi.add %0, %table : tensor<1x4x8xf32>, tensor<1x4x8xf32> -> tensor<1x4x8xf32>
      %2 = pi.mul %1, %c : tensor<1x4x8xf32>, tensor<f32> -> tensor<1x4x8xf32>
      %3 = pi.relu %2 : tensor<1x4x8xf32>
      %4 = pi.linear %3, %w bias %b : tensor<8xf32> : tensor<1x4x8xf32>, tensor<8x8xf32> -> tensor<1x4x8xf32>
      %5 = pi.sub %4, %2 : tensor<1x4x8xf32>, tensor<1x4x8xf32> -> tensor<1x4x8xf32>
      %6 = pi.slice %5 axis 2 offset 2 : tensor<1x4x8xf32> -> tensor<1x4x4xf32>
      %7 = pi.concat %6, %6 axis 2 : tensor<1x4x4xf32>, tensor<1x4x4xf32> -> tensor<1x4x8xf32>
      %8 = pi.attention %7, %5, %2 heads 2 scale 0.5 : tensor<1x4x8xf32>, tensor<1x4x8xf32>
      %9 = pi.rms_norm %2 epsilon 0.25 : tensor<1x4x8xf32>
      %10 = pi.add %8, %5 : tensor<1x4x8xf32>, tensor<1x4x8xf32> -> tensor<1x4x8xf32>
      %11 = pi.reshape %10 : tensor<1x4x8xf32> -> tensor<4x8xf32>
      %12 = pi.transpose %11 [1, 0] : tensor<4x8xf32> -> tensor<8x4xf32>
      %13 = pi.transpose %12 [1, 0] : tensor<8x4xf32> -> tensor<4x8xf32>
      %14 = pi.reshape %13 : tensor<4x8xf32> -> tensor<1x4x8xf32>
      %15 = pi.layer_norm %14 epsilon 0.25 : tensor<1x4x8xf32>
      %16 = pi.add %15, %9 : tensor<1x4x8xf32>, tensor<1x4x8xf32> -> tensor<1x4x8xf32>
      %17 = pi.select_token %16 at %p : tensor<1x4x8xf32>, tensor<i64> -> tensor<1x1x8xf32>
      %18 = pi.linear %17, %v : tensor<1x1x8xf32>, tensor<8x3xf32> -> tensor<1x1x3xf32>
      return %18 : tensor<1x1x3xf32>
    })");
  auto inputs = makeInputs(/*vocabulary=*/4);
  std::vector<float> before = run(inputs);
  apply(createFoldScalingPass({.base2 = false}));
  EXPECT_EQ(count<MulOp>(), 0);
  expectNear(before, run(inputs));
}

/// Two slices of one projection, and the projection itself, in one region: its
/// columns are scaled once.
TEST_F(FoldScalingTest, SlicesAndWholeProjection) {
  load(R"(
    func.func @main(%x: tensor<1x4x4xf32>) -> tensor<1x4x3xf32> {
      %w = pi.weight "w" dense<0.5> : tensor<4x8xf32>
      %b = pi.weight "b" dense<0.5> : tensor<8xf32>
      %v = pi.weight "v" dense<0.5> : tensor<8x3xf32>
      %c = pi.weight "c" dense<0.5> : tensor<f32>
      %0 = pi.linear %x, %w bias %b : tensor<8xf32> : tensor<1x4x4xf32>, tensor<4x8xf32> -> tensor<1x4x8xf32>
      %1 = pi.slice %0 axis 2 offset 0 : tensor<1x4x8xf32> -> tensor<1x4x4xf32>
      %2 = pi.slice %0 axis 2 offset 4 : tensor<1x4x8xf32> -> tensor<1x4x4xf32>
      %3 = pi.slice %0 axis 2 offset 2 : tensor<1x4x8xf32> -> tensor<1x4x4xf32>
      %4 = pi.add %1, %2 : tensor<1x4x4xf32>, tensor<1x4x4xf32> -> tensor<1x4x4xf32>
      %5 = pi.add %4, %3 : tensor<1x4x4xf32>, tensor<1x4x4xf32> -> tensor<1x4x4xf32>
      %6 = pi.gelu %5 : tensor<1x4x4xf32>
      %7 = pi.concat %6, %6 axis 2 : tensor<1x4x4xf32>, tensor<1x4x4xf32> -> tensor<1x4x8xf32>
      %8 = pi.mul %4, %c : tensor<1x4x4xf32>, tensor<f32> -> tensor<1x4x4xf32>
      %9 = pi.concat %8, %3 axis 2 : tensor<1x4x4xf32>, tensor<1x4x4xf32> -> tensor<1x4x8xf32>
      %10 = pi.linear %9, %v : tensor<1x4x8xf32>, tensor<8x3xf32> -> tensor<1x4x3xf32>
      %11 = pi.linear %7, %v : tensor<1x4x8xf32>, tensor<8x3xf32> -> tensor<1x4x3xf32>
      %12 = pi.add %10, %11 : tensor<1x4x3xf32>, tensor<1x4x3xf32> -> tensor<1x4x3xf32>
      return %12 : tensor<1x4x3xf32>
    })");
  expectSame(createFoldScalingPass());
}

TEST_F(FoldScalingTest, OverlappingSlicesScaleTheProjection) {
  load(R"(
    func.func @main(%x: tensor<1x4x4xf32>) -> tensor<1x4x4xf32> {
      %w = pi.weight "w" dense<0.5> : tensor<4x6xf32>
      %b = pi.weight "b" dense<0.5> : tensor<6xf32>
      %c = pi.weight "c" dense<0.5> : tensor<f32>
      %0 = pi.linear %x, %w bias %b : tensor<6xf32> : tensor<1x4x4xf32>, tensor<4x6xf32> -> tensor<1x4x6xf32>
      %1 = pi.slice %0 axis 2 offset 0 : tensor<1x4x6xf32> -> tensor<1x4x4xf32>
      %2 = pi.slice %0 axis 2 offset 2 : tensor<1x4x6xf32> -> tensor<1x4x4xf32>
      %3 = pi.add %1, %2 : tensor<1x4x4xf32>, tensor<1x4x4xf32> -> tensor<1x4x4xf32>
      %4 = pi.mul %3, %c : tensor<1x4x4xf32>, tensor<f32> -> tensor<1x4x4xf32>
      return %4 : tensor<1x4x4xf32>
    })");
  expectSame(createFoldScalingPass());
  EXPECT_EQ(count<MulOp>(), 0);
}

/// Merging and folding one after the other, as the compile pipeline does.
TEST_F(FoldScalingTest, AfterMerging) {
  load(TestModel{.norms = true, .scaled = true}.print());
  auto inputs = makeInputs();
  std::vector<float> before = run(inputs);
  apply(createMergeLinearPass({.chain = true, .residual = true}));
  apply(createFoldScalingPass({.base2 = true}));
  expectNear(before, run(inputs), 2e-5);
}

} // namespace
} // namespace aero::pi
