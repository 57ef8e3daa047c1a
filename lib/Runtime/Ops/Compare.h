//===- Compare.h - Signs of masked values ---------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The sign of d in Z_2^l from the public z = d + r, the dealer's one-hot
/// tables of r and AND nodes (docs/secure-engine.md, "sign of a masked value").
///
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_OPS_COMPARE_H
#define AERO_LIB_RUNTIME_OPS_COMPARE_H

#include "Random.h"
#include "aero/Runtime/AndTree.h"

namespace aero::rt {

/// n masks of `bits` bits; each may serve several comparisons: comparison c
/// uses mask c mod n.
class SignTest {
public:
  static void deal(DealerRandom &random, unsigned bits,
                   std::span<const uint64_t> masks, size_t comparisons);

  SignTest(PartyRandom &random, unsigned bits, size_t masks,
           size_t comparisons);

  unsigned levels() const { return unsigned(tree.size()); }
  /// Bytes that either party sends at a level.
  uint64_t bytes(unsigned level) const;
  /// Starts from the public z, reduced modulo 2^bits, one a comparison.
  void start(std::span<const uint64_t> z);
  void produce(unsigned level, std::vector<uint8_t> &out);
  void consume(unsigned level, std::span<const uint8_t> in);
  /// After the last level: this party's share of the sign bits.
  std::span<const uint64_t> sign() const { return signs; }

private:
  void leaves(std::span<const uint64_t> z, size_t beginWord, size_t endWord);
  void evaluate(const AndNode &node, const uint64_t *masks,
                const uint64_t *products, const uint64_t *opened, uint64_t *lt,
                uint64_t *eq) const;
  template <unsigned degree>
  void addTerm(const AndNodeShape &shape, unsigned term, const uint64_t *masks,
               const uint64_t *products, const uint64_t *opened,
               uint64_t *sum) const;

  bool client;
  unsigned bits;
  size_t maskCount, count, words;
  std::vector<AndLevel> tree;
  std::vector<uint16_t> tables; // group by group
  std::vector<Words> levelMasks, levelProducts;
  Words lt, eq; // planes of the current members
  Words opened;
  Words signs; // r_msb ^ z_msb until the last level
};

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_OPS_COMPARE_H
