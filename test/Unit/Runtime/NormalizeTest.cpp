//===- NormalizeTest.cpp - Normalised rows against doubles ----------------===//
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

struct Row {
  double mean, deviation;
};

/// The largest error over rows of the given statistics, beside that of an
/// input that is off by one unit.
void checkRows(bool centred, uint32_t columns, double epsilon,
               const std::vector<Row> &rows) {
  PairRun run(columns + centred);
  auto m = uint32_t(rows.size());
  Values x;
  for (const Row &row : rows)
    for (uint32_t j = 0; j < columns; ++j) {
      double uniform = double(run.inputs.word() >> 11) * 0x1p-53 - 0.5;
      x.push_back(std::llround(
          (row.mean + row.deviation * std::sqrt(12.0) * uniform) * 65536));
    }
  run.operand({m, columns}, 64, 16, x);
  auto &op = *run.instruction({m, columns}, 64, 16 + normalizeFrac)
                  .mutable_normalize();
  op.set_centred(centred);
  auto units =
      uint64_t(std::llround(std::ldexp(columns * epsilon, normalizeSumFrac)));
  units = std::max(units, uint64_t(1) << normalizeLowestLog2);
  op.set_epsilon(units);
  Values y = run.run();
  for (uint32_t i = 0; i < m; ++i) {
    double mean = 0, square = 0;
    for (uint32_t j = 0; centred && j < columns; ++j)
      mean += double(x[i * columns + j]) / 65536 / columns;
    for (uint32_t j = 0; j < columns; ++j) {
      double c = double(x[i * columns + j]) / 65536 - mean;
      square += c * c;
    }
    square =
        (square + std::ldexp(double(units), -int(normalizeSumFrac))) / columns;
    double worst = 0;
    for (uint32_t j = 0; j < columns; ++j) {
      double expected =
          (double(x[i * columns + j]) / 65536 - mean) / std::sqrt(square);
      double actual =
          std::ldexp(double(y[i * columns + j]), -int(16 + normalizeFrac));
      worst = std::max(worst,
                       std::abs(actual - expected) / (1 + std::abs(expected)));
    }
    // The mean is off by a unit of 2^-16 at most.
    double bound = 2e-5 + 2.0 / 65536 / std::sqrt(square);
    EXPECT_LT(worst, bound)
        << "row of mean " << rows[i].mean << " and deviation "
        << rows[i].deviation << ", " << columns << " columns";
  }
}

TEST(Normalize, LayerNorm) {
  for (uint32_t columns : {1, 2, 8, 64, 100, 768, 4096})
    checkRows(true, columns, 1e-5,
              {{0, 1},
               {0, 0.02},
               {5, 0.5},
               {-100, 3},
               {0, 30},
               {300, 300},
               {0, 0.2},
               {1, 0}});
}

TEST(Normalize, RmsNorm) {
  for (uint32_t columns : {1, 2, 8, 64, 100, 768, 4096})
    checkRows(false, columns, 1e-6,
              {{0, 1}, {0, 0.05}, {5, 0.5}, {-100, 3}, {0, 100}, {0.3, 0}});
}

TEST(Normalize, RowsOfZeros) {
  PairRun run(3);
  run.operand({2, 4}, 64, 16, Values(8, 0));
  auto &op = *run.instruction({2, 4}, 64, 44).mutable_normalize();
  op.set_centred(true);
  op.set_epsilon(1 << normalizeLowestLog2);
  for (int64_t y : run.run())
    EXPECT_LE(std::abs(std::ldexp(double(y), -44)), 1.1 / 65536 * 256);
}

TEST(Normalize, EveryOctave) {
  // One non-zero element decides the sum of squares: all segments are met.
  std::vector<Row> rows;
  for (double deviation = 1.0 / 64; deviation < 4000; deviation *= 1.19)
    rows.push_back({0, deviation});
  checkRows(false, 64, 1e-5, rows);
  checkRows(true, 64, 1e-5, rows);
}

} // namespace
