//===- Channel.cpp - Framed, counted connections --------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Channel.h"

#include "Transport.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace aero::rt;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

static_assert(std::endian::native == std::endian::little,
              "headers are written as little-endian words");

static constexpr uint32_t frameMagic = 0x31464541; // "AEF1"

namespace {

/// The header of docs/secure-engine.md as it lies in memory.
struct Header {
  uint32_t magic = frameMagic;
  uint16_t kind = 0;
  uint16_t zero = 0;
  uint64_t size = 0;
};
static_assert(sizeof(Header) == frameHeaderBytes);

/// A frame on its way out.
struct Outgoing {
  Header header;
  std::span<const uint8_t> payload;
  uint64_t sent = 0;

  Outgoing(FrameKind kind, std::span<const uint8_t> payload)
      : payload(payload) {
    header.kind = static_cast<uint16_t>(kind);
    header.size = payload.size();
  }
  bool done() const { return sent == frameHeaderBytes + payload.size(); }
};

/// A frame on its way in. The payload has no place until the header is there
/// and found to be one that the caller can take.
struct Incoming {
  std::span<const FrameKind> kinds;
  uint64_t least, most;
  /// Where the payload goes; allocated in `own` if the caller has no place.
  std::span<uint8_t> payload;
  std::vector<uint8_t> own;
  bool allocate;

  Header header;
  uint64_t received = 0;

  bool done() const {
    return received >= frameHeaderBytes &&
           received == frameHeaderBytes + header.size;
  }
};

} // namespace

static const char *kindName(FrameKind kind) {
  switch (kind) {
  case FrameKind::Hello:
    return "hello";
  case FrameKind::Seed:
    return "seed";
  case FrameKind::Setup:
    return "set-up";
  case FrameKind::Begin:
    return "begin";
  case FrameKind::Correction:
    return "correction";
  case FrameKind::Exchange:
    return "exchange";
  case FrameKind::End:
    return "end";
  }
  return nullptr;
}

static std::string describeKind(uint16_t kind) {
  if (const char *name = kindName(static_cast<FrameKind>(kind)))
    return name;
  return "kind " + std::to_string(kind);
}

/// The first two bytes of a TLS record of this type, where a frame should be.
static constexpr uint8_t tlsAlert = 21, tlsHandshake = 22;
static bool looksLikeTls(const Header &header, uint8_t type) {
  return (header.magic & 0xFFFF) == (uint32_t(3) << 8 | type);
}

static std::string seconds(milliseconds time) {
  if (time.count() % 1000)
    return std::to_string(time.count()) + " ms";
  return std::to_string(time.count() / 1000) + " s";
}

struct Channel::State {
  std::unique_ptr<Transport> transport;
  std::string name, address;
  milliseconds timeout{30000};
  std::optional<steady_clock::time_point> deadline;
  int abort = -1;
  ChannelCounters counters;
  /// After an error the position in the stream is unknown, so the first error
  /// is also the answer to every later call.
  std::optional<Error> failure;

  std::string peer() const {
    return address.empty() ? name : name + " at " + address;
  }
  Error fail(std::string message, ErrorKind kind) {
    if (!failure)
      failure = Error{std::move(message), kind};
    return *failure;
  }
  /// An error whose subject is the peer.
  Error failPeer(const std::string &what, ErrorKind kind) {
    return fail("the " + peer() + " " + what, kind);
  }
  Error fail(const Failure &failure) {
    return failPeer(failure.what, failure.kind);
  }

  /// Moves `out` and `in` (either may be null) until both are done.
  Status pump(Outgoing *out, Incoming *in);
  Status sendSome(Outgoing &out, Progress &last);
  Status receiveSome(Incoming &in, Progress &last);
  Status checkHeader(Incoming &in);
  Status wait(short events, steady_clock::time_point until, bool receiving);
};

Status Channel::State::sendSome(Outgoing &out, Progress &last) {
  while (!out.done()) {
    std::span<const uint8_t> head, body = out.payload;
    if (out.sent < frameHeaderBytes)
      head =
          std::span(reinterpret_cast<uint8_t *>(&out.header), frameHeaderBytes)
              .subspan(out.sent);
    else
      body = body.subspan(out.sent - frameHeaderBytes);
    last = transport->write(head, body);
    if (last.failure)
      return fail(*last.failure);
    if (last.bytes == 0)
      return {};
    out.sent += last.bytes;
    counters.sentBytes += last.bytes;
  }
  ++counters.sentFrames;
  return {};
}

