//===- FloatGemm.cpp - Float matrix products ------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FloatGemm.h"

namespace aero::reference {

#ifdef AERO_HAVE_AVX2_KERNEL
void gemmAvx2(const FloatGemm &gemm);
#endif

void runGemm(const FloatGemm &gemm) {
#ifdef AERO_HAVE_AVX2_KERNEL
  static const bool hasAvx2 =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  if (hasAvx2)
    return gemmAvx2(gemm);
#endif
  gemmBaseline(gemm);
}

} // namespace aero::reference
