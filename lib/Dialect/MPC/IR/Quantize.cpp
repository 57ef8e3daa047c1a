//===- Quantize.cpp - From float weights to fixed point -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/MPC/IR/Quantize.h"

#include <algorithm>
#include <bit>
#include <cmath>

using namespace aero::mpc;

bool aero::mpc::quantize(llvm::ArrayRef<float> values, int32_t frac,
                         int32_t *out) {
  // Adding 1.5 * 2^52 leaves the rounded integer in the low bits of the double:
  // three vector instructions, where rint is a call on the oldest x86-64.
  constexpr double magic = 0x1.8p52;
  const double scale = std::ldexp(1.0, frac);
  double most = 0;
  bool nan = false;
  for (size_t i = 0; i < values.size(); ++i) {
    double scaled = values[i] * scale;
    nan |= scaled != scaled;
    most = std::max(most, std::fabs(scaled));
    out[i] = int32_t(std::bit_cast<int64_t>(scaled + magic));
  }
  // Conservative by one value at most: -2^31 is never needed.
  return !nan && most < 0x1p31 - 0.5;
}

bool aero::mpc::quantize(llvm::ArrayRef<float> values, int32_t frac,
                         int64_t *out) {
  const double scale = std::ldexp(1.0, frac);
  for (size_t i = 0; i < values.size(); ++i) {
    double scaled = values[i] * scale;
    if (!(std::fabs(scaled) < 0x1p62))
      return false;
    out[i] = std::llrint(scaled);
  }
  return true;
}