Status Channel::State::checkHeader(Incoming &in) {
  const Header &header = in.header;
  if (looksLikeTls(header, tlsHandshake))
    return failPeer("speaks TLS and this party does not: start it with --key "
                    "and with the keys that it accepts",
                    ErrorKind::Authentication);
  if (header.magic != frameMagic || header.zero != 0)
    return failPeer("does not speak this protocol (a frame has no AEF1 "
                    "header); is another program listening on that port?",
                    ErrorKind::Protocol);
  bool expected =
      std::any_of(in.kinds.begin(), in.kinds.end(), [&](FrameKind kind) {
        return static_cast<uint16_t>(kind) == header.kind;
      });
  if (!expected) {
    std::string wanted;
    for (FrameKind kind : in.kinds)
      wanted += (wanted.empty() ? "" : " or ") +
                describeKind(static_cast<uint16_t>(kind));
    return failPeer("sent a frame of " + describeKind(header.kind) + " where " +
                        wanted + " was expected",
                    ErrorKind::Protocol);
  }
  if (header.size < in.least || header.size > in.most)
    return failPeer("sent a frame of " + describeKind(header.kind) + " with " +
                        std::to_string(header.size) + " bytes where " +
                        (in.least == in.most ? "" : "at most ") +
                        std::to_string(in.most) + " were expected",
                    ErrorKind::Protocol);
  if (in.allocate) {
    in.own.resize(header.size);
    in.payload = in.own;
  }
  return {};
}

Status Channel::State::receiveSome(Incoming &in, Progress &last) {
  while (!in.done()) {
    bool inHeader = in.received < frameHeaderBytes;
    uint8_t *to = inHeader
                      ? reinterpret_cast<uint8_t *>(&in.header) + in.received
                      : in.payload.data() + (in.received - frameHeaderBytes);
    uint64_t wanted = inHeader
                          ? frameHeaderBytes - in.received
                          : frameHeaderBytes + in.header.size - in.received;
    last = transport->read({to, wanted});
    if (last.failure && inHeader && in.received >= 2 &&
        looksLikeTls(in.header, tlsAlert))
      return failPeer("takes no plain connection, it speaks TLS: start this "
                      "party with --key and with the keys that it accepts",
                      ErrorKind::Authentication);
    if (last.failure)
      return fail(*last.failure);
    if (last.bytes == 0)
      return {};
    in.received += last.bytes;
    counters.receivedBytes += last.bytes;
    if (inHeader && in.received == frameHeaderBytes)
      AERO_RETURN_IF_ERROR(checkHeader(in));
  }
  ++counters.receivedFrames;
  return {};
}

/// Waits for the socket, or fails when the time is up or this process is to
/// stop.
Status Channel::State::wait(short events, steady_clock::time_point until,
                            bool receiving) {
  if (deadline)
    until = std::min(until, *deadline);
  // Rounded up: poll(0) in the last millisecond would be a busy loop.
  auto left =
      std::chrono::ceil<milliseconds>(until - steady_clock::now()).count();
  if (left <= 0 && deadline && until == *deadline)
    return fail("the session with the " + peer() +
                    " has reached its time "
                    "limit",
                ErrorKind::Connection);
  if (left <= 0)
    return failPeer("has been silent for " + seconds(timeout) + " (" +
                        (receiving ? "waiting for a message from it"
                                   : "it takes no more data") +
                        ")",
                    ErrorKind::Connection);
  pollfd polled[2] = {{transport->descriptor(), events, 0}, {abort, POLLIN, 0}};
  int n = ::poll(polled, 2, int(std::min<int64_t>(left, 1 << 30)));
  if (n < 0 && errno != EINTR)
    return fail(socketFailure(errno));
  if (n > 0 && polled[1].revents != 0)
    return fail("stopped by a signal in the middle of the protocol",
                ErrorKind::Stopped);
  return {};
}

Status Channel::State::pump(Outgoing *out, Incoming *in) {
  if (failure)
    return *failure;
  auto until = steady_clock::now() + timeout;
  while (true) {
    uint64_t before = counters.sentBytes + counters.receivedBytes;
    short events = 0;
    bool receiving = false;
    if (out && !out->done()) {
      Progress last;
      AERO_RETURN_IF_ERROR(sendSome(*out, last));
      if (!out->done())
        events |= last.wait;
    }
    if (in && !in->done()) {
      Progress last;
      AERO_RETURN_IF_ERROR(receiveSome(*in, last));
      receiving = !in->done();
      if (receiving)
        events |= last.wait;
    }
    if (events == 0)
      return {};
    if (counters.sentBytes + counters.receivedBytes != before)
      until = steady_clock::now() + timeout;
    AERO_RETURN_IF_ERROR(wait(events, until, receiving));
  }
}

