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
  bool clientEnded = false, serverEnded = false;
  std::vector<InstructionStatistics> statistics;
  SessionStatistics totals;
  uint64_t lastInference = 0;

  State(const LoadedProgram &loaded, const SessionOptions &options)
      : loaded(loaded), options(options) {
    statistics.resize(loaded.program.instructions_size());
  }

  Status deal(const Begin &begin);
  Status serverFrame();
};

/// Sends the server its part of every instruction's correlation.
Status Dealer::State::deal(const Begin &begin) {
  if (begin.inference <= lastInference)
    return Error{"the server asks again for the correlations of inference " +
                 std::to_string(begin.inference) + ": they are used once"};
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
  totals.offlineSeconds += watch.lap();
  ++totals.inferences;
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
    return Error{"the server sent a malformed begin"};
  std::memcpy(&begin, payload.data(), sizeof(begin));
  return deal(begin);
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

Status Dealer::acceptParties(Listener &listener) {
  while (!state->client || !state->server) {
    std::vector<Watched> watched;
    if (state->client)
      watched.push_back({&*state->client, Role::Client});
    if (state->server)
      watched.push_back({&*state->server, Role::Server});
    Result<Channel> party =
        acceptWatching(listener, "client or server", watched);
    if (!party.ok())
      return party.takeError();
    AERO_RETURN_IF_ERROR(join(std::move(*party)));
  }
  return {};
}

Status Dealer::join(Channel party) {
  party.setTimeout(state->options.timeout);
  std::vector<Role> welcome;
  if (!state->client)
    welcome.push_back(Role::Client);
  if (!state->server)
    welcome.push_back(Role::Server);
  Result<std::optional<Role>> role =
      answer(party, state->loaded, Role::Dealer, state->session, welcome);
  if (!role.ok())
    return role.takeError();
  if (!*role)
    return {}; // a second one; it has been told
  bool isClient = **role == Role::Client;
  AERO_RETURN_IF_ERROR(party.send(
      FrameKind::Seed, isClient ? state->clientSeed : state->serverSeed));
  (isClient ? state->client : state->server).emplace(std::move(party));
  return {};
}

Status Dealer::serve() {
  while (!state->clientEnded || !state->serverEnded) {
    // A party that has ended may hang up, the other one may not.
    std::vector<int> descriptors;
    std::vector<Channel *> channels;
    if (!state->serverEnded)
      channels.push_back(&*state->server);
    if (!state->clientEnded)
      channels.push_back(&*state->client);
    for (Channel *channel : channels)
      descriptors.push_back(channel->descriptor());
    Result<size_t> ready = waitForAny(descriptors, {}, std::nullopt);
    if (!ready.ok())
      return ready.takeError();
    if (channels[*ready] == &*state->server) {
      AERO_RETURN_IF_ERROR(state->serverFrame());
      continue;
    }
    AERO_RETURN_IF_ERROR(state->client->receive(FrameKind::End, {}));
    state->clientEnded = true;
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
