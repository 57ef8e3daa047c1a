//===- FixedKernels.h - Integer arithmetic of the secure instructions -----===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_REFERENCE_FIXEDKERNELS_H
#define AERO_LIB_REFERENCE_FIXEDKERNELS_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cstdint>
#include <string>
#include <vector>

namespace aero::reference {

using Integers = std::vector<int64_t>;

/// Why a value cannot be computed on shares; empty if it can.
using RangeError = std::string;

/// A weight of a product, with what bounds a product's magnitude.
struct Factor {
  std::vector<int32_t> values; // (K, N)
  /// The largest sum of magnitudes in a column.
  double columnNorm = 0;
};
double computeColumnNorm(llvm::ArrayRef<int32_t> values, size_t columns);

/// out (M, N) = x (M, K) w (K, N) + bias (N, or empty).
RangeError fixedLinear(llvm::ArrayRef<int64_t> x, const Factor &w,
                       llvm::ArrayRef<int64_t> bias, size_t m, size_t k,
                       size_t n, Integers &out);
/// out (B, M, N) = x (B, M, K) y (B, K, N), or y (B, N, K) if transposed.
RangeError fixedMatmul(llvm::ArrayRef<int64_t> x, llvm::ArrayRef<int64_t> y,
                       size_t batch, size_t m, size_t k, size_t n,
                       bool transposed, Integers &out);
/// out[i] = x[i] y[i / repeat].
RangeError fixedMul(llvm::ArrayRef<int64_t> x, llvm::ArrayRef<int64_t> y,
                    size_t repeat, Integers &out);
/// out[i] = x[i] + y[i mod y.size()] in a ring of `bits` bits.
RangeError fixedAdd(llvm::ArrayRef<int64_t> x, llvm::ArrayRef<int64_t> y,
                    unsigned bits, Integers &out);
RangeError fixedTrunc(llvm::ArrayRef<int64_t> x, unsigned shift, Integers &out);
/// x as it is, if it may be extended from `bits` bits.
RangeError fixedExtend(llvm::ArrayRef<int64_t> x, unsigned bits, Integers &out);
RangeError fixedCausalMask(llvm::ArrayRef<int64_t> x, size_t length,
                           int64_t fill, int32_t frac, Integers &out);
RangeError fixedMaxRow(llvm::ArrayRef<int64_t> x, size_t columns, int32_t frac,
                       double bound, Integers &out);
RangeError fixedExp2(llvm::ArrayRef<int64_t> x, llvm::ArrayRef<int64_t> max,
                     size_t columns, int32_t frac, unsigned compareBits,
                     Integers &out);
RangeError fixedSumRow(llvm::ArrayRef<int64_t> x, size_t columns, unsigned bits,
                       Integers &out);
RangeError fixedRecip(llvm::ArrayRef<int64_t> x, int64_t upperBound,
                      Integers &out);
void fixedSlice(llvm::ArrayRef<int64_t> x, llvm::ArrayRef<int64_t> shape,
                int64_t axis, int64_t offset, int64_t size, Integers &out);
void fixedTranspose(llvm::ArrayRef<int64_t> x, llvm::ArrayRef<int64_t> shape,
                    llvm::ArrayRef<int64_t> permutation, Integers &out);

} // namespace aero::reference

#endif // AERO_LIB_REFERENCE_FIXEDKERNELS_H
