//===- Channel.cpp - Framed, counted connections --------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Channel.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
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

static std::string seconds(milliseconds time) {
  if (time.count() % 1000)
    return std::to_string(time.count()) + " ms";
  return std::to_string(time.count() / 1000) + " s";
}

struct Channel::State {
  int fd = -1;
  std::string peer;
  milliseconds timeout{30000};
  ChannelCounters counters;
  /// After an error the position in the stream is unknown, so the first error
  /// is also the answer to every later call.
  std::string failure;

  ~State() {
    if (fd >= 0)
      ::close(fd);
  }

  Error fail(std::string message) {
    if (failure.empty())
      failure = std::move(message);
    return Error{failure};
  }
  Error failErrno(int code);

  /// Moves `out` and `in` (either may be null) until both are done.
  Status pump(Outgoing *out, Incoming *in);
  Status sendSome(Outgoing &out, bool &progress);
  Status receiveSome(Incoming &in, bool &progress);
  Status checkHeader(Incoming &in);
};

Error Channel::State::failErrno(int code) {
  if (code == EPIPE || code == ECONNRESET)
    return fail("the " + peer +
                " closed the connection before the protocol ended; see its "
                "output for the reason");
  return fail("connection to the " + peer + ": " + std::strerror(code));
}

Status Channel::State::sendSome(Outgoing &out, bool &progress) {
  while (!out.done()) {
    iovec parts[2];
    int count = 0;
    uint64_t payloadSent = 0;
    if (out.sent < frameHeaderBytes)
      parts[count++] = {reinterpret_cast<uint8_t *>(&out.header) + out.sent,
                        frameHeaderBytes - out.sent};
    else
      payloadSent = out.sent - frameHeaderBytes;
    if (payloadSent < out.payload.size())
      parts[count++] = {const_cast<uint8_t *>(out.payload.data()) + payloadSent,
                        out.payload.size() - payloadSent};
    msghdr message = {};
    message.msg_iov = parts;
    message.msg_iovlen = count;
    ssize_t n = ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) {
      if (errno == EINTR)
        continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK)
        return {};
      return failErrno(errno);
    }
    progress |= n > 0;
    out.sent += n;
    counters.sentBytes += n;
  }
  ++counters.sentFrames;
  return {};
}

Status Channel::State::checkHeader(Incoming &in) {
  const Header &header = in.header;
  if (header.magic != frameMagic || header.zero != 0)
    return fail("the " + peer +
                " does not speak this protocol (a frame has no AEF1 header); "
                "is another program listening on that port?");
  bool expected =
      std::any_of(in.kinds.begin(), in.kinds.end(), [&](FrameKind kind) {
        return static_cast<uint16_t>(kind) == header.kind;
      });
  if (!expected) {
    std::string wanted;
    for (FrameKind kind : in.kinds)
      wanted += (wanted.empty() ? "" : " or ") +
                describeKind(static_cast<uint16_t>(kind));
    return fail("the " + peer + " sent a frame of " +
                describeKind(header.kind) + " where " + wanted +
                " was expected");
  }
  if (header.size < in.least || header.size > in.most)
    return fail("the " + peer + " sent a frame of " +
                describeKind(header.kind) + " with " +
                std::to_string(header.size) + " bytes where " +
                (in.least == in.most ? "" : "at most ") +
                std::to_string(in.most) + " were expected");
  if (in.allocate) {
    in.own.resize(header.size);
    in.payload = in.own;
  }
  return {};
}

Status Channel::State::receiveSome(Incoming &in, bool &progress) {
  while (!in.done()) {
    bool inHeader = in.received < frameHeaderBytes;
    uint8_t *to = inHeader
                      ? reinterpret_cast<uint8_t *>(&in.header) + in.received
                      : in.payload.data() + (in.received - frameHeaderBytes);
    uint64_t wanted = inHeader
                          ? frameHeaderBytes - in.received
                          : frameHeaderBytes + in.header.size - in.received;
    ssize_t n = ::recv(fd, to, wanted, MSG_DONTWAIT);
    if (n < 0) {
      if (errno == EINTR)
        continue;
      if (errno == EAGAIN || errno == EWOULDBLOCK)
        return {};
      return failErrno(errno);
    }
    if (n == 0)
      return failErrno(EPIPE);
    progress = true;
    in.received += n;
    counters.receivedBytes += n;
    if (inHeader && in.received == frameHeaderBytes)
      AERO_RETURN_IF_ERROR(checkHeader(in));
  }
  ++counters.receivedFrames;
  return {};
}

Status Channel::State::pump(Outgoing *out, Incoming *in) {
  if (!failure.empty())
    return Error{failure};
  auto deadline = steady_clock::now() + timeout;
  while (true) {
    bool progress = false;
    if (out && !out->done())
      AERO_RETURN_IF_ERROR(sendSome(*out, progress));
    if (in && !in->done())
      AERO_RETURN_IF_ERROR(receiveSome(*in, progress));
    bool sending = out && !out->done(), receiving = in && !in->done();
    if (!sending && !receiving)
      return {};
    auto now = steady_clock::now();
    if (progress)
      deadline = now + timeout;
    // Rounded up: poll(0) in the last millisecond would be a busy loop.
    auto left = std::chrono::ceil<milliseconds>(deadline - now).count();
    if (left <= 0)
      return fail("the " + peer + " has been silent for " + seconds(timeout) +
                  " (" +
                  (receiving ? "waiting for a message from it"
                             : "it takes no more data") +
                  ")");
    pollfd event = {};
    event.fd = fd;
    event.events =
        static_cast<short>((sending ? POLLOUT : 0) | (receiving ? POLLIN : 0));
    int wait = static_cast<int>(std::min<int64_t>(left, 1 << 30));
    if (::poll(&event, 1, wait) < 0 && errno != EINTR)
      return failErrno(errno);
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
  if (n > 0 && std::atoll(text) >= wanted)
    ::setsockopt(fd, SOL_SOCKET, option, &wanted, sizeof(wanted));
}

Channel::Channel(int fd, std::string peerName)
    : state(std::make_unique<State>()) {
  state->fd = fd;
  state->peer = std::move(peerName);
  int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0)
    ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  // Exchanges are latency-bound: no message may wait for an acknowledgement.
  // Fails harmlessly on sockets that are not TCP.
  int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  raiseBuffer(fd, SO_SNDBUF, "/proc/sys/net/core/wmem_max");
  raiseBuffer(fd, SO_RCVBUF, "/proc/sys/net/core/rmem_max");
}

Channel::~Channel() = default;
Channel::Channel(Channel &&) noexcept = default;
Channel &Channel::operator=(Channel &&) noexcept = default;

void Channel::setTimeout(milliseconds timeout) { state->timeout = timeout; }
const std::string &Channel::peer() const { return state->peer; }
const ChannelCounters &Channel::counters() const { return state->counters; }
int Channel::descriptor() const { return state->fd; }

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
