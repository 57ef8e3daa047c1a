//===- ChildProcess.h - A child that speaks JSON lines --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_DRIVER_CHILDPROCESS_H
#define AERO_LIB_DRIVER_CHILDPROCESS_H

#include "llvm/Support/Error.h"

#include <nlohmann/json.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace aero {

/// A child process with piped standard streams. Killed when destroyed.
class ChildProcess {
public:
  static llvm::Expected<std::unique_ptr<ChildProcess>>
  start(const std::string &executable, std::vector<std::string> arguments);
  ~ChildProcess();

  /// Writes one line; false if the child no longer reads.
  bool writeLine(const std::string &line);
  void closeInput();
  /// The next JSON object on the child's standard output, or nothing if the
  /// child ended, wrote something else, or did not end its line in time.
  std::optional<nlohmann::json> readObject();
  /// Limits every readObject from now on.
  void setTimeLimit(std::chrono::milliseconds limit) { timeLimit = limit; }
  /// Whether a readObject ran out of time.
  bool isLate() const { return late; }
  /// Waits up to `milliseconds` for the child's end; its exit code, or nothing
  /// while it runs. A child killed by a signal has code 128 + signal.
  std::optional<int> wait(int milliseconds);
  /// What the child has written to its standard error so far, trimmed.
  std::string errorText();

private:
  ChildProcess() = default;
  /// Waits until there is something to read, or the end of it; false after
  /// `deadline`.
  bool waitForOutput(std::chrono::steady_clock::time_point deadline) const;

  pid_t pid = -1;
  int input = -1, output = -1, errors = -1;
  std::optional<int> exitCode;
  std::optional<std::chrono::milliseconds> timeLimit;
  bool late = false;
  std::string outputBuffer, errorBuffer;
};

} // namespace aero

#endif // AERO_LIB_DRIVER_CHILDPROCESS_H
