//===- Log.cpp - What a party reports while it runs -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Log.h"

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

using namespace aero::rt;
using nlohmann::json;

Result<Log> Log::open(const std::string &target, Role role) {
  Log log;
  log.role = role;
  log.fd = target == "-"
               ? STDERR_FILENO
               : ::open(target.c_str(),
                        O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log.fd < 0)
    return Error{"cannot write the log '" + target +
                 "': " + std::strerror(errno)};
  return log;
}

static std::string now() {
  auto time = std::chrono::system_clock::now();
  auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(
                          time.time_since_epoch())
                          .count();
  std::time_t seconds = std::time_t(milliseconds / 1000);
  std::tm fields = {};
  ::gmtime_r(&seconds, &fields);
  char text[32], all[48];
  std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S", &fields);
  std::snprintf(all, sizeof(all), "%s.%03dZ", text, int(milliseconds % 1000));
  return all;
}

std::string Log::line(Level level, const char *event, json fields) const {
  static constexpr const char *names[] = {"info", "warning", "error"};
  nlohmann::ordered_json line = {{"time", now()},
                                 {"level", names[int(level)]},
                                 {"role", roleName(role)},
                                 {"pid", ::getpid()},
                                 {"event", event}};
  for (auto &[name, value] : fields.items())
    line[name] = value;
  // What a peer made up must not break the log, whatever its bytes are.
  return line.dump(-1, ' ', false,
                   nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}

void Log::write(Level level, const char *event, json fields) const {
  if (fd < 0)
    return;
  // One call, so that lines of several processes do not mix.
  const std::string text = line(level, event, std::move(fields));
  (void)!::write(fd, text.data(), text.size());
}

static const char *kindName(ErrorKind kind) {
  switch (kind) {
  case ErrorKind::Other:
    return "other";
  case ErrorKind::Connection:
    return "connection";
  case ErrorKind::Busy:
    return "busy";
  case ErrorKind::Authentication:
    return "authentication";
  case ErrorKind::Protocol:
    return "protocol";
  case ErrorKind::Stopped:
    return "stopped";
  }
  return "unknown";
}

void Log::failure(const char *event, const Error &error, json fields) const {
  fields["kind"] = kindName(error.kind);
  fields["error"] = error.message;
  write(error.kind == ErrorKind::Stopped ? Level::Info : Level::Warning, event,
        std::move(fields));
}
