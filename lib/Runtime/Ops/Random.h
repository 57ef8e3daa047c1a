//===- Random.h - Where correlated randomness comes from ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The dealer's and the parties' views of an instruction's random objects.
/// Every call of a PartyRandom has a counterpart of the same name in
/// DealerRandom; an operation makes the same calls in the same order in both,
/// each call uses the next stream, and so the parts fit together.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_OPS_RANDOM_H
#define AERO_LIB_RUNTIME_OPS_RANDOM_H

#include "Bits.h"
#include "aero/Runtime/Party.h"
#include "aero/Runtime/Prg.h"

namespace aero::rt {

/// Elements modulo F7 = 2^128 + 1 (Power.h).
using Wide = unsigned __int128;

/// How dealt ring elements lie in a correction.
enum class Encoding {
  Elements, ///< whole bytes each
  Packed,   ///< without gaps
};

/// The streams of one seed for one instruction, one a purpose.
class StreamSequence {
public:
  StreamSequence(const Seed &seed, Domain first) : seed(seed), domain(first) {}
  Prg next() {
    Prg stream(seed, domain);
    ++domain.purpose;
    return stream;
  }
  void skip() { ++domain.purpose; }

private:
  Seed seed;
  Domain domain;
};

/// One party's parts.
class PartyRandom {
public:
  /// `correction` is empty for the client.
  PartyRandom(Role role, const Seed &seed, Domain first,
              std::vector<uint8_t> correction)
      : own(seed, first), client(role == Role::Client),
        correction(std::move(correction)) {}

  bool isClient() const { return client; }

  /// Share of a uniform mask, from either seed.
  Share mask(size_t n, unsigned bits);
  Words maskBits(size_t planes, size_t n);
  /// Values that only `owner` knows; empty for the other.
  Share privateMask(Role owner, size_t n, unsigned bits);
  std::vector<uint32_t> privateMask32(Role owner, size_t n);
  Words privateBits(Role owner, size_t n);
  /// Share of values that the dealer chose: from the client's seed, or from the
  /// server's correction.
  Share dealt(size_t n, unsigned bits, Encoding encoding);
  Words dealtBits(size_t planes, size_t n);
  std::vector<uint16_t> dealtTables(size_t n);
  std::vector<Wide> dealtWide(size_t n);
  /// The next `bytes` of the correction: values that are the server's alone.
  std::span<const uint8_t> raw(size_t bytes);

  /// Whether the whole correction was used.
  bool finished() const { return position == correction.size(); }

private:
  StreamSequence own;
  bool client;
  std::vector<uint8_t> correction;
  size_t position = 0;
};

/// The dealer's view: the values themselves, and the server's correction.
class DealerRandom {
public:
  DealerRandom(const Seed &clientSeed, const Seed &serverSeed, Domain first)
      : client(clientSeed, first), server(serverSeed, first) {}

  Share mask(size_t n, unsigned bits);
  Words maskBits(size_t planes, size_t n);
  Share privateMask(Role owner, size_t n, unsigned bits);
  std::vector<uint32_t> privateMask32(Role owner, size_t n);
  Words privateBits(Role owner, size_t n);
  void deal(Share values, unsigned bits, Encoding encoding);
  void dealBits(Words planes, size_t n);
  void dealTables(std::vector<uint16_t> tables);
  /// The client's shares; the caller appends value - share with raw().
  std::vector<Wide> clientWide(size_t n);
  void raw(std::span<const uint8_t> bytes);

  /// Room for the whole correction, to save growing it.
  void reserve(size_t bytes) { correction.reserve(bytes); }
  std::vector<uint8_t> takeCorrection() { return std::move(correction); }

private:
  StreamSequence client, server;
  std::vector<uint8_t> correction;
};

template <typename T> std::span<uint8_t> bytesOf(std::vector<T> &values) {
  return {reinterpret_cast<uint8_t *>(values.data()),
          values.size() * sizeof(T)};
}

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_OPS_RANDOM_H
