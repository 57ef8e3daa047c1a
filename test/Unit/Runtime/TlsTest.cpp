//===- TlsTest.cpp - TLS 1.3 between parties that know each other ---------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestFile.h"
#include "aero/Runtime/Channel.h"

#include "gmock/gmock.h"

#include <atomic>
#include <cstring>
#include <functional>
#include <openssl/ssl.h>
#include <random>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace aero::rt;
using namespace std::chrono_literals;
using std::chrono::steady_clock;
using testing::AllOf;
using testing::HasSubstr;

namespace {

/// What one end of a connection came to.
struct End {
  std::optional<Channel> channel;
  Status status;
};

class TlsTest : public test::FileTest {
protected:
  void SetUp() override {
    FileTest::SetUp();
    for (const char *name : {"caller", "called", "stranger"})
      make(name);
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  }
  void make(const std::string &name, int64_t notBefore = -60,
            int64_t notAfter = 3600) {
    auto files = createIdentity(directory, {name, notBefore, notAfter});
    ASSERT_TRUE(files.ok()) << files.message();
  }
  TlsContext context(const std::string &name) {
    auto context = TlsContext::create(identityFiles(directory, name));
    EXPECT_TRUE(context.ok()) << context.message();
    return *context;
  }
  KeyFingerprint key(const std::string &name) {
    return *readFingerprint(path(name + ".crt"));
  }
  /// How `own` takes part and whom it accepts.
  ChannelSecurity as(const std::string &own, TlsSide side,
                     std::vector<std::string> accepted) {
    AcceptedKeys keys{{}, "--peer-key"};
    for (const std::string &name : accepted)
      keys.keys.push_back(key(name));
    return {context(own), side, std::move(keys)};
  }
  ChannelSecurity caller(std::vector<std::string> accepted = {"called"}) {
    return as("caller", TlsSide::Connect, std::move(accepted));
  }
  ChannelSecurity called(std::vector<std::string> accepted = {"caller"}) {
    return as("called", TlsSide::Accept, std::move(accepted));
  }

  /// One end's handshake and then its first message: only that tells a caller
  /// that it was refused.
  static End runEnd(int fd, const ChannelSecurity *tls, const char *peer,
                    std::chrono::milliseconds handshake = 5s) {
    End end;
    Result<Channel> channel =
        Channel::open({fd, peer, "10.0.0.2:9"}, tls, handshake);
    if (!channel.ok()) {
      end.status = channel.takeError();
      return end;
    }
    channel->setTimeout(2s);
    std::vector<uint8_t> in(3);
    end.status = channel->exchange(std::vector<uint8_t>{1, 2, 3}, in);
    end.channel.emplace(std::move(*channel));
    return end;
  }
  /// Both ends; null is plain.
  std::pair<End, End> connect(const ChannelSecurity *left,
                              const ChannelSecurity *right) {
    End a, b;
    std::thread other([&] { b = runEnd(fds[1], right, "client"); });
    a = runEnd(fds[0], left, "server");
    other.join();
    return {std::move(a), std::move(b)};
  }
  std::pair<Channel, Channel> connected() {
    ChannelSecurity left = caller(), right = called();
    auto [a, b] = connect(&left, &right);
    EXPECT_TRUE(a.status.ok() && b.status.ok());
    return {std::move(*a.channel), std::move(*b.channel)};
  }
  /// The error of the called end, whose peer does what `hostile` does with the
  /// raw socket.
  Status calledSays(const std::function<void(int)> &hostile,
                    std::chrono::milliseconds handshake = 5s) {
    ChannelSecurity right = called();
    End end;
    std::thread other(
        [&] { end = runEnd(fds[1], &right, "client", handshake); });
    hostile(fds[0]);
    other.join();
    return end.status;
  }

