//===- Kernels.h - Inner loops of the matrix products ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What each instruction set provides. The files that implement it are compiled
/// for CPUs that the process may not run on, so they include no header of the
/// standard library with code in it: the linker could keep their copy of an
/// inline function for everyone.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_GEMM_KERNELS_H
#define AERO_LIB_RUNTIME_GEMM_KERNELS_H

#include <stddef.h>
#include <stdint.h>

namespace aero::rt::detail {

/// C (rows,cols) += A B. A is packed with `rows` elements for each of k steps,
/// B with Tile::cols (zero where cols is less).
template <typename T>
using TileFunction = void (*)(size_t rows, size_t cols, size_t k, const T *a,
                              const T *b, T *c, size_t ldc);

/// C (m,n) += A B for m <= maxStreamedRows, B unpacked and row-major. Such a
/// product is bound by memory, so B is read once and along its rows.
template <typename T, typename B>
using StreamFunction = void (*)(size_t m, size_t n, size_t k, const T *a,
                                size_t lda, const B *b, size_t ldb, T *c,
                                size_t ldc);

/// Packs `width` columns and `steps` rows of B, which may be stored transposed,
/// into panels of `cols` columns (the last one filled up with zeros), `steps`
/// rows each, one after another.
template <typename T, typename B>
using PackFunction = void (*)(size_t width, size_t steps, const B *b,
                              size_t ldb, bool transposed, size_t cols, T *to);

inline constexpr size_t maxStreamedRows = 4;
/// The most columns of a tile; Tile::cols divides it.
inline constexpr size_t maxTileColumns = 64;

template <typename T> struct Tile {
  size_t rows, cols;
  TileFunction<T> run;
};

/// What depends on the type of B.
template <typename T, typename B> struct RightHandSide {
  PackFunction<T, B> pack;
  StreamFunction<T, B> stream;
};

struct Kernels {
  Tile<uint64_t> tile64;
  Tile<uint32_t> tile32;
  RightHandSide<uint64_t, uint64_t> right64;
  RightHandSide<uint64_t, int32_t> rightMixed;
  RightHandSide<uint32_t, uint32_t> right32;
};

extern const Kernels scalarKernels;
#ifdef AERO_GEMM_X86
extern const Kernels avx2Kernels;
extern const Kernels avx512Kernels;
#endif

} // namespace aero::rt::detail

#endif // AERO_LIB_RUNTIME_GEMM_KERNELS_H
