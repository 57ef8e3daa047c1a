//===- Avx2.cpp - Inner loops for AVX2 ------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Templates.h"

#include <immintrin.h>

namespace {

/// AVX2 has no 64-bit product. With a = ah 2^32 + al and b likewise,
/// a b = al bl + 2^32 (ah bl + al bh): the first term is one vpmuludq; of the
/// others only the low halves count, so one vpmulld of a with b's halves
/// exchanged gives both, summed in two 32-bit lanes and joined at the end.
template <size_t rows>
void emulatedTile(size_t cols, size_t k, const uint64_t *a, const uint64_t *b,
                  uint64_t *c, size_t ldc) {
  __m256i low[rows], cross[rows];
  for (size_t r = 0; r < rows; ++r)
    low[r] = cross[r] = _mm256_setzero_si256();
  for (size_t i = 0; i < k; ++i, a += rows, b += 4) {
    __m256i right = _mm256_loadu_si256(reinterpret_cast<const __m256i *>(b));
    __m256i exchanged = _mm256_shuffle_epi32(right, 0xB1);
    for (size_t r = 0; r < rows; ++r) {
      __m256i left = _mm256_set1_epi64x(static_cast<long long>(a[r]));
      low[r] = _mm256_add_epi64(low[r], _mm256_mul_epu32(left, right));
      cross[r] =
          _mm256_add_epi32(cross[r], _mm256_mullo_epi32(left, exchanged));
    }
  }
  for (size_t r = 0; r < rows; ++r) {
    __m256i high = _mm256_add_epi64(cross[r], _mm256_srli_epi64(cross[r], 32));
    __m256i sum = _mm256_add_epi64(low[r], _mm256_slli_epi64(high, 32));
    uint64_t values[4];
    __builtin_memcpy(values, &sum, sizeof(values));
    for (size_t j = 0; j < cols; ++j)
      c[r * ldc + j] += values[j];
  }
}

template <size_t rows>
void emulatedEdgeTile(size_t actualRows, size_t cols, size_t k,
                      const uint64_t *a, const uint64_t *b, uint64_t *c,
                      size_t ldc) {
  if constexpr (rows > 1)
    if (actualRows < rows)
      return emulatedEdgeTile<rows - 1>(actualRows, cols, k, a, b, c, ldc);
  emulatedTile<rows>(cols, k, a, b, c, ldc);
}

} // namespace

// 12 of the 16 registers hold sums.
constinit const Kernels aero::rt::detail::avx2Kernels = {
    {6, 4, emulatedEdgeTile<6>},         vectorTileOf<uint32_t, 8, 6, 2>(),
    rightHandSide<uint64_t, uint64_t>(), rightHandSide<uint64_t, int32_t>(),
    rightHandSide<uint32_t, uint32_t>(),
};
