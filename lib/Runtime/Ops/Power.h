//===- Power.h - Powers of two as integers --------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// 2^t in integer arithmetic, the same in all parties, and arithmetic modulo
/// F7 = 2^128 + 1. A residue is a 128-bit word; the residue 2^128 has none and
/// is represented by 0. Every difference below has an operand that is uniform
/// and unknown to whoever chose the other one, so it hits 2^128 with
/// probability 2^-128: for what is never masked (R itself) no word is ever
/// formed.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_OPS_POWER_H
#define AERO_LIB_RUNTIME_OPS_POWER_H

#include "Random.h"

namespace aero::rt {

/// 2^t for t in [0, 1], both with 31 fraction bits; relative error below 2^-29.
/// The polynomial interpolates at Chebyshev points and is exact at 0 and 1.
inline uint64_t powerOfTwo(uint64_t t) {
  constexpr uint64_t coefficients[] = {2147483648, 1488522237, 515882499,
                                       119194105,  20655172,   2862059,
                                       333126,     30422,      4028};
  uint64_t sum = coefficients[8];
  for (int i = 7; i >= 0; --i)
    sum = coefficients[i] + ((sum * t) >> 31);
  return sum;
}

/// The fraction bits of v, of which there are `frac`, as 31 bits.
inline uint64_t fractionOf(uint64_t v, unsigned frac) {
  uint64_t fraction = v & ((uint64_t(1) << frac) - 1);
  return frac <= 31 ? fraction << (31 - frac) : fraction >> (frac - 31);
}

/// round(2^G 2^t).
inline uint64_t scaledPower(uint64_t t, unsigned guardBits) {
  return (powerOfTwo(t) + (uint64_t(1) << (30 - guardBits))) >>
         (31 - guardBits);
}

/// round(2^G 2^-t), as half of 2^(1-t).
inline uint64_t scaledInversePower(uint64_t t, unsigned guardBits) {
  uint64_t power = powerOfTwo((uint64_t(1) << 31) - t);
  return (power + (uint64_t(1) << (31 - guardBits))) >> (32 - guardBits);
}

/// round(value / 2^shift).
inline uint64_t roundShift(uint64_t value, unsigned shift) {
  return shift == 0   ? value
         : shift > 63 ? 0
                      : ((value >> (shift - 1)) + 1) >> 1;
}

/// round(2^(j/2)) with `frac` fraction bits.
inline uint64_t halfPower(unsigned j, unsigned frac) {
  constexpr uint64_t sqrtTwo = 6521908912666391106; // 62 fraction bits
  return j % 2 ? roundShift(sqrtTwo, 62 - frac - j / 2)
               : uint64_t(1) << (frac + j / 2);
}

/// a - b modulo F7.
inline Wide subtractF7(Wide a, Wide b) { return a - b + (a < b); }

/// a 2^e = low - high modulo F7 for e in [0, 256): 2^128 is -1.
struct ShiftedF7 {
  Wide low, high;

  ShiftedF7(Wide a, unsigned exponent) {
    unsigned shift = exponent & 127;
    Wide negative = -Wide(exponent >> 7 & 1);
    Wide up = a << shift, down = (a >> 1) >> (127 - shift);
    Wide swap = (up ^ down) & negative;
    low = up ^ swap;
    high = down ^ swap;
  }
};

/// a factor modulo F7, factor below 2^62.
inline Wide multiplyF7(Wide a, uint64_t factor) {
  Wide low = Wide(uint64_t(a)) * factor;
  Wide high = Wide(uint64_t(a >> 64)) * factor + (low >> 64);
  return subtractF7((high << 64) | uint64_t(low), high >> 64);
}

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_OPS_POWER_H
