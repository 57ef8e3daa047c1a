//===- MergeLinearTest.cpp - pi-merge-linear keeps the function -----------===//
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

using MergeLinearTest = TransformTestBase;

TEST_F(MergeLinearTest, ChainWithBiasesAndFactors) {
  load(R"(
    func.func @main(%x: tensor<2x5x7xf32>) -> tensor<2x5x9xf32> {
      %w1 = pi.weight "w1" dense<0.5> : tensor<7x33xf32>
      %b1 = pi.weight "b1" dense<0.5> : tensor<33xf32>
      %w2 = pi.weight "w2" dense<0.5> : tensor<33x9xf32>
      %b2 = pi.weight "b2" dense<0.5> : tensor<9xf32>
      %s = pi.weight "s" dense<0.5> : tensor<1xf32>
      %c = pi.constant dense<3.0> : tensor<f32>
      %0 = pi.linear %x, %w1 bias %b1 : tensor<33xf32> : tensor<2x5x7xf32>, tensor<7x33xf32> -> tensor<2x5x33xf32>
      %1 = pi.mul %s, %0 : tensor<1xf32>, tensor<2x5x33xf32> -> tensor<2x5x33xf32>
      %2 = pi.div %1, %c : tensor<2x5x33xf32>, tensor<f32> -> tensor<2x5x33xf32>
      %3 = pi.linear %2, %w2 bias %b2 : tensor<9xf32> : tensor<2x5x33xf32>, tensor<33x9xf32> -> tensor<2x5x9xf32>
      return %3 : tensor<2x5x9xf32>
    })");
  expectSame(createMergeLinearPass());
  EXPECT_EQ(count<LinearOp>(), 1);
  EXPECT_EQ(count<MulOp>() + count<DivOp>(), 0);
}

TEST_F(MergeLinearTest, TransposedMatrices) {
  load(R"(
    func.func @main(%x: tensor<5x7xf32>) -> tensor<5x3xf32> {
      %w1 = pi.weight "w1" dense<0.5> : tensor<20x7xf32>
      %t1 = pi.transpose %w1 [1, 0] : tensor<20x7xf32> -> tensor<7x20xf32>
      %w2 = pi.weight "w2" dense<0.5> : tensor<3x20xf32>
      %t2 = pi.transpose %w2 [1, 0] : tensor<3x20xf32> -> tensor<20x3xf32>
      %0 = pi.linear %x, %t1 : tensor<5x7xf32>, tensor<7x20xf32> -> tensor<5x20xf32>
      %1 = pi.linear %0, %t2 : tensor<5x20xf32>, tensor<20x3xf32> -> tensor<5x3xf32>
      return %1 : tensor<5x3xf32>
    })");
  expectSame(createMergeLinearPass());
  EXPECT_EQ(count<LinearOp>(), 1);
  EXPECT_EQ(count<TransposeOp>(), 0);
}

TEST_F(MergeLinearTest, InnerBiasOnly) {
  load(R"(
    func.func @main(%x: tensor<5x7xf32>) -> tensor<5x3xf32> {
      %w1 = pi.weight "w1" dense<0.5> : tensor<7x20xf32>
      %b1 = pi.weight "b1" dense<0.5> : tensor<20xf32>
      %w2 = pi.weight "w2" dense<0.5> : tensor<20x3xf32>
      %0 = pi.linear %x, %w1 bias %b1 : tensor<20xf32> : tensor<5x7xf32>, tensor<7x20xf32> -> tensor<5x20xf32>
      %1 = pi.linear %0, %w2 : tensor<5x20xf32>, tensor<20x3xf32> -> tensor<5x3xf32>
      return %1 : tensor<5x3xf32>
    })");
  expectSame(createMergeLinearPass());
  EXPECT_EQ(count<LinearOp>(), 1);
}