  int fds[2];
};

void expectError(const Status &status, const std::string &text,
                 ErrorKind kind) {
  ASSERT_FALSE(status.ok());
  EXPECT_THAT(status.message(), HasSubstr(text));
  EXPECT_EQ(status.kind(), kind) << status.message();
}

TEST_F(TlsTest, FramesAreCountedAndTlsApart) {
  auto [a, b] = connected();
  std::vector<uint8_t> sent(100000, 7), received(sent.size());
  std::thread other(
      [&, &b = b] { EXPECT_TRUE(b.receive(FrameKind::Setup, received).ok()); });
  ASSERT_TRUE(a.send(FrameKind::Setup, sent).ok());
  other.join();
  EXPECT_EQ(received, sent);
  ChannelCounters left = a.counters(), right = b.counters();
  EXPECT_EQ(left.sentBytes, 19u + 16 + 100000);
  EXPECT_EQ(left.sentFrames, 2u);
  EXPECT_EQ(left.receivedBytes, 19u);
  EXPECT_EQ(right.receivedBytes, left.sentBytes);
  // A record adds 22 bytes; the handshake is a few hundred.
  uint64_t records = 1 + 100016 / 16384 + 1;
  EXPECT_GT(left.sentWireBytes, left.sentBytes + 22 * records + 300);
  EXPECT_LT(left.sentWireBytes, left.sentBytes + 22 * records + 2000);
  EXPECT_EQ(left.sentWireBytes, right.receivedWireBytes);
  EXPECT_EQ(left.receivedWireBytes, right.sentWireBytes);
  EXPECT_EQ(a.peerKey(), key("called"));
  EXPECT_EQ(b.peerKey(), key("caller"));
  EXPECT_EQ(a.peer(), "server at 10.0.0.2:9");
}

TEST_F(TlsTest, LargeDuplexDoesNotDeadlockAndChangesKeys) {
  ChannelSecurity left = caller(), right = called();
  left.context.setRekeyBytes(1 << 20);
  right.context.setRekeyBytes(3 << 20);
  auto [a, b] = connect(&left, &right);
  ASSERT_TRUE(a.status.ok() && b.status.ok());
  constexpr size_t size = 30 << 20;
  std::vector<uint8_t> up(size), down(size), gotUp(size), gotDown(size);
  for (size_t i = 0; i < size; ++i) {
    up[i] = uint8_t(i * 7 + (i >> 11));
    down[i] = uint8_t(i * 5 + (i >> 12));
  }
  Status other;
  std::thread peer([&, &b = b] { other = b.channel->exchange(down, gotUp); });
  Status own = a.channel->exchange(up, gotDown);
  peer.join();
  EXPECT_TRUE(own.ok() && other.ok());
  EXPECT_TRUE(gotUp == up);
  EXPECT_TRUE(gotDown == down);
  // A change of keys is a record of 27 bytes: 22 and a message of 5.
  uint64_t records = (size + 16 + 16383) / 16384 + 1;
  uint64_t tls = a.channel->counters().sentWireBytes -
                 a.channel->counters().sentBytes - 22 * records;
  uint64_t other_tls = b.channel->counters().sentWireBytes -
                       b.channel->counters().sentBytes - 22 * records;
  EXPECT_GT(tls, 29u * 27);
  EXPECT_LT(other_tls, tls);
}

TEST_F(TlsTest, BufferedFramesAreSeen) {
  auto [a, b] = connected();
  for (int i = 0; i < 3; ++i)
    ASSERT_TRUE(a.send(FrameKind::End, {}).ok());
  EXPECT_TRUE(b.receive(FrameKind::End, {}).ok());
  EXPECT_TRUE(b.hasBuffered()) << "read ahead";
  EXPECT_TRUE(b.receive(FrameKind::End, {}).ok());
  EXPECT_TRUE(b.receive(FrameKind::End, {}).ok());
  EXPECT_FALSE(b.hasBuffered());
}

TEST_F(TlsTest, BindingIsOfTheConnectionAndTheSender) {
  auto [a, b] = connected();
  EXPECT_EQ(a.binding(1), b.binding(1));
  EXPECT_EQ(a.binding(2), b.binding(2));
  EXPECT_NE(a.binding(1), a.binding(2));
  EXPECT_NE(a.binding(1), KeyFingerprint());
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  auto [c, d] = connected();
  EXPECT_NE(a.binding(1), c.binding(1));
  EXPECT_EQ(channelPair()->first.binding(1), KeyFingerprint());
}

TEST_F(TlsTest, WrongKeyOfTheCalled) {
  ChannelSecurity left = caller({"stranger"}), right = called();
  auto [a, b] = connect(&left, &right);
  expectError(a.status, "the server at 10.0.0.2:9 has the key ",
              ErrorKind::Authentication);
  EXPECT_THAT(a.status.message(),
              AllOf(HasSubstr(formatFingerprint(key("called"))),
                    HasSubstr("give it to --peer-key")));
  expectError(b.status, "does not accept this party's key",
              ErrorKind::Authentication);
}

TEST_F(TlsTest, WrongKeyOfTheCaller) {
  ChannelSecurity left = caller(), right = called({"stranger", "called"});
  auto [a, b] = connect(&left, &right);
  expectError(b.status,
              "has the key " + formatFingerprint(key("caller")) +
                  ", which is not accepted",
              ErrorKind::Authentication);
  expectError(a.status, "does not accept this party's key",
              ErrorKind::Authentication);
  EXPECT_THAT(a.status.message(), HasSubstr("aero keys show"));
}

TEST_F(TlsTest, DatesOfCertificates) {
  make("old", -7200, -3600);
  make("new", 3600, 7200);
  for (const char *name : {"old", "new"}) {
    const std::string own =
        name == std::string("old") ? "expired on " : "valid from ";
    ChannelSecurity left = as(name, TlsSide::Connect, {"called"}),
                    right = called({name});
    auto [a, b] = connect(&left, &right);
    expectError(b.status, own, ErrorKind::Authentication);
    expectError(a.status, "certificate expired or not valid yet",
                ErrorKind::Authentication);

    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    left = caller({name});
    right = as(name, TlsSide::Accept, {"caller"});
    auto [c, d] = connect(&left, &right);
    expectError(c.status, own, ErrorKind::Authentication);
    expectError(d.status, "certificate expired or not valid yet",
                ErrorKind::Authentication);
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  }
}

TEST_F(TlsTest, PlainCaller) {
  ChannelSecurity right = called();
  auto [a, b] = connect(nullptr, &right);
  expectError(b.status, "does not speak TLS 1.3", ErrorKind::Authentication);
  expectError(a.status, "takes no plain connection, it speaks TLS",
              ErrorKind::Authentication);
}

TEST_F(TlsTest, PlainCalled) {
  ChannelSecurity left = caller();
  auto [a, b] = connect(&left, nullptr);
  expectError(b.status, "speaks TLS and this party does not",
              ErrorKind::Authentication);
  // It had sent a frame before it read, and has closed by now.
  expectError(a.status, "does not speak TLS 1.3", ErrorKind::Authentication);
}

/// A caller made of OpenSSL alone.
void foreignCaller(int fd, int version, bool &connected) {
  SSL_CTX *context = SSL_CTX_new(TLS_client_method());
  SSL_CTX_set_max_proto_version(context, version);
  SSL *ssl = SSL_new(context);
  SSL_set_fd(ssl, fd);
  connected = SSL_connect(ssl) == 1;
  char byte;
  if (connected)
    (void)SSL_read(ssl, &byte, 1);
  SSL_free(ssl);
  SSL_CTX_free(context);
  ::close(fd);
}

TEST_F(TlsTest, CallerOfTls12) {
  bool connected = true;
  Status status =
      calledSays([&](int fd) { foreignCaller(fd, TLS1_2_VERSION, connected); });
  EXPECT_FALSE(connected);
  expectError(status, "does not speak TLS 1.3", ErrorKind::Authentication);
}

TEST_F(TlsTest, CallerWithoutCertificate) {
  bool connected = false;
  Status status =
      calledSays([&](int fd) { foreignCaller(fd, TLS1_3_VERSION, connected); });
  expectError(status, "showed no certificate", ErrorKind::Authentication);
}

TEST_F(TlsTest, SilentAndTricklingCallersRunOutOfTime) {
  auto begin = steady_clock::now();
  expectError(calledSays([](int) {}, 100ms), "did not finish the TLS handshake",
              ErrorKind::Connection);
  ::close(fds[0]);
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  // A record header that announces much, then byte by byte.
  Status status = calledSays(
      [](int fd) {
        const uint8_t header[] = {22, 3, 1, 0x20, 0, 1, 0, 0x1F, 0xFC, 3, 3};
        for (size_t i = 0; i < 30; ++i) {
          uint8_t byte = i < sizeof(header) ? header[i] : 0;
          if (::send(fd, &byte, 1, MSG_NOSIGNAL) != 1)
            break;
          std::this_thread::sleep_for(10ms);
        }
      },
      150ms);
  expectError(status, "did not finish the TLS handshake",
              ErrorKind::Connection);
  ::close(fds[0]);
  EXPECT_LT(steady_clock::now() - begin, 10s);
}

TEST_F(TlsTest, SignalEndsAHandshake) {
  int stop[2];
  ASSERT_EQ(::pipe(stop), 0);
  ChannelSecurity right = called();
  right.abort = stop[0];
  ASSERT_EQ(::write(stop[1], "x", 1), 1);
  auto begin = steady_clock::now();
  End end = runEnd(fds[1], &right, "client", 60s);
  expectError(end.status, "signal stopped this party", ErrorKind::Stopped);
  EXPECT_LT(steady_clock::now() - begin, 10s);
  for (int fd : {fds[0], stop[0], stop[1]})
    ::close(fd);
}

TEST_F(TlsTest, CallerThatHangsUp) {
  expectError(calledSays([](int fd) { ::close(fd); }),
              "closed the connection before the TLS handshake",
              ErrorKind::Connection);
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  expectError(calledSays([](int fd) {
                const uint8_t bytes[] = {22, 3, 1, 0, 100, 1};
                EXPECT_EQ(::write(fd, bytes, sizeof(bytes)), 6);
                ::close(fd);
              }),
              "closed the connection", ErrorKind::Connection);
}

/// Whatever a stranger sends instead of a handshake is an error in time.
TEST_F(TlsTest, HostileHandshakes) {
  // A true ClientHello to start from.
  std::vector<uint8_t> hello(4096);
  {
    std::thread sender([&] {
      ChannelSecurity left = caller();
      (void)Channel::open({fds[0], "server", ""}, &left, 300ms);
    });
    ssize_t n = ::recv(fds[1], hello.data(), hello.size(), 0);
    ASSERT_GT(n, 100);
    hello.resize(size_t(n));
    ::close(fds[1]);
    sender.join();
  }
  std::mt19937_64 random(5);
  for (int round = 0; round < 300; ++round) {
    SCOPED_TRACE(round);
    std::vector<uint8_t> bytes = hello;
    if (round % 3 == 0) {
      bytes.resize(random() % 600);
      for (uint8_t &byte : bytes)
        byte = uint8_t(random());
    } else {
      for (int flips = int(random() % 4 + 1); flips > 0; --flips)
        bytes[random() % bytes.size()] ^= uint8_t(1u << random() % 8);
      if (round % 3 == 1)
        bytes.resize(random() % bytes.size());
      // A hello that survives is followed by noise.
      for (size_t more = random() % 100; more > 0; --more)
        bytes.push_back(uint8_t(random()));
    }
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    Status status = calledSays([&](int fd) {
      (void)::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ::close(fd);
    });
    ASSERT_FALSE(status.ok());
    EXPECT_THAT(status.message(), HasSubstr("the client at 10.0.0.2:9 "));
  }
}

/// Passes bytes on in both directions, changed by `touch`.
void relay(int from, int to,
           const std::function<bool(std::span<uint8_t>)> &touch) {
  uint8_t buffer[4096];
  ssize_t n;
  while ((n = ::recv(from, buffer, sizeof(buffer), 0)) > 0) {
    bool goOn = touch({buffer, size_t(n)});
    if (!goOn || ::send(to, buffer, size_t(n), MSG_NOSIGNAL) != n)
      break;
  }
  ::shutdown(to, SHUT_WR);
  ::shutdown(from, SHUT_RD);
}

/// The caller's error when what the called sends after the handshake passes
/// through `touch`.
class TlsRelayTest : public TlsTest {
protected:
  Status callerSays(const std::function<bool(std::span<uint8_t>)> &touch) {
    int far[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, far), 0);
    std::atomic<bool> active = false;
    std::thread up([&] {
      relay(fds[1], far[0], [](std::span<uint8_t>) { return true; });
    });
    std::thread down([&] {
      relay(far[0], fds[1],
            [&](std::span<uint8_t> bytes) { return !active || touch(bytes); });
    });
    ChannelSecurity left = caller(), right = called();
    Status status;
    std::thread other([&] {
      End end = runEnd(far[1], &right, "client");
      active.wait(false); // until the caller has its first message
      if (end.channel)
        (void)end.channel->send(FrameKind::Setup, std::vector<uint8_t>(100000));
    });
    {
      End end = runEnd(fds[0], &left, "server");
      EXPECT_TRUE(end.status.ok());
      active = true;
      active.notify_all();
      std::vector<uint8_t> in(100000);
      if (end.channel)
        status = end.channel->receive(FrameKind::Setup, in);
    }
    up.join();
    down.join();
    other.join();
    ::close(fds[1]);
    ::close(far[0]);
    return status;
  }
};

