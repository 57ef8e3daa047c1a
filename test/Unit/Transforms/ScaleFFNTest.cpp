//===- ScaleFFNTest.cpp - out = beta y + ffn(y) / alpha -------------------===//
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

using ScaleFFNTest = TransformTestBase;

TEST_F(ScaleFFNTest, ScalesOfOneKeepTheFunction) {
  load(TestModel{.norms = true, .activation = "gelu"}.print());
  expectSame(createScaleFFNPass());
  EXPECT_EQ(count<MulOp>(), 2);
  EXPECT_EQ(count<DivOp>(), 2);
}

/// out = beta y + ffn(y) / alpha: what a model with such scales computes.
TEST_F(ScaleFFNTest, ScalesAgainstAScaledModel) {
  TestModel text{.layers = 1, .scaled = true};
  random.seed(3);
  load(text.print());
  setWeight("h.0.alpha", 4.0f);
  setWeight("h.0.beta", 0.5f);
  auto weights = getWeights();
  auto inputs = makeInputs();
  std::vector<float> expected = run(inputs);

  text.scaled = false;
  load(text.print());
  module->walk(
      [&](WeightOp op) { op.setValueAttr(weights.at(op.getName().str())); });
  apply(createScaleFFNPass({.alpha = 4.0f, .beta = 0.5f}));
  expectNear(expected, run(inputs));
}

/// A second time there is nothing to do.
TEST_F(ScaleFFNTest, ScalesOnce) {
  load(TestModel{.scaled = true}.print());
  expectSame(createScaleFFNPass({.alpha = 3.0f, .beta = 3.0f}));
  EXPECT_EQ(count<MulOp>(), 2);
}

/// Scales that were put in are folded like those of the model.
TEST_F(ScaleFFNTest, ScalesFold) {
  load(TestModel{}.print());
  apply(createScaleFFNPass({.alpha = 4.0f, .beta = 0.5f}));
  auto inputs = makeInputs();
  std::vector<float> before = run(inputs);
  apply(createFoldScalingPass());
  EXPECT_EQ(count<MulOp>() + count<DivOp>(), 0);
  expectNear(before, run(inputs));
}

} // namespace
} // namespace aero::pi
