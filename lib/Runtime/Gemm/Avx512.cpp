//===- Avx512.cpp - Inner loops for AVX-512 F and DQ ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Templates.h"

// 24 of the 32 registers hold sums, 4 a row of B, the rest A's element and
// products: ten loads for 24 multiplications (vpmullq, vpmulld).
constinit const Kernels aero::rt::detail::avx512Kernels = {
    vectorTileOf<uint64_t, 8, 6, 4>(),   vectorTileOf<uint32_t, 16, 6, 4>(),
    rightHandSide<uint64_t, uint64_t>(), rightHandSide<uint64_t, int32_t>(),
    rightHandSide<uint32_t, uint32_t>(),
};
