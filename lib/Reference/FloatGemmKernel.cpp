//===- FloatGemmKernel.cpp - One Eigen product for one instruction set ----===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Compiled once for each instruction set, under another function name
// (AERO_GEMM_KERNEL) and another namespace for Eigen: were Eigen's templates of
// the same name, the linker would keep one copy for all of them, and a
// processor without AVX could end up in the AVX one.
//
//===----------------------------------------------------------------------===//

#include "FloatGemm.h"

// Eigen trips over its own deprecations with new compilers.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#include <Eigen/Core>
#pragma GCC diagnostic pop

namespace aero::reference {

using Matrix =
    Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Stride = Eigen::OuterStride<>;
using ConstMap = Eigen::Map<const Matrix, Eigen::Unaligned, Stride>;
using MutableMap = Eigen::Map<Matrix, Eigen::Unaligned, Stride>;

void AERO_GEMM_KERNEL(const FloatGemm &gemm) {
  ConstMap a(gemm.a, gemm.m, gemm.k, Stride(gemm.lda));
  MutableMap c(gemm.c, gemm.m, gemm.n, Stride(gemm.ldc));
  if (gemm.transposeB)
    c.noalias() =
        a * ConstMap(gemm.b, gemm.n, gemm.k, Stride(gemm.ldb)).transpose();
  else
    c.noalias() = a * ConstMap(gemm.b, gemm.k, gemm.n, Stride(gemm.ldb));
}

} // namespace aero::reference
