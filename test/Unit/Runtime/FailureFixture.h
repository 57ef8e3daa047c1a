//===- FailureFixture.h - A party among peers that fail -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TEST_UNIT_RUNTIME_FAILUREFIXTURE_H
#define AERO_TEST_UNIT_RUNTIME_FAILUREFIXTURE_H

#include "ProtocolHarness.h"
#include "Session/Session.h"

#include <thread>
#include <unistd.h>

namespace aero::rt::test {

inline constexpr double deadline = 5;

class FailureTest : public FileTest {
protected:
  void SetUp() override {
    FileTest::SetUp();
    test.emplace(makeTestProgram(), directory,
                 [](int, size_t i) { return int64_t(i); });
    other = test->loaded;
    other.hash[0] ^= 1;
    options.timeout = std::chrono::seconds(3);
  }
  const program::Program &program() const { return test->loaded.program; }

  /// The error of `party`, which must come before the deadline. `hostile` runs
  /// meanwhile with the other ends of the connections.
  static std::string errorOf(const std::function<Status()> &party,
                             const std::function<void()> &hostile) {
    Stopwatch watch;
    std::string message;
    std::thread thread([&] {
      Status status = party();
      message = status.ok() ? "" : status.message();
    });
    hostile();
    thread.join();
    EXPECT_LT(watch.lap(), deadline);
    return message;
  }

  /// Each role over connections that the test holds the other ends of.
  Status runServer(Channel &dealer, Channel &client) {
    Result<Server> server =
        Server::join(test->loaded, *test->weights, std::move(dealer), options);
    if (!server.ok())
      return server.takeError();
    AERO_RETURN_IF_ERROR(joinClient(*server, test->loaded, std::move(client)));
    return server->serve();
  }
  Status runClient(Channel &dealer, Channel &server, bool infers = true) {
    Result<Client> client =
        Client::join(test->loaded, std::move(server), options);
    if (!client.ok())
      return client.takeError();
    AERO_RETURN_IF_ERROR(client->joinDealer(std::move(dealer)));
    if (!infers) {
      int fds[2];
      EXPECT_EQ(::pipe(fds), 0);
      Status status = client->waitForInput(fds[0]);
      ::close(fds[0]);
      ::close(fds[1]);
      return status;
    }
    std::vector<uint32_t> tokens = {1, 2, 3, 4};
    Result<Inference> inference = client->infer(tokens, 3);
    if (!inference.ok())
      return inference.takeError();
    return client->end();
  }
  Status runDealer(Channel &client, Channel &server) {
    Result<Dealer> dealer = Dealer::create(test->loaded, options);
    AERO_RETURN_IF_ERROR(admit(*dealer, test->loaded, std::move(server)));
    AERO_RETURN_IF_ERROR(admit(*dealer, test->loaded, std::move(client)));
    return dealer->serve();
  }

  // Handshakes of the other side.
  void greetDealer(Channel &dealer, Role own) {
    SessionId named = own == Role::Client ? atDealer : SessionId{};
    auto reply = greet(dealer, test->loaded, own, Role::Dealer, {named, {}});
    Seed seed;
    ASSERT_TRUE(reply.ok() && dealer.receive(FrameKind::Seed, seed).ok());
    atDealer = reply->session;
  }
  void answerHello(Channel &party, Role own) {
    Result<Caller> caller = hearHello(std::move(party), test->loaded, own);
    ASSERT_TRUE(caller.ok());
    EXPECT_TRUE(welcome(*caller, test->loaded, own, {session, {}}).ok());
    party = std::move(caller->channel);
  }
  void answerAsDealer(Channel &party) {
    answerHello(party, Role::Dealer);
    EXPECT_TRUE(party.send(FrameKind::Seed, Seed{}).ok());
  }
  void greetServer(Channel &server) {
    EXPECT_TRUE(
        greet(server, test->loaded, Role::Client, Role::Server, {}).ok());
    for (const MaskedWeight &weight : maskedWeights(program())) {
      std::vector<uint8_t> masked(weight.rows * weight.rowBytes());
      EXPECT_TRUE(server.receive(FrameKind::Setup, masked).ok());
    }
  }
  void answerAsServer(Channel &client) {
    answerHello(client, Role::Server);
    for (const MaskedWeight &weight : maskedWeights(program()))
      EXPECT_TRUE(
          client
              .send(FrameKind::Setup,
                    std::vector<uint8_t>(weight.rows * weight.rowBytes()))
              .ok());
  }
  template <typename Contents>
  void sendCorrections(Channel &server, Contents contents) {
    for (const program::Instruction &op : program().instructions()) {
      uint64_t n = op.cost().dealer_to_server();
      if (n != 0) {
        EXPECT_TRUE(server.send(FrameKind::Correction, contents(n)).ok());
      }
    }
  }
  static void drop(Channel &channel) { Channel gone = std::move(channel); }
  static Status sendBegin(Channel &to, uint64_t inference, uint32_t position) {
    Begin begin = {inference, position, 0};
    return to.send(FrameKind::Begin, viewBytes(begin));
  }

  /// What client and server send in an exchange, by running the operations on
  /// zeros.
  std::vector<std::pair<uint64_t, uint64_t>> exchangeSizes() const {
    std::vector<std::pair<uint64_t, uint64_t>> sizes(program().exchanges());
    for (int i = 0; i < program().instructions_size(); ++i) {
      const program::Instruction &op = program().instructions(i);
      if (isLocal(op))
        continue;
      std::vector<Share> zeros;
      for (uint32_t operand : op.operands())
        zeros.emplace_back(elementCount(program().values(operand)));
      std::vector<const Share *> operands;
      for (const Share &zero : zeros)
        operands.push_back(&zero);
      std::vector<uint32_t> tokens(program().context());
      OperationContext context{
          program(),
          op,
          Role::Client,
          nullptr,
          tokens,
          0,
          Share(elementCount(program().values(op.result())))};
      auto operation = startOperation(
          std::move(context), operands,
          PartyRandom(Role::Client, Seed{}, {1, uint32_t(i), 0}, {}));
      for (unsigned step = 0; step < operation->steps(); ++step) {
        std::vector<uint8_t> out;
        operation->produce(step, out);
        StepBytes bytes = operation->bytes(step);
        sizes[op.start() + step].first += bytes.clientToServer;
        sizes[op.start() + step].second += bytes.serverToClient;
        operation->consume(step, std::vector<uint8_t>(bytes.serverToClient));
      }
    }
    return sizes;
  }

  std::optional<TestWeights> test;
  LoadedProgram other;
  SessionOptions options;
  SessionId session = {1, 2, 3};
  /// What the dealer said to the server, which comes first.
  SessionId atDealer = {};
};

using Pair = Result<std::pair<Channel, Channel>>;

} // namespace aero::rt::test

#endif // AERO_TEST_UNIT_RUNTIME_FAILUREFIXTURE_H