TEST_F(MergeLinearTest, Residual) {
  load(R"(
    func.func @main(%y: tensor<1x5x9xf32>) -> tensor<1x5x9xf32> {
      %w = pi.weight "w" dense<0.5> : tensor<9x9xf32>
      %b = pi.weight "b" dense<0.5> : tensor<9xf32>
      %alpha = pi.weight "alpha" dense<0.5> : tensor<f32>
      %beta = pi.weight "beta" dense<0.5> : tensor<f32>
      %0 = pi.linear %y, %w bias %b : tensor<9xf32> : tensor<1x5x9xf32>, tensor<9x9xf32> -> tensor<1x5x9xf32>
      %1 = pi.div %0, %alpha : tensor<1x5x9xf32>, tensor<f32> -> tensor<1x5x9xf32>
      %2 = pi.mul %y, %beta : tensor<1x5x9xf32>, tensor<f32> -> tensor<1x5x9xf32>
      %3 = pi.add %2, %1 : tensor<1x5x9xf32>, tensor<1x5x9xf32> -> tensor<1x5x9xf32>
      return %3 : tensor<1x5x9xf32>
    })");
  expectSame(createMergeLinearPass({.chain = true, .residual = true}));
  EXPECT_EQ(count<LinearOp>(), 1);
  EXPECT_EQ(count<AddOp>() + count<MulOp>() + count<DivOp>(), 0);
}

struct ModelCase {
  bool scaled, chain, residual;
  int64_t linears;
};

class MergeLinearModelTest : public TransformTestBase,
                             public testing::WithParamInterface<ModelCase> {};

TEST_P(MergeLinearModelTest, KeepsTheFunction) {
  load(TestModel{.scaled = GetParam().scaled}.print());
  expectSame(createMergeLinearPass(
      {.chain = GetParam().chain, .residual = GetParam().residual}));
  EXPECT_EQ(count<LinearOp>(), GetParam().linears);
}

// Two layers of four matrices and the vocabulary projection. Where the last
// residual sum is a matrix, it is merged with the vocabulary projection too.
INSTANTIATE_TEST_SUITE_P(Options, MergeLinearModelTest,
                         testing::Values(ModelCase{false, false, false, 9},
                                         ModelCase{false, true, false, 7},
                                         ModelCase{false, true, true, 6},
                                         ModelCase{true, false, true, 9},
                                         ModelCase{true, true, false, 7},
                                         ModelCase{true, true, true, 6}));

/// Sizes around the tiles of the product, against a plain loop.
TEST_F(MergeLinearTest, ProductsOfManySizes) {
  for (auto [k, m, n] : {std::tuple{1, 3, 1},
                         {4, 600, 16},
                         {5, 513, 17},
                         {3, 512, 31},
                         {9, 40, 33}}) {
    auto f = [](int64_t a, int64_t b) {
      return "tensor<" + std::to_string(a) + "x" + std::to_string(b) + "xf32>";
    };
    load("func.func @main(%x: " + f(2, k) + ") -> " + f(2, n) +
         " {\n%w1 = pi.weight \"w1\" dense<0.5> : " + f(k, m) +
         "\n%w2 = pi.weight \"w2\" dense<0.5> : " + f(m, n) +
         "\n%0 = pi.linear %x, %w1 : " + f(2, k) + ", " + f(k, m) + " -> " +
         f(2, m) + "\n%1 = pi.linear %0, %w2 : " + f(2, m) + ", " + f(m, n) +
         " -> " + f(2, n) + "\nreturn %1 : " + f(2, n) + "\n}");
    std::vector<ElementsData<float>> factors;
    module->walk([&](WeightOp op) {
      factors.push_back(llvm::cantFail(getFloatData(op.getValue())));
    });
    apply(createMergeLinearPass());
    ASSERT_EQ(count<WeightOp>(), 1);
    module->walk([&](WeightOp op) {
      auto merged = llvm::cantFail(getFloatData(op.getValue()));
      for (int64_t i = 0; i < k; ++i)
        for (int64_t j = 0; j < n; ++j) {
          double sum = 0;
          for (int64_t l = 0; l < m; ++l)
            sum += double(factors[0][i * m + l]) * factors[1][l * n + j];
          EXPECT_EQ(merged[i * n + j], static_cast<float>(sum));
        }
    });
  }
}

} // namespace
} // namespace aero::pi
