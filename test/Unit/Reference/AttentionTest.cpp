//===- AttentionTest.cpp - Attention and rotations against plain loops ----===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InterpreterTestBase.h"

#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace aero::reference;

namespace {

struct Shape {
  int64_t batch, queries, keys, heads, keyHeads, width;
};

/// The score of one query and key, or minus infinity; by indices.
using Score = std::function<double(int64_t b, int64_t h, int64_t t, int64_t s,
                                   double product)>;

class AttentionTest : public InterpreterTestBase {
protected:
  /// softmax(score(q k^T)) v as it is written in books. A query without keys
  /// has the result 0.
  static std::vector<double> attend(const Shape &shape, const Tensor &q,
                                    const Tensor &k, const Tensor &v,
                                    const Score &score) {
    auto [batch, queries, keys, heads, keyHeads, width] = shape;
    std::vector<double> result(batch * queries * heads * width);
    auto at = [&](const Tensor &x, int64_t rows, int64_t count, int64_t b,
                  int64_t row, int64_t head, int64_t i) {
      return x.getFloats()[((b * rows + row) * count + head) * width + i];
    };
    for (int64_t b = 0; b < batch; ++b)
      for (int64_t h = 0; h < heads; ++h)
        for (int64_t t = 0; t < queries; ++t) {
          int64_t group = h / (heads / keyHeads);
          std::vector<double> weights(keys);
          double sum = 0;
          for (int64_t s = 0; s < keys; ++s) {
            double product = 0;
            for (int64_t i = 0; i < width; ++i)
              product += double(at(q, queries, heads, b, t, h, i)) *
                         at(k, keys, keyHeads, b, s, group, i);
            weights[s] = std::exp(score(b, h, t, s, product));
            sum += weights[s];
          }
          for (int64_t i = 0; i < width && sum > 0; ++i)
            for (int64_t s = 0; s < keys; ++s)
              result[((b * queries + t) * heads + h) * width + i] +=
                  weights[s] / sum * at(v, keys, keyHeads, b, s, group, i);
        }
    return result;
  }

  /// Runs pi.attention with these attributes on random inputs.
  void expectAttention(const Shape &shape, const std::string &operands,
                       const std::string &attributes,
                       ArrayRef<std::pair<std::string, Tensor>> others,
                       const Score &score) {
    auto [batch, queries, keys, heads, keyHeads, width] = shape;
    Tensor q = random({batch, queries, heads * width});
    Tensor k = random({batch, keys, keyHeads * width});
    Tensor v = random({batch, keys, keyHeads * width});
    std::string tq =
        llvm::formatv("tensor<{0}x{1}x{2}xf32>", batch, queries, heads * width);
    std::string tk =
        llvm::formatv("tensor<{0}x{1}x{2}xf32>", batch, keys, keyHeads * width);
    std::string arguments = llvm::formatv("%q: {0}, %k: {1}, %v: {1}", tq, tk);
    std::vector<Tensor> inputs = {q, k, v};
    for (auto &[declaration, tensor] : others) {
      arguments += ", " + declaration;
      inputs.push_back(tensor);
    }
    Tensor result =
        run(llvm::formatv("func.func @f({0}) -> {1} {{\n"
                          " %0 = pi.attention %q, %k, %v {2} heads {3} {4} : "
                          "{1}, {5}\n return %0 : {1}\n}",
                          arguments, tq, operands, heads, attributes, tk)
                .str(),
            inputs);
    expectNear(result, attend(shape, q, k, v, score), 1e-5);
  }

