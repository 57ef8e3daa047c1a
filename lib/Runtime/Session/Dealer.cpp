//===- Dealer.cpp - The source of correlated randomness -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Dealer.h"

#include "Executor.h"

using namespace aero;
using namespace aero::rt;

struct Dealer::State {
  const LoadedProgram &loaded;
  SessionOptions options;
  SessionId session = {};
  Seed clientSeed = {}, serverSeed = {};
  std::optional<Channel> client, server;
  /// The client that the server opened the session for.
  KeyFingerprint clientKey = {};
  bool clientEnded = false, serverEnded = false;
  std::vector<InstructionStatistics> statistics;
  SessionStatistics totals;
  uint64_t lastInference = 0;

  State(const LoadedProgram &loaded, const SessionOptions &options)
      : loaded(loaded), options(options) {
    statistics.resize(loaded.program.instructions_size());
  }

  Refusal judge(const Caller &caller) const;
  Status deal(const Begin &begin);
  Status serverFrame();
  Status clientFrame();
};

/// Sends the server its part of every instruction's correlation.
Status Dealer::State::deal(const Begin &begin) {
  if (begin.inference <= lastInference)
    return Error{"the " + server->peer() +
                     " asks again for the correlations of inference " +
                     std::to_string(begin.inference) + ": they are used once",
                 ErrorKind::Protocol};
  lastInference = begin.inference;
  const program::Program &program = loaded.program;
  Stopwatch watch;
  for (int i = 0; i < program.instructions_size(); ++i) {
    Stopwatch single;
    std::vector<uint8_t> correction =
        dealOperation(program, i, begin.inference, clientSeed, serverSeed);
    statistics[i].computeSeconds += single.lap();
    if (correction.size() != program.instructions(i).cost().dealer_to_server())
      return Error{"internal error: the correction of instruction " +
                   std::to_string(i) + " (" + opName(program.instructions(i)) +
                   ") has another size than the program predicts"};
    std::span<const uint8_t> left = correction;
    while (!left.empty()) {
      auto part =
          left.first(std::min<size_t>(correctionFrameBytes, left.size()));
      AERO_RETURN_IF_ERROR(server->send(FrameKind::Correction, part));
      left = left.subspan(part.size());
    }
    statistics[i].bytes.dealerToServer += correction.size();
    statistics[i].offlineSeconds += single.lap();
  }
  double seconds = watch.lap();
  totals.offlineSeconds += seconds;
  ++totals.inferences;
  if (options.onInference)
    options.onInference({begin.inference, seconds, 0});
  return {};
}

Status Dealer::State::serverFrame() {
  static constexpr FrameKind kinds[] = {FrameKind::Begin, FrameKind::End};
  auto frame = server->receiveAny(kinds, sizeof(Begin));
  if (!frame.ok())
    return frame.takeError();
  auto &[kind, payload] = *frame;
  if (kind == FrameKind::End) {
    serverEnded = true;
    return {};
  }
  Begin begin;
  if (payload.size() != sizeof(begin))
    return Error{"the " + server->peer() + " sent a malformed begin",
                 ErrorKind::Protocol};
  std::memcpy(&begin, payload.data(), sizeof(begin));
  return deal(begin);
}

Status Dealer::State::clientFrame() {
  Status status = client->receive(FrameKind::End, {});
  // Once the server has ended the session nothing more is owed: the client may
  // as well hang up.
  if (!status.ok() && !(serverEnded && status.kind() == ErrorKind::Connection))
    return status;
  clientEnded = true;
  return {};
}

Dealer::Dealer(std::unique_ptr<State> state) : state(std::move(state)) {}
Dealer::~Dealer() = default;
Dealer::Dealer(Dealer &&) noexcept = default;

