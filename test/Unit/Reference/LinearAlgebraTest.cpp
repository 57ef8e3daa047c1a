//===- LinearAlgebraTest.cpp - Products and attention against loops -------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InterpreterTestBase.h"

#include <cmath>

using namespace mlir;
using namespace aero::reference;
using testing::ElementsAre;

namespace {

using LinearAlgebraTest = InterpreterTestBase;

/// Attention as its definition says, in double.
std::vector<double> attend(const Tensor &q, const Tensor &k, const Tensor &v,
                           int64_t heads, double scale, bool causal) {
  int64_t batch = q.getShape()[0], queries = q.getShape()[1];
  int64_t width = q.getShape()[2], keys = k.getShape()[1], dk = width / heads;
  std::vector<double> out(q.getNumElements(), 0.0);
  for (int64_t b = 0; b < batch; ++b)
    for (int64_t h = 0; h < heads; ++h)
      for (int64_t t = 0; t < queries; ++t) {
        std::vector<double> weights;
        double sum = 0;
        for (int64_t s = 0; s < keys; ++s) {
          double dot = 0;
          for (int64_t i = 0; i < dk; ++i)
            dot += static_cast<double>(
                       q.getFloats()[(b * queries + t) * width + h * dk + i]) *
                   k.getFloats()[(b * keys + s) * width + h * dk + i];
          weights.push_back(causal && s > t ? 0.0 : std::exp(scale * dot));
          sum += weights.back();
        }
        for (int64_t s = 0; s < keys; ++s)
          for (int64_t i = 0; i < dk; ++i)
            out[(b * queries + t) * width + h * dk + i] +=
                weights[s] / sum *
                v.getFloats()[(b * keys + s) * width + h * dk + i];
      }
  return out;
}

TEST_F(LinearAlgebraTest, LinearWithBias) {
  Tensor result = run(R"(
    func.func @f(%x: tensor<1x2x2xf32>, %w: tensor<2x3xf32>, %b: tensor<3xf32>) -> tensor<1x2x3xf32> {
      %0 = pi.linear %x, %w bias %b : tensor<3xf32> : tensor<1x2x2xf32>, tensor<2x3xf32> -> tensor<1x2x3xf32>
      return %0 : tensor<1x2x3xf32>
    })",
                      {Tensor::fromFloats({1, 2, 2}, {1, 2, 3, 4}),
                       Tensor::fromFloats({2, 3}, {1, 0, 1, 0, 1, 1}),
                       Tensor::fromFloats({3}, {10, 20, 30})});
  EXPECT_THAT(result.getShape(), ElementsAre(1, 2, 3));
  EXPECT_THAT(result.getFloats(), ElementsAre(11, 22, 33, 13, 24, 37));
}

TEST_F(LinearAlgebraTest, LinearOfAVectorWithoutBias) {
  Tensor result = run(
      R"(
    func.func @f(%x: tensor<2xf32>, %w: tensor<2x1xf32>) -> tensor<1xf32> {
      %0 = pi.linear %x, %w : tensor<2xf32>, tensor<2x1xf32> -> tensor<1xf32>
      return %0 : tensor<1xf32>
    })",
      {Tensor::fromFloats({2}, {1, 2}), Tensor::fromFloats({2, 1}, {3, 4})});
  EXPECT_THAT(result.getFloats(), ElementsAre(11));
}

TEST_F(LinearAlgebraTest, LinearOfOddSizesAgreesWithLoops) {
  Tensor x = random({37, 129}), w = random({129, 51});
  Tensor result = run(R"(
    func.func @f(%x: tensor<37x129xf32>, %w: tensor<129x51xf32>) -> tensor<37x51xf32> {
      %0 = pi.linear %x, %w : tensor<37x129xf32>, tensor<129x51xf32> -> tensor<37x51xf32>
      return %0 : tensor<37x51xf32>
    })",
                      {x, w});
  std::vector<double> expected(37 * 51, 0.0);
  for (int64_t i = 0; i < 37; ++i)
    for (int64_t j = 0; j < 51; ++j)
      for (int64_t k = 0; k < 129; ++k)
        expected[i * 51 + j] +=
            static_cast<double>(x.getFloats()[i * 129 + k]) *
            w.getFloats()[k * 51 + j];
  expectNear(result, expected, 1e-4);
}

TEST_F(LinearAlgebraTest, MatMulOfTwoMatrices) {
  Tensor result = run(R"(
    func.func @f(%a: tensor<1x2xf32>, %b: tensor<2x2xf32>) -> tensor<1x2xf32> {
      %0 = pi.matmul %a, %b : tensor<1x2xf32>, tensor<2x2xf32> -> tensor<1x2xf32>
      return %0 : tensor<1x2xf32>
    })",
                      {Tensor::fromFloats({1, 2}, {1, 2}),
                       Tensor::fromFloats({2, 2}, {1, 2, 3, 4})});
  EXPECT_THAT(result.getFloats(), ElementsAre(7, 10));
}

