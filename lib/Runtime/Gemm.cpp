//===- Gemm.cpp - Ring matrix products ------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Gemm.h"
#include "Gemm/Kernels.h"

#include <algorithm>
#include <atomic>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

using namespace aero::rt;
using namespace aero::rt::detail;

/// Depth and height of the packed block of A, which stays in the second cache
/// (512 KiB at most) while B passes by, and width of the packed block of B.
static constexpr size_t depthBlock = 256;
static constexpr size_t rowBlock = 256;
static constexpr size_t columnBlock = 64;
static_assert(columnBlock % maxTileColumns == 0);

/// Below this many multiply-adds a thread costs more than it saves.
static constexpr size_t minWorkPerThread = 4 << 20;

static bool runs(GemmKernel kernel) {
#ifdef AERO_GEMM_X86
  if (kernel == GemmKernel::Avx512)
    return __builtin_cpu_supports("avx512f") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx2");
  if (kernel == GemmKernel::Avx2)
    return __builtin_cpu_supports("avx2");
#endif
  return kernel == GemmKernel::Scalar;
}

GemmKernel aero::rt::bestGemmKernel() {
  static const GemmKernel best = runs(GemmKernel::Avx512) ? GemmKernel::Avx512
                                 : runs(GemmKernel::Avx2) ? GemmKernel::Avx2
                                                          : GemmKernel::Scalar;
  return best;
}

const char *aero::rt::gemmKernelName(GemmKernel kernel) {
  switch (kernel) {
  case GemmKernel::Avx512:
    return "avx512";
  case GemmKernel::Avx2:
    return "avx2";
  case GemmKernel::Scalar:
    break;
  }
  return "scalar";
}

static std::atomic<GemmKernel> &chosenKernel() {
  static std::atomic<GemmKernel> kernel = bestGemmKernel();
  return kernel;
}

static std::atomic<unsigned> threadLimit = 1;

void aero::rt::setGemmKernel(GemmKernel kernel) {
  assert(runs(kernel) && "this CPU does not run the kernel");
  chosenKernel() = kernel;
}

void aero::rt::setGemmThreads(unsigned threads) {
  threadLimit = std::max(threads, 1u);
}

static const Kernels &kernels() {
#ifdef AERO_GEMM_X86
  switch (chosenKernel()) {
  case GemmKernel::Avx512:
    return avx512Kernels;
  case GemmKernel::Avx2:
    return avx2Kernels;
  case GemmKernel::Scalar:
    break;
  }
#endif
  return scalarKernels;
}

namespace {

/// A buffer on a cache line. One a thread is kept between products: fresh pages
/// would cost more than a small product.
class Workspace {
public:
  ~Workspace() { std::free(data); }

  template <typename T> T *get(size_t count) {
    size_t wanted = (count * sizeof(T) + 63) / 64 * 64;
    if (wanted > size) {
      std::free(data);
      data = std::aligned_alloc(64, wanted);
      if (!data) {
        std::fputs("aero: out of memory in a matrix product\n", stderr);
        std::abort();
      }
      size = wanted;
    }
    return static_cast<T *>(data);
  }

private:
  void *data = nullptr;
  size_t size = 0;
};

/// The kernels for one combination of operand types.
template <typename T, typename B> struct Choice {
  Tile<T> tile;
  RightHandSide<T, B> right;
};

template <typename T, typename B> Choice<T, B> choose();
template <> Choice<uint64_t, uint64_t> choose() {
  return {kernels().tile64, kernels().right64};
}
template <> Choice<uint64_t, int32_t> choose() {
  return {kernels().tile64, kernels().rightMixed};
}
template <> Choice<uint32_t, uint32_t> choose() {
  return {kernels().tile32, kernels().right32};
}

/// A product, or one thread's part of it.
template <typename T, typename B> struct Product {
  size_t m, n, k;
  MatrixRef<T> a;
  MatrixRef<B> b;
  T *c;
  size_t ldc;

  Product rows(size_t begin, size_t end) const {
    Product part = *this;
    part.m = end - begin;
    part.a.data += a.transposed ? begin : begin * a.stride;
    part.c += begin * ldc;
    return part;
  }
  Product columns(size_t begin, size_t end) const {
    Product part = *this;
    part.n = end - begin;
    part.b.data += b.transposed ? begin * b.stride : begin;
    part.c += begin;
    return part;
  }
};

} // namespace

/// Packs `rows` rows of A, from row `row` and step `step` on, one step after
/// another.
template <typename T>
static void packLeft(MatrixRef<T> a, size_t row, size_t rows, size_t step,
                     size_t steps, T *to) {
  if (a.transposed) {
    for (size_t i = 0; i < steps; ++i, to += rows)
      std::copy_n(a.data + (step + i) * a.stride + row, rows, to);
    return;
  }
  for (size_t r = 0; r < rows; ++r) {
    const T *from = a.data + (row + r) * a.stride + step;
    for (size_t i = 0; i < steps; ++i)
      to[i * rows + r] = from[i];
  }
}

