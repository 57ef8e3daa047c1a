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

/// Bits of the ring of an argmax's columns.
inline constexpr unsigned argMaxBits = 32;

/// Dropped from the sum of a row over its length, to get the mean.
inline constexpr unsigned normalizeMeanShift = 30;
/// Fraction bits of the sum of squares of a row.
inline constexpr unsigned normalizeSumFrac = 24;
/// Sums of squares lie in [2^10, 2^54) at that scale: the mean square in
/// [2^-14 / N, 2^30 / N).
inline constexpr unsigned normalizeLowestLog2 = 10, normalizeHighestLog2 = 54;
inline constexpr unsigned normalizeCompareBits = normalizeHighestLog2 + 2;
/// Half powers of two between them: 2^(j/2) for j from this one on.
inline constexpr unsigned normalizeFirstThreshold = 2 * normalizeLowestLog2 + 1;
inline constexpr unsigned normalizeThresholds =
    2 * normalizeHighestLog2 - normalizeFirstThreshold;
/// Fraction bits of the sum, brought to [1/4, 1), and of the approximations of
/// its inverse root: the line and its slope, the start, the refined one.
inline constexpr unsigned normalizeRatioFrac = 30;
inline constexpr unsigned normalizeLineFrac = 58, normalizeSlopeFrac = 28;
inline constexpr unsigned normalizeRootFrac = 11, normalizeRefinedFrac = 20;
/// v^2 (frac 60), y^3 (33) and y^5 (55) to 28, 24 and 26: v y^3 and v^2 y^5
/// both have 54.
inline constexpr unsigned normalizeSquareShift = 32;
inline constexpr unsigned normalizeCubeShift = 9, normalizeFifthShift = 29;
/// An eighth of 3 v^2 y^5 - 10 v y^3 to the refined precision.
inline constexpr unsigned normalizeCorrectionShift =
    54 + 3 - normalizeRefinedFrac;
/// Fraction bits of the factor of a row; they add to those of its elements.
inline constexpr unsigned normalizeFrac = 28;
/// The longest row whose factor stays below 2^62.
inline constexpr uint64_t normalizeMaxColumns = 8192;

/// Error of a result y relative to 1 + |y|, beside what an error of the mean
/// makes of it.
inline constexpr double normalizeError = 2e-5;

/// A smooth activation is relu(x) - tail(|x|).
enum class TailFunction : uint32_t { Gelu = 1, GeluTanh = 2, Silu = 3 };

/// Fraction bits at which a tail compares with its thresholds.
inline constexpr unsigned tailCompareFrac = 6;

/// A piecewise cubic: piece j from threshold j - 1 (or 0) to threshold j.
struct TailTable {
  unsigned ringBits;   ///< of the evaluation
  unsigned frac;       ///< of the argument in it
  unsigned resultFrac; ///< of the polynomials' values
  unsigned pieces;
  uint64_t thresholds[4]; ///< with tailCompareFrac bits
  /// Of a^k, with resultFrac - k frac bits.
  int64_t coefficients[4][4];
};
const TailTable &tailTable(TailFunction function);
/// Largest absolute error of a tail: of the fit 5e-4, the rest from dropping
/// the low bits of the argument and from rounding the coefficients.
inline constexpr double tailError = 6e-4;

/// Bits of the carry that a tail's result needs to get to Z_2^64 with `frac`
/// fraction bits.
constexpr unsigned tailWrapBits(const TailTable &table, unsigned frac) {
  return 64 - table.ringBits + table.resultFrac - frac;
}

} // namespace aero::rt

#endif // AERO_RUNTIME_PARAMETERS_H
