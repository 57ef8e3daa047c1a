//===- Channel.h - Framed, counted connections ----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A connection between two parties: TLS, or plain TCP on loopback. Frames are
/// defined in docs/secure-engine.md: the receiver always knows which kind and
/// size it expects, so a malformed or hostile peer is refused before anything
/// is allocated for it.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_CHANNEL_H
#define AERO_RUNTIME_CHANNEL_H

#include "aero/Runtime/Result.h"
#include "aero/Runtime/Tls.h"

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace aero::rt {

enum class FrameKind : uint16_t {
  Hello = 1,      ///< handshake, bounded size
  Seed = 2,       ///< dealer to a party
  Setup = 3,      ///< server to client: masked weights
  Begin = 4,      ///< start of an inference
  Correction = 5, ///< dealer to server
  Exchange = 6,   ///< online messages
  End = 7,        ///< orderly end of a session
};

inline constexpr uint64_t frameHeaderBytes = 16;

/// What a connection carried.
struct ChannelCounters {
  /// Frames, headers included.
  uint64_t sentBytes = 0, receivedBytes = 0;
  uint64_t sentFrames = 0, receivedFrames = 0;
  /// Bytes on the socket: the same, and what TLS adds to them.
  uint64_t sentWireBytes = 0, receivedWireBytes = 0;
};

/// A connected socket, which whoever takes it closes.
struct Connection {
  int fd;
  /// "server", and where it is; for error messages.
  std::string name, address;
};

/// How a connection is secured.
struct ChannelSecurity {
  TlsContext context;
  TlsSide side;
  AcceptedKeys accepted;
  /// As Channel::setAbort, for the handshake.
  int abort = -1;
};

/// One connected peer. Every call ends within the timeout or with an error;
/// a closed or dead peer is an error at once.
class Channel {
public:
  /// Plain, over a connected socket that the channel owns from now on.
  explicit Channel(int fd, std::string peerName);
  /// Secured, or plain if `tls` is null. The TLS handshake must end in time
  /// however the peer trickles.
  static Result<Channel> open(Connection connection, const ChannelSecurity *tls,
                              std::chrono::milliseconds handshakeTimeout);
  ~Channel();
  Channel(Channel &&) noexcept;
  Channel &operator=(Channel &&) noexcept;

  /// Longest silence of the peer in a call.
  void setTimeout(std::chrono::milliseconds timeout);
  /// When every call ends, whatever the peer does.
  void
  setDeadline(std::optional<std::chrono::steady_clock::time_point> deadline);
  /// A descriptor that can be read once this process must stop: calls that
  /// wait end with an error of kind Stopped. -1: none.
  void setAbort(int fd);
  void setPeerName(std::string name);
  /// "server at 10.0.0.2:9002", or the name alone if the address is unknown.
  std::string peer() const;
  ChannelCounters counters() const;
  /// The socket, to wait on several peers at once; owned by the channel.
  int descriptor() const;
  /// Bytes of the peer are here that waiting on the socket would miss.
  bool hasBuffered() const;
  /// The key that the peer has proved to own; zeros without TLS.
  KeyFingerprint peerKey() const;
  /// What both ends of this connection know and no other connection has, for
  /// messages of the end `label`; zeros without TLS.
  KeyFingerprint binding(uint8_t label) const;

  Status send(FrameKind kind, std::span<const uint8_t> payload);
  /// Receives a frame of exactly this kind and size into `payload`.
  Status receive(FrameKind kind, std::span<uint8_t> payload);
  /// Receives a frame of this kind of at most `limit` bytes.
  Result<std::vector<uint8_t>> receiveUpTo(FrameKind kind, uint64_t limit);
  /// Receives the header of the next frame, which must be one of `kinds`, and
  /// of at most `limit` bytes; the payload follows.
  Result<std::pair<FrameKind, std::vector<uint8_t>>>
  receiveAny(std::span<const FrameKind> kinds, uint64_t limit);
  /// Sends and receives at the same time, so that two parties with large
  /// messages do not block each other. An empty side sends (expects) no frame.
  Status exchange(std::span<const uint8_t> out, std::span<uint8_t> in);

private:
  struct State;
  explicit Channel(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// A listening socket.
class Listener {
public:
  /// Port 0 picks a free one. A port in use is an error that names it. Without
  /// TLS (`secure`) every address but loopback is refused.
  static Result<Listener> open(const std::string &host, uint16_t port,
                               bool secure = false);
  ~Listener();
  Listener(Listener &&) noexcept;
  Listener &operator=(Listener &&) noexcept;

  uint16_t port() const;
  /// The socket, to wait on it and on peers at once; owned by the listener.
  int descriptor() const { return fd; }
  /// The next connection, before any handshake. `peerName` is who should come.
  Result<Connection> acceptConnection(const std::string &peerName,
                                      std::chrono::milliseconds timeout);
  /// As above, as a plain channel.
  Result<Channel> accept(const std::string &peerName,
                         std::chrono::milliseconds timeout);

private:
  explicit Listener(int fd, uint16_t port) : fd(fd), boundPort(port) {}
  int fd = -1;
  uint16_t boundPort = 0;
};

/// Where a peer listens.
struct Endpoint {
  std::string host;
  uint16_t port = 0;
};

/// Connects, retrying until the timeout while nobody answers, and shakes hands
/// if `tls` is given; without it the address must be loopback. The error says
/// which process is missing (`peerName`), where it was looked for, and how to
/// start it. `abort` is that of Channel::setAbort.
Result<Channel> connectTo(const Endpoint &endpoint, const std::string &peerName,
                          std::chrono::milliseconds timeout,
                          const ChannelSecurity *tls = nullptr, int abort = -1);

/// Two connected channels in one process, for tests.
Result<std::pair<Channel, Channel>> channelPair();

} // namespace aero::rt

#endif // AERO_RUNTIME_CHANNEL_H
