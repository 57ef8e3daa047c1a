//===- Correlations.h - Correlations on disk ------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What a dealer would send in a session, written ahead of time: one folder
/// for the client and one for the server (layout: docs/secure-engine.md). An
/// inference's part is taken out of the folder, durably, before it is used, so
/// that it is used at most once whatever dies when.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_CORRELATIONS_H
#define AERO_RUNTIME_CORRELATIONS_H

#include "aero/Runtime/Party.h"
#include "aero/Runtime/Prg.h"

namespace aero::rt {

/// What prepareCorrelations has written.
struct PreparedCorrelations {
  SessionId session;
  /// Folders that belong to the client and to the server alone.
  std::string client, server;
  uint64_t clientBytes, serverBytes;
};

/// Writes the correlations of `count` inferences of one client (with this key;
/// zeros without TLS) to DIRECTORY/client/SESSION and DIRECTORY/server/SESSION.
/// Both appear whole or not at all, the server's first; a process that is
/// killed leaves a folder of the name .partial-SESSION, which nobody reads.
Result<PreparedCorrelations>
prepareCorrelations(const LoadedProgram &program, uint64_t count,
                    const std::string &directory,
                    const KeyFingerprint &clientKey);

/// The client's part. Processes may share it: each number goes to one of them.
class ClientCorrelations {
public:
  /// The first session in DIRECTORY of this program that is not used up.
  static Result<ClientCorrelations> open(const std::string &directory,
                                         const LoadedProgram &program);

  const SessionId &session() const { return name; }
  const Seed &seed() const { return ownSeed; }
  /// The number of an inference that nobody has used, and nobody will again.
  Result<uint64_t> take();

private:
  ClientCorrelations() = default;
  SessionId name = {};
  Seed ownSeed = {};
  uint64_t count = 0;
  std::string folder;
};

/// The server's part.
class ServerCorrelations {
public:
  /// DIRECTORY/SESSION, if it is of this program and this client.
  static Result<ServerCorrelations> open(const std::string &directory,
                                         const SessionId &session,
                                         const LoadedProgram &program,
                                         const KeyFingerprint &clientKey);

  const SessionId &session() const { return name; }
  const Seed &seed() const { return ownSeed; }
  /// The corrections of every instruction for this inference. They, and those
  /// of all numbers below, are gone from the disk when this returns.
  Result<std::vector<std::vector<uint8_t>>> take(uint64_t number);

private:
  explicit ServerCorrelations(const program::Program &program)
      : program(&program) {}
  const program::Program *program;
  SessionId name = {};
  Seed ownSeed = {};
  std::string folder;
};

/// A session's name in hexadecimal.
std::string sessionName(const SessionId &session);

} // namespace aero::rt

#endif // AERO_RUNTIME_CORRELATIONS_H
