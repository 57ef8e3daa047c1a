//===- InsertEntropyScalingTest.cpp - Temperatures of attention -----------===//
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

using InsertEntropyScalingTest = TransformTestBase;

TEST_F(InsertEntropyScalingTest, TemperatureOfOneKeepsTheFunction) {
  load(TestModel{.norms = true}.print());
  expectSame(createInsertEntropyScalingPass());
  EXPECT_EQ(count<WeightOp>(), 2 + 2 * 12 + 2 + 2 + 2);
}

/// Of position i and head h the scores are divided by t[h, i]: as if the
/// query's row were.
TEST_F(InsertEntropyScalingTest, TemperatureIsOfTheQuery) {
  load(R"(
    func.func @main(%q: tensor<1x3x4xf32>, %k: tensor<1x3x4xf32>) -> tensor<1x3x4xf32> {
      %t = pi.weight "t" dense<[[2.0, 1.0, 0.5], [4.0, 0.25, 3.0]]> : tensor<2x3xf32>
      %a = pi.attention %q, %k, %k temperature %t : tensor<2x3xf32> heads 2 scale 0.7 causal : tensor<1x3x4xf32>, tensor<1x3x4xf32>
      return %a : tensor<1x3x4xf32>
    })");
  const float temperature[2][3] = {{2.0f, 1.0f, 0.5f}, {4.0f, 0.25f, 3.0f}};
  module->walk([&](WeightOp op) {
    op.setValueAttr(DenseElementsAttr::get(
        op.getType(), ArrayRef<float>(&temperature[0][0], 6)));
  });
  auto inputs = makeInputs();
  std::vector<float> actual = run(inputs);

  std::vector<float> query(inputs[0].getFloats());
  for (int i = 0; i < 12; ++i)
    query[i] /= temperature[i % 4 / 2][i / 4];
  module->walk([&](AttentionOp op) { op.getTemperatureMutable().clear(); });
  inputs[0] = reference::Tensor::fromFloats({1, 3, 4}, query);
  expectNear(run(inputs), actual);
}

/// One number a head folds into the query, whatever it is.
TEST_F(InsertEntropyScalingTest, TemperatureOfHeadsFolds) {
  load(TestModel{.norms = true}.print());
  apply(createInsertEntropyScalingPass({.shape = TemperatureShape::Head}));
  module->walk([&](WeightOp op) {
    if (op.getName().starts_with("aero.temperature"))
      op.setValueAttr(
          DenseElementsAttr::get(op.getType(), ArrayRef<float>({0.5f, 3.0f})));
  });
  expectSame(createFoldScalingPass());
  module->walk([](AttentionOp op) { EXPECT_FALSE(op.getTemperature()); });
}

TEST_F(InsertEntropyScalingTest, ConstantTemperatureFolds) {
  load(TestModel{.norms = true}.print());
  apply(createInsertEntropyScalingPass({.initial = 0.1f}));
  expectSame(createFoldScalingPass({.base2 = true}));
  module->walk([](AttentionOp op) { EXPECT_FALSE(op.getTemperature()); });
}

} // namespace
} // namespace aero::pi
