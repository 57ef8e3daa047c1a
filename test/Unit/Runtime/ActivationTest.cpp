//===- ActivationTest.cpp - Rectifiers and tails against doubles ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProtocolHarness.h"
#include "aero/Runtime/Parameters.h"

#include <cmath>

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;

namespace {

Values runRelu(PairRun &run, unsigned bits, unsigned drop, const Values &x) {
  run.operand({uint32_t(x.size())}, 64, 16, x);
  auto &op = run.instruction({uint32_t(x.size())}, 64, 16);
  op.mutable_relu()->set_compare_bits(bits);
  op.mutable_relu()->set_drop_bits(drop);
  return run.run();
}

TEST(Relu, ExactAboveTheDroppedBits) {
  for (unsigned bits : {12, 16, 20, 24, 32, 52})
    for (unsigned drop : {0, 4, 12}) {
      PairRun run(bits * 100 + drop);
      int64_t limit = int64_t(1) << std::min(bits - 2 + drop, 60U);
      Values x = run.inputs.values(3000, -limit, limit - 1);
      for (size_t i = 0; i < 1000; ++i)
        x[i] = run.inputs.in(-100, 100);
      x[0] = limit - 1;
      x[1] = -limit;
      x[2] = 0;
      Values y = runRelu(run, bits, drop, x);
      int64_t slack = (int64_t(1) << drop) - 1;
      for (size_t i = 0; i < x.size(); ++i) {
        if (x[i] >= 0 || x[i] < -slack)
          EXPECT_TRUE(y[i] == std::max<int64_t>(x[i], 0) ||
                      (drop && x[i] >= 0 && x[i] <= slack && y[i] == 0))
              << x[i];
        else
          EXPECT_TRUE(y[i] == x[i] || y[i] == 0) << x[i];
      }
    }
}

double tailOf(TailFunction function, double a) {
  switch (function) {
  case TailFunction::Gelu:
    return a * 0.5 * std::erfc(a / std::sqrt(2.0));
  case TailFunction::GeluTanh:
    return a * 0.5 *
           (1 - std::tanh(std::sqrt(2 / M_PI) * (a + 0.044715 * a * a * a)));
  case TailFunction::Silu:
    return a / (1 + std::exp(a));
  }
  return 0;
}

class TailTest : public testing::TestWithParam<TailFunction> {};

TEST_P(TailTest, AbsoluteError) {
  double worst = 0;
  for (unsigned bits : {20, 24, 36}) {
    PairRun run(bits);
    const uint32_t n = 60000;
    Values a(n);
    for (uint32_t i = 0; i < n; ++i)
      a[i] = i % 4 == 3 ? run.inputs.in(0, int64_t(1) << (bits - 8 + 16 - 2))
                        : run.inputs.in(0, 12 << 16);
    a[0] = 0;
    a[1] = (int64_t(1) << (bits - 8 + 16)) - 1;
    // A rectifier that took a tiny negative number for a positive one.
    for (uint32_t i = 2; i < 20; ++i)
      a[i] = -int64_t(i);
    const TailTable &table = tailTable(GetParam());
    for (unsigned j = 0; j < table.pieces; ++j)
      for (int64_t around = -64; around < 64; ++around)
        a[100 + j * 200 + around + 64] =
            (int64_t(table.thresholds[j]) << 10) + around * 32;
    run.operand({n}, 64, 16, a);
    auto &op = *run.instruction({n}, 64, 16).mutable_tail();
    op.set_function(program::Tail::Function(GetParam()));
    op.set_compare_bits(bits);
    Values y = run.run();
    for (uint32_t i = 0; i < n; ++i) {
      double expected = tailOf(GetParam(), std::ldexp(double(a[i]), -16));
      worst =
          std::max(worst, std::abs(std::ldexp(double(y[i]), -16) - expected));
    }
  }
  std::printf("tail %u: absolute error %.2e\n", unsigned(GetParam()), worst);
  EXPECT_LT(worst, tailError);
}

INSTANTIATE_TEST_SUITE_P(Functions, TailTest,
                         testing::Values(TailFunction::Gelu,
                                         TailFunction::GeluTanh,
                                         TailFunction::Silu));

TEST(MulWeight, RowsAndColumns) {
  for (bool rows : {false, true}) {
    PairRun run(rows);
    Values x = run.inputs.values(2 * 3 * 4, INT64_MIN, INT64_MAX);
    run.operand({2, 3, 4}, 64, 16, x);
    Shape shape = rows ? Shape{2, 3} : Shape{3, 4};
    Values w = run.inputs.values(rows ? 6 : 12, INT32_MIN, INT32_MAX);
    auto &op = *run.instruction({2, 3, 4}, 64, 36).mutable_mul_weight();
    op.set_weight(run.weight(shape, 20, program::Weight::TYPE_I32, w));
    op.set_rows(rows);
    Values y = run.run();
    for (size_t i = 0; i < x.size(); ++i)
      EXPECT_EQ(uint64_t(y[i]),
                uint64_t(x[i]) * uint64_t(w[rows ? i / 4 : i % 12]));
  }
}

} // namespace
