//===- Transport.h - Bytes over a socket, plain or in TLS -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_NET_TRANSPORT_H
#define AERO_LIB_RUNTIME_NET_TRANSPORT_H

#include "aero/Runtime/Tls.h"

#include <optional>
#include <span>
#include <string>

namespace aero::rt {

/// The predicate of a sentence about the peer: "closed the connection".
struct Failure {
  std::string what;
  ErrorKind kind = ErrorKind::Connection;
};

/// What a call that does not wait has done.
struct Progress {
  size_t bytes = 0;
  /// What to poll for before the next call (POLLIN or POLLOUT) if `bytes` is 0.
  short wait = 0;
  std::optional<Failure> failure;
};

/// Moves bytes over one non-blocking socket, which it owns. Neither direction
/// waits for the other, so that a caller can pump both.
class Transport {
public:
  virtual ~Transport() = default;

  /// Sends a part of head + body. After a call that moved nothing, the next
  /// one must begin with the same bytes.
  virtual Progress write(std::span<const uint8_t> head,
                         std::span<const uint8_t> body) = 0;
  /// Receives up to into.size() > 0 bytes.
  virtual Progress read(std::span<uint8_t> into) = 0;
  /// Bytes are here already that poll() does not know of.
  virtual bool hasBuffered() const { return false; }

  virtual int descriptor() const = 0;
  /// Bytes on the socket in both directions, or none if they are exactly those
  /// that write() and read() moved.
  struct WireBytes {
    uint64_t sent = 0, received = 0;
  };
  virtual std::optional<WireBytes> wireBytes() const { return std::nullopt; }
  /// The peer's key; zeros without TLS.
  virtual KeyFingerprint peerKey() const { return {}; }
  /// A value that both ends of this connection know and no other connection
  /// has, for messages of one end (`label`); zeros without TLS.
  virtual KeyFingerprint binding(uint8_t label) const { return {}; }
};

std::unique_ptr<Transport> plainTransport(int fd);
/// Shakes hands over `fd`, which it takes, until the deadline or until `abort`
/// can be read.
Result<std::unique_ptr<Transport>>
tlsTransport(int fd, const TlsContext &context, TlsSide side,
             const AcceptedKeys &accepted, const std::string &peer,
             std::chrono::steady_clock::time_point deadline, int abort);

/// What an error number of a socket says about the peer.
Failure socketFailure(int code);

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_NET_TRANSPORT_H
