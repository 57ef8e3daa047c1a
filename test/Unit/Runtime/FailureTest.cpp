//===- FailureTest.cpp - Dead and wrong peers -----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FailureFixture.h"

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;
using testing::HasSubstr;

namespace {

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

} // namespace