  static constexpr double masked = -std::numeric_limits<double>::infinity();
};

TEST_F(AttentionTest, PaddingMask) {
  int64_t mask[] = {1, 1, 0, 1, 0, 0, 7, 0};
  expectAttention({2, 3, 4, 2, 2, 3}, "mask %m : tensor<2x4xi64>", "scale 0.5",
                  {{"%m: tensor<2x4xi64>", Tensor::fromInts({2, 4}, mask)}},
                  [&](int64_t b, int64_t, int64_t, int64_t s, double product) {
                    return mask[b * 4 + s] ? 0.5 * product : masked;
                  });
}

// Left padding under a causal mask: the first query of the second sequence sees
// no key.
TEST_F(AttentionTest, QueryWithoutKeys) {
  int64_t mask[] = {1, 1, 1, 0, 1, 1};
  expectAttention(
      {2, 3, 3, 2, 2, 2}, "mask %m : tensor<2x3xi64>", "scale 1.0 causal",
      {{"%m: tensor<2x3xi64>", Tensor::fromInts({2, 3}, mask)}},
      [&](int64_t b, int64_t, int64_t t, int64_t s, double product) {
        return s <= t && mask[b * 3 + s] ? product : masked;
      });
}

TEST_F(AttentionTest, CausalBehindAPast) {
  expectAttention({1, 2, 5, 2, 2, 3}, "", "scale 0.25 causal", {},
                  [](int64_t, int64_t, int64_t t, int64_t s, double product) {
                    return s <= t + 3 ? 0.25 * product : masked;
                  });
}

TEST_F(AttentionTest, BiasOfHeadsAndKeys) {
  Tensor bias = random({2, 1, 4});
  expectAttention({2, 3, 4, 2, 2, 2}, "bias %b : tensor<2x1x4xf32>",
                  "scale 2.0", {{"%b: tensor<2x1x4xf32>", bias}},
                  [&](int64_t, int64_t h, int64_t, int64_t s, double product) {
                    return 2 * product + bias.getFloats()[h * 4 + s];
                  });
}

TEST_F(AttentionTest, SharedKeyHeads) {
  expectAttention({2, 3, 3, 6, 2, 2}, "", "key_heads 2 scale 1.0 causal", {},
                  [](int64_t, int64_t, int64_t t, int64_t s, double product) {
                    return s <= t ? product : masked;
                  });
}

TEST_F(AttentionTest, AllAtOnce) {
  int64_t mask[] = {1, 0, 1, 1, 0, 1, 1, 1, 1, 1};
  Tensor bias = random({2, 1, 3, 5});
  expectAttention(
      {2, 3, 5, 4, 1, 2},
      "mask %m : tensor<2x5xi64> bias %b : tensor<2x1x3x5xf32>",
      "key_heads 1 scale 0.5 causal",
      {{"%m: tensor<2x5xi64>", Tensor::fromInts({2, 5}, mask)},
       {"%b: tensor<2x1x3x5xf32>", bias}},
      [&](int64_t b, int64_t, int64_t t, int64_t s, double product) {
        double x = 0.5 * product + bias.getFloats()[(b * 3 + t) * 5 + s];
        return s <= t + 2 && mask[b * 5 + s] ? x : masked;
      });
}

//===----------------------------------------------------------------------===//
// Rotary embeddings
//===----------------------------------------------------------------------===//

/// Rotates the first 4 of 6 columns of 2 heads, for 2 sequences of 3 tokens.
std::vector<double> rotate(const Tensor &x, const Tensor &cos,
                           const Tensor &sin, bool interleaved) {
  std::vector<double> result(x.getFloats().begin(), x.getFloats().end());
  bool perBatch = cos.getRank() == 3;
  for (int64_t b = 0; b < 2; ++b)
    for (int64_t t = 0; t < 3; ++t)
      for (int64_t h = 0; h < 2; ++h)
        for (int64_t pair = 0; pair < 2; ++pair) {
          int64_t head = ((b * 3 + t) * 2 + h) * 6;
          int64_t i = head + (interleaved ? 2 * pair : pair);
          int64_t j = head + (interleaved ? 2 * pair + 1 : pair + 2);
          int64_t angle = ((perBatch ? b * 3 : 0) + t) * 2 + pair;
          double c = cos.getFloats()[angle], s = sin.getFloats()[angle];
          double u = x.getFloats()[i], v = x.getFloats()[j];
          result[i] = u * c - v * s;
          result[j] = v * c + u * s;
        }
  return result;
}

TEST_F(AttentionTest, RotaryEmbeddingByHalves) {
  Tensor x = random({2, 3, 12}), cos = random({3, 2}), sin = random({3, 2});
  Tensor result = run(R"(
    func.func @f(%x: tensor<2x3x12xf32>, %c: tensor<3x2xf32>, %s: tensor<3x2xf32>) -> tensor<2x3x12xf32> {
      %0 = pi.rotary_embedding %x cos %c sin %s heads 2 : tensor<2x3x12xf32>, tensor<3x2xf32>
      return %0 : tensor<2x3x12xf32>
    })",
                      {x, cos, sin});
  expectNear(result, rotate(x, cos, sin, /*interleaved=*/false));
}

TEST_F(AttentionTest, RotaryEmbeddingByNeighboursOfABatch) {
  Tensor x = random({2, 3, 12});
  Tensor cos = random({2, 3, 2}), sin = random({2, 3, 2});
  Tensor result = run(R"(
    func.func @f(%x: tensor<2x3x12xf32>, %c: tensor<2x3x2xf32>, %s: tensor<2x3x2xf32>) -> tensor<2x3x12xf32> {
      %0 = pi.rotary_embedding %x cos %c sin %s heads 2 interleaved : tensor<2x3x12xf32>, tensor<2x3x2xf32>
      return %0 : tensor<2x3x12xf32>
    })",
                      {x, cos, sin});
  expectNear(result, rotate(x, cos, sin, /*interleaved=*/true));
}

} // namespace