/// Raises a socket buffer so that an exchange of megabytes takes few wake-ups.
/// Where the system's limit is lower the kernel's own adaptation is better:
/// setting any size would turn it off.
static void raiseBuffer(int fd, int option, const char *limitFile) {
  constexpr int wanted = 4 << 20;
  int file = ::open(limitFile, O_RDONLY | O_CLOEXEC);
  if (file < 0)
    return;
  char text[32] = {};
  ssize_t n = ::read(file, text, sizeof(text) - 1);
  ::close(file);
  if (n > 0 && std::strtoll(text, nullptr, 10) >= wanted)
    ::setsockopt(fd, SOL_SOCKET, option, &wanted, sizeof(wanted));
}

Channel::Channel(std::unique_ptr<State> state) : state(std::move(state)) {}

/// What every socket of a channel is set to.
static void prepareSocket(int fd) {
  int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0)
    ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  // Exchanges are latency-bound: no message may wait for an acknowledgement.
  // Fails harmlessly on sockets that are not TCP.
  int on = 1, idle = 30, interval = 10, probes = 3;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  // A machine that vanishes sends no end of stream; an idle session would
  // never know.
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
  raiseBuffer(fd, SO_SNDBUF, "/proc/sys/net/core/wmem_max");
  raiseBuffer(fd, SO_RCVBUF, "/proc/sys/net/core/rmem_max");
}

Channel::Channel(int fd, std::string peerName)
    : state(std::make_unique<State>()) {
  prepareSocket(fd);
  state->transport = plainTransport(fd);
  state->name = std::move(peerName);
}

Result<Channel> Channel::open(Connection connection, const ChannelSecurity *tls,
                              milliseconds handshakeTimeout) {
  prepareSocket(connection.fd);
  auto state = std::make_unique<State>();
  state->name = std::move(connection.name);
  state->address = std::move(connection.address);
  if (!tls) {
    state->transport = plainTransport(connection.fd);
    return Channel(std::move(state));
  }
  Result<std::unique_ptr<Transport>> transport = tlsTransport(
      connection.fd, tls->context, tls->side, tls->accepted, state->peer(),
      steady_clock::now() + handshakeTimeout, tls->abort);
  if (!transport.ok())
    return transport.takeError();
  state->transport = std::move(*transport);
  return Channel(std::move(state));
}

Channel::~Channel() = default;
Channel::Channel(Channel &&) noexcept = default;
Channel &Channel::operator=(Channel &&) noexcept = default;

void Channel::setTimeout(milliseconds timeout) { state->timeout = timeout; }
void Channel::setDeadline(std::optional<steady_clock::time_point> deadline) {
  state->deadline = deadline;
}
void Channel::setAbort(int fd) { state->abort = fd; }
void Channel::setPeerName(std::string name) { state->name = std::move(name); }
std::string Channel::peer() const { return state->peer(); }
int Channel::descriptor() const { return state->transport->descriptor(); }
bool Channel::hasBuffered() const { return state->transport->hasBuffered(); }
KeyFingerprint Channel::peerKey() const { return state->transport->peerKey(); }
KeyFingerprint Channel::binding(uint8_t label) const {
  return state->transport->binding(label);
}

ChannelCounters Channel::counters() const {
  ChannelCounters counters = state->counters;
  auto wire = state->transport->wireBytes();
  counters.sentWireBytes = wire ? wire->sent : counters.sentBytes;
  counters.receivedWireBytes = wire ? wire->received : counters.receivedBytes;
  return counters;
}

Status Channel::send(FrameKind kind, std::span<const uint8_t> payload) {
  Outgoing out(kind, payload);
  return state->pump(&out, nullptr);
}

Status Channel::receive(FrameKind kind, std::span<uint8_t> payload) {
  Incoming in{
      {&kind, 1}, payload.size(), payload.size(), payload, {}, false, {}, 0};
  return state->pump(nullptr, &in);
}

Result<std::vector<uint8_t>> Channel::receiveUpTo(FrameKind kind,
                                                  uint64_t limit) {
  Incoming in{{&kind, 1}, 0, limit, {}, {}, true, {}, 0};
  AERO_RETURN_IF_ERROR(state->pump(nullptr, &in));
  return std::move(in.own);
}

Result<std::pair<FrameKind, std::vector<uint8_t>>>
Channel::receiveAny(std::span<const FrameKind> kinds, uint64_t limit) {
  Incoming in{kinds, 0, limit, {}, {}, true, {}, 0};
  AERO_RETURN_IF_ERROR(state->pump(nullptr, &in));
  return std::pair(static_cast<FrameKind>(in.header.kind), std::move(in.own));
}

Status Channel::exchange(std::span<const uint8_t> out, std::span<uint8_t> in) {
  static constexpr FrameKind kind = FrameKind::Exchange;
  Outgoing outgoing(kind, out);
  Incoming incoming{{&kind, 1}, in.size(), in.size(), in, {}, false, {}, 0};
  return state->pump(out.empty() ? nullptr : &outgoing,
                     in.empty() ? nullptr : &incoming);
}
