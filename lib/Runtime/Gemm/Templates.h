//===- Templates.h - Inner loops, generic in the vector type --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Included once by each kernel file. Everything has internal linkage, because
/// each includer compiles it for another instruction set (see Kernels.h).
///
//===----------------------------------------------------------------------===//

#include "Kernels.h"

namespace {

using aero::rt::detail::Kernels;
using aero::rt::detail::maxStreamedRows;
using aero::rt::detail::RightHandSide;
using aero::rt::detail::Tile;

template <typename T, size_t lanes> struct VectorOf {
  typedef T Type __attribute__((vector_size(lanes * sizeof(T))));
  /// The same anywhere in memory.
  typedef T Loose __attribute__((vector_size(lanes * sizeof(T)),
                                 aligned(alignof(T)), may_alias));
};

/// Adds the first `cols` sums of a tile's row to C.
template <typename T, typename V, size_t vecs>
inline void addRow(const V (&sums)[vecs], size_t cols, T *c) {
  constexpr size_t lanes = sizeof(V) / sizeof(T);
  if (cols == vecs * lanes) {
    for (size_t v = 0; v < vecs; ++v) {
      V old;
      __builtin_memcpy(&old, c + v * lanes, sizeof(V));
      old += sums[v];
      __builtin_memcpy(c + v * lanes, &old, sizeof(V));
    }
    return;
  }
  T values[vecs * lanes];
  __builtin_memcpy(values, sums, sizeof(values));
  for (size_t j = 0; j < cols; ++j)
    c[j] += values[j];
}

/// One tile held in registers. `stride` is the width of B's panel.
template <typename T, size_t lanes, size_t rows, size_t vecs, size_t stride>
void vectorTile(size_t cols, size_t k, const T *a, const T *b, T *c,
                size_t ldc) {
  using V = typename VectorOf<T, lanes>::Type;
  using Loose = typename VectorOf<T, lanes>::Loose;
  for (size_t r = 0; r < rows; ++r)
    for (size_t v = 0; v < vecs; ++v)
      __builtin_prefetch(c + r * ldc + v * lanes, 1);
  V sums[rows][vecs] = {};
  for (size_t i = 0; i < k; ++i, a += rows, b += stride) {
    V right[vecs];
    for (size_t v = 0; v < vecs; ++v)
      right[v] = *reinterpret_cast<const Loose *>(b + v * lanes);
    for (size_t r = 0; r < rows; ++r)
      for (size_t v = 0; v < vecs; ++v)
        sums[r][v] += a[r] * right[v];
  }
  for (size_t r = 0; r < rows; ++r)
    addRow<T>(sums[r], cols, c + r * ldc);
}

/// Picks the instance for the tiles at the lower and right edges.
template <typename T, size_t lanes, size_t rows, size_t vecs, size_t stride>
void edgeTile(size_t actualRows, size_t cols, size_t k, const T *a, const T *b,
              T *c, size_t ldc) {
  if constexpr (rows > 1)
    if (actualRows < rows)
      return edgeTile<T, lanes, rows - 1, vecs, stride>(actualRows, cols, k, a,
                                                        b, c, ldc);
  if constexpr (vecs > 1)
    if (cols <= (vecs - 1) * lanes)
      return edgeTile<T, lanes, rows, vecs - 1, stride>(actualRows, cols, k, a,
                                                        b, c, ldc);
  vectorTile<T, lanes, rows, vecs, stride>(cols, k, a, b, c, ldc);
}

template <typename T, size_t lanes, size_t rows, size_t vecs>
constexpr Tile<T> vectorTileOf() {
  return {rows, vecs * lanes, edgeTile<T, lanes, rows, vecs, vecs * lanes>};
}

template <typename T, typename B>
void packPlain(size_t width, size_t steps, const B *b, size_t ldb, size_t cols,
               T *to) {
  // The rows lie on pages of their own, where no prefetcher follows.
  constexpr size_t ahead = 8, line = 64 / sizeof(B);
  for (size_t i = 0; i < steps; ++i, b += ldb) {
    if (i + ahead < steps)
      for (size_t j = 0; j < width; j += line)
        __builtin_prefetch(b + ahead * ldb + j);
    for (size_t j = 0; j < width; j += cols) {
      T *panel = to + j * steps + i * cols;
      size_t count = width - j < cols ? width - j : cols;
      for (size_t v = 0; v < count; ++v)
        panel[v] = static_cast<T>(b[j + v]);
      for (size_t v = count; v < cols; ++v)
        panel[v] = 0;
    }
  }
}

template <typename T, typename B>
void packTransposed(size_t width, size_t steps, const B *b, size_t ldb,
                    size_t cols, T *to) {
  // A few rows of the panel at a time, so that they stay in the first cache.
  constexpr size_t block = 16;
  for (size_t j = 0; j < width; j += cols, to += steps * cols) {
    size_t count = width - j < cols ? width - j : cols;
    for (size_t first = 0; first < steps; first += block) {
      size_t end = steps - first < block ? steps : first + block;
      for (size_t v = 0; v < count; ++v)
        for (size_t i = first; i < end; ++i)
          to[i * cols + v] = static_cast<T>(b[(j + v) * ldb + i]);
      for (size_t v = count; v < cols; ++v)
        for (size_t i = first; i < end; ++i)
          to[i * cols + v] = 0;
    }
  }
}

template <typename T, typename B>
void pack(size_t width, size_t steps, const B *b, size_t ldb, bool transposed,
          size_t cols, T *to) {
  if (transposed)
    return packTransposed(width, steps, b, ldb, cols, to);
  packPlain(width, steps, b, ldb, cols, to);
}

/// `steps` rows of B at once, so that C is read and written less often. Left to
/// the vectorizer: nothing but loads limits it.
template <typename T, typename B, size_t rows, size_t steps>
void streamSteps(size_t n, const T *a, size_t lda, const B *b, size_t ldb, T *c,
                 size_t ldc) {
  T left[rows][steps];
  for (size_t r = 0; r < rows; ++r)
    for (size_t s = 0; s < steps; ++s)
      left[r][s] = a[r * lda + s];
  for (size_t j = 0; j < n; ++j) {
    T right[steps];
    for (size_t s = 0; s < steps; ++s)
      right[s] = static_cast<T>(b[s * ldb + j]);
    for (size_t r = 0; r < rows; ++r) {
      T sum = c[r * ldc + j];
      for (size_t s = 0; s < steps; ++s)
        sum += left[r][s] * right[s];
      c[r * ldc + j] = sum;
    }
  }
}

template <typename T, typename B, size_t rows>
void streamRows(size_t n, size_t k, const T *a, size_t lda, const B *b,
                size_t ldb, T *c, size_t ldc) {
  // The columns of C that stay in the first cache.
  constexpr size_t block = 16384 / sizeof(T) / rows;
  constexpr size_t steps = 4;
  for (size_t j = 0; j < n; j += block) {
    size_t width = n - j < block ? n - j : block;
    size_t i = 0;
    for (; i + steps <= k; i += steps)
      streamSteps<T, B, rows, steps>(width, a + i, lda, b + i * ldb + j, ldb,
                                     c + j, ldc);
    for (; i < k; ++i)
      streamSteps<T, B, rows, 1>(width, a + i, lda, b + i * ldb + j, ldb, c + j,
                                 ldc);
  }
}

template <typename T, typename B>
void stream(size_t m, size_t n, size_t k, const T *a, size_t lda, const B *b,
            size_t ldb, T *c, size_t ldc) {
  static_assert(maxStreamedRows == 4);
  switch (m) {
  case 1:
    return streamRows<T, B, 1>(n, k, a, lda, b, ldb, c, ldc);
  case 2:
    return streamRows<T, B, 2>(n, k, a, lda, b, ldb, c, ldc);
  case 3:
    return streamRows<T, B, 3>(n, k, a, lda, b, ldb, c, ldc);
  case 4:
    return streamRows<T, B, 4>(n, k, a, lda, b, ldb, c, ldc);
  }
}

template <typename T, typename B>
constexpr RightHandSide<T, B> rightHandSide() {
  return {pack<T, B>, stream<T, B>};
}

} // namespace