Result<Dealer> Dealer::create(const LoadedProgram &program,
                              const SessionOptions &options) {
  auto state = std::make_unique<State>(program, options);
  for (Seed *seed : {&state->clientSeed, &state->serverSeed}) {
    Result<Seed> fresh = randomSeed();
    if (!fresh.ok())
      return fresh.takeError();
    *seed = *fresh;
  }
  // The session's name is public and says nothing about the seeds.
  Result<Seed> name = randomSeed();
  if (!name.ok())
    return name.takeError();
  std::copy_n(name->begin(), state->session.size(), state->session.begin());
  return Dealer(std::move(state));
}

const SessionId &Dealer::session() const { return state->session; }

Refusal Dealer::State::judge(const Caller &caller) const {
  switch (caller.role) {
  case Role::Server:
    return server ? Refusal::RoleTaken : Refusal::None;
  case Role::Client:
    if (client)
      return Refusal::RoleTaken;
    if (!server || caller.session != session)
      return Refusal::UnknownSession;
    // Both name each other, so that no other party takes the session.
    if (caller.channel.peerKey() != clientKey ||
        caller.third != server->peerKey())
      return Refusal::WrongKey;
    return Refusal::None;
  case Role::Dealer:
    break;
  }
  return Refusal::RoleTaken;
}

Result<bool> Dealer::admit(Caller caller) {
  configure(caller.channel, state->options);
  Refusal refusal = state->judge(caller);
  if (refusal != Refusal::None) {
    AERO_RETURN_IF_ERROR(refuse(caller, state->loaded, Role::Dealer, refusal));
    return false;
  }
  bool isClient = caller.role == Role::Client;
  if (!isClient)
    state->clientKey = caller.third;
  AERO_RETURN_IF_ERROR(
      welcome(caller, state->loaded, Role::Dealer,
              {state->session,
               isClient ? state->server->peerKey() : state->clientKey}));
  AERO_RETURN_IF_ERROR(caller.channel.send(
      FrameKind::Seed, isClient ? state->clientSeed : state->serverSeed));
  (isClient ? state->client : state->server).emplace(std::move(caller.channel));
  return true;
}

Status Dealer::awaitClient(int descriptor) {
  const SessionOptions &options = state->options;
  const Awaited awaited[] = {Awaited(descriptor), Awaited(options.drain)};
  Channel *const watched[] = {&*state->server};
  auto ready = waitForAny(awaited, watched,
                          std::chrono::steady_clock::now() + options.timeout,
                          options.abort);
  if (!ready.ok())
    return ready.takeError();
  if (!*ready)
    return Error{"the client of the " + state->server->peer() +
                     " did not come within " +
                     std::to_string(options.timeout.count()) + " ms",
                 ErrorKind::Connection};
  if (**ready == 1)
    return Error{"stopped by a signal", ErrorKind::Stopped};
  return {};
}

Status Dealer::serve() {
  State &s = *state;
  while (!s.clientEnded || !s.serverEnded) {
    // A party that has ended may hang up, the other one may not.
    std::vector<Awaited> awaited = {Awaited(s.options.drain)};
    std::vector<Channel *> channels = {nullptr};
    if (!s.serverEnded) {
      awaited.emplace_back(*s.server);
      channels.push_back(&*s.server);
    }
    if (!s.clientEnded) {
      awaited.emplace_back(*s.client);
      channels.push_back(&*s.client);
    }
    PauseLimit limit(s.options);
    auto ready = waitForAny(awaited, {}, limit.until, s.options.abort);
    if (!ready.ok())
      return ready.takeError();
    if (!*ready || **ready == 0) {
      // What was dealt stays good: who is in an inference finishes it.
      s.totals.end = *ready ? SessionEnd::Stopped : limit.reason;
      return {};
    }
    AERO_RETURN_IF_ERROR(channels[**ready] == &*s.server ? s.serverFrame()
                                                         : s.clientFrame());
  }
  return {};
}

SessionStatistics Dealer::statistics() const {
  SessionStatistics all = state->totals;
  all.instructions = state->statistics;
  if (state->client)
    all.peers.push_back({Role::Client, state->client->counters()});
  if (state->server)
    all.peers.push_back({Role::Server, state->server->counters()});
  return all;
}
