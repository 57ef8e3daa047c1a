//===- ProtocolHarness.h - Parties in one process -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Two harnesses: PairRun executes one instruction on shares of the test's
/// choice (no validation, so that inputs need no instruction of their own),
/// SessionRun executes a whole program with three parties in threads.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_TEST_UNIT_RUNTIME_PROTOCOLHARNESS_H
#define AERO_TEST_UNIT_RUNTIME_PROTOCOLHARNESS_H

#include "Ops/Operation.h"
#include "TestFile.h"
#include "TestProgram.h"
#include "aero/Runtime/Dealer.h"

#include "gmock/gmock.h"

#include <map>
#include <random>

namespace aero::rt::test {

using Values = std::vector<int64_t>;
using Shape = std::vector<uint32_t>;

/// The generator of a test's inputs, from a fixed seed.
class Inputs {
public:
  explicit Inputs(uint64_t seed) : engine(seed) {}
  uint64_t word() { return engine(); }
  /// Uniform in [low, high].
  int64_t in(int64_t low, int64_t high) {
    uint64_t count = uint64_t(high) - uint64_t(low) + 1;
    uint64_t offset = count ? engine() % count : engine(); // 0: all of them
    return int64_t(uint64_t(low) + offset);
  }
  Values values(size_t n, int64_t low, int64_t high) {
    Values values(n);
    for (int64_t &value : values)
      value = in(low, high);
    return values;
  }
  Seed seed() {
    Seed seed;
    for (uint8_t &byte : seed)
      byte = uint8_t(engine());
    return seed;
  }

private:
  std::mt19937_64 engine;
};

/// The signed representative of v mod 2^bits.
inline int64_t signedValue(uint64_t v, unsigned bits) {
  return int64_t(v << (64 - bits)) >> (64 - bits);
}

/// A program's weights in a file, with the values of the test's choice.
class TestWeights {
public:
  /// `values(weight, index)` is the element; the program's offsets must be
  /// those of a ProgramBuilder.
  TestWeights(const program::Program &program, const std::string &directory,
              const std::function<int64_t(int, size_t)> &values);
  LoadedProgram loaded;
  std::optional<Weights> weights;
};

/// One instruction of a program of its own.
class PairRun {
public:
  explicit PairRun(uint64_t seed = 1) : inputs(seed) {}

  /// An operand, shared at random or with the given client shares.
  uint32_t operand(Shape shape, unsigned bits, int frac, const Values &values);
  uint32_t operandShares(Shape shape, unsigned bits, int frac, Share client,
                         Share server);
  /// The server's weight.
  uint32_t weight(Shape shape, int frac, program::Weight::Type type,
                  const Values &values);
  /// The instruction over all operands; set its op before run().
  program::Instruction &instruction(Shape shape, unsigned bits, int frac);

  /// Runs it and returns the reconstructed result. Checks that every message
  /// and the correction have the size of the cost model.
  Values run();

  program::Program program;
  std::vector<uint32_t> tokens;
  uint32_t position = 0;
  Inputs inputs;
  uint64_t inference = 1;
  std::optional<Seed> clientSeed, serverSeed; // random if not set
  /// Set by the first run that has weights; runs of the same program may share
  /// it.
  std::shared_ptr<TestWeights> weightsFile;
  /// What each party received, in order.
  std::vector<uint8_t> toClient, toServer, correction, setup;
  Share clientResult, serverResult;
  double dealerSeconds = 0, clientSeconds = 0, serverSeconds = 0;

private:
  std::vector<Share> clientShares, serverShares;
  std::vector<Values> weightValues;
};

/// Shares and messages of one party of a session.
class Recorder final : public Observer {
public:
  void onResult(uint32_t instruction,
                std::span<const uint64_t> share) override {
    results[instruction].assign(share.begin(), share.end());
  }
  void onMessage(FrameKind kind, uint32_t instruction,
                 std::span<const uint8_t> bytes) override {
    auto &all = messages[{kind, instruction}];
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  std::map<uint32_t, Share> results;
  std::map<std::pair<FrameKind, uint32_t>, std::vector<uint8_t>> messages;
};

/// What came out of a session of three threads.
struct SessionRun {
  std::vector<Inference> inferences;
  SessionStatistics client, server, dealer;
  Recorder clientSees, serverSees;
  std::string clientError, serverError, dealerError;

  /// Reconstructs an instruction's result of the last inference.
  Values value(const program::Program &program, uint32_t instruction) const;
};

struct Request {
  std::vector<uint32_t> tokens;
  uint32_t position;
};

/// Hears a party's hello and admits it.
Status admit(Dealer &dealer, const LoadedProgram &loaded, Channel channel);
Status joinClient(Server &server, const LoadedProgram &loaded, Channel channel);

SessionRun runSession(const LoadedProgram &loaded, const Weights &weights,
                      const std::vector<Request> &requests);

} // namespace aero::rt::test

#endif // AERO_TEST_UNIT_RUNTIME_PROTOCOLHARNESS_H
