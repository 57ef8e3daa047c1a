//===- Scalar.cpp - Inner loops for any CPU -------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Templates.h"

namespace {

/// Two by four sums fit into the general registers.
template <typename T, size_t rows, size_t columns>
void plainTile(size_t actualRows, size_t cols, size_t k, const T *a, const T *b,
               T *c, size_t ldc) {
  T sums[rows][columns] = {};
  if (actualRows == rows)
    for (size_t i = 0; i < k; ++i)
      for (size_t r = 0; r < rows; ++r)
        for (size_t j = 0; j < columns; ++j)
          sums[r][j] += a[i * rows + r] * b[i * columns + j];
  else
    for (size_t i = 0; i < k; ++i)
      for (size_t r = 0; r < actualRows; ++r)
        for (size_t j = 0; j < columns; ++j)
          sums[r][j] += a[i * actualRows + r] * b[i * columns + j];
  for (size_t r = 0; r < actualRows; ++r)
    for (size_t j = 0; j < cols; ++j)
      c[r * ldc + j] += sums[r][j];
}

} // namespace

constinit const Kernels aero::rt::detail::scalarKernels = {
    {2, 4, plainTile<uint64_t, 2, 4>},   {2, 4, plainTile<uint32_t, 2, 4>},
    rightHandSide<uint64_t, uint64_t>(), rightHandSide<uint64_t, int32_t>(),
    rightHandSide<uint32_t, uint32_t>(),
};
