//===- Commands.h - The commands of aero-party ----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TOOLS_AERO_PARTY_COMMANDS_H
#define AERO_TOOLS_AERO_PARTY_COMMANDS_H

#include "Log.h"
#include "Stop.h"
#include "aero/Runtime/Channel.h"
#include "aero/Runtime/Correlations.h"
#include "aero/Runtime/Party.h"

#include <chrono>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace aero::rt {

/// Exit codes; docs/hosts.md lists them.
enum ExitCode {
  ExitDone = 0,
  ExitError = 1,
  ExitAborted = 3,  ///< a signal ended inferences that were running
  ExitNoMemory = 5, ///< of a session's process: past its --session-memory
};

struct PartyOptions {
  /// "aero" or "aero-party", for messages.
  std::string tool;
  std::string program, weights, host = "127.0.0.1", dealer, server, log;
  std::string key, certificate, serverKey, dealerKey;
  std::vector<std::string> clientKeys;
  /// Correlations on disk instead of a dealer.
  std::string correlations, out;
  unsigned prepare = 0;
  uint16_t port = 0;
  double timeout = 60;
  unsigned threads = std::thread::hardware_concurrency();

  // Limits of a service.
  bool once = false;
  unsigned sessions = 8, queue = 16, sessionsPerClient = 4;
  double queueTimeout = 30, idleTimeout = 300, sessionTime = 3600, grace = 30;
  unsigned sessionMemory = 8192; // MiB
  // Of a client.
  unsigned attempts = 3;
};

inline std::chrono::milliseconds fromSeconds(double seconds) {
  return std::chrono::milliseconds(int64_t(seconds * 1000));
}

/// How long a stranger may take to prove its key and say hello, and how many
/// may be at it at once.
inline constexpr std::chrono::milliseconds greetingTime{10000};
inline constexpr unsigned maxGreetings = 64;

/// What all roles prepare before they listen or connect.
struct Party {
  const PartyOptions &options;
  Role role;
  Stop stop;
  Log log;
  LoadedProgram program;
  /// Null without --key.
  std::optional<TlsContext> tls;
  KeyFingerprint serverKey = {}, dealerKey = {};
  std::vector<KeyFingerprint> clientKeys;

  static Result<Party> prepare(const PartyOptions &options, Role role);

  bool secure() const { return tls.has_value(); }
  /// A connection to this party, from whom it accepts.
  std::optional<ChannelSecurity> accepting() const;
  /// A connection to the server or the dealer.
  std::optional<ChannelSecurity> calling(Role peer) const;
  Result<Channel> connect(const Endpoint &endpoint, Role peer,
                          std::chrono::milliseconds timeout) const;
  /// With the limits of a session that begins now.
  SessionOptions sessionOptions() const;
  /// Prints the port and logs the start.
  void listening(const Listener &listener) const;
};

Result<Endpoint> parseEndpoint(const std::string &text);

/// Writes a JSON line to standard output.
void emit(const nlohmann::json &event);
void emitStatistics(Role role, const program::Program &program,
                    const SessionStatistics &statistics);
/// What a session's last line in the log says.
nlohmann::json summary(const SessionStatistics &statistics);

// Each returns an exit code; an error is exit code 1 and its message.
Result<int> runDealer(const PartyOptions &options);
Result<int> runPrepare(const PartyOptions &options);
Result<int> runServe(const PartyOptions &options);
Result<int> runClient(const PartyOptions &options);

Status newKey(const std::string &name, const std::string &directory);
Status showKeys(const std::vector<std::string> &files);

} // namespace aero::rt

#endif // AERO_TOOLS_AERO_PARTY_COMMANDS_H