TEST_F(TlsRelayTest, ChangedBytes) {
  expectError(callerSays([](std::span<uint8_t> bytes) {
                bytes.back() ^= 1;
                return true;
              }),
              "sent a damaged TLS record", ErrorKind::Protocol);
}

TEST_F(TlsRelayTest, TruncatedStream) {
  size_t passed = 0;
  expectError(callerSays([&](std::span<uint8_t> bytes) {
                return (passed += bytes.size()) < 50000;
              }),
              "closed the connection", ErrorKind::Connection);
}

TEST_F(TlsTest, OversizedFrameIsRefusedBeforeItIsAllocated) {
  auto [a, b] = connected();
  ASSERT_TRUE(a.send(FrameKind::Hello, std::vector<uint8_t>(2000)).ok());
  Result<std::vector<uint8_t>> got = b.receiveUpTo(FrameKind::Hello, 1024);
  ASSERT_FALSE(got.ok());
  expectError(got.takeError(), "with 2000 bytes where at most 1024",
              ErrorKind::Protocol);
}

TEST_F(TlsTest, SilentPeerDeadlineAndAbort) {
  auto [a, b] = connected();
  std::vector<uint8_t> in(1);
  a.setTimeout(50ms);
  expectError(a.receive(FrameKind::Begin, in), "has been silent for 50 ms",
              ErrorKind::Connection);
  b.setTimeout(10s);
  b.setDeadline(steady_clock::now() + 50ms);
  expectError(b.receive(FrameKind::Begin, in), "reached its time limit",
              ErrorKind::Connection);
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
  auto [c, d] = connected();
  int stop[2];
  ASSERT_EQ(::pipe(stop), 0);
  c.setAbort(stop[0]);
  std::thread signal([&] {
    std::this_thread::sleep_for(50ms);
    EXPECT_EQ(::write(stop[1], "x", 1), 1);
  });
  expectError(c.receive(FrameKind::Begin, in), "stopped by a signal",
              ErrorKind::Stopped);
  signal.join();
  ::close(stop[0]);
  ::close(stop[1]);
}

