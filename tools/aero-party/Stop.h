//===- Stop.h - SIGINT and SIGTERM as descriptors -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TOOLS_AERO_PARTY_STOP_H
#define AERO_TOOLS_AERO_PARTY_STOP_H

#include "aero/Runtime/Result.h"

namespace aero::rt {

/// The first SIGINT or SIGTERM asks for an orderly end: running inferences
/// finish, no other starts. The second one ends them, too. Descriptors rather
/// than flags, because everything that waits waits in poll(); processes that
/// are forked share them.
class Stop {
public:
  /// Takes the two signals over, for the rest of the process.
  static Result<Stop> install();

  /// Can be read from the first signal on.
  int drain() const { return drainFd; }
  /// Can be read from the second signal on.
  int abort() const { return abortFd; }
  bool draining() const { return isSet(drainFd); }
  bool aborting() const { return isSet(abortFd); }
  /// As if a second signal had come: the time for an orderly end is up.
  void abortNow() const;

private:
  static bool isSet(int fd);
  int drainFd = -1, abortFd = -1;
};

} // namespace aero::rt

#endif // AERO_TOOLS_AERO_PARTY_STOP_H
