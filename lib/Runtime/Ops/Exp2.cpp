//===- Exp2.cpp - Powers of two of scores ---------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parallel.h"
#include "Power.h"
#include "Softmax.h"
#include "aero/Runtime/Parameters.h"

using namespace aero::rt;

void Exp2::deal(DealerRandom &random, size_t n, unsigned bits, unsigned frac) {
  Share masks = random.mask(n, bits + frac);
  {
    Share top(n);
    for (size_t i = 0; i < n; ++i)
      top[i] = masks[i] >> frac;
    SignTest::deal(random, bits, top, n);
  }
  Words rho = random.maskBits(1, n);
  std::vector<Wide> inverse = random.clientWide(n);
  std::vector<Wide> rhoInverse = random.clientWide(n);
  parallelFor(n, loopGrain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      uint64_t power =
          scaledInversePower(fractionOf(masks[i], frac), exp2GuardBits);
      ShiftedF7 r(power, unsigned(-(masks[i] >> frac)) & 255);
      Wide keep = -Wide(rho[i / 64] >> (i % 64) & 1);
      // The uniform share goes in first: R itself may be the residue 2^128.
      inverse[i] = subtractF7(subtractF7(r.low, inverse[i]), r.high);
      rhoInverse[i] =
          subtractF7(subtractF7(r.low & keep, rhoInverse[i]), r.high & keep);
    }
  });
  random.raw(bytesOf(inverse));
  random.raw(bytesOf(rhoInverse));
}

Exp2::Exp2(PartyRandom source, const Rows &rows, unsigned bits, unsigned frac,
           std::span<const uint64_t> scores, std::span<const uint64_t> maxima)
    : Operation(std::move(source)), count(rows.elements()), compareBits(bits),
      frac(frac) {
  opened = random.mask(count, bits + frac);
  test.emplace(random, bits, count, count);
  rho = random.maskBits(1, count);
  inverse = random.dealtWide(count);
  rhoInverse = random.dealtWide(count);
  uint64_t offset = isClient() ? uint64_t(exp2Range) << frac : 0;
  for (size_t row = 0, i = 0; row < rows.count; ++row) {
    uint64_t constant = offset - (maxima[row] << frac);
    for (size_t end = i + rows.length(row); i < end; ++i)
      opened[i] = (opened[i] + scores[i] + constant) & ringMask(bits + frac);
  }
}

StepBytes Exp2::bytes(unsigned step) const {
  uint64_t bytes = step == 0 ? count * elementBytes(compareBits + frac)
                   : step == test->levels() + 1 ? planeBytes(count)
                                                : test->bytes(step - 1);
  return {bytes, bytes};
}

void Exp2::produce(unsigned step, std::vector<uint8_t> &out) {
  if (step == 0) {
    appendElements(out, opened, compareBits + frac);
  } else if (step <= test->levels()) {
    test->produce(step - 1, out);
  } else {
    // c = n ^ rho with n = NOT sign.
    for (size_t w = 0; w < rho.size(); ++w)
      rho[w] ^= test->sign()[w] ^ (isClient() ? ~uint64_t(0) : 0);
    clearTails(rho, count);
    appendWords(out, rho);
  }
}

void Exp2::consume(unsigned step, std::span<const uint8_t> in) {
  if (step == 0) {
    Share top(count), peer(count);
    readElements(in, peer, compareBits + frac);
    for (size_t i = 0; i < count; ++i) {
      opened[i] = (opened[i] + peer[i]) & ringMask(compareBits + frac);
      top[i] = opened[i] >> frac;
    }
    test->start(top);
  } else if (step <= test->levels()) {
    test->consume(step - 1, in);
  } else {
    xorWords(rho, in, count);
    finish();
  }
}

/// Multiplies the selected share by 2^z and drops the low bits. y0 + y1 is y or
/// y + F7, and F7 / 2^drop is 0 modulo 2^64, so the wrap does not matter. The
/// server rounds its share up: the result is y / 2^drop rounded up or down with
/// odds that make it right on average, and 0 stays 0.
void Exp2::finish() {
  static_assert(exp2Drop <= 64, "F7 / 2^drop must vanish modulo 2^64");
  result.resize(count);
  Wide round = isClient() ? 0 : (Wide(1) << exp2Drop) - 1;
  parallelFor(count, loopGrain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      uint64_t z = opened[i];
      Wide chosen = -Wide(rho[i / 64] >> (i % 64) & 1);
      // c R + (1 - 2c) rho R.
      Wide share = (subtractF7(inverse[i], rhoInverse[i]) & chosen) |
                   (rhoInverse[i] & ~chosen);
      share =
          multiplyF7(share, scaledPower(fractionOf(z, frac), exp2GuardBits));
      ShiftedF7 shifted(share, unsigned(z >> frac) & 255);
      result[i] =
          uint64_t((subtractF7(shifted.low, shifted.high) + round) >> exp2Drop);
    }
  });
  std::vector<Wide>().swap(inverse);
  std::vector<Wide>().swap(rhoInverse);
}
