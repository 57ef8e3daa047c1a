//===- Channel.h - Framed, counted connections ----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// TCP between two parties. Frames are defined in docs/secure-engine.md: the
/// receiver always knows which kind and size it expects, so a malformed or
/// hostile peer is refused before anything is allocated for it.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_CHANNEL_H
#define AERO_RUNTIME_CHANNEL_H

#include "aero/Runtime/Result.h"

#include <chrono>
#include <cstdint>
#include <memory>
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

/// Bytes that crossed a socket, headers included.
struct ChannelCounters {
  uint64_t sentBytes = 0, receivedBytes = 0;
  uint64_t sentFrames = 0, receivedFrames = 0;
};

/// One connected peer. Every call ends within the timeout or with an error;
/// a closed or dead peer is an error at once.
class Channel {
public:
  explicit Channel(int fd, std::string peerName);
  ~Channel();
  Channel(Channel &&) noexcept;
  Channel &operator=(Channel &&) noexcept;

  void setTimeout(std::chrono::milliseconds timeout);
  const std::string &peer() const;
  const ChannelCounters &counters() const;
  /// The socket, to wait on several peers at once; owned by the channel.
  int descriptor() const;

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
  std::unique_ptr<State> state;
};

/// A listening socket on a loopback address.
class Listener {
public:
  /// Port 0 picks a free one. A port in use is an error that names it.
  static Result<Listener> open(const std::string &host, uint16_t port);
  ~Listener();
  Listener(Listener &&) noexcept;
  Listener &operator=(Listener &&) noexcept;

  uint16_t port() const;
  /// The socket, to wait on it and on peers at once; owned by the listener.
  int descriptor() const { return fd; }
  Result<Channel> accept(const std::string &peerName,
                         std::chrono::milliseconds timeout);

private:
  explicit Listener(int fd, uint16_t port) : fd(fd), boundPort(port) {}
  int fd = -1;
  uint16_t boundPort = 0;
};

/// Connects to a loopback address, retrying until the timeout. The error says
/// which process is missing (`peerName`), where it was looked for, and how to
/// start it.
Result<Channel> connectTo(const std::string &host, uint16_t port,
                          const std::string &peerName,
                          std::chrono::milliseconds timeout);

/// Two connected channels in one process, for tests.
Result<std::pair<Channel, Channel>> channelPair();

} // namespace aero::rt

#endif // AERO_RUNTIME_CHANNEL_H
