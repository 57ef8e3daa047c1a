//===- CompareTest.cpp - AND trees and signs ------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ops/Compare.h"
#include "ProtocolHarness.h"

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;

namespace {

/// The signs of z - r for public z, by both parties.
std::vector<bool> runSigns(const Share &z, const Share &masks, unsigned bits,
                           uint64_t seed) {
  Inputs inputs(seed);
  Seed seeds[2] = {inputs.seed(), inputs.seed()};
  DealerRandom dealer(seeds[0], seeds[1], {1, 0, 0});
  SignTest::deal(dealer, bits, masks, z.size());
  PartyRandom left(Role::Client, seeds[0], {1, 0, 0}, {});
  PartyRandom right(Role::Server, seeds[1], {1, 0, 0}, dealer.takeCorrection());
  SignTest a(left, bits, masks.size(), z.size());
  SignTest b(right, bits, masks.size(), z.size());
  EXPECT_TRUE(right.finished());
  a.start(z);
  b.start(z);
  for (unsigned level = 0; level < a.levels(); ++level) {
    std::vector<uint8_t> fromClient, fromServer;
    a.produce(level, fromClient);
    b.produce(level, fromServer);
    EXPECT_EQ(fromClient.size(), a.bytes(level));
    a.consume(level, fromServer);
    b.consume(level, fromClient);
  }
  std::vector<bool> signs(z.size());
  for (size_t i = 0; i < z.size(); ++i)
    signs[i] = testBit(a.sign(), i) != testBit(b.sign(), i);
  return signs;
}

TEST(SignTest, EveryPairOfEightBits) {
  Share z, masks;
  for (uint64_t d = 0; d < 256; ++d)
    for (uint64_t r = 0; r < 256; ++r) {
      masks.push_back(r);
      z.push_back((d + r) & 255);
    }
  std::vector<bool> signs = runSigns(z, masks, 8, 1);
  for (size_t i = 0; i < z.size(); ++i)
    ASSERT_EQ(signs[i], (i / 256) >= 128)
        << "d " << i / 256 << " r " << i % 256;
}

TEST(SignTest, EveryPairOfFourBits) {
  Share z, masks;
  for (uint64_t d = 0; d < 16; ++d)
    for (uint64_t r = 0; r < 16; ++r) {
      masks.push_back(r);
      z.push_back((d + r) & 15);
    }
  std::vector<bool> signs = runSigns(z, masks, 4, 1);
  for (size_t i = 0; i < z.size(); ++i)
    ASSERT_EQ(signs[i], (i / 16) >= 8);
}

TEST(SignTest, AllWidths) {
  Inputs inputs(2);
  for (unsigned bits = 4; bits <= 64; bits += 4) {
    Share z, masks;
    std::vector<bool> expected;
    for (int i = 0; i < 3001; ++i) {
      uint64_t r = inputs.word() & ringMask(bits), d = inputs.word();
      // Small differences and equal groups decide in the lowest members.
      if (i % 3 == 0)
        d = uint64_t(inputs.in(-3, 3));
      if (i % 3 == 1)
        d = uint64_t(1) << (inputs.word() % bits);
      d &= ringMask(bits);
      masks.push_back(r);
      z.push_back((d + r) & ringMask(bits));
      expected.push_back(d >> (bits - 1));
    }
    EXPECT_EQ(runSigns(z, masks, bits, bits), expected) << bits << " bits";
  }
}

TEST(SignTest, OneMaskServesSeveralComparisons) {
  Inputs inputs(3);
  const size_t n = 77, thresholds = 5;
  Share z, masks;
  std::vector<bool> expected;
  for (size_t i = 0; i < n; ++i)
    masks.push_back(inputs.word() & 0xfffff);
  for (size_t j = 0; j < thresholds; ++j)
    for (size_t i = 0; i < n; ++i) {
      uint64_t d = uint64_t(inputs.in(-1000, 1000)) & 0xfffff;
      z.push_back((d + masks[i]) & 0xfffff);
      expected.push_back(d >> 19);
    }
  EXPECT_EQ(runSigns(z, masks, 20, 3), expected);
}

TEST(AndTree, ShapesAndLevels) {
  for (unsigned groups = 1; groups <= 16; ++groups) {
    std::vector<AndLevel> tree = andTree(groups);
    EXPECT_EQ(tree.size(), cost::andLevels(4 * groups));
    unsigned members = groups;
    for (const AndLevel &level : tree) {
      unsigned covered = level.passes;
      for (const AndNode &node : level.nodes) {
        EXPECT_EQ(node.shape->wantsEq, node.first != 0);
        covered += node.shape->members;
      }
      EXPECT_EQ(covered, members);
      members = level.outputs();
    }
    EXPECT_EQ(members, 1U);
  }
  // By hand for full nodes: e3 t2, e3 e2 t1, e3 e2 e1 t0 and e3 e2 e1 e0.
  EXPECT_EQ(AndNodeShape(4, false).factors, 6U);
  EXPECT_EQ(AndNodeShape(4, false).monomialCount, 15U);
  EXPECT_EQ(AndNodeShape(4, true).factors, 7U);
  EXPECT_EQ(AndNodeShape(4, true).monomialCount, 22U);
}

} // namespace
