//===- Recip.cpp - Reciprocals of row sums --------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Power.h"
#include "Softmax.h"
#include "aero/Runtime/Parameters.h"

using namespace aero::rt;

namespace {

/// 1 / S is about A_j - B_j S from 2^(j/2) to 2^((j+1)/2): the line with the
/// least relative error, 0.01494.
struct Line {
  uint64_t constant; // fraction bits of S and slope together
  uint64_t slope;

  explicit Line(unsigned j) {
    constexpr uint64_t a0 = 1938758758852243316, // 60 fraction bits
        a1 = 1370909465469235673, b0 = 803060172086228029;
    constexpr unsigned frac = exp2Frac + recipSlopeFrac;
    constant = roundShift(j % 2 ? a1 : a0, 60 - frac + j / 2);
    slope = roundShift(b0, 60 - recipSlopeFrac + j);
  }
};

} // namespace

void Recip::deal(DealerRandom &random, size_t n, uint64_t upperBound) {
  unsigned bits = recipCompareBits(upperBound);
  size_t comparisons = n * recipThresholds(upperBound);
  Share masks = random.mask(n, 64);
  {
    Share top(n);
    for (size_t i = 0; i < n; ++i)
      top[i] = masks[i] >> (exp2Frac - recipCompareFrac) & ringMask(bits);
    SignTest::deal(random, bits, top, comparisons);
  }
  Selection::deal(random, masks, comparisons, 64);
  WrapBit::deal(random, n, recipStartShift);
  for (unsigned shift : recipNewtonShifts) {
    dealProduct(random, n);
    WrapBit::deal(random, n, recipProductShift);
    dealProduct(random, n);
    WrapBit::deal(random, n, shift);
  }
}

Recip::Recip(PartyRandom source, size_t n, uint64_t upperBound, Share values)
    : PhasedOperation(std::move(source)), count(n),
      thresholds(recipThresholds(upperBound)),
      compareBits(recipCompareBits(upperBound)), sums(std::move(values)) {
  Share masked = random.mask(n, 64);
  for (size_t i = 0; i < n; ++i)
    masked[i] += sums[i];
  add(opening(64, std::move(masked), opened));
  auto test = addSignTest(compareBits, n, n * thresholds,
                          [this] { return openedThresholds(); });
  addSelection(n * thresholds, test,
               [this](const Selection &reaches) { select(reaches); });
  add(truncation(n, recipStartShift, result));
  // y (2 - S y), twice.
  for (unsigned shift : recipNewtonShifts) {
    add(product(n, sums, result, current));
    add(then(truncation(n, recipProductShift, current), [this] {
      uint64_t two = isClient() ? uint64_t(2) << recipWorkFrac : 0;
      for (uint64_t &value : current)
        value = two - value;
    }));
    add(product(n, current, result, result));
    add(truncation(n, shift, result));
  }
}

/// Threshold j of element i is comparison j * count + i.
Share Recip::openedThresholds() const {
  Share z(count * thresholds);
  for (unsigned j = 0; j < thresholds; ++j) {
    uint64_t threshold = halfPower(j + 1, recipCompareFrac);
    for (size_t i = 0; i < count; ++i)
      z[j * count + i] =
          ((opened[i] >> (exp2Frac - recipCompareFrac)) - threshold) &
          ringMask(compareBits);
  }
  return z;
}

/// y0 = A_0 - B_0 S + sum over thresholds of t_j (dA_j - dB_j S).
void Recip::select(const Selection &reaches) {
  result.resize(count);
  Line line(0);
  for (size_t i = 0; i < count; ++i)
    result[i] = (isClient() ? line.constant : 0) - line.slope * sums[i];
  for (unsigned j = 0; j < thresholds; ++j) {
    Line next(j + 1);
    uint64_t constant = next.constant - line.constant,
             slope = next.slope - line.slope;
    line = next;
    for (size_t i = 0; i < count; ++i) {
      size_t c = j * count + i;
      result[i] += constant * reaches.bit(c) -
                   slope * reaches.times(c, opened[i], sums[i]);
    }
  }
}
