//===- Gemm.h - Ring matrix products --------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// C += A B over Z_2^64 and Z_2^32. The kernel (AVX-512, AVX2, scalar) is
/// chosen once, at run time, by CPU feature; all give the same bits.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_GEMM_H
#define AERO_RUNTIME_GEMM_H

#include <cstddef>
#include <cstdint>

namespace aero::rt {

enum class GemmKernel { Scalar, Avx2, Avx512 };

/// The best kernel that this CPU runs.
GemmKernel bestGemmKernel();
const char *gemmKernelName(GemmKernel kernel);

/// Overrides the kernel for tests and benchmarks; must be one the CPU runs.
void setGemmKernel(GemmKernel kernel);
/// Threads per product, 1 by default.
void setGemmThreads(unsigned threads);

/// A dense row-major operand. `B` may be stored transposed (`transposed`:
/// element (k, n) at data[n * stride + k]).
template <typename T> struct MatrixRef {
  const T *data;
  size_t stride;
  bool transposed = false;
};

/// C (M,N) += A (M,K) B (K,N) modulo 2^64, C row-major with row stride ldc.
void gemm(size_t m, size_t n, size_t k, MatrixRef<uint64_t> a,
          MatrixRef<uint64_t> b, uint64_t *c, size_t ldc);
/// The same with B given as signed 32-bit integers (clear server weights).
void gemm(size_t m, size_t n, size_t k, MatrixRef<uint64_t> a,
          MatrixRef<int32_t> b, uint64_t *c, size_t ldc);
/// C (M,N) += A (M,K) B (K,N) modulo 2^32.
void gemm(size_t m, size_t n, size_t k, MatrixRef<uint32_t> a,
          MatrixRef<uint32_t> b, uint32_t *c, size_t ldc);

} // namespace aero::rt

#endif // AERO_RUNTIME_GEMM_H