TEST_F(LinearAlgebraTest, MatMulBroadcastsBatchDimensionsOfBothSides) {
  Tensor a = random({2, 1, 3, 4}), b = random({5, 4, 2});
  Tensor result = run(R"(
    func.func @f(%a: tensor<2x1x3x4xf32>, %b: tensor<5x4x2xf32>) -> tensor<2x5x3x2xf32> {
      %0 = pi.matmul %a, %b : tensor<2x1x3x4xf32>, tensor<5x4x2xf32> -> tensor<2x5x3x2xf32>
      return %0 : tensor<2x5x3x2xf32>
    })",
                      {a, b});
  std::vector<double> expected;
  for (int64_t i = 0; i < 2; ++i)
    for (int64_t j = 0; j < 5; ++j)
      for (int64_t m = 0; m < 3; ++m)
        for (int64_t n = 0; n < 2; ++n) {
          double sum = 0;
          for (int64_t k = 0; k < 4; ++k)
            sum += static_cast<double>(a.getFloats()[(i * 3 + m) * 4 + k]) *
                   b.getFloats()[(j * 4 + k) * 2 + n];
          expected.push_back(sum);
        }
  expectNear(result, expected, 1e-5);
}

TEST_F(LinearAlgebraTest, MatMulOfABatchByOneMatrix) {
  Tensor result = run(R"(
    func.func @f(%a: tensor<2x1x2xf32>, %b: tensor<2x1xf32>) -> tensor<2x1x1xf32> {
      %0 = pi.matmul %a, %b : tensor<2x1x2xf32>, tensor<2x1xf32> -> tensor<2x1x1xf32>
      return %0 : tensor<2x1x1xf32>
    })",
                      {Tensor::fromFloats({2, 1, 2}, {1, 2, 3, 4}),
                       Tensor::fromFloats({2, 1}, {1, 10})});
  EXPECT_THAT(result.getFloats(), ElementsAre(21, 43));
}

TEST_F(LinearAlgebraTest, CausalAttention) {
  Tensor q = random({2, 5, 6}), k = random({2, 5, 6}), v = random({2, 5, 6});
  Tensor result = run(R"(
    func.func @f(%q: tensor<2x5x6xf32>, %k: tensor<2x5x6xf32>, %v: tensor<2x5x6xf32>) -> tensor<2x5x6xf32> {
      %0 = pi.attention %q, %k, %v heads 3 scale 0.5 causal : tensor<2x5x6xf32>, tensor<2x5x6xf32>
      return %0 : tensor<2x5x6xf32>
    })",
                      {q, k, v});
  expectNear(result, attend(q, k, v, 3, 0.5, /*causal=*/true), 1e-5);
  // The first token sees itself only.
  EXPECT_EQ(result.getFloats().take_front(6), v.getFloats().take_front(6));
}

TEST_F(LinearAlgebraTest, AttentionToMoreKeysThanQueries) {
  Tensor q = random({1, 2, 4}), k = random({1, 7, 4}), v = random({1, 7, 4});
  Tensor result = run(R"(
    func.func @f(%q: tensor<1x2x4xf32>, %k: tensor<1x7x4xf32>, %v: tensor<1x7x4xf32>) -> tensor<1x2x4xf32> {
      %0 = pi.attention %q, %k, %v heads 1 scale 0.25 : tensor<1x2x4xf32>, tensor<1x7x4xf32>
      return %0 : tensor<1x2x4xf32>
    })",
                      {q, k, v});
  expectNear(result, attend(q, k, v, 1, 0.25, /*causal=*/false), 1e-5);
}

TEST_F(LinearAlgebraTest, AttentionIsSoftmaxBetweenTwoProducts) {
  // The op against its parts, as an imported graph has them.
  Tensor q = random({1, 4, 4}), k = random({1, 4, 4}), v = random({1, 4, 4});
  Tensor whole = run(R"(
    func.func @f(%q: tensor<1x4x4xf32>, %k: tensor<1x4x4xf32>, %v: tensor<1x4x4xf32>) -> tensor<1x4x4xf32> {
      %0 = pi.attention %q, %k, %v heads 1 scale 0.5 causal : tensor<1x4x4xf32>, tensor<1x4x4xf32>
      return %0 : tensor<1x4x4xf32>
    })",
                     {q, k, v});
  Tensor parts = run(R"(
    func.func @f(%q: tensor<1x4x4xf32>, %k: tensor<1x4x4xf32>, %v: tensor<1x4x4xf32>) -> tensor<1x4x4xf32> {
      %scale = pi.constant dense<0.5> : tensor<f32>
      %low = pi.constant dense<-1.0e9> : tensor<f32>
      %mask = pi.constant dense<[[1, 0, 0, 0], [1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]]> : tensor<4x4xi1>
      %t = pi.transpose %k [0, 2, 1] : tensor<1x4x4xf32> -> tensor<1x4x4xf32>
      %s = pi.matmul %q, %t : tensor<1x4x4xf32>, tensor<1x4x4xf32> -> tensor<1x4x4xf32>
      %m = pi.mul %s, %scale : tensor<1x4x4xf32>, tensor<f32> -> tensor<1x4x4xf32>
      %w = pi.where %mask, %m, %low : tensor<4x4xi1>, tensor<1x4x4xf32>, tensor<f32> -> tensor<1x4x4xf32>
      %p = pi.softmax %w axis 2 : tensor<1x4x4xf32>
      %0 = pi.matmul %p, %v : tensor<1x4x4xf32>, tensor<1x4x4xf32> -> tensor<1x4x4xf32>
      return %0 : tensor<1x4x4xf32>
    })",
                     {q, k, v});
  std::vector<double> expected(parts.getFloats().begin(),
                               parts.getFloats().end());
  expectNear(whole, expected, 1e-6);
}

} // namespace
