//===- Tls.h - Keys of the parties and TLS between them -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Every party has a key and a self-signed certificate for it. There is no
/// authority: a party is told the fingerprints of the keys that it accepts, and
/// nothing else about a certificate counts but its dates. Connections are TLS
/// 1.3 and authenticated both ways (docs/hosts.md).
///
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_TLS_H
#define AERO_RUNTIME_TLS_H

#include "aero/Runtime/Result.h"

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace aero::rt {

/// SHA-256 of a public key (its SubjectPublicKeyInfo in DER).
using KeyFingerprint = std::array<uint8_t, 32>;
/// "sha256:" and 64 hexadecimal digits.
std::string formatFingerprint(const KeyFingerprint &fingerprint);
/// Reads a fingerprint in that form, or takes it from a certificate file.
Result<KeyFingerprint> readFingerprint(const std::string &textOrFile);

/// What a certificate file or the certificate beside a key file says.
struct Certificate {
  KeyFingerprint key;
  std::string name;
  /// Seconds since 1970.
  int64_t notBefore, notAfter;
};
/// Reads a PEM file that begins with a certificate or a private key. A key
/// alone has no name and no dates (both 0).
Result<Certificate> readCertificate(const std::string &path);

struct IdentityOptions {
  /// The certificate's common name: for people, no party compares it.
  std::string name;
  /// Seconds from now; the default start forgives clocks that disagree.
  int64_t notBefore = -86400, notAfter = int64_t(3650) * 86400;
};
/// An identity's files.
struct IdentityFiles {
  std::string key, certificate;
};
/// NAME.key (which only its owner can read) and NAME.crt in `directory`.
IdentityFiles identityFiles(const std::string &directory,
                            const std::string &name);
/// Makes an Ed25519 key and its certificate. Overwrites nothing.
Result<IdentityFiles> createIdentity(const std::string &directory,
                                     const IdentityOptions &options);

/// Who may be at the other end of a connection.
struct AcceptedKeys {
  std::vector<KeyFingerprint> keys;
  /// Where the user lists them ("--allow-client"), for error messages.
  std::string option;
};

/// Whether this end called or was called.
enum class TlsSide { Connect, Accept };

/// This party's key, ready for use; shared by all its connections.
class TlsContext {
public:
  /// An error if the files cannot be read, do not belong together, or the key
  /// is neither Ed25519 nor P-256.
  static Result<TlsContext> create(const IdentityFiles &files);

  const KeyFingerprint &ownKey() const;
  /// Bytes sent after which a direction takes a new key; AES-GCM must not
  /// encrypt without limit under one. For tests.
  void setRekeyBytes(uint64_t bytes);

  struct State;
  const State &get() const { return *state; }

private:
  explicit TlsContext(std::shared_ptr<State> state);
  std::shared_ptr<State> state;
};

} // namespace aero::rt

#endif // AERO_RUNTIME_TLS_H
