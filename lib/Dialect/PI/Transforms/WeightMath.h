//===- WeightMath.h - Products of weight matrices -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_DIALECT_PI_TRANSFORMS_WEIGHTMATH_H
#define AERO_LIB_DIALECT_PI_TRANSFORMS_WEIGHTMATH_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>
#include <vector>

namespace mlir {
class MLIRContext;
} // namespace mlir

namespace aero::pi {

/// The product of a (rows, inner) and b (inner, columns), row-major, in double
/// precision. Every element is summed over `inner` in ascending order, so the
/// result is the same on every machine and with any number of threads: the
/// product of two floats is exact in double, whether or not it is fused with
/// the sum.
std::vector<double> multiply(mlir::MLIRContext *context,
                             llvm::ArrayRef<float> a, llvm::ArrayRef<float> b,
                             int64_t rows, int64_t inner, int64_t columns);

/// `values`, each times `factor`, rounded to float.
std::vector<float> roundToFloat(llvm::ArrayRef<double> values,
                                double factor = 1.0);

} // namespace aero::pi

#endif // AERO_LIB_DIALECT_PI_TRANSFORMS_WEIGHTMATH_H
