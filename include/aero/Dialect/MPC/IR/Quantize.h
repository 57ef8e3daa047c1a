//===- Quantize.h - From float weights to fixed point ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_MPC_IR_QUANTIZE_H
#define AERO_DIALECT_MPC_IR_QUANTIZE_H

#include "llvm/ADT/ArrayRef.h"

#include <cstdint>

namespace aero::mpc {

/// out[i] = values[i] * 2^frac rounded to the nearest integer, ties to even; as
/// many as there are values. False, and out without meaning, if one is NaN or
/// does not stay below 2^31 (32 bits) or 2^62 (64 bits) in magnitude.
bool quantize(llvm::ArrayRef<float> values, int32_t frac, int32_t *out);
bool quantize(llvm::ArrayRef<float> values, int32_t frac, int64_t *out);

} // namespace aero::mpc

#endif // AERO_DIALECT_MPC_IR_QUANTIZE_H
