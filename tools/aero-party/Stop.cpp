//===- Stop.cpp - SIGINT and SIGTERM as descriptors -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Stop.h"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

using namespace aero::rt;

// What a signal handler may touch.
static int signalDrain = -1, signalAbort = -1;
static volatile std::sig_atomic_t signals = 0;

static void wake(int fd) {
  uint64_t one = 1;
  // Fails only if the descriptor can be read already.
  (void)!::write(fd, &one, sizeof(one));
}

static void onSignal(int) {
  int code = errno;
  if (signals < 2)
    signals = signals + 1;
  wake(signals == 1 ? signalDrain : signalAbort);
  errno = code;
}

Result<Stop> Stop::install() {
  Stop stop;
  stop.drainFd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  stop.abortFd = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (stop.drainFd < 0 || stop.abortFd < 0)
    return Error{std::string("cannot make an event descriptor: ") +
                 std::strerror(errno)};
  signalDrain = stop.drainFd;
  signalAbort = stop.abortFd;
  struct sigaction action = {};
  action.sa_handler = onSignal;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  // Whoever writes to a pipe that nobody reads gets an error instead.
  std::signal(SIGPIPE, SIG_IGN);
  return stop;
}

bool Stop::isSet(int fd) {
  pollfd event = {fd, POLLIN, 0};
  return ::poll(&event, 1, 0) > 0;
}

void Stop::abortNow() const { wake(abortFd); }
