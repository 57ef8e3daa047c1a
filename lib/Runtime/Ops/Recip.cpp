//===- Recip.cpp - Reciprocals of row sums --------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Softmax.h"
#include "aero/Runtime/Parameters.h"

using namespace aero::rt;

/// round(value / 2^shift).
static uint64_t roundShift(uint64_t value, unsigned shift) {
  return shift == 0   ? value
         : shift > 63 ? 0
                      : ((value >> (shift - 1)) + 1) >> 1;
}

/// round(2^(j/2)) with `frac` fraction bits.
static uint64_t halfPower(unsigned j, unsigned frac) {
  constexpr uint64_t sqrtTwo = 6521908912666391106; // 62 fraction bits
  return j % 2 ? roundShift(sqrtTwo, 62 - frac - j / 2)
               : uint64_t(1) << (frac + j / 2);
}

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

void Recip::Product::deal(DealerRandom &random, size_t n) {
  Share left = random.mask(n, 64), right = random.mask(n, 64);
  for (size_t i = 0; i < n; ++i)
    left[i] *= right[i];
  random.deal(std::move(left), 64, Encoding::Elements);
}

Recip::Product::Product(PartyRandom &random, size_t n)
    : left(random.mask(n, 64)), right(random.mask(n, 64)),
      product(random.dealt(n, 64, Encoding::Elements)) {}

void Recip::Product::produce(std::span<const uint64_t> x,
                             std::span<const uint64_t> y,
                             std::vector<uint8_t> &out) {
  openLeft.resize(x.size());
  openRight.resize(y.size());
  for (size_t i = 0; i < x.size(); ++i) {
    openLeft[i] = x[i] - left[i];
    openRight[i] = y[i] - right[i];
  }
  appendElements(out, openLeft, 64);
  appendElements(out, openRight, 64);
}

Share Recip::Product::consume(std::span<const uint8_t> in, bool client) {
  size_t n = openLeft.size();
  Share peer(2 * n);
  readElements(in, peer, 64);
  for (size_t i = 0; i < n; ++i) {
    uint64_t e = openLeft[i] + peer[i], f = openRight[i] + peer[n + i];
    product[i] += e * right[i] + f * left[i] + (client ? 0 : e * f);
  }
  return std::move(product);
}

/// The shifts of recip's five truncations, in order.
static std::vector<unsigned> truncationShifts() {
  std::vector<unsigned> shifts = {recipStartShift};
  for (unsigned shift : recipNewtonShifts)
    shifts.insert(shifts.end(), {recipProductShift, shift});
  return shifts;
}

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
  for (unsigned shift : truncationShifts())
    WrapBit::deal(random, n, shift);
  for (unsigned i = 0; i < 4; ++i)
    Product::deal(random, n);
}

Recip::Recip(PartyRandom source, size_t n, uint64_t upperBound, Share values)
    : Operation(std::move(source)), count(n),
      thresholds(recipThresholds(upperBound)),
      compareBits(recipCompareBits(upperBound)), sums(std::move(values)) {
  opened = random.mask(n, 64);
  test.emplace(random, compareBits, n, n * thresholds);
  selection.emplace(random, n * thresholds, 64);
  for (unsigned shift : truncationShifts())
    truncations.emplace_back(random, n, 64, shift);
  for (unsigned i = 0; i < 4; ++i)
    products.emplace_back(random, n);
  for (size_t i = 0; i < n; ++i)
    opened[i] += sums[i];
}

StepBytes Recip::bytes(unsigned step) const {
  uint64_t bytes = 0;
  if (step == 0)
    bytes = 8 * count;
  else if (step <= test->levels())
    bytes = test->bytes(step - 1);
  else if (phase(step) == 0)
    bytes = selection->bytes();
  else
    bytes = phase(step) % 2 ? planeBytes(count) : 16 * count;
  return {bytes, bytes};
}

/// Compares with every threshold: threshold j of element i is comparison
/// j * count + i.
void Recip::compare() {
  Share z(count * thresholds);
  for (unsigned j = 0; j < thresholds; ++j) {
    uint64_t threshold = halfPower(j + 1, recipCompareFrac);
    for (size_t i = 0; i < count; ++i)
      z[j * count + i] =
          ((opened[i] >> (exp2Frac - recipCompareFrac)) - threshold) &
          ringMask(compareBits);
  }
  test->start(z);
}

/// y0 = A_0 - B_0 S + sum over thresholds of t_j (dA_j - dB_j S).
Share Recip::start() const {
  Share y(count);
  Line line(0);
  for (size_t i = 0; i < count; ++i)
    y[i] = (isClient() ? line.constant : 0) - line.slope * sums[i];
  for (unsigned j = 0; j < thresholds; ++j) {
    Line next(j + 1);
    uint64_t constant = next.constant - line.constant,
             slope = next.slope - line.slope;
    line = next;
    for (size_t i = 0; i < count; ++i) {
      size_t c = j * count + i;
      y[i] += constant * selection->bit(c) -
              slope * selection->times(c, opened[i], sums[i]);
    }
  }
  return y;
}

void Recip::produce(unsigned step, std::vector<uint8_t> &out) {
  if (step == 0)
    return appendElements(out, opened, 64);
  if (step <= test->levels())
    return test->produce(step - 1, out);
  unsigned at = phase(step);
  if (at == 0) {
    // t = NOT sign.
    Words bits(test->sign().begin(), test->sign().end());
    for (uint64_t &word : bits)
      word ^= isClient() ? ~uint64_t(0) : 0;
    clearTails(bits, count * thresholds);
    return selection->produce(bits, out);
  }
  if (at % 2)
    return truncations[at / 2].produce(current, out);
  // S y, then y (2 - S y).
  bool second = at % 4 == 0;
  products[at / 2 - 1].produce(second ? current : sums, approximation, out);
}

void Recip::consume(unsigned step, std::span<const uint8_t> in) {
  if (step == 0) {
    Share peer(count);
    readElements(in, peer, 64);
    for (size_t i = 0; i < count; ++i)
      opened[i] += peer[i];
    return compare();
  }
  if (step <= test->levels())
    return test->consume(step - 1, in);
  unsigned at = phase(step);
  if (at == 0) {
    selection->consume(in);
    current = start();
    return;
  }
  if (at % 2 == 0) {
    current = products[at / 2 - 1].consume(in, isClient());
    return;
  }
  WrapBit &truncation = truncations[at / 2];
  truncation.consume(in);
  current = truncation.shifted(truncationShifts()[at / 2], /*unbiased=*/true);
  if (at == 9) {
    result = std::move(current);
    return;
  }
  if (at % 4 == 1) {
    approximation = current;
    return;
  }
  uint64_t two = isClient() ? uint64_t(2) << recipWorkFrac : 0;
  for (uint64_t &value : current)
    value = two - value;
}
