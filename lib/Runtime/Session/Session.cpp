//===- Session.cpp - Waiting and accounting -------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include "../Ops/Parallel.h"
#include "aero/Runtime/Gemm.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <poll.h>

using namespace aero;
using namespace aero::rt;
using std::chrono::milliseconds;

const char *aero::rt::sessionEndName(SessionEnd end) {
  switch (end) {
  case SessionEnd::Client:
    return "client";
  case SessionEnd::Idle:
    return "idle";
  case SessionEnd::TimeLimit:
    return "time limit";
  case SessionEnd::Stopped:
    return "stopped";
  }
  return "unknown";
}

void aero::rt::setThreads(unsigned threads) {
  setLoopThreads(threads);
  setGemmThreads(threads);
}

uint64_t SessionStatistics::payloadBytes() const {
  Cost sum;
  for (const InstructionStatistics &instruction : instructions)
    sum += instruction.bytes;
  return sum.online() + sum.offline() + sum.setupServerToClient;
}

uint64_t SessionStatistics::framingBytes() const {
  uint64_t all = 0;
  for (const PeerStatistics &peer : peers)
    all += peer.counters.sentBytes + peer.counters.receivedBytes;
  return all - payloadBytes();
}

uint64_t SessionStatistics::tlsBytes() const {
  uint64_t all = 0;
  for (const PeerStatistics &peer : peers)
    all += peer.counters.sentWireBytes + peer.counters.receivedWireBytes -
           peer.counters.sentBytes - peer.counters.receivedBytes;
  return all;
}

PauseLimit::PauseLimit(const SessionOptions &options)
    : until(options.deadline), reason(SessionEnd::TimeLimit) {
  if (!options.idle)
    return;
  TimePoint idle = std::chrono::steady_clock::now() + *options.idle;
  if (until && *until <= idle)
    return;
  until = idle;
  reason = SessionEnd::Idle;
}

void aero::rt::configure(Channel &channel, const SessionOptions &options) {
  channel.setTimeout(options.timeout);
  channel.setAbort(options.abort);
  channel.setDeadline(options.deadline);
}

Result<std::optional<size_t>>
aero::rt::waitForAny(std::span<const Awaited> awaited,
                     std::span<Channel *const> watched,
                     std::optional<TimePoint> until, int abort) {
  for (size_t i = 0; i < awaited.size(); ++i)
    if (awaited[i].ready)
      return std::optional(i);
  while (true) {
    std::vector<pollfd> events;
    for (const Awaited &one : awaited)
      events.push_back({one.descriptor, POLLIN, 0});
    for (const Channel *peer : watched)
      events.push_back({peer->descriptor(), POLLRDHUP, 0});
    events.push_back({abort, POLLIN, 0});
    int wait = -1;
    if (until)
      wait =
          int(std::clamp<int64_t>(std::chrono::ceil<milliseconds>(
                                      *until - std::chrono::steady_clock::now())
                                      .count(),
                                  0, 1 << 30));
    int n = ::poll(events.data(), events.size(), wait);
    if (n < 0 && errno != EINTR)
      return Error{std::string("poll: ") + std::strerror(errno)};
    if (n == 0)
      return std::optional<size_t>();
    if (n > 0 && events.back().revents != 0)
      return Error{"stopped by a signal", ErrorKind::Stopped};
    for (size_t i = 0; n > 0 && i + 1 < events.size(); ++i) {
      if (events[i].revents == 0)
        continue;
      if (i < awaited.size())
        return std::optional(i);
      return Error{"the " + watched[i - awaited.size()]->peer() +
                       " closed the connection before the protocol ended; see "
                       "its output for the reason",
                   ErrorKind::Connection};
    }
  }
}
