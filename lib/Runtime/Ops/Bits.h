//===- Bits.h - Planes of XOR-shared bits ---------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Many planes of the same length lie one after the other in one vector of
/// words. Bits past a plane's end are kept zero.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_OPS_BITS_H
#define AERO_LIB_RUNTIME_OPS_BITS_H

#include "aero/Runtime/Wire.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <vector>

namespace aero::rt {

using Words = std::vector<uint64_t>;
/// One party's share of a tensor.
using Share = std::vector<uint64_t>;

static_assert(std::endian::native == std::endian::little,
              "planes are sent as they lie in memory");

constexpr size_t wordsFor(size_t bits) { return (bits + 63) / 64; }

/// Clears what lies past the end of each plane of `bits` bits.
inline void clearTails(std::span<uint64_t> planes, size_t bits) {
  if (bits % 64 == 0)
    return;
  for (size_t i = wordsFor(bits); i <= planes.size(); i += wordsFor(bits))
    planes[i - 1] &= ringMask(bits % 64);
}

inline bool testBit(std::span<const uint64_t> plane, size_t i) {
  return (plane[i / 64] >> (i % 64)) & 1;
}

/// The words [begin, end) of the plane whose bit i is bit(i).
template <typename BitAt>
inline void packBits(std::span<uint64_t> plane, size_t bits, BitAt bit,
                     size_t begin, size_t end) {
  for (size_t w = begin; w < end; ++w) {
    size_t first = w * 64, count = std::min<size_t>(64, bits - first);
    uint64_t word = 0;
    for (size_t j = 0; j < count; ++j)
      word |= uint64_t(bit(first + j)) << j;
    plane[w] = word;
  }
}

inline void appendWords(std::vector<uint8_t> &out,
                        std::span<const uint64_t> words) {
  const auto *bytes = reinterpret_cast<const uint8_t *>(words.data());
  out.insert(out.end(), bytes, bytes + words.size_bytes());
}

/// words ^= the words in `in`, with the tails of planes of `bits` bits cleared:
/// a peer may set them.
inline void xorWords(std::span<uint64_t> words, std::span<const uint8_t> in,
                     size_t bits) {
  for (size_t i = 0; i < words.size(); ++i) {
    uint64_t word;
    std::memcpy(&word, in.data() + 8 * i, 8);
    words[i] ^= word;
  }
  clearTails(words, bits);
}

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_OPS_BITS_H
