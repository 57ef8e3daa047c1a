//===- CostTime.cpp - Seconds that a secure program takes -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Replays a session on paper: clocks of the parties and of the lines between
/// them, through the session of docs/secure-engine.md.
///
//===----------------------------------------------------------------------===//

#include "aero/Analysis/CostReport.h"

#include "llvm/ADT/STLExtras.h"

#include <algorithm>
#include <cassert>
#include <map>

using namespace aero;

/// Round trips before the first weight arrives at a client: connection, TLS
/// handshake and hello with the dealer, then with the server.
static constexpr double kSessionRoundTrips = 6;
/// Messages, one after the other, of asking for an inference: begin to the
/// server, begin to the dealer, the last correction, begin to the client.
static constexpr double kBeginMessages = 4;

Seconds &Seconds::operator+=(const Seconds &other) {
  online += other.online;
  offline += other.offline;
  setup += other.setup;
  return *this;
}

namespace {

/// One direction of a line: a message waits until those before it are out.
struct Line {
  const NetworkProfile &profile;
  double free = 0;

  double onLine(double bytes) const {
    return bytes * 8 / profile.bitsPerSecond;
  }
  /// When `bytes` that are ready at `time` have left the sender.
  double send(double time, double bytes) {
    free = std::max(free, time) + onLine(bytes);
    return free;
  }
};

/// Seconds that the parties compute for one instruction.
struct Compute {
  double online = 0;  // the slower one of client and server
  double dealer = 0;  // the correction
  double prepare = 0; // the client's r D + q, while the dealer works
  double mask = 0;    // the server's masked weights, once a session
};

} // namespace

static Compute getCompute(const InstructionCost &instruction,
                          const ComputeRates &rates) {
  auto entry = rates.operations.find(instruction.op);
  assert(entry != rates.operations.end() && "computeCostReport checks");
  const OperationRate &rate = entry->second;
  const rt::Cost &cost = instruction.cost;
  // Of linear's products each party does one; of matmul's the dealer does one
  // of five, and either party two (Cost.cpp).
  bool masked = cost.setupServerToClient != 0;
  double product = static_cast<double>(cost.multiplyAdds) / (masked ? 3 : 5) /
                   rates.multiplyAddsPerSecond;
  double elements = static_cast<double>(instruction.elements);
  Compute compute;
  compute.online =
      elements / rate.onlineElementsPerSecond + product * (masked ? 1 : 2);
  if (rate.dealerElementsPerSecond != 0)
    compute.dealer = elements / rate.dealerElementsPerSecond + product;
  if (masked) {
    compute.prepare = product;
    compute.mask =
        static_cast<double>(cost.setupServerToClient) / rates.prgBytesPerSecond;
  }
  return compute;
}

namespace {

/// An instruction's share of the exchange that is replayed.
struct Active {
  size_t instruction;
  double clientToServer, serverToClient; // bytes
  double compute;                        // seconds

  bool hasMessage() const { return clientToServer + serverToClient != 0; }
  double onLine(const Line &line) const {
    return line.onLine(std::max(clientToServer, serverToClient));
  }
};

/// The exchanges of one inference. A party that only sends goes on at once,
/// and the two wait for each other later: hence a clock for each.
class OnlineReplay {
public:
  OnlineReplay(const NetworkProfile &profile, std::vector<Seconds> &times)
      : latency(profile.roundTripSeconds / 2), toServer{profile},
        toClient{profile}, times(times) {
    // The client hears of the beginning one message after the server says it.
    client = latency;
  }

  void exchange(llvm::ArrayRef<Active> active) {
    double before = getTime(), up = 0, down = 0;
    for (const Active &one : active) {
      client += one.compute;
      server += one.compute;
      up += one.clientToServer;
      down += one.serverToClient;
    }
    double clientBegin = client, serverBegin = server;
    if (up != 0)
      server = std::max(server, toServer.send(clientBegin, up) + latency);
    if (down != 0)
      client = std::max(client, toClient.send(serverBegin, down) + latency);
    divide(active, getTime() - before);
  }

  /// Between the parties' clocks, which are a message apart at either end.
  double getTime() const { return (client + server) / 2; }

private:
  /// Each instruction gets what is its own, and those with a message equal
  /// shares of the waiting.
  void divide(llvm::ArrayRef<Active> active, double seconds) {
    double own = 0, messages = 0;
    for (const Active &one : active) {
      own += one.compute + one.onLine(toServer);
      messages += one.hasMessage() ? 1 : 0;
    }
    double waiting = std::max(0.0, seconds - own);
    double scale = own > seconds ? seconds / own : 1;
    for (const Active &one : active) {
      double &time = times[one.instruction].online;
      time += (one.compute + one.onLine(toServer)) * scale;
      if (one.hasMessage())
        time += waiting / messages;
    }
  }

  double latency, client = 0, server = 0;
  Line toServer, toClient;
  std::vector<Seconds> &times;
};

} // namespace

/// The instructions of each exchange that has any; those without a message are
/// with the exchange that they precede.
static std::map<uint32_t, std::vector<Active>>
schedule(llvm::ArrayRef<InstructionCost> instructions,
         llvm::ArrayRef<Compute> compute) {
  std::map<uint32_t, std::vector<Active>> exchanges;
  for (auto [i, one] : llvm::enumerate(instructions)) {
    uint32_t steps = std::max(one.cost.exchanges, 1U);
    // No instruction of more than one step has a one-sided step, so that the
    // sums are right whatever the steps' shares are.
    Active step{i, static_cast<double>(one.cost.clientToServer) / steps,
                static_cast<double>(one.cost.serverToClient) / steps,
                compute[i].online / steps};
    for (uint32_t t = 0; t < steps; ++t)
      exchanges[one.start + t].push_back(step);
  }
  return exchanges;
}

TimePrediction aero::predictTimes(llvm::ArrayRef<InstructionCost> instructions,
                                  const NetworkProfile &profile) {
  TimePrediction prediction;
  std::vector<Seconds> &times = prediction.instructions;
  times.resize(instructions.size());
  std::vector<Compute> compute;
  for (const InstructionCost &one : instructions)
    compute.push_back(getCompute(one, profile.compute));

  OnlineReplay replay(profile, times);
  double begin = replay.getTime();
  for (const auto &[t, active] : schedule(instructions, compute))
    replay.exchange(active);

  // Dealer and server compute the next correction and the next masked weight
  // while the line carries the last one.
  double latency = profile.roundTripSeconds / 2;
  Line dealt{profile}, masked{profile};
  double dealer = 0, server = 0, prepare = 0;
  for (auto [one, work, time] : llvm::zip_equal(instructions, compute, times)) {
    double dealtBefore = dealt.free, maskedBefore = masked.free;
    if (work.dealer != 0 || one.cost.offline() != 0)
      dealt.send(dealer += work.dealer,
                 static_cast<double>(one.cost.offline()));
    if (one.cost.setupServerToClient != 0)
      masked.send(server += work.mask,
                  static_cast<double>(one.cost.setupServerToClient));
    time.offline = dealt.free - dealtBefore;
    time.setup = masked.free - maskedBefore;
    prepare += work.prepare;
  }
  prediction.total.online = replay.getTime() - begin;
  prediction.total.offline =
      std::max(prepare, kBeginMessages * latency + dealt.free);
  prediction.total.setup =
      kSessionRoundTrips * profile.roundTripSeconds + masked.free;
  return prediction;
}
