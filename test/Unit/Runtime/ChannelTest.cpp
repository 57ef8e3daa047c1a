//===- ChannelTest.cpp - Framed, counted connections ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Channel.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <cstring>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace aero::rt;
using testing::HasSubstr;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

static std::vector<uint8_t> message(size_t n, uint8_t first) {
  std::vector<uint8_t> bytes(n);
  for (size_t i = 0; i < n; ++i)
    bytes[i] = static_cast<uint8_t>(first + i * 7 + (i >> 11));
  return bytes;
}

/// Two channels over TCP.
static std::pair<Channel, Channel> tcpPair() {
  Result<Listener> listener = Listener::open("127.0.0.1", 0);
  EXPECT_TRUE(listener.ok());
  Result<Channel> client =
      connectTo({"127.0.0.1", listener->port()}, "server", 5s);
  EXPECT_TRUE(client.ok());
  Result<Channel> server = listener->accept("client", 5s);
  EXPECT_TRUE(server.ok());
  return {std::move(*client), std::move(*server)};
}

/// A channel whose peer sends `bytes` as they are; the other end stays open if
/// `rest` is given.
static Channel rawPeer(std::span<const uint8_t> bytes, int *rest = nullptr) {
  int fds[2];
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  EXPECT_EQ(::write(fds[1], bytes.data(), bytes.size()), ssize_t(bytes.size()));
  if (rest)
    *rest = fds[1];
  else
    ::close(fds[1]);
  Channel channel(fds[0], "server");
  channel.setTimeout(200ms);
  return channel;
}

static std::vector<uint8_t> header(uint16_t kind, uint64_t size,
                                   uint32_t magic = 0x31464541,
                                   uint16_t zero = 0) {
  std::vector<uint8_t> bytes(16);
  std::memcpy(bytes.data(), &magic, 4);
  std::memcpy(bytes.data() + 4, &kind, 2);
  std::memcpy(bytes.data() + 6, &zero, 2);
  std::memcpy(bytes.data() + 8, &size, 8);
  return bytes;
}

TEST(ChannelTest, FramesAreCounted) {
  auto [client, server] = tcpPair();
  std::vector<uint8_t> sent = message(100, 3), received(100);
  ASSERT_TRUE(client.send(FrameKind::Setup, sent).ok());
  ASSERT_TRUE(client.send(FrameKind::End, {}).ok());
  ASSERT_TRUE(server.receive(FrameKind::Setup, received).ok());
  ASSERT_TRUE(server.receive(FrameKind::End, {}).ok());
  EXPECT_EQ(received, sent);
  EXPECT_EQ(client.counters().sentBytes, 132u);
  EXPECT_EQ(client.counters().sentFrames, 2u);
  EXPECT_EQ(client.counters().receivedBytes, 0u);
  EXPECT_EQ(server.counters().receivedBytes, 132u);
  EXPECT_EQ(server.counters().receivedFrames, 2u);
  EXPECT_THAT(server.peer(), HasSubstr("client at 127.0.0.1:"));
}

TEST(ChannelTest, FrameLayout) {
  int other;
  Channel channel = rawPeer({}, &other);
  ASSERT_TRUE(channel.send(FrameKind::Begin, std::vector<uint8_t>{9, 8}).ok());
  uint8_t bytes[18];
  ASSERT_EQ(::read(other, bytes, sizeof(bytes)), 18);
  const uint8_t expected[18] = {'A', 'E', 'F', '1', 4, 0, 0, 0, 2,
                                0,   0,   0,   0,   0, 0, 0, 9, 8};
  EXPECT_EQ(std::memcmp(bytes, expected, 18), 0);
  ::close(other);
}

TEST(ChannelTest, LargeDuplexDoesNotDeadlock) {
  constexpr size_t size = 50 << 20;
  for (bool tcp : {true, false}) {
    auto [client, server] = tcp ? tcpPair() : std::move(*channelPair());
    std::vector<uint8_t> up = message(size, 1), down = message(size, 2);
    std::vector<uint8_t> gotUp(size), gotDown(size);
    bool peerOk = false;
    std::thread peer(
        [&, &server = server] { peerOk = server.exchange(down, gotUp).ok(); });
    EXPECT_TRUE(client.exchange(up, gotDown).ok());
    peer.join();
    EXPECT_TRUE(peerOk);
    EXPECT_TRUE(gotUp == up);
    EXPECT_TRUE(gotDown == down);
  }
}

TEST(ChannelTest, AnEmptySideHasNoFrame) {
  auto pair = channelPair();
  auto &[a, b] = *pair;
  std::vector<uint8_t> sent = message(10, 0), received(10);
  ASSERT_TRUE(a.exchange(sent, {}).ok());
  ASSERT_TRUE(b.exchange({}, received).ok());
  ASSERT_TRUE(b.exchange({}, {}).ok());
  EXPECT_EQ(received, sent);
  EXPECT_EQ(a.counters().receivedFrames, 0u);
  EXPECT_EQ(b.counters().sentBytes, 0u);
}

