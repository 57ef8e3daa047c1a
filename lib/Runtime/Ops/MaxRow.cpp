//===- MaxRow.cpp - Maximum of a row --------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parallel.h"
#include "Softmax.h"

using namespace aero::rt;

void Selection::deal(DealerRandom &random, std::span<const uint64_t> masks,
                     size_t comparisons, unsigned bits) {
  Words rhoBits = random.maskBits(1, comparisons);
  Share rho(comparisons), rhoMask(comparisons);
  for (size_t i = 0, m = 0; i < comparisons; ++i) {
    rho[i] = rhoBits[i / 64] >> (i % 64) & 1;
    rhoMask[i] = -rho[i] & masks[m];
    m = m + 1 == masks.size() ? 0 : m + 1;
  }
  random.deal(std::move(rho), bits, Encoding::Elements);
  random.deal(std::move(rhoMask), bits, Encoding::Elements);
}

Selection::Selection(PartyRandom &random, size_t comparisons, unsigned bits)
    : client(random.isClient()), count(comparisons) {
  rhoBits = random.maskBits(1, comparisons);
  rho = random.dealt(comparisons, bits, Encoding::Elements);
  rhoMask = random.dealt(comparisons, bits, Encoding::Elements);
}

void Selection::produce(std::span<const uint64_t> bits,
                        std::vector<uint8_t> &out) {
  opened = std::move(rhoBits);
  for (size_t w = 0; w < opened.size(); ++w)
    opened[w] ^= bits[w];
  appendWords(out, opened);
}

void MaxRow::deal(DealerRandom &random, size_t rows, size_t columns,
                  unsigned bits) {
  for (; columns > 1; columns = (columns + 1) / 2) {
    size_t n = rows * (columns / 2);
    Share masks = random.mask(n, bits);
    SignTest::deal(random, bits, masks, n);
    Selection::deal(random, masks, n, bits);
  }
}

MaxRow::MaxRow(PartyRandom random, size_t rows, size_t columns, unsigned bits,
               Share values)
    : Operation(std::move(random)), rows(rows), firstColumns(columns),
      columns(columns), ringBits(bits), phases(2 + cost::andLevels(bits)),
      values(std::move(values)) {
  if (columns == 1)
    result = std::move(this->values);
}

unsigned MaxRow::steps() const {
  return unsigned(std::bit_width(firstColumns - 1)) * phases;
}

StepBytes MaxRow::bytes(unsigned step) const {
  unsigned phase = step % phases;
  uint64_t bytes = phase == 0 ? rows * pairs() * elementBytes(ringBits)
                   : phase == phases - 1 ? selection->bytes()
                                         : test->bytes(phase - 1);
  return {bytes, bytes};
}

void MaxRow::startRound() {
  size_t n = rows * pairs(), half = columns - pairs();
  uint64_t modulus = ringMask(ringBits);
  Share mask = random.mask(n, ringBits);
  test.emplace(random, ringBits, n, n);
  selection.emplace(random, n, ringBits);
  difference.resize(n);
  opened = std::move(mask);
  for (size_t row = 0; row < rows; ++row) {
    const uint64_t *x = values.data() + row * columns;
    uint64_t *d = difference.data() + row * pairs();
    uint64_t *z = opened.data() + row * pairs();
    for (size_t i = 0; i < pairs(); ++i) {
      d[i] = (x[i] - x[i + half]) & modulus;
      z[i] = (z[i] + d[i]) & modulus;
    }
  }
}

void MaxRow::finishRound() {
  size_t half = columns - pairs();
  uint64_t modulus = ringMask(ringBits);
  Share next(rows * half);
  for (size_t row = 0; row < rows; ++row) {
    const uint64_t *x = values.data() + row * columns;
    uint64_t *to = next.data() + row * half;
    size_t base = row * pairs();
    for (size_t i = 0; i < pairs(); ++i)
      to[i] = (x[i] - selection->times(base + i, opened[base + i],
                                       difference[base + i])) &
              modulus;
    if (half > pairs())
      to[half - 1] = x[half - 1];
  }
  values = std::move(next);
  columns = half;
  if (columns == 1)
    result = std::move(values);
}

void MaxRow::produce(unsigned step, std::vector<uint8_t> &out) {
  unsigned phase = step % phases;
  if (phase == 0) {
    startRound();
    appendElements(out, opened, ringBits);
  } else if (phase == phases - 1) {
    selection->produce(test->sign(), out);
  } else {
    test->produce(phase - 1, out);
  }
}

void MaxRow::consume(unsigned step, std::span<const uint8_t> in) {
  unsigned phase = step % phases;
  if (phase == 0) {
    Share peer(opened.size());
    readElements(in, peer, ringBits);
    for (size_t i = 0; i < opened.size(); ++i)
      opened[i] = (opened[i] + peer[i]) & ringMask(ringBits);
    test->start(opened);
  } else if (phase == phases - 1) {
    selection->consume(in);
    finishRound();
  } else {
    test->consume(phase - 1, in);
  }
}
