//===- WeightMath.cpp - Products of weight matrices -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightMath.h"

#include "mlir/IR/Threading.h"

#include <algorithm>

using llvm::ArrayRef;

namespace aero::pi {
namespace {

// A tile of kTileRows x kTileColumns sums stays in registers. A panel of b of
// kInnerBlock x kTileColumns doubles (64 KiB) stays in the second-level cache,
// and so does the block of a.
constexpr int64_t kTileRows = 4;
constexpr int64_t kTileColumns = 16;
constexpr int64_t kInnerBlock = 512;

// One build serves machines with and without wide vectors.
#if defined(__x86_64__) && defined(__gnu_linux__)
#define AERO_VECTOR_CLONES                                                     \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define AERO_VECTOR_CLONES
#endif

/// sums[r][c] += sum over k of a[k][r] * b[k][c].
AERO_VECTOR_CLONES
void accumulateTile(const double *__restrict a, const double *__restrict b,
                    double *__restrict sums, int64_t inner) {
  double tile[kTileRows][kTileColumns];
  for (int64_t r = 0; r < kTileRows; ++r)
    for (int64_t c = 0; c < kTileColumns; ++c)
      tile[r][c] = sums[r * kTileColumns + c];
  for (int64_t k = 0; k < inner; ++k)
    for (int64_t r = 0; r < kTileRows; ++r)
      for (int64_t c = 0; c < kTileColumns; ++c)
        tile[r][c] += a[k * kTileRows + r] * b[k * kTileColumns + c];
  for (int64_t r = 0; r < kTileRows; ++r)
    for (int64_t c = 0; c < kTileColumns; ++c)
      sums[r * kTileColumns + c] = tile[r][c];
}

int64_t divideUp(int64_t value, int64_t by) { return (value + by - 1) / by; }

/// Rows of a as doubles, kTileRows at a time, k-major, padded with zeros.
std::vector<double> packRows(ArrayRef<float> a, int64_t rows, int64_t inner) {
  std::vector<double> packed(divideUp(rows, kTileRows) * kTileRows * inner);
  for (int64_t i = 0; i < rows; ++i) {
    double *tile = packed.data() + i / kTileRows * kTileRows * inner;
    for (int64_t k = 0; k < inner; ++k)
      tile[k * kTileRows + i % kTileRows] = a[i * inner + k];
  }
  return packed;
}

} // namespace

std::vector<double> multiply(mlir::MLIRContext *context, ArrayRef<float> a,
                             ArrayRef<float> b, int64_t rows, int64_t inner,
                             int64_t columns) {
  assert(static_cast<int64_t>(a.size()) == rows * inner);
  assert(static_cast<int64_t>(b.size()) == inner * columns);
  std::vector<double> result(rows * columns);
  std::vector<double> packedA = packRows(a, rows, inner);
  int64_t rowTiles = divideUp(rows, kTileRows);

  // Each task owns kTileColumns columns of the result.
  auto computePanel = [&](size_t panel) {
    int64_t begin = panel * kTileColumns;
    int64_t width = std::min(kTileColumns, columns - begin);
    std::vector<double> sums(rowTiles * kTileRows * kTileColumns);
    std::vector<double> packedB(std::min(inner, kInnerBlock) * kTileColumns);
    for (int64_t k0 = 0; k0 < inner; k0 += kInnerBlock) {
      int64_t depth = std::min(kInnerBlock, inner - k0);
      for (int64_t k = 0; k < depth; ++k)
        for (int64_t c = 0; c < width; ++c)
          packedB[k * kTileColumns + c] = b[(k0 + k) * columns + begin + c];
      for (int64_t tile = 0; tile < rowTiles; ++tile)
        accumulateTile(packedA.data() + (tile * inner + k0) * kTileRows,
                       packedB.data(),
                       sums.data() + tile * kTileRows * kTileColumns, depth);
    }
    for (int64_t i = 0; i < rows; ++i)
      std::copy_n(sums.data() + i * kTileColumns, width,
                  result.data() + i * columns + begin);
  };
  mlir::parallelFor(context, 0, divideUp(columns, kTileColumns), computePanel);
  return result;
}

std::vector<float> roundToFloat(ArrayRef<double> values, double factor) {
  std::vector<float> rounded(values.size());
  for (size_t i = 0; i < values.size(); ++i)
    rounded[i] = static_cast<float>(values[i] * factor);
  return rounded;
}

} // namespace aero::pi
