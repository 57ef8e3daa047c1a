//===- ProductTest.cpp - Linear, embedding, matmul, mul, reveal: exact ----===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProtocolHarness.h"

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;

namespace {

/// C = A B modulo 2^64.
Values plainProduct(const Values &a, const Values &b, size_t m, size_t k,
                    size_t n, bool transposed = false) {
  Values c(m * n);
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < n; ++j) {
      uint64_t sum = 0;
      for (size_t l = 0; l < k; ++l)
        sum += uint64_t(a[i * k + l]) *
               uint64_t(transposed ? b[j * k + l] : b[l * n + j]);
      c[i * n + j] = int64_t(sum);
    }
  return c;
}

TEST(Linear, Exact) {
  struct Case {
    uint32_t m, k, n;
  };
  // The last one needs several blocks of the masked weight.
  for (auto [m, k, n] : {Case{1, 1, 1}, Case{3, 5, 7}, Case{1, 64, 33},
                         Case{17, 40, 9}, Case{2, 1100, 1000}})
    for (bool bias : {false, true}) {
      PairRun run(m * 1000 + k + bias);
      Values x = run.inputs.values(m * k, INT64_MIN, INT64_MAX);
      Values w = run.inputs.values(k * n, INT32_MIN, INT32_MAX);
      w[0] = INT32_MIN;
      Values b = run.inputs.values(n, INT64_MIN, INT64_MAX);
      run.operand({m, k}, 64, 16, x);
      auto &op = run.instruction({m, n}, 64, 36);
      op.mutable_linear()->set_weight(
          run.weight({k, n}, 20, program::Weight::TYPE_I32, w));
      if (bias) {
        op.mutable_linear()->set_has_bias(true);
        op.mutable_linear()->set_bias(
            run.weight({n}, 36, program::Weight::TYPE_I64, b));
      }
      Values expected = plainProduct(x, w, m, k, n);
      for (size_t i = 0; bias && i < expected.size(); ++i)
        expected[i] = int64_t(uint64_t(expected[i]) + uint64_t(b[i % n]));
      EXPECT_EQ(run.run(), expected);
    }
}

TEST(Embedding, Exact) {
  for (uint32_t vocabulary : {2, 100, 5000}) {
    const uint32_t tokens = 6, width = 8;
    PairRun run(vocabulary);
    Values table = run.inputs.values(vocabulary * width, INT32_MIN, INT32_MAX);
    for (uint32_t t = 0; t < tokens; ++t)
      run.tokens.push_back(uint32_t(run.inputs.in(0, vocabulary - 1)));
    run.tokens[0] = 0;
    run.tokens[1] = run.tokens[2] = vocabulary - 1;
    auto &op = run.instruction({tokens, width}, 32, 20);
    op.mutable_embedding()->set_weight(
        run.weight({vocabulary, width}, 20, program::Weight::TYPE_I32, table));
    Values result = run.run();
    for (uint32_t t = 0; t < tokens; ++t)
      for (uint32_t j = 0; j < width; ++j)
        EXPECT_EQ(result[t * width + j], table[run.tokens[t] * width + j]);
  }
}

TEST(MatMul, Exact) {
  struct Case {
    uint32_t batch, m, k, n;
  };
  for (auto [batch, m, k, n] :
       {Case{1, 1, 1, 1}, Case{2, 3, 4, 5}, Case{3, 16, 8, 16}})
    for (bool transposed : {false, true}) {
      PairRun run(batch + 10 * m);
      Values x = run.inputs.values(batch * m * k, INT64_MIN, INT64_MAX);
      Values y = run.inputs.values(batch * k * n, INT64_MIN, INT64_MAX);
      run.operand({batch, m, k}, 64, 16, x);
      run.operand(transposed ? Shape{batch, n, k} : Shape{batch, k, n}, 64, 16,
                  y);
      auto &op = run.instruction({batch, m, n}, 64, 32);
      op.mutable_matmul()->set_transpose_rhs(transposed);
      Values result = run.run();
      for (size_t i = 0; i < batch; ++i) {
        Values a(x.begin() + i * m * k, x.begin() + (i + 1) * m * k);
        Values b(y.begin() + i * k * n, y.begin() + (i + 1) * k * n);
        Values c(result.begin() + i * m * n, result.begin() + (i + 1) * m * n);
        EXPECT_EQ(c, plainProduct(a, b, m, k, n, transposed));
      }
    }
}

