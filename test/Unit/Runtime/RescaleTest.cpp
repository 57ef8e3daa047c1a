//===- RescaleTest.cpp - Truncation and extension -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ops/WrapBit.h"
#include "ProtocolHarness.h"

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;

namespace {

/// Both parties of one wrap bit over shares of the test's choice.
std::pair<WrapBit, WrapBit> runWrapBit(const Share &client, const Share &server,
                                       unsigned bits, unsigned width,
                                       uint64_t seed) {
  Inputs inputs(seed);
  Seed seeds[2] = {inputs.seed(), inputs.seed()};
  DealerRandom dealer(seeds[0], seeds[1], {1, 0, 0});
  WrapBit::deal(dealer, client.size(), width);
  PartyRandom left(Role::Client, seeds[0], {1, 0, 0}, {});
  PartyRandom right(Role::Server, seeds[1], {1, 0, 0}, dealer.takeCorrection());
  WrapBit a(left, client.size(), bits, width);
  WrapBit b(right, client.size(), bits, width);
  std::vector<uint8_t> fromClient, fromServer;
  a.produce(client, fromClient);
  b.produce(server, fromServer);
  a.consume(fromServer);
  b.consume(fromClient);
  return {std::move(a), std::move(b)};
}

/// All share pairs of Z_2^bits whose value lies in (-2^(bits-2), 2^(bits-2)).
void allPairs(unsigned bits, Share &client, Share &server) {
  int64_t limit = int64_t(1) << (bits - 2);
  for (uint64_t a = 0; a < uint64_t(1) << bits; ++a)
    for (int64_t x = -limit + 1; x < limit; ++x) {
      client.push_back(a);
      server.push_back((uint64_t(x) - a) & ringMask(bits));
    }
}

TEST(WrapBit, TruncatesEveryPairOfSharesOfEightBits) {
  const unsigned bits = 8;
  Share client, server;
  allPairs(bits, client, server);
  for (unsigned shift = 1; shift <= bits - 2; ++shift) {
    auto [a, b] = runWrapBit(client, server, bits, shift, shift);
    for (bool unbiased : {false, true}) {
      Share left = a.shifted(shift, unbiased),
            right = b.shifted(shift, unbiased);
      for (size_t i = 0; i < client.size(); ++i) {
        int64_t x = signedValue(client[i] + server[i], bits);
        int64_t y = signedValue(left[i] + right[i], bits);
        int64_t floor = (x >> shift) + (unbiased ? 1 : 0);
        ASSERT_TRUE(y == floor || y == floor - 1)
            << x << " >> " << shift << " gave " << y;
      }
    }
  }
}

TEST(WrapBit, ExtendsEveryPairOfSharesOfEightBits) {
  const unsigned bits = 8;
  Share client, server;
  allPairs(bits, client, server);
  for (unsigned width : {1, 8, 24, 56}) {
    auto [a, b] = runWrapBit(client, server, bits, width, width);
    Share left = a.shifted(0, false), right = b.shifted(0, false);
    for (size_t i = 0; i < client.size(); ++i)
      ASSERT_EQ(signedValue(left[i] + right[i], bits + width),
                signedValue(client[i] + server[i], bits));
  }
}

TEST(WrapBit, ShiftsToALargerRing) {
  const unsigned bits = 8, shift = 3, width = 10;
  Share client, server;
  allPairs(bits, client, server);
  auto [a, b] = runWrapBit(client, server, bits, width, 11);
  Share left = a.shifted(shift, false), right = b.shifted(shift, false);
  for (size_t i = 0; i < client.size(); ++i) {
    int64_t x = signedValue(client[i] + server[i], bits);
    int64_t y = signedValue(left[i] + right[i], bits + width - shift);
    ASSERT_TRUE(y == x >> shift || y == (x >> shift) - 1) << x << ": " << y;
  }
}

TEST(WrapBit, UnbiasedShiftIsRightOnAverage) {
  const size_t n = 1 << 20;
  Inputs inputs(9);
  Share client(n), server(n);
  for (size_t i = 0; i < n; ++i) {
    client[i] = inputs.word();
    server[i] = 12345 - client[i];
  }
  auto [a, b] = runWrapBit(client, server, 64, 10, 9);
  Share left = a.shifted(10, true), right = b.shifted(10, true);
  double sum = 0;
  for (size_t i = 0; i < n; ++i)
    sum += double(int64_t(left[i] + right[i]));
  EXPECT_NEAR(sum / n, 12345.0 / 1024, 0.005);
}

TEST(Trunc, FloorOrOneLess) {
  for (unsigned shift : {1, 4, 16, 20, 37, 62}) {
    PairRun run(shift);
    int64_t limit = (int64_t(1) << 62) - 1;
    Values x = run.inputs.values(5000, -limit, limit);
    for (size_t i = 0; i < 1000; ++i)
      x[i] = int64_t(i) - 500;
    x[1000] = limit;
    x[1001] = -limit;
    run.operand({5000}, 64, 40, x);
    run.instruction({5000}, 64, 40 - int(shift))
        .mutable_trunc()
        ->set_shift(shift);
    Values y = run.run();
    for (size_t i = 0; i < x.size(); ++i)
      EXPECT_TRUE(y[i] == x[i] >> shift || y[i] == (x[i] >> shift) - 1)
          << x[i] << " >> " << shift << " gave " << y[i];
  }
}

TEST(Trunc, AdversarialShares) {
  // Shares at both ends of the ring, for which a local shift fails.
  Share client, server;
  for (uint64_t a : {uint64_t(0), uint64_t(1), ~uint64_t(0), uint64_t(1) << 63,
                     (uint64_t(1) << 63) - 1, uint64_t(1) << 62})
    for (int64_t x : {int64_t(0), int64_t(1), int64_t(-1), int64_t(1) << 40,
                      -(int64_t(1) << 40)}) {
      client.push_back(a);
      server.push_back(uint64_t(x) - a);
    }
  PairRun run;
  uint32_t n = client.size();
  run.operandShares({n}, 64, 16, client, server);
  run.instruction({n}, 64, 0).mutable_trunc()->set_shift(16);
  Values y = run.run();
  for (uint32_t i = 0; i < n; ++i) {
    int64_t floor = int64_t(client[i] + server[i]) >> 16;
    EXPECT_TRUE(y[i] == floor || y[i] == floor - 1);
  }
}

TEST(Extend, Exact) {
  for (unsigned bits : {3, 8, 24, 32, 48, 63}) {
    PairRun run(bits);
    int64_t limit = (int64_t(1) << (bits - 2)) - 1;
    Values x = run.inputs.values(1000, -limit, limit);
    x[0] = limit;
    x[1] = -limit;
    run.operand({1000}, bits, 4, x);
    run.instruction({1000}, 64, 4).mutable_extend();
    EXPECT_EQ(run.run(), x);
  }
}

} // namespace
