//===- PrgTest.cpp - Pseudo-random generator ------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Prg.h"
#include "aero/Runtime/Wire.h"

#include "gtest/gtest.h"

#include <cstring>
#include <set>

using namespace aero::rt;

static Seed countingSeed() {
  Seed seed;
  for (size_t i = 0; i < seed.size(); ++i)
    seed[i] = static_cast<uint8_t>(i);
  return seed;
}

static std::vector<uint8_t> bytes(const Seed &seed, Domain domain, size_t n) {
  std::vector<uint8_t> out(n);
  Prg(seed, domain).fill(out);
  return out;
}

// The key is SHA-256("aero-prg-1" || 00 01 .. 1f || 7 || 11 || 13), computed
// with Python's hashlib; the stream is what 'openssl enc -aes-128-ctr -iv 0'
// makes of 64 zero bytes.
TEST(PrgTest, KnownAnswer) {
  const std::vector<uint8_t> expected = {
      0xa2, 0x14, 0xa3, 0x71, 0x2a, 0xa0, 0xd6, 0xa7, 0x47, 0xc8, 0x6c,
      0xe1, 0x69, 0x3c, 0x1a, 0x3d, 0xc9, 0x17, 0xf0, 0xd8, 0x11, 0x72,
      0x7c, 0x22, 0x49, 0x44, 0x5a, 0x14, 0x00, 0x1a, 0x36, 0x5c, 0xf8,
      0x40, 0x3e, 0x7e, 0x26, 0x8a, 0x86, 0x00, 0x33, 0x7d, 0x94, 0x27,
      0x08, 0xaa, 0xfc, 0x73, 0x49, 0x38, 0xde, 0xf5, 0x3e, 0xb3, 0x4a,
      0x69, 0x65, 0x7c, 0xdc, 0x45, 0xbe, 0xf1, 0x05, 0xe3,
  };
  EXPECT_EQ(bytes(countingSeed(), {7, 11, 13}, 64), expected);
}

TEST(PrgTest, EveryPartOfTheDomainSeparates) {
  Seed seed = countingSeed(), other = seed;
  other[31] ^= 1;
  std::set<std::string> streams;
  auto insert = [&](const Seed &seed, Domain domain) {
    std::vector<uint8_t> stream = bytes(seed, domain, 32);
    streams.emplace(stream.begin(), stream.end());
  };
  insert(seed, {1, 2, 3});
  insert(other, {1, 2, 3});
  insert(seed, {2, 2, 3});
  insert(seed, {1, 3, 3});
  insert(seed, {1, 2, 4});
  insert(seed, {1, 3, 2});
  insert(seed, {uint64_t(1) << 32, 2, 3});
  EXPECT_EQ(streams.size(), 7u);
}

TEST(PrgTest, PiecesAreOneStream) {
  std::vector<uint8_t> whole = bytes(countingSeed(), {}, 70000), pieces;
  Prg prg(countingSeed(), {});
  for (size_t size : {1, 15, 16, 17, 0, 40000, 29951}) {
    std::vector<uint8_t> piece(size);
    prg.fill(piece);
    pieces.insert(pieces.end(), piece.begin(), piece.end());
  }
  EXPECT_EQ(pieces, whole);
}

TEST(PrgTest, ElementsTakeEightBytesAtEveryWidth) {
  constexpr size_t n = 5000;
  std::vector<uint8_t> whole = bytes(countingSeed(), {5, 0, 0}, 8 * n + 1);
  for (unsigned bits : {1u, 20u, 32u, 63u, 64u}) {
    Prg prg(countingSeed(), {5, 0, 0});
    std::vector<uint64_t> values(n);
    prg.fill(values, bits);
    for (size_t i = 0; i < n; ++i) {
      uint64_t word;
      std::memcpy(&word, whole.data() + 8 * i, 8);
      ASSERT_EQ(values[i], word & ringMask(bits));
    }
    uint8_t next;
    prg.fill({&next, 1});
    EXPECT_EQ(next, whole.back());
  }
}

TEST(PrgTest, MovesKeepThePosition) {
  std::vector<uint8_t> whole = bytes(countingSeed(), {}, 20);
  Prg first(countingSeed(), {});
  std::vector<uint8_t> out(20);
  first.fill(std::span(out).first(7));
  Prg second = std::move(first);
  second.fill(std::span(out).subspan(7));
  EXPECT_EQ(out, whole);
}

TEST(PrgTest, FreshSeedsDiffer) {
  Result<Seed> first = randomSeed(), second = randomSeed();
  ASSERT_TRUE(first.ok());
  ASSERT_TRUE(second.ok());
  EXPECT_NE(*first, *second);
}
