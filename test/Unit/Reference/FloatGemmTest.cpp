//===- FloatGemmTest.cpp - Each product kernel against loops --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FloatGemm.h"

#include "gtest/gtest.h"

#include <vector>

using namespace aero::reference;

namespace {

/// Which function, and whether b is transposed.
struct Variant {
  void (*kernel)(const FloatGemm &);
  bool transposeB;
};

class FloatGemmTest : public testing::TestWithParam<Variant> {};

TEST_P(FloatGemmTest, MultipliesPartsOfLargerMatrices) {
  // Rows further apart than they are long, as heads within a width.
  constexpr int64_t m = 13, k = 21, n = 18, lda = 30, ldb = 25, ldc = 40;
  bool transpose = GetParam().transposeB;
  std::vector<float> a(m * lda), b((transpose ? n : k) * ldb);
  std::vector<float> c(m * ldc, -1.0f);
  // Small integers, so that every order of summation gives the same.
  for (size_t i = 0; i < a.size(); ++i)
    a[i] = static_cast<float>(i % 7) - 3;
  for (size_t i = 0; i < b.size(); ++i)
    b[i] = static_cast<float>(i % 11) - 5;
  GetParam().kernel(
      {a.data(), lda, b.data(), ldb, transpose, c.data(), ldc, m, k, n});
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < ldc; ++j) {
      float expected = j < n ? 0.0f : -1.0f; // Beyond n nothing is written.
      for (int64_t l = 0; j < n && l < k; ++l)
        expected +=
            a[i * lda + l] * (transpose ? b[j * ldb + l] : b[l * ldb + j]);
      ASSERT_EQ(c[i * ldc + j], expected) << "at " << i << ", " << j;
    }
}

INSTANTIATE_TEST_SUITE_P(Kernels, FloatGemmTest,
                         testing::Values(Variant{gemmBaseline, false},
                                         Variant{gemmBaseline, true},
                                         Variant{runGemm, false},
                                         Variant{runGemm, true}));

} // namespace
