//===- CostTimeTest.cpp - Replayed sessions -------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/CostReport.h"

#include "gtest/gtest.h"

using namespace aero;

namespace {

constexpr double latency = 0.5;

/// 1 MB/s, a second there and back, and parties that take no time.
NetworkProfile slowLine() {
  NetworkProfile profile{"test", 8e6, 2 * latency};
  profile.compute.scale(1e30);
  return profile;
}

InstructionCost instruction(uint32_t start, uint32_t exchanges, uint64_t up,
                            uint64_t down) {
  InstructionCost one;
  one.op = "trunc";
  one.start = start;
  one.elements = 1000;
  one.cost.exchanges = exchanges;
  one.cost.clientToServer = up;
  one.cost.serverToClient = down;
  return one;
}

double online(std::vector<InstructionCost> instructions,
              const NetworkProfile &profile = slowLine()) {
  return predictTimes(instructions, profile).total.online;
}

// Each waits for the other's message: a half round trip, and the bytes.
TEST(CostTime, ExchangesBothWays) {
  EXPECT_NEAR(online({instruction(0, 1, 1, 1)}), latency, 1e-5);
  EXPECT_NEAR(online({instruction(0, 10, 10, 10)}), 10 * latency, 1e-4);
  EXPECT_NEAR(online({instruction(0, 10, 2000000, 2000000)}), 10 * latency + 2,
              1e-5);
}

// Each direction has a line of its own.
TEST(CostTime, DirectionsDoNotShareTheLine) {
  EXPECT_NEAR(
      online({instruction(0, 1, 1000000, 0), instruction(0, 1, 0, 1000000)}),
      latency + 1, 1e-5);
  // The first direction has both.
  EXPECT_NEAR(
      online({instruction(0, 1, 1000000, 0), instruction(0, 1, 1000000, 1)}),
      latency + 1, 1e-5);
}

TEST(CostTime, IndependentInstructionsShareExchanges) {
  EXPECT_NEAR(online({instruction(0, 4, 4, 4), instruction(2, 4, 4, 4)}),
              6 * latency, 1e-4);
}

// A message one way is not waited for by who sends it: the client is already a
// message behind the server when it hears of the beginning, sends, and sends
// the next; the server has both when it needs them.
TEST(CostTime, OneSidedExchanges) {
  EXPECT_NEAR(online({instruction(0, 1, 0, 1)}), 0, 1e-5);
  EXPECT_NEAR(online({instruction(0, 1, 1, 0)}), latency, 1e-5);
  EXPECT_NEAR(online({instruction(0, 1, 1, 0), instruction(1, 1, 1, 0)}),
              latency, 1e-5);
  // There and back.
  EXPECT_NEAR(online({instruction(0, 1, 1, 0), instruction(1, 1, 0, 1)}),
              2 * latency, 1e-5);
}

// The parties send no frame for an exchange that nobody uses.
TEST(CostTime, GapsInTheScheduleTakeNoTime) {
  EXPECT_NEAR(online({instruction(0, 1, 1, 1), instruction(4000000, 1, 1, 1)}),
              2 * latency, 1e-5);
}

TEST(CostTime, ComputationComesOnTop) {
  NetworkProfile profile = slowLine();
  profile.compute.operations["trunc"].onlineElementsPerSecond = 1000;
  EXPECT_NEAR(online({instruction(0, 1, 1, 1)}, profile), latency + 1, 1e-5);
  // Also of an instruction without a message, before the first exchange or
  // after the last one.
  EXPECT_NEAR(online({instruction(0, 0, 0, 0), instruction(0, 1, 1, 1),
                      instruction(1, 0, 0, 0)},
                     profile),
              latency + 3, 1e-5);
  profile.compute.scale(4);
  EXPECT_NEAR(online({instruction(0, 1, 1, 1)}, profile), latency + 0.25, 1e-5);
}

TEST(CostTime, MultiplyAdds) {
  NetworkProfile profile = slowLine();
  profile.compute.multiplyAddsPerSecond = 1e6;
  // Server, dealer and client do one product each.
  InstructionCost linear = instruction(0, 1, 1, 0);
  linear.op = "linear";
  linear.cost.setupServerToClient = 1;
  linear.cost.multiplyAdds = 3000000;
  TimePrediction prediction = predictTimes(linear, profile);
  EXPECT_NEAR(prediction.total.online, latency + 1, 1e-5);
  EXPECT_NEAR(prediction.instructions[0].offline, 1, 1e-5);
  // The dealer does one product, client and server two.
  InstructionCost matmul = instruction(0, 1, 1, 1);
  matmul.op = "matmul";
  matmul.cost.multiplyAdds = 5000000;
  prediction = predictTimes(matmul, profile);
  EXPECT_NEAR(prediction.total.online, latency + 2, 1e-5);
  EXPECT_NEAR(prediction.instructions[0].offline, 1, 1e-5);
}

// An instruction without a message has no part in the waiting.
TEST(CostTime, SharesOfAnExchange) {
  TimePrediction prediction =
      predictTimes({instruction(0, 1, 1000000, 0), instruction(0, 1, 1, 1),
                    instruction(0, 0, 0, 0)},
                   slowLine());
  const std::vector<Seconds> &times = prediction.instructions;
  EXPECT_GT(times[0].online, times[1].online);
  EXPECT_NEAR(times[2].online, 0, 1e-9);
  EXPECT_NEAR(times[0].online + times[1].online + times[2].online,
              prediction.total.online, 1e-12);
}

TEST(CostTime, Offline) {
  InstructionCost one = instruction(0, 1, 1, 1), two = one;
  one.cost.dealerToServer = 1000000;
  two.cost.dealerToServer = 3000000;
  TimePrediction prediction = predictTimes({one, two}, slowLine());
  EXPECT_NEAR(prediction.instructions[0].offline, 1, 1e-5);
  EXPECT_NEAR(prediction.instructions[1].offline, 3, 1e-5);
  // Begin, begin, the last correction, begin.
  EXPECT_NEAR(prediction.total.offline, 4 + 4 * latency, 1e-5);
  EXPECT_NEAR(prediction.total.setup, 12 * latency, 1e-5);
}

// The dealer works on the second while the line carries the first.
TEST(CostTime, DealerAndLineWorkAtOnce) {
  NetworkProfile profile = slowLine();
  profile.compute.operations["trunc"].dealerElementsPerSecond = 1000; // 1 s
  InstructionCost one = instruction(0, 1, 1, 1);
  one.cost.dealerToServer = 2000000; // 2 s
  TimePrediction prediction = predictTimes({one, one}, profile);
  EXPECT_NEAR(prediction.instructions[0].offline, 3, 1e-5);
  EXPECT_NEAR(prediction.instructions[1].offline, 2, 1e-5);
}

// The client prepares its products while it waits for the dealer.
TEST(CostTime, PreparationOfTheClient) {
  NetworkProfile profile = slowLine();
  profile.compute.multiplyAddsPerSecond = 1e6;
  InstructionCost linear = instruction(0, 1, 1, 0);
  linear.op = "linear";
  linear.cost.setupServerToClient = 1;
  linear.cost.multiplyAdds = 3000000;
  // One second of each, and the client has the wait for begin besides.
  EXPECT_NEAR(predictTimes(linear, profile).total.offline, 1 + 4 * latency,
              1e-5);
}

TEST(CostTime, Setup) {
  NetworkProfile profile = slowLine();
  InstructionCost linear = instruction(0, 1, 1, 0);
  linear.op = "linear";
  linear.cost.setupServerToClient = 2000000;
  TimePrediction prediction = predictTimes(linear, profile);
  EXPECT_NEAR(prediction.instructions[0].setup, 2, 1e-5);
  // Connection, TLS and hello with the dealer, then with the server.
  EXPECT_NEAR(prediction.total.setup, 2 + 12 * latency, 1e-5);
  profile.compute.prgBytesPerSecond = 1e6;
  EXPECT_NEAR(predictTimes(linear, profile).total.setup, 4 + 12 * latency,
              1e-5);
}

TEST(CostTime, NoInstructions) {
  TimePrediction prediction = predictTimes({}, slowLine());
  EXPECT_EQ(prediction.total.online, 0);
  EXPECT_TRUE(prediction.instructions.empty());
}

} // namespace
