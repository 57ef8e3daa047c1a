//===- Parameters.h - Fixed-point parameters of exp2 and recip ------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Constants that the cost model, the compiler's interpreter and the protocols
/// share. Derivations and measured errors: docs/secure-engine.md.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_PARAMETERS_H
#define AERO_RUNTIME_PARAMETERS_H

#include <bit>
#include <cstdint>

namespace aero::rt {

/// Fraction bits of either factor of a power of two (G).
inline constexpr unsigned exp2GuardBits = 26;
/// Powers below 2^-C are zero (C).
inline constexpr unsigned exp2Range = 22;
/// Fraction bits of the result, and of recip's operand.
inline constexpr unsigned exp2Frac = 20;
/// Low bits that are dropped from the shares modulo 2^128 + 1.
inline constexpr unsigned exp2Drop = 2 * exp2GuardBits + exp2Range - exp2Frac;
/// Narrowest comparison: 2 has order 256 modulo 2^128 + 1.
inline constexpr unsigned exp2MinCompareBits = 8;

/// Fraction bits at which recip compares with its thresholds.
inline constexpr unsigned recipCompareFrac = 8;
/// Fraction bits of the slopes B_j of the starting approximation.
inline constexpr unsigned recipSlopeFrac = 36;
/// Fraction bits of the starting approximation and between the steps.
inline constexpr unsigned recipWorkFrac = 30;
/// Fraction bits of the result.
inline constexpr unsigned recipFrac = 28;
/// The largest upper bound whose starting approximation is good enough.
inline constexpr uint64_t recipMaxUpperBound = 4096;

inline constexpr unsigned recipStartShift =
    exp2Frac + recipSlopeFrac - recipWorkFrac;
/// S y (frac 20 + 30) to frac 30.
inline constexpr unsigned recipProductShift = exp2Frac;
/// y (2 - S y) (frac 60) to the next step's or the result's precision.
inline constexpr unsigned recipNewtonShifts[2] = {
    recipWorkFrac, 2 * recipWorkFrac - recipFrac};

/// Width of recip's comparisons: values up to `upperBound` at 8 fraction bits,
/// a sign and one bit of slack, in whole groups of four.
constexpr unsigned recipCompareBits(uint64_t upperBound) {
  unsigned log = upperBound <= 1 ? 0 : unsigned(std::bit_width(upperBound - 1));
  return (log + recipCompareFrac + 2 + 3) / 4 * 4;
}

/// Half powers of two in (1, upperBound): 2^(j/2) < u exactly if 2^j < u^2.
constexpr unsigned recipThresholds(uint64_t upperBound) {
  uint64_t square = upperBound * upperBound;
  return square <= 2 ? 0 : unsigned(std::bit_width(square - 1)) - 1;
}

} // namespace aero::rt

#endif // AERO_RUNTIME_PARAMETERS_H