TEST(ChannelTest, ReceiveUpToAndAny) {
  auto pair = channelPair();
  auto &[a, b] = *pair;
  std::vector<uint8_t> sent = message(10, 0);
  ASSERT_TRUE(a.send(FrameKind::Hello, sent).ok());
  ASSERT_TRUE(a.send(FrameKind::End, {}).ok());
  Result<std::vector<uint8_t>> hello = b.receiveUpTo(FrameKind::Hello, 10);
  ASSERT_TRUE(hello.ok());
  EXPECT_EQ(*hello, sent);
  const FrameKind kinds[] = {FrameKind::Begin, FrameKind::End};
  auto any = b.receiveAny(kinds, 100);
  ASSERT_TRUE(any.ok());
  EXPECT_EQ(any->first, FrameKind::End);
  EXPECT_TRUE(any->second.empty());
}

TEST(ChannelTest, WrongKind) {
  auto pair = channelPair();
  auto &[a, b] = *pair;
  ASSERT_TRUE(a.send(FrameKind::Seed, message(4, 0)).ok());
  std::vector<uint8_t> got(4);
  Status status = b.receive(FrameKind::Setup, got);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.message(),
              HasSubstr("the peer sent a frame of seed where set-up was"));
  // The stream's position is lost: the channel stays unusable.
  Status later = b.send(FrameKind::End, {});
  ASSERT_FALSE(later.ok());
  EXPECT_EQ(later.message(), status.message());
}

TEST(ChannelTest, WrongKindOfAny) {
  Channel channel = rawPeer(header(99, 0));
  const FrameKind kinds[] = {FrameKind::Begin, FrameKind::End};
  auto any = channel.receiveAny(kinds, 100);
  ASSERT_FALSE(any.ok());
  EXPECT_THAT(any.message(), HasSubstr("kind 99 where begin or end"));
}

TEST(ChannelTest, WrongSize) {
  auto pair = channelPair();
  auto &[a, b] = *pair;
  ASSERT_TRUE(a.send(FrameKind::Exchange, message(4, 0)).ok());
  std::vector<uint8_t> got(5);
  Status status = b.exchange({}, got);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.message(),
              HasSubstr("with 4 bytes where 5 were expected"));
}

TEST(ChannelTest, OversizedFrameIsRefusedBeforeAllocation) {
  Channel channel = rawPeer(header(1, uint64_t(1) << 60));
  auto got = channel.receiveUpTo(FrameKind::Hello, 1000);
  ASSERT_FALSE(got.ok());
  EXPECT_THAT(got.message(), HasSubstr("at most 1000 were expected"));
}

TEST(ChannelTest, BadHeader) {
  for (const auto &bytes :
       {header(1, 0, 0x12345678), header(1, 0, 0x31464541, 1)}) {
    Channel channel = rawPeer(bytes);
    Status status = channel.receive(FrameKind::Hello, {});
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(status.message(), HasSubstr("does not speak this protocol"));
  }
}

TEST(ChannelTest, TruncatedFrame) {
  std::vector<uint8_t> whole = header(6, 8);
  whole.resize(24);
  std::vector<uint8_t> payload(8);
  for (size_t size = 0; size < whole.size(); ++size) {
    Channel channel = rawPeer(std::span(whole).first(size));
    Status status = channel.receive(FrameKind::Exchange, payload);
    ASSERT_FALSE(status.ok()) << size;
    EXPECT_THAT(status.message(),
                HasSubstr("the server closed the connection"));
  }
}

TEST(ChannelTest, SilentPeerTimesOut) {
  int other;
  Channel channel = rawPeer(header(6, 8), &other);
  std::vector<uint8_t> payload(8);
  auto begin = steady_clock::now();
  Status status = channel.receive(FrameKind::Exchange, payload);
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.message(),
              HasSubstr("the server has been silent for 200"));
  EXPECT_GE(steady_clock::now() - begin, 200ms);
  EXPECT_LT(steady_clock::now() - begin, 5s);
  ::close(other);
}

TEST(ChannelTest, PeerThatDoesNotReadTimesOut) {
  int other;
  Channel channel = rawPeer({}, &other);
  Status status = channel.send(FrameKind::Setup, message(64 << 20, 0));
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("it takes no more data"));
  ::close(other);
}

TEST(ChannelTest, ProgressResetsTheTimeout) {
  int other;
  Channel channel = rawPeer(header(6, 8), &other);
  std::thread slow([&] {
    for (int i = 0; i < 8; ++i) {
      std::this_thread::sleep_for(50ms);
      EXPECT_EQ(::write(other, "x", 1), 1);
    }
  });
  std::vector<uint8_t> payload(8);
  EXPECT_TRUE(channel.receive(FrameKind::Exchange, payload).ok());
  slow.join();
  ::close(other);
}

