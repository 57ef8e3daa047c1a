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

#include "aero/Runtime/Parameters.h"
#include "aero/Runtime/Rows.h"
#include <cstdint>

#include "llvm/ADT/ArrayRef.h"

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
/// out (B, packed triangle) = the lower triangle of x y^T for (B, T, K) each.
RangeError fixedCausalScores(llvm::ArrayRef<int64_t> x,
                             llvm::ArrayRef<int64_t> y, size_t batch,
                             size_t tokens, size_t k, Integers &out);
/// out (B, T, N) = x (B, packed triangle) y (B, T, N).
RangeError fixedCausalContext(llvm::ArrayRef<int64_t> x,
                              llvm::ArrayRef<int64_t> y, size_t batch,
                              size_t tokens, size_t n, Integers &out);
RangeError fixedMaxRow(llvm::ArrayRef<int64_t> x, const rt::Rows &rows,
                       int32_t frac, double bound, Integers &out);
/// The first column of a maximum of each row.
RangeError fixedArgMax(llvm::ArrayRef<int64_t> x, size_t columns, int32_t frac,
                       double bound, Integers &out);
RangeError fixedExp2(llvm::ArrayRef<int64_t> x, llvm::ArrayRef<int64_t> max,
                     const rt::Rows &rows, int32_t frac, unsigned compareBits,
                     Integers &out);
RangeError fixedSumRow(llvm::ArrayRef<int64_t> x, const rt::Rows &rows,
                       unsigned bits, Integers &out);
/// |x| with `frac` fraction bits below `bound`, as a comparison needs.
RangeError fixedRelu(llvm::ArrayRef<int64_t> x, int32_t frac, double bound,
                     Integers &out);
RangeError fixedTail(llvm::ArrayRef<int64_t> x, rt::TailFunction function,
                     int32_t frac, double bound, Integers &out);
RangeError fixedNormalize(llvm::ArrayRef<int64_t> x, size_t columns,
                          int32_t frac, bool centred, uint64_t epsilon,
                          Integers &out);
/// out[i] = x[i] w[(i / repeat) mod w.size()].
RangeError fixedMulWeight(llvm::ArrayRef<int64_t> x, llvm::ArrayRef<int32_t> w,
                          size_t repeat, Integers &out);
RangeError fixedSub(llvm::ArrayRef<int64_t> x, llvm::ArrayRef<int64_t> y,
                    unsigned bits, Integers &out);
void fixedConcat(llvm::ArrayRef<llvm::ArrayRef<int64_t>> parts, size_t outer,
                 Integers &out);
void fixedRepeat(llvm::ArrayRef<int64_t> x, size_t inner, size_t times,
                 Integers &out);
RangeError fixedRecip(llvm::ArrayRef<int64_t> x, int64_t upperBound,
                      Integers &out);
void fixedSlice(llvm::ArrayRef<int64_t> x, llvm::ArrayRef<int64_t> shape,
                int64_t axis, int64_t offset, int64_t size, Integers &out);
void fixedTranspose(llvm::ArrayRef<int64_t> x, llvm::ArrayRef<int64_t> shape,
                    llvm::ArrayRef<int64_t> permutation, Integers &out);

} // namespace aero::reference

#endif // AERO_LIB_REFERENCE_FIXEDKERNELS_H
