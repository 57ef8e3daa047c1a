//===- Session.cpp - Handshakes, waiting and accounting -------------------===//
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

static constexpr char helloMagic[8] = {'A', 'E', 'R', 'O', 'H', 'E', 'L', 'O'};
static constexpr uint32_t protocolVersion = 1;

/// Why an acceptor does not go on, for the party that it answers.
enum Refusal : uint32_t { None = 0, RoleTaken = 1 };

const char *aero::rt::roleName(Role role) {
  switch (role) {
  case Role::Client:
    return "client";
  case Role::Server:
    return "server";
  case Role::Dealer:
    return "dealer";
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

static Hello makeHello(const LoadedProgram &program, Role own,
                       const SessionId &session) {
  Hello hello = {};
  std::memcpy(hello.magic, helloMagic, sizeof(helloMagic));
  hello.version = protocolVersion;
  hello.role = uint16_t(own);
  hello.security = uint16_t(program.program.security());
  hello.program = program.hash;
  hello.session = session;
  return hello;
}

/// Checks everything but role and session.
static Status checkHello(const Hello &hello, const LoadedProgram &program,
                         Role own, const std::string &peer) {
  if (std::memcmp(hello.magic, helloMagic, sizeof(helloMagic)) != 0 ||
      hello.zero != 0)
    return Error{"the " + peer + " sent a malformed hello"};
  if (hello.version != protocolVersion)
    return Error{"the " + peer + " speaks protocol version " +
                 std::to_string(hello.version) + ", this build version " +
                 std::to_string(protocolVersion) +
                 ": install the same release on both sides"};
  if (hello.program != program.hash)
    return Error{std::string(roleName(own)) + " and " + peer +
                 " run different programs: compile once and copy the file"};
  if (hello.security != uint16_t(program.program.security()))
    return Error{std::string(roleName(own)) + " and " + peer +
                 " use different security modes"};
  return {};
}

static Result<Hello> receiveHello(Channel &peer) {
  Hello hello;
  AERO_RETURN_IF_ERROR(peer.receive(
      FrameKind::Hello, {reinterpret_cast<uint8_t *>(&hello), sizeof(hello)}));
  return hello;
}

Result<SessionId> aero::rt::greet(Channel &peer, const LoadedProgram &program,
                                  Role own, Role expected,
                                  const SessionId &session) {
  const std::string name = roleName(expected);
  Hello hello = makeHello(program, own, session);
  AERO_RETURN_IF_ERROR(peer.send(FrameKind::Hello, viewBytes(hello)));
  Result<Hello> reply = receiveHello(peer);
  if (!reply.ok())
    return reply.takeError();
  AERO_RETURN_IF_ERROR(checkHello(*reply, program, own, name));
  if (reply->role != uint16_t(expected))
    return Error{"expected the " + name + " at this address, found the " +
                 roleName(Role(reply->role)) + ": check the addresses"};
  if (reply->refusal == RoleTaken)
    return Error{"the " + name + " already has a " + roleName(own) +
                 ": start a " + name + " for every session"};
  if (reply->refusal != None)
    return Error{"the " + name + " refused the connection"};
  if (session != SessionId{} && session != reply->session)
    return Error{std::string(roleName(own)) + " and " + name +
                 " joined different dealers: give both the same address"};
  return reply->session;
}

Result<std::optional<Role>> aero::rt::answer(Channel &peer,
                                             const LoadedProgram &program,
                                             Role own, const SessionId &session,
                                             std::span<const Role> welcome) {
  Result<Hello> hello = receiveHello(peer);
  if (!hello.ok())
    return hello.takeError();
  Hello reply = makeHello(program, own, session);
  bool known = std::find(welcome.begin(), welcome.end(), Role(hello->role)) !=
               welcome.end();
  if (!known)
    reply.refusal = RoleTaken;
  // Answered before it is checked, so that the peer can say what is wrong, too.
  AERO_RETURN_IF_ERROR(peer.send(FrameKind::Hello, viewBytes(reply)));
  bool named = hello->role >= uint16_t(Role::Client) &&
               hello->role <= uint16_t(Role::Dealer);
  const std::string name = named ? roleName(Role(hello->role)) : peer.peer();
  AERO_RETURN_IF_ERROR(checkHello(*hello, program, own, name));
  if (!known)
    return std::optional<Role>();
  if (own != Role::Dealer && hello->session != session)
    return Error{std::string(roleName(own)) + " and " + name +
                 " joined different dealers: give both the same address"};
  return std::optional<Role>(Role(hello->role));
}

Result<size_t> aero::rt::waitForAny(std::span<const int> descriptors,
                                    std::span<const Watched> watched,
                                    std::optional<milliseconds> timeout) {
  auto deadline =
      std::chrono::steady_clock::now() + timeout.value_or(milliseconds(0));
  while (true) {
    std::vector<pollfd> events;
    for (int descriptor : descriptors)
      events.push_back({descriptor, POLLIN, 0});
    for (const Watched &peer : watched)
      events.push_back({peer.channel->descriptor(), POLLRDHUP, 0});
    int wait = -1;
    if (timeout)
      wait = int(
          std::clamp<int64_t>(std::chrono::ceil<milliseconds>(
                                  deadline - std::chrono::steady_clock::now())
                                  .count(),
                              0, 1 << 30));
    int n = ::poll(events.data(), events.size(), wait);
    if (n < 0 && errno != EINTR)
      return Error{std::string("poll: ") + std::strerror(errno)};
    if (n == 0)
      return Error{"no message within " + std::to_string(timeout->count()) +
                   " ms"};
    for (size_t i = 0; n > 0 && i < events.size(); ++i) {
      if (events[i].revents == 0)
        continue;
      if (i < descriptors.size())
        return i;
      return Error{std::string("the ") +
                   roleName(watched[i - descriptors.size()].role) +
                   " closed the connection before the protocol ended; see its "
                   "output for the reason"};
    }
  }
}

Result<Channel> aero::rt::acceptWatching(Listener &listener,
                                         const std::string &name,
                                         std::span<const Watched> watched) {
  const int descriptor = listener.descriptor();
  Result<size_t> ready = waitForAny({&descriptor, 1}, watched, std::nullopt);
  if (!ready.ok())
    return ready.takeError();
  return listener.accept(name, milliseconds(1000));
}
