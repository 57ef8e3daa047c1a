//===- Normalize.cpp - Rows divided by their root mean square -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Normalize.h"

#include "Power.h"
#include "aero/Runtime/Parameters.h"

#include <cmath>

using namespace aero::rt;

namespace {

/// What holds for sums in [2^(j/2), 2^((j+1)/2)).
struct Segment {
  uint64_t factor;   ///< brings the sum to [2^58, 2^60)
  uint64_t constant; ///< of the line, normalizeLineFrac bits
  uint64_t slope;    ///< with normalizeSlopeFrac bits
  uint64_t scale;    ///< sqrt(N / sum) over the root of the ratio

  Segment(unsigned j, size_t columns) {
    // 2.75267968 - 3.05562960 v is v^(-1/2) on [1/4, 1/4 sqrt 2] with a
    // relative error of 0.0056, the least that a line can have; the other three
    // quarters of two octaves are that times powers of 2^(-1/4) and 2^(-3/4).
    // Both parties need the very same integers: no library function here.
    constexpr uint64_t constants[] = {793405899591573515, 667172176807702748,
                                      561022691834614669, 471761970439716864};
    constexpr uint64_t slopes[] = {820239325, 487717221, 289998394, 172434077};
    static_assert(normalizeLineFrac == 58 && normalizeSlopeFrac == 28,
                  "the fraction bits of the constants");
    int octave = int(j / 4);
    factor = uint64_t(1) << (58 - 2 * octave);
    constant = constants[j % 4];
    slope = slopes[j % 4];
    // IEEE 754 rounds square roots, and the two other steps, correctly.
    scale = uint64_t(std::llrint(std::ldexp(std::sqrt(double(columns)),
                                            int(normalizeSumFrac) / 2 - 1 -
                                                octave + int(normalizeFrac))));
  }
};

} // namespace

// The sum lies at factor / 2^60 of its normalised value: with sums of
// normalizeSumFrac bits, sum = ratio 2^(2 octave + 2 - normalizeSumFrac), hence
// the power of two in `scale`.

void Normalize::deal(DealerRandom &random, const Shape &shape) {
  size_t m = shape.rows, n = shape.columns;
  if (shape.centred)
    WrapBit::deal(random, m, normalizeMeanShift);
  Share mask = random.mask(m * n, 64);
  Share squares(m);
  for (size_t i = 0; i < m * n; ++i)
    squares[i / n] += mask[i] * mask[i];
  random.deal(std::move(squares), 64, Encoding::Elements);
  WrapBit::deal(random, m, 2 * shape.frac - normalizeSumFrac);
  Share sumMask = random.mask(m, 64);
  Share top(m);
  for (size_t i = 0; i < m; ++i)
    top[i] = sumMask[i] & ringMask(normalizeCompareBits);
  SignTest::deal(random, normalizeCompareBits, top, m * normalizeThresholds);
  Selection::deal(random, sumMask, m * normalizeThresholds, 64);
  WrapBit::deal(random, m, 60 - normalizeRatioFrac);
  {
    Share left = random.mask(m, 64), right = random.mask(m, 64);
    Share square(m);
    for (size_t i = 0; i < m; ++i) {
      square[i] = left[i] * left[i];
      left[i] *= right[i];
    }
    random.deal(std::move(left), 64, Encoding::Elements);
    random.deal(std::move(square), 64, Encoding::Elements);
  }
  WrapBit::deal(random, m, normalizeLineFrac - normalizeRootFrac);
  WrapBit::deal(random, m, normalizeSquareShift);
  {
    Share root = random.mask(m, 64), power = root;
    for (unsigned k = 2; k <= 5; ++k) {
      for (size_t i = 0; i < m; ++i)
        power[i] *= root[i];
      random.deal(power, 64, Encoding::Elements);
    }
  }
  WrapBit::deal(random, m, normalizeCubeShift);
  WrapBit::deal(random, m, normalizeFifthShift);
  dealProduct(random, m);
  dealProduct(random, m);
  WrapBit::deal(random, m, normalizeCorrectionShift);
  dealProduct(random, m);
  WrapBit::deal(random, m, normalizeRefinedFrac);
  Share scaleMask = random.mask(m, 64);
  for (size_t i = 0; i < m * n; ++i)
    mask[i] *= scaleMask[i / n];
  random.deal(std::move(mask), 64, Encoding::Elements);
}

Normalize::Normalize(PartyRandom source, const Shape &shape,
                     const Share &operand)
    : PhasedOperation(std::move(source)), shape(shape), values(operand) {
  if (shape.centred)
    addMean();
  addSquares();
  addScale();
  addInverseRoot();
  addProduct();
}

