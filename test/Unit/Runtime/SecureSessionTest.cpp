//===- SecureSessionTest.cpp - Three parties that know each other's keys --===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProtocolHarness.h"
#include "Session/Session.h"

#include <sys/socket.h>
#include <thread>

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;
using testing::HasSubstr;

namespace {

class SecureSessionTest : public FileTest {
protected:
  void SetUp() override {
    FileTest::SetUp();
    test.emplace(makeTestProgram(), directory,
                 [](int, size_t i) { return int64_t(i % 100); });
    for (const char *name : {"client", "server", "dealer", "stranger"})
      ASSERT_TRUE(createIdentity(directory, {name}).ok());
    options.timeout = std::chrono::seconds(3);
  }
  TlsContext context(const std::string &name) {
    return *TlsContext::create(identityFiles(directory, name));
  }
  KeyFingerprint key(const std::string &name) { return context(name).ownKey(); }

  /// Two ends of a connection between these two.
  std::pair<Channel, Channel> link(const std::string &caller,
                                   const std::string &called) {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    ChannelSecurity left{
        context(caller), TlsSide::Connect, {{key(called)}, ""}};
    ChannelSecurity right{
        context(called), TlsSide::Accept, {{key(caller)}, ""}};
    std::optional<Channel> accepted;
    std::thread other([&] {
      auto channel =
          Channel::open({fds[1], caller, ""}, &right, std::chrono::seconds(5));
      ASSERT_TRUE(channel.ok()) << channel.message();
      accepted.emplace(std::move(*channel));
    });
    auto channel =
        Channel::open({fds[0], called, ""}, &left, std::chrono::seconds(5));
    EXPECT_TRUE(channel.ok()) << channel.message();
    other.join();
    return {std::move(*channel), std::move(*accepted)};
  }
  /// A dealer with a session that the server opened for this client.
  Dealer openSession(const KeyFingerprint &client) {
    Dealer dealer = std::move(*Dealer::create(test->loaded, options));
    auto [near, far] = link("server", "dealer");
    std::thread other([&, &near = near] {
      EXPECT_TRUE(
          greet(near, test->loaded, Role::Server, Role::Dealer, {{}, client})
              .ok());
    });
    EXPECT_TRUE(admit(dealer, test->loaded, std::move(far)).ok());
    other.join();
    servers.push_back(std::move(near));
    return dealer;
  }
  /// What the dealer answers to a client.
  std::string join(Dealer &dealer, const std::string &name,
                   const KeyFingerprint &server) {
    auto [near, far] = link(name, "dealer");
    std::string answer;
    std::thread other([&, &near = near] {
      auto reply = greet(near, test->loaded, Role::Client, Role::Dealer,
                         {dealer.session(), server});
      answer = reply.ok() ? "welcome" : reply.message();
    });
    (void)admit(dealer, test->loaded, std::move(far));
    other.join();
    return answer;
  }

