//===- ReplaceActivationTest.cpp - Slopes and gates -----------------------===//
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

using ReplaceActivationTest = TransformTestBase;

/// A learnable slope of 1 is the identity, one of 0 a ReLU.
TEST_F(ReplaceActivationTest, LearnableSlope) {
  for (auto [slope, to] : {std::pair(1.0f, ReplacementActivation::Identity),
                           std::pair(0.0f, ReplacementActivation::Relu)}) {
    std::vector<float> results[2];
    for (bool learnable : {false, true}) {
      random.seed(5);
      load(TestModel{.activation = "gelu"}.print());
      auto inputs = makeInputs();
      if (learnable)
        apply(
            createReplaceActivationPass({.to = ReplacementActivation::LeakyRelu,
                                         .slope = slope,
                                         .learnable = true}));
      else
        apply(createReplaceActivationPass({.to = to}));
      EXPECT_EQ(count<PReluOp>(), learnable ? 2 : 0);
      results[learnable] = run(inputs);
    }
    expectNear(results[0], results[1]);
  }
}

/// A learnable slope is the constant one with the same value.
TEST_F(ReplaceActivationTest, LearnableAgainstConstant) {
  std::vector<float> results[2];
  for (bool learnable : {false, true}) {
    random.seed(5);
    load(TestModel{.activation = "gelu"}.print());
    auto inputs = makeInputs();
    apply(createReplaceActivationPass({.to = ReplacementActivation::LeakyRelu,
                                       .slope = 0.3f,
                                       .learnable = learnable}));
    results[learnable] = run(inputs);
  }
  expectNear(results[0], results[1]);
}

/// Without its gate the network of LLaMA is linear: that of the same model with
/// the up projection as its only first matrix.
TEST_F(ReplaceActivationTest, DroppedGate) {
  TestModel text{.layers = 1, .activation = "silu", .gated = true};
  load(text.print());
  auto weights = getWeights();
  auto inputs = makeInputs();
  apply(createReplaceActivationPass({.gate = GateHandling::Drop}));
  EXPECT_EQ(count<MulOp>() + count<SiluOp>(), 0);
  std::vector<float> dropped = run(inputs);

  load(TestModel{.layers = 1}.print());
  module->walk([&](WeightOp op) {
    std::string name = op.getName().str();
    if (size_t at = name.find("c_fc"); at != std::string::npos)
      name.replace(at, 4, "up");
    op.setValueAttr(weights.at(name));
  });
  expectNear(run(inputs), dropped);
}

} // namespace
} // namespace aero::pi