TEST(ChannelTest, KilledPeerIsAnErrorAtOnce) {
  for (bool sending : {false, true}) {
    Result<Listener> listener = Listener::open("127.0.0.1", 0);
    ASSERT_TRUE(listener.ok());
    pid_t child = ::fork();
    if (child == 0) {
      auto channel = connectTo({"127.0.0.1", listener->port()}, "server", 5s);
      ::pause();
      ::_exit(0);
    }
    Result<Channel> channel = listener->accept("client", 5s);
    ASSERT_TRUE(channel.ok());
    std::thread killer([&] {
      std::this_thread::sleep_for(100ms);
      ::kill(child, SIGKILL);
    });
    auto begin = steady_clock::now();
    std::vector<uint8_t> big(sending ? 256 << 20 : 0), in(8);
    Status status = channel->exchange(big, in);
    EXPECT_LT(steady_clock::now() - begin, 5s);
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(status.message(), AllOf(HasSubstr("the client at 127.0.0.1:"),
                                        HasSubstr("closed the connection")));
    killer.join();
    ::waitpid(child, nullptr, 0);
  }
}

TEST(ChannelTest, WritingToAClosedPeerRaisesNoSignal) {
  auto [client, server] = tcpPair();
  {
    Channel gone = std::move(server);
  }
  Status status;
  for (int i = 0; i < 100 && status.ok(); ++i) {
    status = client.send(FrameKind::Exchange, message(1000, 0));
    std::this_thread::sleep_for(1ms);
  }
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr("closed the connection"));
}

TEST(ChannelTest, OnlyLoopbackIsAccepted) {
  for (const char *host :
       {"0.0.0.0", "192.168.1.1", "8.8.8.8", "::", "example.com", "",
        "128.0.0.1", "127.0.0.1.example.com", "::ffff:127.0.0.1"}) {
    Result<Listener> listener = Listener::open(host, 0);
    ASSERT_FALSE(listener.ok()) << host;
    EXPECT_THAT(listener.message(),
                HasSubstr("refusing address '" + std::string(host) + "'"));
    EXPECT_THAT(listener.message(), HasSubstr("loopback"));
    EXPECT_FALSE(connectTo({host, 1}, "server", 1s).ok());
  }
  for (const char *host : {"127.0.0.1", "127.1.2.3", "localhost"}) {
    Result<Listener> listener = Listener::open(host, 0);
    ASSERT_TRUE(listener.ok()) << host;
    EXPECT_TRUE(connectTo({host, listener->port()}, "server", 1s).ok());
  }
}

TEST(ChannelTest, LoopbackOfTheSixthVersion) {
  Result<Listener> listener = Listener::open("::1", 0);
  if (!listener.ok())
    GTEST_SKIP() << listener.message();
  EXPECT_TRUE(connectTo({"::1", listener->port()}, "server", 1s).ok());
}

TEST(ChannelTest, PortInUseIsNamed) {
  Result<Listener> first = Listener::open("127.0.0.1", 0);
  ASSERT_TRUE(first.ok());
  Result<Listener> second = Listener::open("127.0.0.1", first->port());
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(
      second.message(),
      HasSubstr("port " + std::to_string(first->port()) + " is in use"));
}

TEST(ChannelTest, MissingProcessIsNamed) {
  uint16_t port;
  {
    Result<Listener> listener = Listener::open("127.0.0.1", 0);
    ASSERT_TRUE(listener.ok());
    port = listener->port();
  }
  Result<Channel> channel = connectTo({"127.0.0.1", port}, "dealer", 100ms);
  ASSERT_FALSE(channel.ok());
  EXPECT_THAT(channel.message(), HasSubstr("cannot reach the dealer"));
  EXPECT_THAT(channel.message(), HasSubstr(std::to_string(port)));
  EXPECT_THAT(channel.message(), HasSubstr("start the dealer first"));
}

TEST(ChannelTest, ConnectWaitsForTheListener) {
  uint16_t port;
  {
    Result<Listener> listener = Listener::open("127.0.0.1", 0);
    port = listener->port();
  }
  std::thread late([&] {
    std::this_thread::sleep_for(150ms);
    Result<Listener> listener = Listener::open("127.0.0.1", port);
    ASSERT_TRUE(listener.ok()) << listener.message();
    EXPECT_TRUE(listener->accept("client", 5s).ok());
  });
  EXPECT_TRUE(connectTo({"127.0.0.1", port}, "server", 5s).ok());
  late.join();
}

TEST(ChannelTest, AcceptTimesOut) {
  Result<Listener> listener = Listener::open("127.0.0.1", 0);
  ASSERT_TRUE(listener.ok());
  Result<Channel> channel = listener->accept("client", 50ms);
  ASSERT_FALSE(channel.ok());
  EXPECT_THAT(channel.message(), HasSubstr("the client did not connect"));
}
