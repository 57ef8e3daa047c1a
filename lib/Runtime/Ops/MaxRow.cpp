//===- MaxRow.cpp - Maximum of a row --------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parallel.h"
#include "Softmax.h"
#include "aero/Runtime/Parameters.h"

using namespace aero::rt;

void MaxRow::deal(DealerRandom &random, const Rows &rows, unsigned bits,
                  bool wantsIndex) {
  for (unsigned round = 0; round < tournamentRounds(rows); ++round) {
    size_t n = tournamentPairs(rows, round);
    Share masks = random.mask(n, bits);
    SignTest::deal(random, bits, masks, n);
    Selection::deal(random, masks, n, bits);
    if (!wantsIndex)
      continue;
    Share indexMasks = random.mask(n, argMaxBits);
    Selection::deal(random, indexMasks, n, argMaxBits);
  }
}

MaxRow::MaxRow(PartyRandom random, const Rows &rows, unsigned bits,
               bool wantsIndex, Share values)
    : Operation(std::move(random)), rows(rows), ringBits(bits),
      phases(2 + cost::andLevels(bits)), wantsIndex(wantsIndex),
      values(std::move(values)) {
  if (wantsIndex) {
    indices.resize(rows.elements());
    // Columns are public: the client's share.
    for (size_t row = 0, i = 0; row < rows.count; ++row)
      for (size_t j = 0; j < rows.length(row); ++j, ++i)
        indices[i] = isClient() ? j : 0;
  }
  if (steps() == 0)
    result = std::move(wantsIndex ? indices : this->values);
}

unsigned MaxRow::steps() const { return tournamentRounds(rows) * phases; }

StepBytes MaxRow::bytes(unsigned step) const {
  unsigned phase = step % phases;
  uint64_t element =
      elementBytes(ringBits) + (wantsIndex ? elementBytes(argMaxBits) : 0);
  uint64_t bytes = phase == 0 ? tournamentPairs(rows, step / phases) * element
                   : phase == phases - 1
                       ? selection->bytes() * (wantsIndex ? 2 : 1)
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
  opened = random.mask(n, ringBits);
  test.emplace(random, ringBits, n, n);
  selection.emplace(random, n, ringBits);
  if (wantsIndex) {
    openedIndex = random.mask(n, argMaxBits);
    indexSelection.emplace(random, n, argMaxBits);
  }
  auto subtract = [&](const Share &from, uint64_t mask, Share &minuend,
                      Share &masked) {
    minuend.resize(n);
    forEachRow([&](size_t first, size_t, size_t pair, size_t length) {
      const uint64_t *x = from.data() + first;
      size_t half = length - length / 2;
      for (size_t i = 0; i < length / 2; ++i) {
        minuend[pair + i] = (x[i] - x[i + half]) & mask;
        masked[pair + i] = (masked[pair + i] + minuend[pair + i]) & mask;
      }
    });
  };
  subtract(values, ringMask(ringBits), difference, opened);
  if (wantsIndex)
    subtract(indices, ringMask(argMaxBits), indexDifference, openedIndex);
}

/// x - n (x - y), where n says that y is larger: of values, and of columns.
void MaxRow::finishRound() {
  auto choose = [&](Share &from, uint64_t mask, const Selection &chosen,
                    const Share &z, const Share &d) {
    Share next;
    next.resize(from.size() - z.size());
    forEachRow([&](size_t first, size_t to, size_t pair, size_t length) {
      const uint64_t *x = from.data() + first;
      for (size_t i = 0; i < length / 2; ++i)
        next[to + i] =
            (x[i] - chosen.times(pair + i, z[pair + i], d[pair + i])) & mask;
      if (length % 2)
        next[to + length / 2] = x[length / 2];
    });
    from = std::move(next);
  };
  choose(values, ringMask(ringBits), *selection, opened, difference);
  if (wantsIndex)
    choose(indices, ringMask(argMaxBits), *indexSelection, openedIndex,
           indexDifference);
  if (++round == tournamentRounds(rows))
    result = std::move(wantsIndex ? indices : values);
}

void MaxRow::produce(unsigned step, std::vector<uint8_t> &out) {
  unsigned phase = step % phases;
  if (phase == 0) {
    startRound();
    appendElements(out, opened, ringBits);
    if (wantsIndex)
      appendElements(out, openedIndex, argMaxBits);
  } else if (phase == phases - 1) {
    selection->produce(test->sign(), out);
    if (wantsIndex)
      indexSelection->produce(test->sign(), out);
  } else {
    test->produce(phase - 1, out);
  }
}

static void addPeer(Share &open, std::span<const uint8_t> in, unsigned bits) {
  Share peer(open.size());
  readElements(in, peer, bits);
  for (size_t i = 0; i < open.size(); ++i)
    open[i] = (open[i] + peer[i]) & ringMask(bits);
}

void MaxRow::consume(unsigned step, std::span<const uint8_t> in) {
  unsigned phase = step % phases;
  if (phase == 0) {
    size_t size = opened.size() * elementBytes(ringBits);
    addPeer(opened, in.first(size), ringBits);
    if (wantsIndex)
      addPeer(openedIndex, in.subspan(size), argMaxBits);
    test->start(opened);
  } else if (phase == phases - 1) {
    selection->consume(in.first(selection->bytes()));
    if (wantsIndex)
      indexSelection->consume(in.subspan(selection->bytes()));
    finishRound();
  } else {
    test->consume(phase - 1, in);
  }
}