/// A peer that sends a byte of a frame now and then cannot outlast a deadline.
TEST_F(TlsTest, SlowPeerEndsAtTheDeadline) {
  auto [a, b] = connected();
  std::atomic<bool> done = false;
  std::thread slow([&, &a = a] {
    while (!done && a.send(FrameKind::End, {}).ok())
      std::this_thread::sleep_for(20ms);
  });
  b.setTimeout(100ms);
  b.setDeadline(steady_clock::now() + 300ms);
  Status status;
  while (status.ok())
    status = b.receive(FrameKind::End, {});
  expectError(status, "time limit", ErrorKind::Connection);
  done = true;
  slow.join();
}

TEST_F(TlsTest, WritingToAClosedPeerRaisesNoSignal) {
  auto [a, b] = connected();
  {
    Channel gone = std::move(b);
  }
  Status status;
  for (int i = 0; i < 100 && status.ok(); ++i)
    status = a.send(FrameKind::Exchange, std::vector<uint8_t>(1000));
  expectError(status, "closed the connection", ErrorKind::Connection);
}

TEST_F(TlsTest, AnyAddressAndNamesWithTls) {
  Result<Listener> listener = Listener::open("0.0.0.0", 0, /*secure=*/true);
  ASSERT_TRUE(listener.ok()) << listener.message();
  ChannelSecurity left = caller(), right = called();
  std::thread other([&] {
    auto connection = listener->acceptConnection("client", 5s);
    ASSERT_TRUE(connection.ok());
    EXPECT_THAT(connection->address, HasSubstr("127.0.0.1:"));
    EXPECT_TRUE(Channel::open(std::move(*connection), &right, 5s).ok());
  });
  auto channel =
      connectTo({"localhost", listener->port()}, "server", 5s, &left);
  EXPECT_TRUE(channel.ok()) << channel.message();
  other.join();
  auto unknown = connectTo({"no-such-host.invalid", 1}, "server", 1s, &left);
  ASSERT_FALSE(unknown.ok());
  EXPECT_THAT(unknown.message(), HasSubstr("no-such-host.invalid"));
  EXPECT_EQ(unknown.kind(), ErrorKind::Connection);
}

} // namespace
