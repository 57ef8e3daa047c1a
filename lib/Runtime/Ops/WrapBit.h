//===- WrapBit.h - Whether two shares wrap --------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The carry of the sum of two shares of a bounded value, which turns shifts of
/// single shares into shifts of the value (trunc) and lifts shares to a larger
/// ring (extend). Ring widths are parameters so that small rings can be tested
/// exhaustively; values lie in (-2^(b-2), 2^(b-2)) of Z_2^b.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_OPS_WRAPBIT_H
#define AERO_LIB_RUNTIME_OPS_WRAPBIT_H

#include "Random.h"

namespace aero::rt {

/// Shares modulo 2^width of w, the carry out of Z_2^bits of x0 + x1 +
/// 2^(bits-2). A shift within the ring needs `width` bits to drop them, an
/// extension to a larger ring needs one for each bit that is added.
class WrapBit {
public:
  static void deal(DealerRandom &random, size_t n, unsigned width);

  WrapBit(PartyRandom &random, size_t n, unsigned bits, unsigned width);

  uint64_t bytes() const { return planeBytes(count); }
  /// Keeps the (offset) share until consume().
  void produce(std::span<const uint64_t> share, std::vector<uint8_t> &out);
  void consume(std::span<const uint8_t> in);

  /// After consume(): x / 2^shift as a share of Z_2^(bits + width - shift),
  /// floor or one less (exact for shift 0). With `unbiased`, one unit more:
  /// above or below with the right odds. `shift` is at most `width`.
  Share shifted(unsigned shift, bool unbiased) const;

private:
  template <typename Combine> Share combine(Combine body) const;

  bool client;
  size_t count;
  unsigned ringBits, width;
  Words mask, own, peer;
  Share product;
  Share offset; // x_i, plus 2^(bits-2) at the client
};

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_OPS_WRAPBIT_H