TEST(CausalScores, LowerTriangle) {
  for (uint32_t tokens : {1, 2, 5, 32, 33, 70}) {
    PairRun run(tokens);
    const uint32_t batch = 2, k = 3;
    Values x = run.inputs.values(batch * tokens * k, INT64_MIN, INT64_MAX);
    Values y = run.inputs.values(batch * tokens * k, INT64_MIN, INT64_MAX);
    run.operand({batch, tokens, k}, 64, 16, x);
    run.operand({batch, tokens, k}, 64, 16, y);
    run.instruction({batch, uint32_t(triangle(tokens))}, 64, 32)
        .mutable_causal_scores();
    Values result = run.run();
    size_t at = 0;
    for (size_t b = 0; b < batch; ++b)
      for (size_t i = 0; i < tokens; ++i)
        for (size_t j = 0; j <= i; ++j) {
          uint64_t sum = 0;
          for (size_t l = 0; l < k; ++l)
            sum += uint64_t(x[(b * tokens + i) * k + l]) *
                   uint64_t(y[(b * tokens + j) * k + l]);
          ASSERT_EQ(uint64_t(result[at++]), sum);
        }
  }
}

TEST(CausalContext, LowerTriangle) {
  for (uint32_t tokens : {1, 2, 5, 32, 33, 70}) {
    PairRun run(tokens);
    const uint32_t batch = 2, n = 3;
    auto packed = uint32_t(triangle(tokens));
    Values x = run.inputs.values(batch * packed, INT64_MIN, INT64_MAX);
    Values y = run.inputs.values(batch * tokens * n, INT64_MIN, INT64_MAX);
    run.operand({batch, packed}, 64, 20, x);
    run.operand({batch, tokens, n}, 64, 16, y);
    run.instruction({batch, tokens, n}, 64, 36).mutable_causal_context();
    Values result = run.run();
    for (size_t b = 0; b < batch; ++b)
      for (size_t i = 0; i < tokens; ++i)
        for (size_t c = 0; c < n; ++c) {
          uint64_t sum = 0;
          for (size_t j = 0; j <= i; ++j)
            sum += uint64_t(x[b * packed + triangle(i) + j]) *
                   uint64_t(y[(b * tokens + j) * n + c]);
          ASSERT_EQ(uint64_t(result[(b * tokens + i) * n + c]), sum);
        }
  }
}

TEST(Mul, Exact) {
  for (bool broadcast : {false, true}) {
    PairRun run(broadcast);
    Values x = run.inputs.values(6 * 11, INT64_MIN, INT64_MAX);
    Values y = run.inputs.values(broadcast ? 6 : 66, INT64_MIN, INT64_MAX);
    run.operand({6, 11}, 64, 20, x);
    run.operand(broadcast ? Shape{6} : Shape{6, 11}, 64, 28, y);
    run.instruction({6, 11}, 64, 48).mutable_mul();
    Values result = run.run();
    for (size_t i = 0; i < x.size(); ++i)
      EXPECT_EQ(uint64_t(result[i]),
                uint64_t(x[i]) * uint64_t(y[broadcast ? i / 11 : i]));
  }
}

TEST(Reveal, Exact) {
  PairRun run;
  Values x = run.inputs.values(100, INT64_MIN, INT64_MAX);
  run.operand({1, 100}, 64, 16, x);
  run.instruction({1, 100}, 64, 16).mutable_reveal();
  EXPECT_EQ(run.run(), x);
  EXPECT_EQ(run.toServer.size(), 0U) << "nothing is revealed to the server";
  EXPECT_EQ(run.serverResult, Share(100, 0));
}

} // namespace
