//===- Strided.h - Walking tensors through strides ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_REFERENCE_STRIDED_H
#define AERO_LIB_REFERENCE_STRIDED_H

#include "FloatKernels.h"

#include <array>

namespace aero::reference {

using Strides = llvm::SmallVector<int64_t, 6>;

inline int64_t product(Shape shape) {
  int64_t result = 1;
  for (int64_t dim : shape)
    result *= dim;
  return result;
}

inline Strides rowMajorStrides(Shape shape) {
  Strides strides(shape.size());
  int64_t next = 1;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = next;
    next *= shape[i];
  }
  return strides;
}

/// The strides with which a tensor of shape `from` is read at the indices of
/// `to`: 0 along broadcast dimensions.
inline Strides broadcastStrides(Shape from, Shape to) {
  Strides own = rowMajorStrides(from);
  Strides strides(to.size(), 0);
  size_t skipped = to.size() - from.size();
  for (size_t i = 0; i < from.size(); ++i)
    if (from[i] != 1)
      strides[skipped + i] = own[i];
  return strides;
}

/// Walks the rows (last dimension) of `shape` in order: body(n, offsets, steps)
/// with n elements a row and, for each of K tensors read with the given
/// strides, the offset of the row and the step within it.
template <size_t K, typename Body>
void forEachRow(Shape shape, const std::array<Strides, K> &strides, Body body) {
  std::array<int64_t, K> offsets{}, steps{};
  int64_t width = shape.empty() ? 1 : shape.back();
  size_t outer = shape.empty() ? 0 : shape.size() - 1;
  if (!shape.empty())
    for (size_t t = 0; t < K; ++t)
      steps[t] = strides[t].back();
  llvm::SmallVector<int64_t, 6> index(outer, 0);
  for (int64_t row = 0, rows = product(shape.take_front(outer)); row < rows;
       ++row) {
    body(width, offsets, steps);
    // Counts up the index, the last outer dimension first.
    for (size_t i = outer; i-- > 0;) {
      for (size_t t = 0; t < K; ++t)
        offsets[t] += strides[t][i];
      if (++index[i] < shape[i])
        break;
      for (size_t t = 0; t < K; ++t)
        offsets[t] -= strides[t][i] * shape[i];
      index[i] = 0;
    }
  }
}

} // namespace aero::reference

#endif // AERO_LIB_REFERENCE_STRIDED_H