/// Fetches some rows of the next block of B's columns, which start at `column`:
/// done between tiles it hides most of what packing would wait for.
template <typename T, typename B>
static void prefetchRows(const Product<T, B> &p, size_t column, size_t begin,
                         size_t end) {
  if (p.b.transposed)
    return;
  size_t width = std::min(columnBlock, p.n - column);
  for (size_t i = begin; i < end; ++i)
    for (size_t j = 0; j < width; j += 64 / sizeof(B))
      __builtin_prefetch(p.b.data + i * p.b.stride + column + j, 0, 2);
}

/// One thread's product.
template <typename T, typename B>
static void multiply(const Choice<T, B> &choice, const Product<T, B> &p) {
  if (p.m <= maxStreamedRows && !p.a.transposed && !p.b.transposed)
    return choice.right.stream(p.m, p.n, p.k, p.a.data, p.a.stride, p.b.data,
                               p.b.stride, p.c, p.ldc);
  static thread_local Workspace leftSpace, rightSpace;
  const Tile<T> &tile = choice.tile;
  size_t maxDepth = std::min(p.k, depthBlock);
  T *left = leftSpace.get<T>(std::min(p.m, rowBlock) * maxDepth);
  T *right = rightSpace.get<T>(columnBlock * maxDepth);
  for (size_t step = 0; step < p.k; step += depthBlock) {
    size_t steps = std::min(depthBlock, p.k - step);
    for (size_t top = 0; top < p.m; top += rowBlock) {
      size_t bottom = std::min(p.m, top + rowBlock);
      for (size_t i = top; i < bottom; i += tile.rows)
        packLeft(p.a, i, std::min(tile.rows, bottom - i), step, steps,
                 left + (i - top) * steps);
      for (size_t first = 0; first < p.n; first += columnBlock) {
        size_t end = std::min(p.n, first + columnBlock);
        const B *from = p.b.data + (p.b.transposed ? first * p.b.stride + step
                                                   : step * p.b.stride + first);
        choice.right.pack(end - first, steps, from, p.b.stride, p.b.transposed,
                          tile.cols, right);
        size_t tiles = ((bottom - top) + tile.rows - 1) / tile.rows *
                       ((end - first + tile.cols - 1) / tile.cols);
        size_t tileNumber = 0;
        for (size_t j = first; j < end; j += tile.cols)
          for (size_t i = top; i < bottom; i += tile.rows) {
            prefetchRows(p, end, step + steps * tileNumber / tiles,
                         step + steps * (tileNumber + 1) / tiles);
            ++tileNumber;
            tile.run(std::min(tile.rows, bottom - i),
                     std::min(tile.cols, end - j), steps,
                     left + (i - top) * steps, right + (j - first) * steps,
                     p.c + i * p.ldc + j, p.ldc);
          }
      }
    }
  }
}

template <typename T, typename B>
static void multiplyThreaded(const Product<T, B> &p) {
  if (p.m == 0 || p.n == 0 || p.k == 0)
    return;
  const Choice<T, B> choice = choose<T, B>();
  // Parts of B are packed once each if columns are shared out, so rows are only
  // for products that are too narrow.
  bool byColumns = p.n >= columnBlock || p.n >= p.m;
  size_t unit = byColumns ? columnBlock : choice.tile.rows;
  size_t units = ((byColumns ? p.n : p.m) + unit - 1) / unit;
  size_t threads = std::min<size_t>(threadLimit, units);
  threads = std::min(threads, p.m * p.n * p.k / minWorkPerThread);
  if (threads <= 1)
    return multiply(choice, p);

  auto part = [&](size_t i) {
    size_t total = byColumns ? p.n : p.m;
    size_t begin = std::min(units * i / threads * unit, total);
    size_t end = std::min(units * (i + 1) / threads * unit, total);
    return byColumns ? p.columns(begin, end) : p.rows(begin, end);
  };
  std::vector<std::thread> workers;
  for (size_t i = 1; i < threads; ++i)
    workers.emplace_back([&, i] { multiply(choice, part(i)); });
  multiply(choice, part(0));
  for (std::thread &worker : workers)
    worker.join();
}

void aero::rt::gemm(size_t m, size_t n, size_t k, MatrixRef<uint64_t> a,
                    MatrixRef<uint64_t> b, uint64_t *c, size_t ldc) {
  multiplyThreaded(Product<uint64_t, uint64_t>{m, n, k, a, b, c, ldc});
}

void aero::rt::gemm(size_t m, size_t n, size_t k, MatrixRef<uint64_t> a,
                    MatrixRef<int32_t> b, uint64_t *c, size_t ldc) {
  multiplyThreaded(Product<uint64_t, int32_t>{m, n, k, a, b, c, ldc});
}

void aero::rt::gemm(size_t m, size_t n, size_t k, MatrixRef<uint32_t> a,
                    MatrixRef<uint32_t> b, uint32_t *c, size_t ldc) {
  multiplyThreaded(Product<uint32_t, uint32_t>{m, n, k, a, b, c, ldc});
}
