//===- Log.h - What a party reports while it runs -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TOOLS_AERO_PARTY_LOG_H
#define AERO_TOOLS_AERO_PARTY_LOG_H

#include "aero/Runtime/Party.h"

#include <nlohmann/json.hpp>

namespace aero::rt {

/// JSON lines: one object an event, with time, level, role, pid and event. No
/// prompt, token, share, logit, seed or key ever goes in here: callers pass
/// addresses, fingerprints, names of sessions, counts and durations.
class Log {
public:
  enum class Level { Info, Warning, Error };

  /// A log that drops everything.
  Log() = default;
  /// Appends to a file, or writes to standard error if `target` is "-".
  static Result<Log> open(const std::string &target, Role role);

  /// The line that write() would write now, with its end.
  std::string line(Level level, const char *event, nlohmann::json fields) const;
  int descriptor() const { return fd; }
  /// Safe to call from several threads, and from processes with one log.
  void write(Level level, const char *event,
             nlohmann::json fields = nlohmann::json::object()) const;
  /// An event that is about an error.
  void failure(const char *event, const Error &error,
               nlohmann::json fields = nlohmann::json::object()) const;

private:
  int fd = -1;
  Role role = Role::Client;
};

} // namespace aero::rt

#endif // AERO_TOOLS_AERO_PARTY_LOG_H