/// c = x - mean: one truncation a row.
void Normalize::addMean() {
  size_t n = shape.columns;
  uint64_t inverse = ((uint64_t(1) << normalizeMeanShift) + n / 2) / n;
  mean.resize(shape.rows);
  for (size_t i = 0; i < values.size(); ++i)
    mean[i / n] += values[i];
  for (uint64_t &value : mean)
    value *= inverse;
  add(then(truncation(shape.rows, normalizeMeanShift, mean), [this, n] {
    for (size_t i = 0; i < values.size(); ++i)
      values[i] -= mean[i / n];
  }));
}

/// sum of c^2 = sum of e^2 + 2 e A + A^2 with e = c - A open: the dealer
/// shares the sum of A^2 only.
void Normalize::addSquares() {
  size_t m = shape.rows, n = shape.columns;
  mask = random.mask(m * n, 64);
  Share squares = random.dealt(m, 64, Encoding::Elements);
  add({8 * m * n,
       [this](std::vector<uint8_t> &out) {
         opened.resize(values.size());
         for (size_t i = 0; i < values.size(); ++i)
           opened[i] = values[i] - mask[i];
         appendElements(out, opened, 64);
       },
       [this, squares, m, n](std::span<const uint8_t> in) {
         Share peer(opened.size());
         readElements(in, peer, 64);
         sums = squares;
         for (size_t i = 0; i < m; ++i)
           for (size_t j = i * n; j < (i + 1) * n; ++j) {
             uint64_t e = opened[j] += peer[j];
             sums[i] += e * (2 * mask[j] + (isClient() ? e : 0));
           }
       }});
  add(then(truncation(m, 2 * shape.frac - normalizeSumFrac, sums), [this] {
    for (uint64_t &sum : sums)
      sum += isClient() ? shape.epsilon : 0;
  }));
}

Share Normalize::openedThresholds() const {
  size_t m = shape.rows;
  Share z(m * normalizeThresholds);
  for (unsigned j = 0; j < normalizeThresholds; ++j)
    for (size_t i = 0; i < m; ++i)
      z[j * m + i] =
          (openedSums[i] - halfPower(normalizeFirstThreshold + j, 0)) &
          ringMask(normalizeCompareBits);
  return z;
}

/// The ratio, the line and the scale of the segment in which a sum lies: those
/// of the first one and, at every threshold that the sum reaches, the change.
void Normalize::select(const Selection &reaches) {
  size_t m = shape.rows;
  Segment segment(normalizeFirstThreshold - 1, shape.columns);
  uint64_t one = isClient() ? 1 : 0;
  constant.assign(m, one * segment.constant);
  slope.assign(m, one * segment.slope);
  scale.assign(m, one * segment.scale);
  ratio.resize(m);
  for (size_t i = 0; i < m; ++i)
    ratio[i] = segment.factor * sums[i];
  for (unsigned j = 0; j < normalizeThresholds; ++j) {
    Segment next(normalizeFirstThreshold + j, shape.columns);
    for (size_t i = 0; i < m; ++i) {
      size_t c = j * m + i;
      uint64_t bit = reaches.bit(c);
      constant[i] += bit * (next.constant - segment.constant);
      slope[i] += bit * (next.slope - segment.slope);
      scale[i] += bit * (next.scale - segment.scale);
      if (next.factor != segment.factor)
        ratio[i] += (next.factor - segment.factor) *
                    reaches.times(c, openedSums[i], sums[i]);
    }
    segment = next;
  }
}

void Normalize::addScale() {
  size_t m = shape.rows;
  Share sumMask = random.mask(m, 64);
  add({8 * m,
       [this, sumMask](std::vector<uint8_t> &out) {
         openedSums = sums;
         for (size_t i = 0; i < openedSums.size(); ++i)
           openedSums[i] += sumMask[i];
         appendElements(out, openedSums, 64);
       },
       [this](std::span<const uint8_t> in) {
         Share peer(openedSums.size());
         readElements(in, peer, 64);
         for (size_t i = 0; i < peer.size(); ++i)
           openedSums[i] += peer[i];
       }});
  auto test = addSignTest(normalizeCompareBits, m, m * normalizeThresholds,
                          [this] { return openedThresholds(); });
  addSelection(m * normalizeThresholds, test,
               [this](const Selection &reaches) { select(reaches); });
  add(truncation(m, 60 - normalizeRatioFrac, ratio));
}

