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

using SessionId = std::array<uint8_t, 16>;

/// The handshake as it lies in a hello frame (docs/secure-engine.md).
struct Hello {
  char magic[8];
  uint32_t version;
  uint16_t role;
  uint16_t security;
  ProgramHash program;
  SessionId session; ///< zero from a party to the dealer, who chooses it
  uint32_t refusal;  ///< 0, or why the sender will not go on
  uint32_t zero;
};
static_assert(sizeof(Hello) == 72);

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

/// Sends a hello to the acceptor of a connection and checks its answer.
Result<SessionId> greet(Channel &peer, const LoadedProgram &program, Role own,
                        Role expected, const SessionId &session);
/// Answers a hello. Returns the peer's role, or none if it is not one of
/// `welcome`, which the peer has been told then.
Result<std::optional<Role>> answer(Channel &peer, const LoadedProgram &program,
                                   Role own, const SessionId &session,
                                   std::span<const Role> welcome);

/// A peer that must not hang up while somebody else is waited for.
struct Watched {
  Channel *channel;
  Role role;
};

/// Waits until one of `descriptors` can be read and returns its index. An error
/// if meanwhile a watched peer hangs up, or after the timeout if there is one.
Result<size_t> waitForAny(std::span<const int> descriptors,
                          std::span<const Watched> watched,
                          std::optional<std::chrono::milliseconds> timeout);

/// Accepts a connection, without limit, while the watched peers are there.
Result<Channel> acceptWatching(Listener &listener, const std::string &name,
                               std::span<const Watched> watched);

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
