//===- FailureTest.cpp - Dead, wrong and hostile peers --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProtocolHarness.h"
#include "Session/Session.h"

#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;
using testing::HasSubstr;

namespace {

constexpr double deadline = 5;

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

TEST_F(FailureTest, IdleServerNoticesThatDealerOrClientDies) {
  for (bool dealerDies : {true, false}) {
    Pair dealer = channelPair(), client = channelPair();
    std::string message =
        errorOf([&] { return runServer(dealer->first, client->first); },
                [&] {
                  answerAsDealer(dealer->second);
                  greetServer(client->second);
                  drop(dealerDies ? dealer->second : client->second);
                });
    EXPECT_THAT(message, HasSubstr("closed the connection"));
  }
}

TEST_F(FailureTest, ServerNoticesWhileItWaitsForCorrections) {
  for (bool dealerDies : {true, false}) {
    Pair dealer = channelPair(), client = channelPair();
    std::string message = errorOf(
        [&] { return runServer(dealer->first, client->first); },
        [&] {
          answerAsDealer(dealer->second);
          greetServer(client->second);
          EXPECT_TRUE(sendBegin(client->second, 1, 3).ok());
          std::vector<uint8_t> begin(sizeof(Begin));
          EXPECT_TRUE(dealer->second.receive(FrameKind::Begin, begin).ok());
          drop(dealerDies ? dealer->second : client->second);
        });
    EXPECT_THAT(message, HasSubstr("closed the connection"));
  }
}

TEST_F(FailureTest, ServerNoticesInAnExchange) {
  Pair dealer = channelPair(), client = channelPair();
  std::string message =
      errorOf([&] { return runServer(dealer->first, client->first); },
              [&] {
                answerAsDealer(dealer->second);
                greetServer(client->second);
                EXPECT_TRUE(sendBegin(client->second, 1, 3).ok());
                sendCorrections(dealer->second, [](size_t n) {
                  return std::vector<uint8_t>(n);
                });
                drop(client->second);
              });
  EXPECT_THAT(message, HasSubstr("closed the connection"));
}

TEST_F(FailureTest, DealerNoticesThatServerOrClientDies) {
  for (bool clientDies : {true, false})
    for (bool dealing : {true, false}) {
      Pair server = channelPair(), client = channelPair();
      std::string message =
          errorOf([&] { return runDealer(client->first, server->first); },
                  [&] {
                    greetDealer(server->second, Role::Server);
                    greetDealer(client->second, Role::Client);
                    if (dealing) {
                      EXPECT_TRUE(sendBegin(server->second, 1, 3).ok());
                    }
                    drop(clientDies ? client->second : server->second);
                  });
      EXPECT_THAT(message, HasSubstr("closed the connection"));
    }
}

TEST_F(FailureTest, DealerNoticesWhileItWaitsForTheClient) {
  for (bool serverDies : {true, false}) {
    options.timeout = std::chrono::milliseconds(serverDies ? 3000 : 100);
    Pair server = channelPair();
    int fds[2];
    ASSERT_EQ(::pipe(fds), 0);
    std::string message = errorOf(
        [&]() -> Status {
          Result<Dealer> dealer = Dealer::create(test->loaded, options);
          AERO_RETURN_IF_ERROR(
              admit(*dealer, test->loaded, std::move(server->first)));
          return dealer->awaitClient(fds[0]);
        },
        [&] {
          greetDealer(server->second, Role::Server);
          if (serverDies)
            drop(server->second);
        });
    EXPECT_THAT(message,
                HasSubstr(serverDies ? "the server closed the connection"
                                     : "did not come within 100 ms"));
    ::close(fds[0]);
    ::close(fds[1]);
  }
}

TEST_F(FailureTest, ClientNoticesThatServerOrDealerDies) {
  for (bool infers : {true, false})
    for (bool dealerDies : {true, false}) {
      if (infers && dealerDies)
        continue; // the client needs the dealer no more
      Pair dealer = channelPair(), server = channelPair();
      std::string message = errorOf(
          [&] { return runClient(dealer->first, server->first, infers); },
          [&] {
            answerAsServer(server->second);
            answerAsDealer(dealer->second);
            drop(dealerDies ? dealer->second : server->second);
          });
      EXPECT_THAT(message, HasSubstr("closed the connection"));
    }
}

TEST_F(FailureTest, DifferentProgramsAreNamedOnBothSides) {
  for (Role acceptor : {Role::Dealer, Role::Server}) {
    Pair link = channelPair();
    std::string theirs;
    std::string message = errorOf(
        [&]() -> Status {
          auto caller =
              hearHello(std::move(link->first), test->loaded, acceptor);
          return caller.ok() ? Status() : Status(caller.takeError());
        },
        [&] {
          theirs =
              greet(link->second, other, Role::Client, acceptor, {}).message();
        });
    EXPECT_EQ(message, std::string(roleName(acceptor)) +
                           " and client run different programs: compile once "
                           "and copy the file");
    EXPECT_EQ(theirs, std::string("client and ") + roleName(acceptor) +
                          " run different programs: compile once and copy the "
                          "file");
  }
}

TEST_F(FailureTest, ServerRefusesOtherRolesAndVersions) {
  auto serverSays = [&](std::function<void(Channel &)> client) {
    Pair dealer = channelPair(), link = channelPair();
    return errorOf([&] { return runServer(dealer->first, link->first); },
                   [&] {
                     answerAsDealer(dealer->second);
                     client(link->second);
                   });
  };
  auto sends = [](Channel &server, const Hello &hello, size_t size) {
    EXPECT_TRUE(
        server.send(FrameKind::Hello, viewBytes(hello).first(size)).ok());
  };
  std::string theirs;
  EXPECT_THAT(serverSays([&](Channel &server) {
                theirs =
                    greet(server, test->loaded, Role::Server, Role::Server, {})
                        .message();
              }),
              HasSubstr("waits for clients"));
  EXPECT_THAT(theirs, HasSubstr("already has a server"));
  Hello hello = {};
  std::memcpy(hello.magic, "AEROHELO", 8);
  hello.version = 1;
  hello.role = uint16_t(Role::Client);
  hello.program = test->loaded.hash;
  // Version 1 had hellos of 72 bytes.
  for (size_t size : {size_t(72), sizeof(hello)})
    EXPECT_THAT(
        serverSays([&](Channel &server) { sends(server, hello, size); }),
        HasSubstr("protocol version 1, this build version 2"));
  hello.version = 2;
  for (size_t size : {size_t(0), size_t(11), size_t(72), sizeof(hello) - 1})
    EXPECT_THAT(
        serverSays([&](Channel &server) { sends(server, hello, size); }),
        HasSubstr("malformed hello"));
  hello.binding[5] = 1;
  EXPECT_THAT(
      serverSays([&](Channel &server) { sends(server, hello, sizeof(hello)); }),
      HasSubstr("made for another connection"));
  hello.binding[5] = 0;
  hello.role = 4;
  EXPECT_THAT(
      serverSays([&](Channel &server) { sends(server, hello, sizeof(hello)); }),
      HasSubstr("malformed hello"));
}

TEST_F(FailureTest, DealerRefusesStrangersToTheSession) {
  Result<Dealer> dealer = Dealer::create(test->loaded, options);
  ASSERT_TRUE(dealer.ok());
  auto says = [&](Role role, SessionId named) {
    Pair link = channelPair();
    std::string answer;
    std::thread caller([&] {
      auto reply =
          greet(link->second, test->loaded, role, Role::Dealer, {named, {}});
      answer = reply.ok() ? "welcome" : reply.message();
    });
    Status status = admit(*dealer, test->loaded, std::move(link->first));
    caller.join();
    EXPECT_EQ(status.ok(), answer == "welcome");
    return answer;
  };
  EXPECT_THAT(says(Role::Client, {}), HasSubstr("knows no such session"));
  EXPECT_THAT(says(Role::Client, dealer->session()),
              HasSubstr("knows no such session"))
      << "before the server";
  EXPECT_EQ(says(Role::Server, {}), "welcome");
  EXPECT_THAT(says(Role::Server, {}), HasSubstr("already has a server"));
  EXPECT_THAT(says(Role::Client, session), HasSubstr("knows no such session"));
  EXPECT_THAT(says(Role::Dealer, dealer->session()),
              HasSubstr("already has a dealer"));
  EXPECT_EQ(says(Role::Client, dealer->session()), "welcome");
  EXPECT_THAT(says(Role::Client, dealer->session()),
              HasSubstr("already has a client"));
}

/// Limits end a session in order: the client is told at its next request.
TEST_F(FailureTest, IdleServerEndsTheSession) {
  for (SessionEnd reason :
       {SessionEnd::Idle, SessionEnd::TimeLimit, SessionEnd::Stopped}) {
    Pair dealer = channelPair(), client = channelPair();
    int fds[2];
    ASSERT_EQ(::pipe(fds), 0);
    SessionOptions own = options;
    if (reason == SessionEnd::Idle)
      own.idle = std::chrono::milliseconds(50);
    if (reason == SessionEnd::TimeLimit)
      own.deadline =
          std::chrono::steady_clock::now() + std::chrono::milliseconds(300);
    own.drain = fds[0];
    SessionEnd seen = SessionEnd::Client;
    std::string message = errorOf(
        [&]() -> Status {
          Result<Server> server = Server::join(test->loaded, *test->weights,
                                               std::move(dealer->first), own);
          AERO_RETURN_IF_ERROR(
              joinClient(*server, test->loaded, std::move(client->first)));
          Status status = server->serve();
          seen = server->statistics().end;
          return status;
        },
        [&] {
          answerAsDealer(dealer->second);
          greetServer(client->second);
          if (reason == SessionEnd::Stopped)
            EXPECT_EQ(::write(fds[1], "x", 1), 1);
          EXPECT_TRUE(dealer->second.receive(FrameKind::End, {}).ok());
          EXPECT_TRUE(client->second.receive(FrameKind::End, {}).ok());
        });
    EXPECT_EQ(message, "");
    EXPECT_EQ(seen, reason);
    ::close(fds[0]);
    ::close(fds[1]);
  }
}

TEST_F(FailureTest, CorrelationsAreUsedOnce) {
  {
    Pair server = channelPair(), client = channelPair();
    std::string message = errorOf(
        [&] { return runDealer(client->first, server->first); },
        [&] {
          greetDealer(server->second, Role::Server);
          greetDealer(client->second, Role::Client);
          EXPECT_TRUE(sendBegin(server->second, 4, 0).ok());
          for (const program::Instruction &op : program().instructions())
            if (uint64_t n = op.cost().dealer_to_server()) {
              std::vector<uint8_t> correction(n);
              EXPECT_TRUE(
                  server->second.receive(FrameKind::Correction, correction)
                      .ok());
            }
          EXPECT_TRUE(sendBegin(server->second, 4, 0).ok());
        });
    EXPECT_THAT(message, HasSubstr("they are used once"));
  }
  for (uint64_t number : {0, 2}) {
    Pair dealer = channelPair(), client = channelPair();
    std::string message =
        errorOf([&] { return runServer(dealer->first, client->first); },
                [&] {
                  answerAsDealer(dealer->second);
                  greetServer(client->second);
                  EXPECT_TRUE(sendBegin(client->second, number, 0).ok());
                });
    EXPECT_THAT(message, HasSubstr(number == 0 ? "used once" : "skips"));
  }
}

TEST_F(FailureTest, PublicPositionIsChecked) {
  Pair dealer = channelPair(), client = channelPair();
  std::string message =
      errorOf([&] { return runServer(dealer->first, client->first); },
              [&] {
                answerAsDealer(dealer->second);
                greetServer(client->second);
                EXPECT_TRUE(sendBegin(client->second, 1, 4).ok());
              });
  EXPECT_THAT(message, HasSubstr("malformed begin"));
}

/// Sends what a hostile peer might: wrong kinds, sizes, orders, noise. The
/// socket is closed at the end.
void sendNonsense(Channel channel, Inputs &inputs) {
  auto raw = [&](const void *data, size_t size) {
    (void)::send(channel.descriptor(), data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  };
  for (int64_t frames = inputs.in(1, 6); frames > 0; --frames) {
    struct {
      uint32_t magic = 0x31464541;
      uint16_t kind = 0, zero = 0;
      uint64_t size = 0;
    } header;
    header.kind = uint16_t(inputs.in(0, 9));
    uint64_t sizes[] = {0,  1,   15,  16,  17,         64,
                        72, 128, 256, 512, UINT64_MAX, uint64_t(1) << 40};
    header.size = sizes[inputs.in(0, 11)];
    if (header.kind == uint16_t(FrameKind::End))
      header.size |= 1; // anything but an orderly end
    if (inputs.in(0, 9) == 0)
      header.magic ^= 1U << inputs.in(0, 31);
    if (inputs.in(0, 19) == 0)
      header.zero = 1;
    raw(&header,
        size_t(inputs.in(0, 9) == 0 ? inputs.in(1, 15) : sizeof(header)));
    std::vector<uint8_t> payload(std::min<uint64_t>(header.size, 600));
    for (uint8_t &byte : payload)
      byte = uint8_t(inputs.in(0, 3) ? inputs.word() : 0);
    raw(payload.data(), payload.size());
  }
}

TEST_F(FailureTest, HostileMessagesEndInErrors) {
  Inputs inputs(12);
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    bool early = round % 3 == 0;
    // To the server from the client, then from the dealer.
    for (bool fromClient : {true, false}) {
      Pair dealer = channelPair(), client = channelPair();
      EXPECT_NE(
          errorOf([&] { return runServer(dealer->first, client->first); },
                  [&] {
                    if (early && !fromClient)
                      return sendNonsense(std::move(dealer->second), inputs);
                    answerAsDealer(dealer->second);
                    if (early)
                      return sendNonsense(std::move(client->second), inputs);
                    greetServer(client->second);
                    EXPECT_TRUE(sendBegin(client->second, 1, 0).ok());
                    sendNonsense(
                        std::move(fromClient ? client->second : dealer->second),
                        inputs);
                  }),
          "");
    }
    // To the client from the server.
    {
      Pair dealer = channelPair(), server = channelPair();
      EXPECT_NE(errorOf([&] { return runClient(dealer->first, server->first); },
                        [&] {
                          if (!early) {
                            answerAsServer(server->second);
                            answerAsDealer(dealer->second);
                          }
                          sendNonsense(std::move(server->second), inputs);
                        }),
                "");
    }
    // To the dealer from either party.
    for (bool fromClient : {true, false}) {
      Pair server = channelPair(), client = channelPair();
      EXPECT_NE(
          errorOf([&] { return runDealer(client->first, server->first); },
                  [&] {
                    if (early && !fromClient)
                      return sendNonsense(std::move(server->second), inputs);
                    greetDealer(server->second, Role::Server);
                    if (early)
                      return sendNonsense(std::move(client->second), inputs);
                    greetDealer(client->second, Role::Client);
                    sendNonsense(
                        std::move(fromClient ? client->second : server->second),
                        inputs);
                  }),
          "");
    }
  }
}

/// Frames of the right kinds and sizes with arbitrary contents: the result is
/// noise, but nothing breaks.
TEST_F(FailureTest, ArbitraryContentsAreHarmless) {
  Inputs inputs(13);
  auto noise = [&](size_t n) {
    std::vector<uint8_t> bytes(n);
    for (uint8_t &byte : bytes)
      byte = uint8_t(inputs.word());
    return bytes;
  };
  for (int round = 0; round < 20; ++round) {
    Pair dealer = channelPair(), client = channelPair();
    std::string message = errorOf(
        [&] { return runServer(dealer->first, client->first); },
        [&] {
          answerAsDealer(dealer->second);
          greetServer(client->second);
          EXPECT_TRUE(sendBegin(client->second, 1, 0).ok());
          sendCorrections(dealer->second, noise);
          std::vector<uint8_t> ready(sizeof(Begin));
          EXPECT_TRUE(client->second.receive(FrameKind::Begin, ready).ok());
          // Sizes of the exchanges follow from the program alone.
          for (auto [sent, received] : exchangeSizes()) {
            std::vector<uint8_t> in(received);
            Status status = client->second.exchange(noise(sent), in);
            ASSERT_TRUE(status.ok()) << status.message();
          }
          EXPECT_TRUE(client->second.send(FrameKind::End, {}).ok());
        });
    EXPECT_EQ(message, "");
  }
}

} // namespace