/// root = ratio^(-1/2): a line, and one step of third order,
/// y (15 - 10 v y^2 + 3 v^2 y^4) / 8.
void Normalize::addInverseRoot() {
  size_t m = shape.rows;
  struct Masks {
    Share left, right, product, square, openLeft, openRight;
  };
  auto masks = std::make_shared<Masks>();
  masks->left = random.mask(m, 64);
  masks->right = random.mask(m, 64);
  masks->product = random.dealt(m, 64, Encoding::Elements);
  masks->square = random.dealt(m, 64, Encoding::Elements);
  add({16 * m,
       [this, masks, m](std::vector<uint8_t> &out) {
         masks->openLeft.resize(m);
         masks->openRight.resize(m);
         for (size_t i = 0; i < m; ++i) {
           masks->openLeft[i] = ratio[i] - masks->left[i];
           masks->openRight[i] = slope[i] - masks->right[i];
         }
         appendElements(out, masks->openLeft, 64);
         appendElements(out, masks->openRight, 64);
       },
       [this, masks, m](std::span<const uint8_t> in) {
         Share peer(2 * m);
         readElements(in, peer, 64);
         root.resize(m);
         ratioSquare.resize(m);
         uint64_t one = isClient() ? 1 : 0;
         for (size_t i = 0; i < m; ++i) {
           uint64_t e = masks->openLeft[i] + peer[i];
           uint64_t f = masks->openRight[i] + peer[m + i];
           root[i] = constant[i] - (masks->product[i] + e * masks->right[i] +
                                    f * masks->left[i] + one * e * f);
           ratioSquare[i] =
               masks->square[i] + e * (2 * masks->left[i] + one * e);
         }
       }});
  {
    Phase first = truncation(m, normalizeLineFrac - normalizeRootFrac, root);
    add(std::move(first), truncation(m, normalizeSquareShift, ratioSquare));
  }
  struct Powers {
    Share mask, power[4];
  };
  auto powers = std::make_shared<Powers>();
  powers->mask = random.mask(m, 64);
  for (Share &power : powers->power)
    power = random.dealt(m, 64, Encoding::Elements);
  add({8 * m,
       [this, powers, m](std::vector<uint8_t> &out) {
         openedRoot.resize(m);
         for (size_t i = 0; i < m; ++i)
           openedRoot[i] = root[i] - powers->mask[i];
         appendElements(out, openedRoot, 64);
       },
       [this, powers, m](std::span<const uint8_t> in) {
         Share peer(m);
         readElements(in, peer, 64);
         cube.resize(m);
         fifth.resize(m);
         uint64_t one = isClient() ? 1 : 0;
         for (size_t i = 0; i < m; ++i) {
           uint64_t e = openedRoot[i] + peer[i], b = powers->mask[i];
           uint64_t b2 = powers->power[0][i], b3 = powers->power[1][i];
           uint64_t b4 = powers->power[2][i], b5 = powers->power[3][i];
           // (e + b)^3 and (e + b)^5.
           cube[i] = b3 + e * (3 * b2 + e * (3 * b + one * e));
           fifth[i] =
               b5 + e * (5 * b4 +
                         e * (10 * b3 + e * (10 * b2 + e * (5 * b + one * e))));
         }
       }});
  {
    Phase first = truncation(m, normalizeCubeShift, cube);
    add(std::move(first), truncation(m, normalizeFifthShift, fifth));
  }
  {
    Phase first = product(m, ratio, cube, cube);
    Phase second = then(product(m, ratioSquare, fifth, fifth), [this] {
      correction.resize(cube.size());
      for (size_t i = 0; i < cube.size(); ++i)
        correction[i] = 3 * fifth[i] - 10 * cube[i];
    });
    add(std::move(first), std::move(second));
  }
  add(then(truncation(m, normalizeCorrectionShift, correction), [this] {
    constexpr unsigned up = normalizeRefinedFrac - normalizeRootFrac - 3;
    for (size_t i = 0; i < root.size(); ++i)
      root[i] = (15 * root[i] << up) + correction[i];
  }));
  add(product(m, root, scale, scale));
  add(truncation(m, normalizeRefinedFrac, scale));
}

/// c times its row's scale, with the mask under which c is open already.
void Normalize::addProduct() {
  size_t m = shape.rows, n = shape.columns;
  Share scaleMask = random.mask(m, 64);
  result = random.dealt(m * n, 64, Encoding::Elements);
  add({8 * m,
       [this, scaleMask, m](std::vector<uint8_t> &out) {
         for (size_t i = 0; i < m; ++i)
           scale[i] -= scaleMask[i];
         appendElements(out, scale, 64);
       },
       [this, scaleMask, m, n](std::span<const uint8_t> in) {
         Share peer(m);
         readElements(in, peer, 64);
         for (size_t i = 0; i < m; ++i) {
           uint64_t f = scale[i] + peer[i];
           uint64_t b = scaleMask[i] + (isClient() ? f : 0);
           for (size_t j = i * n; j < (i + 1) * n; ++j)
             result[j] += opened[j] * b + mask[j] * f;
         }
       }});
}