  std::optional<TestWeights> test;
  SessionOptions options;
  std::vector<Channel> servers;
};

TEST_F(SecureSessionTest, EveryByteOfASession) {
  auto [clientToServer, serverToClient] = link("client", "server");
  auto [clientToDealer, dealerToClient] = link("client", "dealer");
  auto [serverToDealer, dealerToServer] = link("server", "dealer");
  SessionStatistics dealt, served;
  std::thread dealer([&, &server = dealerToServer, &client = dealerToClient] {
    Result<Dealer> dealer = Dealer::create(test->loaded, options);
    EXPECT_TRUE(admit(*dealer, test->loaded, std::move(server)).ok());
    EXPECT_TRUE(admit(*dealer, test->loaded, std::move(client)).ok());
    EXPECT_TRUE(dealer->serve().ok());
    dealt = dealer->statistics();
  });
  std::thread server([&, &dealer = serverToDealer, &client = serverToClient] {
    Result<Server> server =
        Server::join(test->loaded, *test->weights, std::move(dealer), options,
                     key("client"));
    ASSERT_TRUE(server.ok()) << server.message();
    Status joined = joinClient(*server, test->loaded, std::move(client));
    EXPECT_TRUE(joined.ok()) << joined.message();
    EXPECT_TRUE(server->serve().ok());
    served = server->statistics();
  });
  Result<Client> client =
      Client::join(test->loaded, std::move(clientToServer), options);
  ASSERT_TRUE(client.ok()) << client.message();
  Status joined = client->joinDealer(std::move(clientToDealer));
  ASSERT_TRUE(joined.ok()) << joined.message();
  std::vector<uint32_t> tokens = {1, 2, 3, 4};
  for (int i = 0; i < 2; ++i)
    EXPECT_TRUE(client->infer(tokens, 3).ok());
  EXPECT_TRUE(client->end().ok());
  server.join();
  dealer.join();
  for (const SessionStatistics &party : {client->statistics(), served, dealt}) {
    uint64_t wire = 0, tls = 0;
    for (const PeerStatistics &peer : party.peers) {
      const ChannelCounters &c = peer.counters;
      wire += c.sentWireBytes + c.receivedWireBytes;
      // A handshake, and 22 bytes a record of at most 16 KiB.
      uint64_t frames = c.sentFrames + c.receivedFrames;
      EXPECT_GE(c.sentWireBytes, c.sentBytes + 22 * c.sentFrames);
      tls += 22 * (frames + (c.sentBytes + c.receivedBytes) / 16384);
    }
    EXPECT_EQ(party.payloadBytes() + party.framingBytes() + party.tlsBytes(),
              wire);
    EXPECT_LE(party.tlsBytes(), tls + 2 * 4000);
  }
}

/// A hello is good for one connection only.
TEST_F(SecureSessionTest, ReplayedHello) {
  auto [near, far] = link("client", "server");
  std::thread caller([&, &near = near] {
    (void)greet(near, test->loaded, Role::Client, Role::Server, {});
  });
  auto recorded = far.receiveUpTo(FrameKind::Hello, maxHelloBytes);
  ASSERT_TRUE(recorded.ok());
  Hello hello;
  ASSERT_EQ(recorded->size(), sizeof(hello));
  std::memcpy(&hello, recorded->data(), sizeof(hello));
  {
    Channel gone = std::move(far);
  }
  caller.join();
  for (bool other : {false, true}) {
    auto [again, server] = link("client", "server");
    if (!other)
      hello.binding = again.binding(uint8_t(Role::Client));
    else
      std::memcpy(&hello, recorded->data(), sizeof(hello));
    ASSERT_TRUE(again.send(FrameKind::Hello, viewBytes(hello)).ok());
    auto heard = hearHello(std::move(server), test->loaded, Role::Server);
    EXPECT_EQ(heard.ok(), !other);
    if (other) {
      EXPECT_THAT(heard.message(), HasSubstr("made for another connection"));
      EXPECT_EQ(heard.kind(), ErrorKind::Authentication);
    }
  }
  // Nor does the server's own hello pass for the client's.
  auto [again, server] = link("client", "server");
  hello.binding = again.binding(uint8_t(Role::Server));
  ASSERT_TRUE(again.send(FrameKind::Hello, viewBytes(hello)).ok());
  EXPECT_FALSE(hearHello(std::move(server), test->loaded, Role::Server).ok());
}

/// The dealer lets in the client that the server named, if it names the server.
TEST_F(SecureSessionTest, SessionBelongsToItsKeys) {
  Dealer dealer = openSession(key("client"));
  EXPECT_THAT(join(dealer, "stranger", key("server")),
              HasSubstr("does not accept this key as that of the client"));
  EXPECT_THAT(join(dealer, "client", key("stranger")),
              HasSubstr("does not accept this key"));
  EXPECT_THAT(join(dealer, "client", {}), HasSubstr("does not accept"));
  EXPECT_EQ(join(dealer, "client", key("server")), "welcome");
}

/// A client whose server names another dealer, or whose dealer names another
/// server, stops before it has sent anything.
TEST_F(SecureSessionTest, ClientChecksWhoThePeersAre) {
  for (bool otherDealer : {true, false}) {
    auto [toServer, server] = link("client", "server");
    auto [toDealer, dealer] = link("client", "dealer");
    std::thread peers([&, &server = server, &dealer = dealer] {
      auto heard = hearHello(std::move(server), test->loaded, Role::Server);
      ASSERT_TRUE(heard.ok());
      EXPECT_TRUE(welcome(*heard, test->loaded, Role::Server,
                          {{7}, key(otherDealer ? "stranger" : "dealer")})
                      .ok());
      if (otherDealer)
        return;
      auto caller = hearHello(std::move(dealer), test->loaded, Role::Dealer);
      ASSERT_TRUE(caller.ok());
      EXPECT_TRUE(
          welcome(*caller, test->loaded, Role::Dealer, {{7}, key("stranger")})
              .ok());
    });
    Result<Client> client =
        Client::join(test->loaded, std::move(toServer), options);
    ASSERT_TRUE(client.ok());
    Status status = client->joinDealer(std::move(toDealer));
    peers.join();
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(status.message(),
                HasSubstr(otherDealer ? "give both the same dealer"
                                      : "has another server"));
    EXPECT_EQ(status.kind(), ErrorKind::Authentication);
  }
}

} // namespace
