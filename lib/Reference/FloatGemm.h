//===- FloatGemm.h - Float matrix products --------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_REFERENCE_FLOATGEMM_H
#define AERO_LIB_REFERENCE_FLOATGEMM_H

#include <cstdint>

namespace aero::reference {

/// c = a b: (m, k) times (k, n), or times the transpose of a (n, k), all
/// row-major with the given distance between rows.
struct FloatGemm {
  const float *a;
  int64_t lda;
  const float *b;
  int64_t ldb;
  bool transposeB;
  float *c;
  int64_t ldc;
  int64_t m, k, n;
};

/// Runs it with the widest vectors that this processor has.
void runGemm(const FloatGemm &gemm);

/// The same for any processor.
void gemmBaseline(const FloatGemm &gemm);

} // namespace aero::reference

#endif // AERO_LIB_REFERENCE_FLOATGEMM_H
