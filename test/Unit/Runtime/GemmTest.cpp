//===- GemmTest.cpp - Ring matrix products --------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Gemm.h"

#include "gtest/gtest.h"

#include <random>
#include <vector>

using namespace aero::rt;

namespace {

struct Shape {
  size_t m, n, k;
};

// Edges of tiles (6 or 2 rows, 4 to 64 columns), of blocks (64 columns, 256
// deep and high) and of the streamed products (up to 4 rows).
const Shape shapes[] = {
    {0, 5, 5},     {5, 0, 5},    {5, 5, 0},      {1, 1, 1},    {1, 7, 3},
    {1, 64, 4},    {1, 1000, 9}, {2, 33, 5},     {3, 65, 7},   {4, 2100, 6},
    {5, 1, 1},     {5, 31, 2},   {6, 32, 1},     {7, 33, 257}, {12, 64, 256},
    {13, 129, 10}, {17, 8, 300}, {128, 64, 128}, {9, 63, 513}, {257, 3, 4},
    {300, 70, 40}, {31, 97, 65},
};

class GemmTest : public testing::TestWithParam<GemmKernel> {
protected:
  void SetUp() override {
    if (GetParam() > bestGemmKernel())
      GTEST_SKIP() << "this CPU has no " << gemmKernelName(GetParam());
    setGemmKernel(GetParam());
  }
  void TearDown() override {
    setGemmKernel(bestGemmKernel());
    setGemmThreads(1);
  }
};

} // namespace

template <typename T> static std::vector<T> randomValues(size_t n) {
  static std::mt19937_64 generator(1);
  std::vector<T> values(n);
  for (T &value : values)
    value = static_cast<T>(generator());
  return values;
}

/// Compares with the definition. All strides are larger than the rows, and what
/// lies between the rows of C must stay.
template <typename T, typename B>
static void check(Shape shape, bool leftTransposed, bool rightTransposed) {
  auto [m, n, k] = shape;
  size_t lda = (leftTransposed ? m : k) + 3,
         ldb = (rightTransposed ? k : n) + 5, ldc = n + 2;
  std::vector<T> a = randomValues<T>((leftTransposed ? k : m) * lda + 1);
  std::vector<B> b = randomValues<B>((rightTransposed ? n : k) * ldb + 1);
  std::vector<T> c = randomValues<T>(m * ldc + 1), expected = c;
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < n; ++j)
      for (size_t s = 0; s < k; ++s)
        expected[i * ldc + j] +=
            (leftTransposed ? a[s * lda + i] : a[i * lda + s]) *
            static_cast<T>(rightTransposed ? b[j * ldb + s] : b[s * ldb + j]);
  gemm(m, n, k, {a.data(), lda, leftTransposed},
       MatrixRef<B>{b.data(), ldb, rightTransposed}, c.data(), ldc);
  EXPECT_EQ(c, expected) << m << " x " << n << " x " << k << " transposed "
                         << leftTransposed << rightTransposed;
}

template <typename T, typename B> static void checkAll() {
  for (Shape shape : shapes)
    for (bool left : {false, true})
      for (bool right : {false, true})
        check<T, B>(shape, left, right);
}

TEST_P(GemmTest, Ring64) { checkAll<uint64_t, uint64_t>(); }
TEST_P(GemmTest, Ring64ByClearWeights) { checkAll<uint64_t, int32_t>(); }
TEST_P(GemmTest, Ring32) { checkAll<uint32_t, uint32_t>(); }

TEST_P(GemmTest, AllOnesWrapAround) {
  constexpr size_t size = 70;
  std::vector<uint64_t> ones(size * size, ~uint64_t(0)), c(size * size);
  gemm(size, size, size, {ones.data(), size}, {ones.data(), size}, c.data(),
       size);
  EXPECT_EQ(c, std::vector<uint64_t>(size * size, size));
}

TEST_P(GemmTest, ThreadsGiveTheSame) {
  setGemmThreads(3);
  // Wide (columns are shared out), narrow (rows) and streamed.
  for (Shape shape : {Shape{100, 1000, 130}, Shape{2100, 40, 150},
                      Shape{3, 9000, 600}, Shape{130, 65, 1500}}) {
    check<uint64_t, uint64_t>(shape, false, false);
    check<uint64_t, int32_t>(shape, true, true);
    check<uint32_t, uint32_t>(shape, false, true);
  }
}

INSTANTIATE_TEST_SUITE_P(Kernels, GemmTest,
                         testing::Values(GemmKernel::Scalar, GemmKernel::Avx2,
                                         GemmKernel::Avx512),
                         [](const auto &info) {
                           return std::string(gemmKernelName(info.param));
                         });
