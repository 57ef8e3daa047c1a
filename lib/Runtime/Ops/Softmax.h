//===- Softmax.h - Row maximum, powers of two, reciprocals ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_OPS_SOFTMAX_H
#define AERO_LIB_RUNTIME_OPS_SOFTMAX_H

#include "Phases.h"

#include <optional>

namespace aero::rt {

/// The maximum of each row of values of Z_2^bits, |value| < 2^(bits-2), by a
/// tournament of halves; or, with `wantsIndex`, the column of a maximum in
/// Z_2^argMaxBits, which the winners of each round take along.
class MaxRow final : public Operation {
public:
  static void deal(DealerRandom &random, const Rows &rows, unsigned bits,
                   bool wantsIndex);
  MaxRow(PartyRandom random, const Rows &rows, unsigned bits, bool wantsIndex,
         Share values);

  unsigned steps() const override;
  StepBytes bytes(unsigned step) const override;
  void produce(unsigned step, std::vector<uint8_t> &out) override;
  void consume(unsigned step, std::span<const uint8_t> in) override;

private:
  void startRound();
  void finishRound();
  template <typename Body> void forEachRow(Body body) const;
  /// Values of a row in the current round.
  size_t left(size_t row) const {
    return (rows.length(row) + (size_t(1) << round) - 1) >> round;
  }

  Rows rows;
  unsigned ringBits, phases, round = 0;
  bool wantsIndex;
  Share values, difference, opened;
  std::optional<SignTest> test;
  std::optional<Selection> selection;
  /// The same of the columns that the values came from.
  Share indices, indexDifference, openedIndex;
  std::optional<Selection> indexSelection;
};

/// 2^(x - m) with 20 fraction bits for scores x with `frac` fraction bits and
/// row maxima m in Z_2^bits; zero below 2^-22.
class Exp2 final : public Operation {
public:
  static void deal(DealerRandom &random, size_t n, unsigned bits,
                   unsigned frac);
  Exp2(PartyRandom random, const Rows &rows, unsigned bits, unsigned frac,
       std::span<const uint64_t> scores, std::span<const uint64_t> maxima);

  unsigned steps() const override { return test->levels() + 2; }
  StepBytes bytes(unsigned step) const override;
  void produce(unsigned step, std::vector<uint8_t> &out) override;
  void consume(unsigned step, std::span<const uint8_t> in) override;

private:
  void finish();

  size_t count;
  unsigned compareBits, frac;
  Share opened;
  std::optional<SignTest> test;
  Words rho;
  std::vector<Wide> inverse, rhoInverse; // R and rho R
};

/// 1 / S with 28 fraction bits for S in [1, upperBound] with 20.
class Recip final : public PhasedOperation {
public:
  static void deal(DealerRandom &random, size_t n, uint64_t upperBound);
  Recip(PartyRandom random, size_t n, uint64_t upperBound, Share sums);

private:
  Share openedThresholds() const;
  void select(const Selection &reaches);

  size_t count;
  unsigned thresholds, compareBits;
  Share sums, opened, current;
};

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_OPS_SOFTMAX_H
