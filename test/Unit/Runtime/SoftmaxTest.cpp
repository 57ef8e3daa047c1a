//===- SoftmaxTest.cpp - Row maximum, exp2 and recip against doubles ------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ops/Power.h"
#include "ProtocolHarness.h"
#include "aero/Runtime/Parameters.h"

#include <bit>
#include <cmath>

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;

namespace {

Values runMaxRow(PairRun &run, Shape shape, unsigned bits, unsigned drop,
                 const Values &x) {
  Shape rows(shape.begin(), shape.end() - 1);
  run.operand(shape, 64, int(drop), x);
  auto &op = run.instruction(rows, bits, 0);
  op.mutable_max_row()->set_compare_bits(bits);
  op.mutable_max_row()->set_drop_bits(drop);
  return run.run();
}

/// Each share is shifted by itself, so the maximum is floor or one less.
void checkMaxRow(const Values &x, size_t columns, unsigned drop,
                 const Values &maxima) {
  for (size_t row = 0; row < maxima.size(); ++row) {
    int64_t best = *std::max_element(x.begin() + row * columns,
                                     x.begin() + (row + 1) * columns) >>
                   drop;
    EXPECT_LE(maxima[row], best) << "row " << row;
    EXPECT_GE(maxima[row], best - 1) << "row " << row;
  }
}

TEST(MaxRow, RandomRows) {
  for (unsigned bits : {8, 12, 16, 20, 24, 32, 48})
    for (uint32_t columns : {1, 2, 3, 5, 8, 13, 64}) {
      PairRun run(bits * 100 + columns);
      unsigned drop = 16;
      int64_t limit = (int64_t(1) << (std::min(bits + drop, 62U) - 2)) - 1;
      Values x = run.inputs.values(7 * columns, -limit, limit);
      checkMaxRow(x, columns, drop,
                  runMaxRow(run, {7, columns}, bits, drop, x));
    }
}

TEST(MaxRow, CausalRows) {
  for (uint32_t tokens : {1, 2, 3, 5, 8, 33}) {
    PairRun run(tokens);
    auto packed = uint32_t(triangle(tokens));
    Values x = run.inputs.values(2 * packed, -8000, 8000);
    run.operand({2, packed}, 64, 0, x);
    auto &op = *run.instruction({2, tokens}, 16, 0).mutable_max_row();
    op.set_compare_bits(16);
    op.set_causal(true);
    Values maxima = run.run();
    for (size_t row = 0, at = 0; row < maxima.size(); ++row) {
      size_t length = row % tokens + 1;
      EXPECT_EQ(maxima[row],
                *std::max_element(x.begin() + at, x.begin() + at + length));
      at += length;
    }
  }
}

TEST(MaxRow, ExactWithoutDroppedBits) {
  PairRun run(3);
  Values x = run.inputs.values(50 * 9, -16383, 16383);
  x[0] = x[1] = 16383;
  x[9] = -16383;
  Values maxima = runMaxRow(run, {50, 9}, 16, 0, x);
  for (size_t row = 0; row < 50; ++row)
    EXPECT_EQ(maxima[row],
              *std::max_element(x.begin() + row * 9, x.begin() + row * 9 + 9));
}

TEST(MaxRow, EqualValuesAndExtremes) {
  PairRun run(4);
  Values x(6 * 128, -5 * 65536);
  for (size_t row = 1; row < 6; ++row)
    x[row * 128 + row * 25] = int64_t(8191) << 16;
  checkMaxRow(x, 128, 16, runMaxRow(run, {6, 128}, 16, 16, x));
}

TEST(ArgMax, ColumnOfTheMaximum) {
  for (unsigned bits : {12, 16, 36})
    for (uint32_t columns : {1, 2, 3, 5, 64, 257}) {
      PairRun run(bits * 1000 + columns);
      const unsigned drop = 28;
      int64_t limit = (int64_t(1) << (bits + drop - 2)) - 1;
      Values x = run.inputs.values(6 * columns, -limit, limit);
      // Rows of equal values, and a maximum at either end.
      std::fill_n(x.begin(), columns, -7 << 20);
      x[columns] = limit;
      x[3 * columns - 1] = limit;
      run.operand({6, columns}, 64, 36, x);
      auto &op = *run.instruction({6}, argMaxBits, 0).mutable_argmax();
      op.set_compare_bits(bits);
      op.set_drop_bits(drop);
      Values found = run.run();
      for (size_t row = 0; row < 6; ++row) {
        ASSERT_GE(found[row], 0);
        ASSERT_LT(found[row], int64_t(columns));
        // Each share was shifted by itself, and so were those it met.
        int64_t best = *std::max_element(x.begin() + row * columns,
                                         x.begin() + (row + 1) * columns);
        int64_t rounds = std::bit_width(columns);
        EXPECT_GE(x[row * columns + found[row]],
                  best - rounds * (int64_t(2) << drop));
      }
    }
}

Values runExp2(PairRun &run, Shape shape, unsigned bits, unsigned frac,
               const Values &x, const Values &maxima) {
  run.operand(shape, 64, int(frac), x);
  run.operand(Shape(shape.begin(), shape.end() - 1), bits, 0, maxima);
  auto &op = run.instruction(shape, 64, exp2Frac);
  op.mutable_exp2()->set_compare_bits(bits);
  return run.run();
}

TEST(Exp2, AbsoluteError) {
  double worst = 0, sum = 0;
  size_t n = 0;
  for (unsigned bits : {8, 12, 16, 20, 24})
    for (unsigned frac : {1, 8, 16, 20, 40}) {
      PairRun run(bits * 1000 + frac);
      const uint32_t rows = 40, columns = 1000;
      int64_t limit = int64_t(1) << (bits - 2), scale = int64_t(1) << frac;
      Values x(rows * columns), maxima(rows);
      for (uint32_t row = 0; row < rows; ++row) {
        maxima[row] = run.inputs.in(-limit + 30, limit - 3);
        for (uint32_t j = 0; j < columns; ++j) {
          // Mostly the interesting range, up to two units above the maximum.
          int64_t low = j % 4 ? maxima[row] - 30 : -limit;
          x[row * columns + j] =
              run.inputs.in(low * scale, (maxima[row] + 2) * scale - 1);
        }
        x[row * columns] = -limit * scale;
        x[row * columns + 1] = (maxima[row] + 2) * scale - 1;
        x[row * columns + 2] = maxima[row] * scale;
      }
      Values y = runExp2(run, {rows, columns}, bits, frac, x, maxima);
      for (size_t i = 0; i < y.size(); ++i) {
        double exponent =
            double(x[i] - maxima[i / columns] * scale) / double(scale);
        double error = std::ldexp(double(y[i]), -20) -
                       (exponent < -23 ? 0 : std::exp2(exponent));
        worst = std::max(worst, std::abs(error));
        sum += error;
        ++n;
      }
    }
  RecordProperty("worst_e9", int(worst * 1e9));
  std::printf("exp2: worst absolute error %.3e (%.3f units), mean %.2e\n",
              worst, worst * (1 << 20), sum / double(n));
  EXPECT_LT(worst, 1.3 / (1 << 20));
  EXPECT_LT(std::abs(sum / double(n)), 0.01 / (1 << 20));
}

TEST(Exp2, CausalRows) {
  PairRun run(8);
  run.operand({2, 6}, 64, 16,
              {0, 65536, 131072, 65536 * 3, 0, 0, 0, 0, 0, 0, 0, 0});
  run.operand({2, 3}, 16, 0, {0, 2, 3, 0, 1, 2});
  auto &op = *run.instruction({2, 6}, 64, exp2Frac).mutable_exp2();
  op.set_compare_bits(16);
  op.set_causal(true);
  const double expected[] = {1, 0.5, 1,   1,    0.125, 0.125,
                             1, 0.5, 0.5, 0.25, 0.25,  0.25};
  Values y = run.run();
  for (size_t i = 0; i < 12; ++i)
    EXPECT_NEAR(double(y[i]), expected[i] * 1048576, 2);
}

TEST(Exp2, ZeroFarBelowTheMaximum) {
  PairRun run(5);
  Values x(5000, -(int64_t(1) << 29)), maxima(5, 100);
  Values y = runExp2(run, {5, 1000}, 16, 16, x, maxima);
  for (int64_t value : y)
    EXPECT_EQ(value, 0);
}

TEST(Exp2, Polynomial) {
  double worst = 0;
  for (uint64_t t = 0; t <= uint64_t(1) << 31; t += 9973) {
    double expected = std::exp2(double(t) / 2147483648.0);
    worst = std::max(
        worst, std::abs(double(powerOfTwo(t)) / 2147483648.0 / expected - 1));
  }
  std::printf("exp2: polynomial relative error 2^%.2f\n", std::log2(worst));
  EXPECT_LT(worst, std::ldexp(1.0, -29));
  EXPECT_EQ(powerOfTwo(0), uint64_t(1) << 31);
  EXPECT_EQ(scaledInversePower(0, exp2GuardBits), uint64_t(1) << exp2GuardBits);
}

TEST(Exp2, ArithmeticModuloF7) {
  // Against schoolbook arithmetic: 2^e by repeated doubling.
  Inputs inputs(6);
  for (int trial = 0; trial < 200; ++trial) {
    Wide a = Wide(inputs.word()) << 64 | inputs.word();
    Wide doubled = a;
    for (unsigned e = 0; e < 256; ++e) {
      ShiftedF7 shifted(a, e);
      EXPECT_TRUE(subtractF7(shifted.low, shifted.high) == doubled);
      // 2 a = low - carry.
      doubled = subtractF7(doubled << 1, doubled >> 127);
    }
    EXPECT_TRUE(doubled == a) << "2 has order 256";
    uint64_t factor = inputs.word() >> 2;
    Wide sum = 0;
    for (unsigned bit = 62; bit-- > 0;) {
      sum = subtractF7(sum << 1, sum >> 127);
      if (factor >> bit & 1)
        sum = subtractF7(sum, ~a + 2);
    }
    EXPECT_TRUE(multiplyF7(a, factor) == sum);
  }
}

TEST(Recip, RelativeError) {
  for (uint32_t bound : {2, 3, 4, 16, 100, 128, 512, 1024, 4096}) {
    PairRun run(bound);
    const uint32_t n = 20000;
    Values sums(n);
    for (uint32_t i = 0; i < n; ++i) {
      // Uniform on a logarithmic scale, and the values around thresholds.
      double value = std::exp2(double(run.inputs.word() >> 11) * 0x1p-53 *
                               std::log2(bound));
      if (i % 4 == 0)
        value = std::exp2(std::round(2 * std::log2(value)) / 2) +
                double(run.inputs.in(-8, 8)) / 1024;
      sums[i] = std::clamp(int64_t(value * 1048576), int64_t(1048570),
                           int64_t(bound) * 1048576);
    }
    sums[0] = 1048576;
    sums[1] = int64_t(bound) * 1048576;
    run.operand({n}, 64, exp2Frac, sums);
    auto &op = run.instruction({n}, 64, recipFrac);
    op.mutable_recip()->set_upper_bound(bound);
    Values y = run.run();
    double relative = 0, absolute = 0;
    for (uint32_t i = 0; i < n; ++i) {
      double expected = 1048576.0 / double(sums[i]);
      double error = std::abs(std::ldexp(double(y[i]), -28) - expected);
      relative = std::max(relative, error / expected);
      absolute = std::max(absolute, error);
    }
    std::printf("recip: bound %4u: relative error %.2e, absolute %.2f units\n",
                bound, relative, absolute * (1 << 28));
    double unit = 1.0 / (1 << 28);
    EXPECT_LT(relative, 1e-7 + 1.1 * unit * bound);
  }
}

TEST(Recip, BoundOfOne) {
  PairRun run(7);
  run.operand({10}, 64, exp2Frac, Values(10, 1048576));
  auto &op = run.instruction({10}, 64, recipFrac);
  op.mutable_recip()->set_upper_bound(1);
  for (int64_t y : run.run())
    EXPECT_NEAR(std::ldexp(double(y), -28), 1, 1e-7);
}

} // namespace
