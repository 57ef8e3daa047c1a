//===- MaxRow.cpp - Maximum of a row --------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parallel.h"
#include "Softmax.h"

using namespace aero::rt;

void MaxRow::deal(DealerRandom &random, const Rows &rows, unsigned bits) {
  for (unsigned round = 0; round < tournamentRounds(rows); ++round) {
    size_t n = tournamentPairs(rows, round);
    Share masks = random.mask(n, bits);
    SignTest::deal(random, bits, masks, n);
    Selection::deal(random, masks, n, bits);
  }
}

MaxRow::MaxRow(PartyRandom random, const Rows &rows, unsigned bits,
               Share values)
    : Operation(std::move(random)), rows(rows), ringBits(bits),
      phases(2 + cost::andLevels(bits)), values(std::move(values)) {
  if (steps() == 0)
    result = std::move(this->values);
}

unsigned MaxRow::steps() const { return tournamentRounds(rows) * phases; }

StepBytes MaxRow::bytes(unsigned step) const {
  unsigned phase = step % phases;
  uint64_t bytes =
      phase == 0 ? tournamentPairs(rows, step / phases) * elementBytes(ringBits)
      : phase == phases - 1 ? selection->bytes()
                            : test->bytes(phase - 1);
  return {bytes, bytes};
}

/// Calls body(from, to, pair, length) for each row: where its values are and
/// where the winners go, its first pair, and how many values are left.
template <typename Body> void MaxRow::forEachRow(Body body) const {
  size_t from = 0, to = 0, pair = 0;
  for (size_t row = 0; row < rows.count; ++row) {
    size_t n = left(row);
    body(from, to, pair, n);
    from += n;
    to += (n + 1) / 2;
    pair += n / 2;
  }
}

void MaxRow::startRound() {
  size_t n = tournamentPairs(rows, round);
  uint64_t modulus = ringMask(ringBits);
  opened = random.mask(n, ringBits);
  test.emplace(random, ringBits, n, n);
  selection.emplace(random, n, ringBits);
  difference.resize(n);
  forEachRow([&](size_t from, size_t, size_t pair, size_t length) {
    const uint64_t *x = values.data() + from;
    size_t half = length - length / 2;
    for (size_t i = 0; i < length / 2; ++i) {
      difference[pair + i] = (x[i] - x[i + half]) & modulus;
      opened[pair + i] = (opened[pair + i] + difference[pair + i]) & modulus;
    }
  });
}

void MaxRow::finishRound() {
  uint64_t modulus = ringMask(ringBits);
  Share next;
  next.resize(values.size() - opened.size());
  forEachRow([&](size_t from, size_t to, size_t pair, size_t length) {
    const uint64_t *x = values.data() + from;
    for (size_t i = 0; i < length / 2; ++i)
      next[to + i] = (x[i] - selection->times(pair + i, opened[pair + i],
                                              difference[pair + i])) &
                     modulus;
    if (length % 2)
      next[to + length / 2] = x[length / 2];
  });
  values = std::move(next);
  if (++round == tournamentRounds(rows))
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
