//===- PruneFFNTest.cpp - Networks without feed-forward parts -------------===//
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

using PruneFFNTest = TransformTestBase;

/// A network that adds nothing can as well be removed.
TEST_F(PruneFFNTest, PruningIsANetworkOfZeros) {
  load(TestModel{.layers = 3, .norms = true, .activation = "relu"}.print());
  for (const char *layer : {"1", "2"})
    for (const char *part : {"weight", "bias"})
      setWeight("h." + std::string(layer) + ".mlp.c_proj." + part, 0.0f);
  expectSame(createPruneFFNPass({.deepest = 2}));
  EXPECT_EQ(count<ReluOp>(), 1);
  EXPECT_EQ(count<LinearOp>(), 9);
}

TEST_F(PruneFFNTest, PruningAll) {
  load(TestModel{.layers = 3, .scaled = true}.print());
  apply(createPruneFFNPass({.deepest = 3}));
  EXPECT_EQ(count<LinearOp>(), 7);
  EXPECT_EQ(count<MulOp>() + count<DivOp>(), 0);
  for (float value : run(makeInputs()))
    EXPECT_TRUE(std::isfinite(value));
}

} // namespace
} // namespace aero::pi
