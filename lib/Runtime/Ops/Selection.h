//===- Selection.h - Products with shared bits
//------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_OPS_SELECTION_H
#define AERO_LIB_RUNTIME_OPS_SELECTION_H

#include "Random.h"

namespace aero::rt {

/// Products of shared bits with d, where z = d + r is public: the bits are
/// opened under fresh random ones.
class Selection {
public:
  static void deal(DealerRandom &random, std::span<const uint64_t> masks,
                   size_t comparisons, unsigned bits);
  Selection(PartyRandom &random, size_t comparisons, unsigned bits);

  uint64_t bytes() const { return planeBytes(count); }
  void produce(std::span<const uint64_t> bits, std::vector<uint8_t> &out);
  void consume(std::span<const uint8_t> in) { xorWords(opened, in, count); }

  /// Share of bit i as a ring element (unreduced).
  uint64_t bit(size_t i) const {
    uint64_t flip = -(opened[i / 64] >> (i % 64) & 1);
    return ((rho[i] ^ flip) - flip) + (client ? flip & 1 : 0);
  }
  /// Share of bit i times d (unreduced), from the public z and the share of d.
  uint64_t times(size_t i, uint64_t z, uint64_t d) const {
    uint64_t flip = -(opened[i / 64] >> (i % 64) & 1);
    uint64_t product = z * rho[i] - rhoMask[i];
    return ((product ^ flip) - flip) + (d & flip);
  }

private:
  bool client;
  size_t count;
  Words rhoBits, opened;
  Share rho, rhoMask;
};

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_OPS_SELECTION_H
