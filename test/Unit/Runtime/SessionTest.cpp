//===- SessionTest.cpp - Whole programs with three parties ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProtocolHarness.h"
#include "aero/Runtime/Parameters.h"

#include <cmath>
#include <thread>

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;

namespace {

class SessionTest : public FileTest {
protected:
  void SetUp() override {
    FileTest::SetUp();
    test.emplace(makeTestProgram(), directory, weightOf);
  }
  /// Small enough for every range of the program.
  static int64_t weightOf(int weight, size_t index) {
    uint64_t mixed = (index * 2654435761U + weight * 40503U) % 20011;
    return (int64_t(mixed) - 10005) * (weight == 3 ? 65536 : 64);
  }
  const program::Program &program() const { return test->loaded.program; }

  std::optional<TestWeights> test;
};

const std::vector<Request> requests = {
    {{1, 7, 0, 3}, 3}, {{1, 7, 0, 3}, 1}, {{5, 5, 5, 5}, 0}};

/// What the instruction should yield on these operands; a unit of tolerance in
/// `slack`. Empty for instructions with a test of their own below.
Values expectedResult(const program::Program &program, int index,
                      const SessionRun &run, const Request &request,
                      int64_t (*weightOf)(int, size_t), int64_t &slack) {
  const program::Instruction &op = program.instructions(index);
  const program::Value &result = program.values(op.result());
  size_t n = elementCount(result);
  Values y(n);
  // Value i is the result of instruction i in programs of the builder.
  auto operand = [&](int i) { return run.value(program, op.operands(i)); };
  slack = 0;
  switch (op.op_case()) {
  case program::Instruction::kEmbedding:
    for (size_t i = 0; i < n; ++i)
      y[i] =
          weightOf(op.embedding().weight(), request.tokens[i / 4] * 4 + i % 4);
    return y;
  case program::Instruction::kExtend:
  case program::Instruction::kReshape:
  case program::Instruction::kReveal:
    return operand(0);
  case program::Instruction::kTrunc:
    y = operand(0);
    for (int64_t &value : y)
      value >>= op.trunc().shift();
    slack = 1;
    return y;
  case program::Instruction::kAddWeight:
    y = operand(0);
    for (size_t i = 0; i < n; ++i)
      y[i] += weightOf(op.add_weight().weight(), i);
    return y;
  case program::Instruction::kAdd: {
    y = operand(0);
    Values other = operand(1);
    for (size_t i = 0; i < n; ++i)
      y[i] += other[i];
    return y;
  }
  case program::Instruction::kLinear: {
    Values x = operand(0);
    size_t columns = result.shape(1);
    size_t inner = x.size() / (n / columns);
    for (size_t i = 0; i < n; ++i) {
      y[i] = op.linear().has_bias() ? weightOf(op.linear().bias(), i % columns)
                                    : 0;
      for (size_t k = 0; k < inner; ++k)
        y[i] += x[i / columns * inner + k] *
                weightOf(op.linear().weight(), k * columns + i % columns);
    }
    return y;
  }
  case program::Instruction::kMul: {
    y = operand(0);
    Values other = operand(1);
    for (size_t i = 0; i < n; ++i)
      y[i] *= other[i / (n / other.size())];
    return y;
  }
  case program::Instruction::kTakeRow: {
    Values x = operand(0);
    return Values(x.begin() + request.position * n,
                  x.begin() + (request.position + 1) * n);
  }
  case program::Instruction::kExp2: {
    Values x = operand(0), top = operand(1);
    Rows rows = {top.size(), 4, /*causal=*/true};
    for (size_t row = 0, i = 0; row < rows.count; ++row)
      for (size_t end = i + rows.length(row); i < end; ++i)
        y[i] = int64_t(std::floor(
            std::exp2(double(x[i]) / 65536 - double(top[row]) + exp2Frac)));
    slack = 2;
    return y;
  }
  case program::Instruction::kRecip: {
    Values x = operand(0);
    for (size_t i = 0; i < n; ++i)
      y[i] = int64_t(std::ldexp(1.0, exp2Frac + recipFrac) / double(x[i]));
    slack = 30;
    return y;
  }
  default:
    return {};
  }
}

TEST_F(SessionTest, EveryInstructionOfTheTestProgram) {
  for (const Request &request : requests) {
    SessionRun run = runSession(test->loaded, *test->weights, {request});
    ASSERT_EQ(run.clientError, "");
    ASSERT_EQ(run.serverError, "");
    ASSERT_EQ(run.dealerError, "");
    int checked = 0;
    for (int i = 0; i < program().instructions_size(); ++i) {
      int64_t slack = 0;
      Values expected =
          expectedResult(program(), i, run, request, weightOf, slack);
      if (expected.empty())
        continue;
      Values actual = run.value(program(), i);
      ASSERT_EQ(actual.size(), expected.size());
      for (size_t j = 0; j < actual.size(); ++j)
        EXPECT_NEAR(double(actual[j]), double(expected[j]), double(slack))
            << opName(program().instructions(i)) << " " << i;
      ++checked;
    }
    EXPECT_EQ(checked, 20);
    ASSERT_EQ(run.inferences.size(), 1U);
    EXPECT_EQ(run.inferences[0].values,
              run.value(program(), program().instructions_size() - 1));
    EXPECT_EQ(run.inferences[0].frac, 36);
  }
}

TEST_F(SessionTest, MeasuredBytesArePredictedBytes) {
  SessionRun run = runSession(test->loaded, *test->weights, requests);
  ASSERT_EQ(run.clientError + run.serverError + run.dealerError, "");
  ASSERT_EQ(run.inferences.size(), requests.size());
  uint64_t n = requests.size();
  uint64_t seen = 0;
  for (int i = 0; i < program().instructions_size(); ++i) {
    const program::Cost &cost = program().instructions(i).cost();
    for (const SessionStatistics *party : {&run.client, &run.server}) {
      const Cost &bytes = party->instructions[i].bytes;
      EXPECT_EQ(bytes.clientToServer, n * cost.client_to_server());
      EXPECT_EQ(bytes.serverToClient, n * cost.server_to_client());
      EXPECT_EQ(bytes.setupServerToClient, cost.setup_server_to_client());
    }
    EXPECT_EQ(run.client.instructions[i].bytes.dealerToServer, 0U);
    EXPECT_EQ(run.server.instructions[i].bytes.dealerToServer,
              n * cost.dealer_to_server());
    EXPECT_EQ(run.dealer.instructions[i].bytes.dealerToServer,
              n * cost.dealer_to_server());
    seen += run.serverSees.messages[{FrameKind::Exchange, uint32_t(i)}].size();
  }
  EXPECT_GT(seen, 0U);
  // Nothing but payload, headers, hellos, seeds, begins and ends is on the
  // sockets; both ends of a connection agree.
  for (const SessionStatistics *party :
       {&run.client, &run.server, &run.dealer}) {
    uint64_t frames = 0;
    for (const PeerStatistics &peer : party->peers)
      frames += peer.counters.sentFrames + peer.counters.receivedFrames;
    uint64_t extra = party->framingBytes() - frameHeaderBytes * frames;
    uint64_t hellos = 4 * 136;
    uint64_t expected = party == &run.client   ? hellos + 32 + 2 * n * 16
                        : party == &run.server ? hellos + 32 + 3 * n * 16
                                               : hellos + 64 + n * 16;
    EXPECT_EQ(extra, expected);
  }
}

TEST_F(SessionTest, InferencesUseDifferentCorrelations) {
  std::vector<uint8_t> first, second;
  for (std::vector<uint8_t> *bytes : {&first, &second}) {
    SessionRun run = runSession(test->loaded, *test->weights, {requests[0]});
    ASSERT_EQ(run.clientError, "");
    for (auto &[key, message] : run.serverSees.messages)
      bytes->insert(bytes->end(), message.begin(), message.end());
  }
  EXPECT_NE(first, second) << "two sessions";
  // Within a session: the same request twice.
  SessionRun run =
      runSession(test->loaded, *test->weights, {requests[0], requests[0]});
  ASSERT_EQ(run.clientError, "");
  for (auto &[key, message] : run.serverSees.messages) {
    if (key.first == FrameKind::Setup)
      continue;
    size_t half = message.size() / 2;
    EXPECT_FALSE(std::equal(message.begin(), message.begin() + half,
                            message.begin() + half))
        << "instruction " << key.second;
  }
  // The results differ by rounding only.
  for (size_t i = 0; i < run.inferences[0].values.size(); ++i)
    EXPECT_NEAR(std::ldexp(double(run.inferences[0].values[i]), -36),
                std::ldexp(double(run.inferences[1].values[i]), -36), 1e-2);
}

TEST_F(SessionTest, BadInputIsRefusedAndTheSessionGoesOn) {
  auto clientDealer = channelPair(), serverDealer = channelPair(),
       clientServer = channelPair();
  std::thread dealer([&] {
    Result<Dealer> dealer = Dealer::create(test->loaded, {});
    EXPECT_TRUE(
        admit(*dealer, test->loaded, std::move(serverDealer->second)).ok());
    EXPECT_TRUE(
        admit(*dealer, test->loaded, std::move(clientDealer->second)).ok());
    EXPECT_TRUE(dealer->serve().ok());
  });
  std::thread server([&] {
    Result<Server> server = Server::join(test->loaded, *test->weights,
                                         std::move(serverDealer->first), {});
    EXPECT_TRUE(
        joinClient(*server, test->loaded, std::move(clientServer->second))
            .ok());
    EXPECT_TRUE(server->serve().ok());
  });
  Result<Client> client =
      Client::join(test->loaded, std::move(clientServer->first), {});
  ASSERT_TRUE(client.ok());
  ASSERT_TRUE(client->joinDealer(std::move(clientDealer->first)).ok());
  auto message = [&](std::vector<uint32_t> tokens, uint32_t position) {
    Result<Inference> inference = client->infer(tokens, position);
    return inference.ok() ? "" : inference.message();
  };
  EXPECT_EQ(message({1, 2, 3}, 0), "got 3 tokens, the program takes 4");
  EXPECT_EQ(message({1, 2, 8, 3}, 0),
            "token 2 is not below the vocabulary size 8");
  EXPECT_EQ(message({1, 2, 3, 4}, 4),
            "position 4 is not below the context length 4");
  EXPECT_EQ(message({1, 2, 3, 4}, 3), "");
  EXPECT_TRUE(client->end().ok());
  server.join();
  dealer.join();
}

} // namespace
