//===- Session.h - Handshakes, waiting and accounting ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_SESSION_SESSION_H
#define AERO_LIB_RUNTIME_SESSION_SESSION_H

#include "aero/Runtime/Party.h"
#include "aero/Runtime/Prg.h"

#include <array>
#include <optional>

namespace aero::rt {

/// The handshake as it lies in a hello frame (docs/secure-engine.md).
struct Hello {
  char magic[8];
  uint32_t version;
  uint16_t role;
  uint16_t security;
  ProgramHash program;
  SessionId session;      ///< zero until the dealer has chosen it
  KeyFingerprint binding; ///< of the sender to this connection
  KeyFingerprint third;   ///< key of the session's third party, if known
  uint32_t refusal;       ///< 0, or why the sender will not go on
  uint32_t zero;
};
static_assert(sizeof(Hello) == 136);
/// Of any version: what is needed to say which one it is.
inline constexpr size_t helloVersionEnd = 12;
inline constexpr uint64_t maxHelloBytes = 1024;

/// Start of an inference: client to server, server to dealer (without the
/// position), and server to client once its correlations are there.
struct Begin {
  uint64_t inference;
  uint32_t position;
  uint32_t zero;
};
static_assert(sizeof(Begin) == 16);

/// Largest payload of a correction frame; longer corrections take several.
inline constexpr uint64_t correctionFrameBytes = 16 << 20;

/// What the other end's hello said.
struct Greeting {
  SessionId session;
  KeyFingerprint third;
};
/// Says hello to the acceptor of a connection and checks its answer.
Result<Greeting> greet(Channel &peer, const LoadedProgram &program, Role own,
                       Role expected, const Greeting &said);
/// Answers a caller that is welcome.
Status welcome(Caller &caller, const LoadedProgram &program, Role own,
               const Greeting &said);

/// Something that is waited for.
struct Awaited {
  int descriptor;
  bool ready = false; ///< without a look at the descriptor
  explicit Awaited(int descriptor) : descriptor(descriptor) {}
  explicit Awaited(const Channel &channel)
      : descriptor(channel.descriptor()), ready(channel.hasBuffered()) {}
};

using TimePoint = std::chrono::steady_clock::time_point;

/// Waits until one of `awaited` can be read and returns its index; none after
/// `until`. An error if meanwhile a watched peer hangs up or `abort` can be
/// read.
Result<std::optional<size_t>> waitForAny(std::span<const Awaited> awaited,
                                         std::span<Channel *const> watched,
                                         std::optional<TimePoint> until,
                                         int abort);

/// When a pause that begins now ends the session, and what is the reason then.
struct PauseLimit {
  std::optional<TimePoint> until;
  SessionEnd reason;
  explicit PauseLimit(const SessionOptions &options);
};

/// Applies a session's limits to a connection.
void configure(Channel &channel, const SessionOptions &options);

template <typename T> std::span<const uint8_t> viewBytes(const T &value) {
  return {reinterpret_cast<const uint8_t *>(&value), sizeof(T)};
}

class Stopwatch {
public:
  /// Seconds since the last call or the start.
  double lap() {
    auto now = std::chrono::steady_clock::now();
    double seconds = std::chrono::duration<double>(now - last).count();
    last = now;
    return seconds;
  }

private:
  std::chrono::steady_clock::time_point last = std::chrono::steady_clock::now();
};

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_SESSION_SESSION_H
