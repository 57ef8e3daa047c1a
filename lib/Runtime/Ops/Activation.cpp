//===- Activation.cpp - Rectifiers and smooth tails -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Activation.h"

#include "Parallel.h"

using namespace aero::rt;

/// values / 2^drop modulo 2^bits.
static Share topBits(const Share &values, unsigned drop, unsigned bits) {
  Share top(values.size());
  for (size_t i = 0; i < top.size(); ++i)
    top[i] = (values[i] >> drop) & ringMask(bits);
  return top;
}

void Relu::deal(DealerRandom &random, size_t n, unsigned compareBits,
                unsigned drop) {
  Share masks = random.mask(n, 64);
  SignTest::deal(random, compareBits, topBits(masks, drop, compareBits), n);
  Selection::deal(random, masks, n, 64);
}

Relu::Relu(PartyRandom source, size_t n, unsigned compareBits, unsigned drop,
           const Share &operand)
    : PhasedOperation(std::move(source)), input(operand) {
  Share masks = random.mask(n, 64);
  for (size_t i = 0; i < n; ++i)
    masks[i] += input[i];
  add(opening(64, std::move(masks), opened));
  auto test = addSignTest(compareBits, n, n, [this, drop, compareBits] {
    return topBits(opened, drop, compareBits);
  });
  addSelection(n, test, [this, n](const Selection &positive) {
    result.resize(n);
    parallelFor(n, loopGrain, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i)
        result[i] = positive.times(i, opened[i], input[i]);
    });
  });
}

//===----------------------------------------------------------------------===//
// Tails
//===----------------------------------------------------------------------===//

// With a = z - r and q a cubic, q(a) = sum_k D_k(z) (-r)^k, where D_k is the
// k-th Taylor coefficient of q at z: public. So shares of the powers of -r give
// a share of q(a), and those of rho (-r)^k one of rho q(a).

void Tail::deal(DealerRandom &random, const TailTable &table, size_t n,
                unsigned compareBits, unsigned frac) {
  Share masks = random.mask(n, table.ringBits);
  SignTest::deal(random, compareBits,
                 topBits(masks, table.frac - tailCompareFrac, compareBits),
                 n * table.pieces);
  Words rho = random.maskBits(1, n * table.pieces);
  Share power(n);
  for (size_t i = 0; i < n; ++i)
    power[i] = masks[i] * masks[i];
  random.deal(power, table.ringBits, Encoding::Elements);
  for (size_t i = 0; i < n; ++i)
    power[i] *= -masks[i];
  random.deal(std::move(power), table.ringBits, Encoding::Elements);
  for (unsigned k = 0; k < 4; ++k) {
    Share products(n * table.pieces);
    for (size_t c = 0, i = 0; c < products.size(); ++c) {
      uint64_t value = -(rho[c / 64] >> (c % 64) & 1);
      products[c] = value & (k == 0   ? 1
                             : k == 1 ? -masks[i]
                             : k == 2 ? masks[i] * masks[i]
                                      : -masks[i] * masks[i] * masks[i]);
      i = i + 1 == n ? 0 : i + 1;
    }
    random.deal(std::move(products), table.ringBits, Encoding::Elements);
  }
  WrapBit::deal(random, n, tailWrapBits(table, frac));
}

Tail::Tail(PartyRandom source, const TailTable &table, size_t n,
           unsigned compareBits, unsigned frac, const Share &operand)
    : PhasedOperation(std::move(source)), table(table), count(n),
      compareBits(compareBits) {
  unsigned bits = table.ringBits;
  powers[0] = random.mask(n, bits);
  Share masked = topBits(operand, frac - table.frac, bits);
  for (size_t i = 0; i < n; ++i) {
    masked[i] = (masked[i] + powers[0][i]) & ringMask(bits);
    powers[0][i] = -powers[0][i];
  }
  add(opening(bits, std::move(masked), opened));
  auto test = addSignTest(compareBits, n, n * table.pieces,
                          [this] { return openedThresholds(); });
  addBitOpening(n * table.pieces, test, flips);
  for (unsigned k = 1; k < 3; ++k)
    powers[k] = random.dealt(n, bits, Encoding::Elements);
  for (Share &power : rhoPowers)
    power = random.dealt(n * table.pieces, bits, Encoding::Elements);
  auto wrap =
      std::make_shared<WrapBit>(random, n, bits, tailWrapBits(table, frac));
  add({wrap->bytes(),
       [this, wrap](std::vector<uint8_t> &out) {
         wrap->produce(evaluate(), out);
       },
       [this, wrap, frac](std::span<const uint8_t> in) {
         wrap->consume(in);
         result = wrap->shifted(this->table.resultFrac - frac,
                                /*unbiased=*/true);
       }});
}

Share Tail::openedThresholds() const {
  Share z(count * table.pieces);
  for (unsigned j = 0; j < table.pieces; ++j)
    for (size_t i = 0; i < count; ++i)
      z[j * count + i] = ((opened[i] >> (table.frac - tailCompareFrac)) -
                          table.thresholds[j]) &
                         ringMask(compareBits);
  return z;
}

/// p_0(a) + sum_j t_j (p_(j+1) - p_j)(a), the last polynomial being zero.
Share Tail::evaluate() const {
  Share value(count);
  uint64_t modulus = ringMask(table.ringBits);
  parallelFor(count, loopGrain, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      uint64_t z = opened[i], sum = 0;
      auto add = [&](const uint64_t q[4], uint64_t one, uint64_t r1,
                     uint64_t r2, uint64_t r3) {
        uint64_t d0 = q[0] + z * (q[1] + z * (q[2] + z * q[3]));
        uint64_t d1 = q[1] + z * (2 * q[2] + z * 3 * q[3]);
        uint64_t d2 = q[2] + z * 3 * q[3];
        return d0 * one + d1 * r1 + d2 * r2 + q[3] * r3;
      };
      uint64_t one = isClient() ? 1 : 0;
      uint64_t first[4];
      for (unsigned k = 0; k < 4; ++k)
        first[k] = uint64_t(table.coefficients[0][k]);
      sum = add(first, one, powers[0][i], powers[1][i], powers[2][i]);
      for (unsigned j = 0; j < table.pieces; ++j) {
        size_t c = j * count + i;
        uint64_t step[4];
        for (unsigned k = 0; k < 4; ++k)
          step[k] =
              (j + 1 < table.pieces ? uint64_t(table.coefficients[j + 1][k])
                                    : 0) -
              uint64_t(table.coefficients[j][k]);
        // t q = flip ? q - rho q : rho q.
        uint64_t flip = -(flips[c / 64] >> (c % 64) & 1);
        uint64_t all = add(step, one, powers[0][i], powers[1][i], powers[2][i]);
        uint64_t chosen = add(step, rhoPowers[0][c], rhoPowers[1][c],
                              rhoPowers[2][c], rhoPowers[3][c]);
        sum += ((chosen ^ flip) - flip) + (all & flip);
      }
      value[i] = sum & modulus;
    }
  });
  return value;
}
