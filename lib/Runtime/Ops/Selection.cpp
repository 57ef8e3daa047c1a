//===- Selection.cpp - Products with shared bits
//----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===--------------------------------------------------------------------===//

#include "Selection.h"

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
