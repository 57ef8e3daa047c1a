//===- WrapBit.cpp - Whether two shares wrap ------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WrapBit.h"

#include "Parallel.h"

using namespace aero::rt;

void WrapBit::deal(DealerRandom &random, size_t n, unsigned width) {
  Words alpha = random.privateBits(Role::Client, n);
  Words beta = random.privateBits(Role::Server, n);
  Share product(n);
  for (size_t i = 0; i < n; ++i)
    product[i] = (alpha[i / 64] & beta[i / 64]) >> (i % 64) & 1;
  random.deal(std::move(product), width, Encoding::Packed);
}

WrapBit::WrapBit(PartyRandom &random, size_t n, unsigned bits, unsigned width)
    : client(random.isClient()), count(n), ringBits(bits), width(width) {
  Words alpha = random.privateBits(Role::Client, n);
  Words beta = random.privateBits(Role::Server, n);
  mask = std::move(client ? alpha : beta);
  product = random.dealt(n, width, Encoding::Packed);
}

void WrapBit::produce(std::span<const uint64_t> share,
                      std::vector<uint8_t> &out) {
  offset.resize(count);
  own.resize(wordsFor(count));
  uint64_t add = client ? uint64_t(1) << (ringBits - 2) : 0;
  uint64_t modulus = ringMask(ringBits);
  parallelFor(own.size(), loopGrain / 64, [&](size_t begin, size_t end) {
    for (size_t i = begin * 64, e = std::min(end * 64, count); i < e; ++i)
      offset[i] = (share[i] + add) & modulus;
    packBits(
        own, count, [&](size_t i) { return offset[i] >> (ringBits - 1); },
        begin, end);
  });
  // The message is the bit under its mask; the bit itself is in `offset`.
  for (size_t w = 0; w < own.size(); ++w)
    own[w] ^= mask[w];
  appendWords(out, own);
}

void WrapBit::consume(std::span<const uint8_t> in) {
  peer.assign(wordsFor(count), 0);
  xorWords(peer, in, count);
}

/// With e, g the opened bits and p the share of alpha beta, ma mb is shared as
/// ma g + s p at the client and (1 - 2g) e beta + s p at the server, where s is
/// -1 if e and g differ. So w = ma + mb - ma mb has the shares
/// (ma AND NOT g) - s p and (e ? g : mb) - s p.
template <typename Combine> Share WrapBit::combine(Combine body) const {
  Share result(count);
  parallelFor(own.size(), loopGrain / 64, [&](size_t begin, size_t end) {
    for (size_t w = begin; w < end; ++w) {
      uint64_t bits = own[w] ^ mask[w], flips = own[w] ^ peer[w];
      uint64_t known =
          client ? bits & ~peer[w] : (peer[w] & own[w]) | (~peer[w] & bits);
      size_t first = w * 64, n = std::min<size_t>(64, count - first);
      for (size_t j = 0; j < n; ++j) {
        uint64_t flip = -(flips >> j & 1);
        uint64_t carry =
            (known >> j & 1) - ((product[first + j] ^ flip) - flip);
        result[first + j] = body(offset[first + j], carry);
      }
    }
  });
  return result;
}

Share WrapBit::shifted(unsigned shift, bool unbiased) const {
  assert(shift <= width && "the carry is known modulo 2^width");
  uint64_t modulus = ringMask(ringBits + width - shift);
  // One party takes the offset back.
  uint64_t constant =
      client ? (unbiased ? 1 : 0) - (uint64_t(1) << (ringBits - 2) >> shift)
             : 0;
  unsigned up = ringBits - shift;
  return combine([=](uint64_t value, uint64_t carry) {
    return ((value >> shift) - (carry << up) + constant) & modulus;
  });
}
