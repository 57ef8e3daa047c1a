//===- Server.cpp - The owner of the weights ------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Executor.h"
#include "aero/Runtime/Correlations.h"

using namespace aero;
using namespace aero::rt;

struct Server::State {
  const LoadedProgram &loaded;
  const Weights &weights;
  SessionOptions options;
  /// One of these, where the correlations come from.
  std::optional<Channel> dealer;
  std::optional<ServerCorrelations> prepared;
  std::optional<Channel> client;
  SessionId session = {};
  Seed seed = {};
  std::optional<Executor> executor;
  SessionStatistics totals;
  uint64_t lastInference = 0;

  State(const LoadedProgram &loaded, const Weights &weights,
        const SessionOptions &options)
      : loaded(loaded), weights(weights), options(options) {}

  /// To watch while somebody else is waited for.
  std::vector<Channel *> dealerIfAny() {
    return dealer ? std::vector<Channel *>{&*dealer} : std::vector<Channel *>();
  }
  Status joinDealer(Channel channel, const KeyFingerprint &clientKey);
  Status sendWeights();
  Status endSession(SessionEnd reason);
  Status infer(const Begin &begin);
  Result<std::vector<std::vector<uint8_t>>> askDealer(uint64_t inference);
  Result<std::vector<uint8_t>> receiveCorrection(uint32_t instruction);
};

Status Server::State::joinDealer(Channel channel,
                                 const KeyFingerprint &clientKey) {
  configure(channel, options);
  dealer.emplace(std::move(channel));
  Result<Greeting> reply =
      greet(*dealer, loaded, Role::Server, Role::Dealer, {{}, clientKey});
  if (!reply.ok())
    return reply.takeError();
  session = reply->session;
  AERO_RETURN_IF_ERROR(dealer->receive(FrameKind::Seed, seed));
  executor.emplace(loaded, Role::Server, seed, &weights, options);
  return {};
}

/// Sends D = W - S for one weight, whose elements are T in its ring.
template <typename T>
static Status sendMasked(Channel &client, const MaskedWeight &weight,
                         std::span<const int32_t> clear, const Seed &seed) {
  Prg stream = weight.mask(seed);
  std::vector<T> block;
  size_t step = weight.blockRows() * weight.columns;
  for (size_t first = 0; first < clear.size(); first += step) {
    block.resize(std::min(step, clear.size() - first));
    stream.fill(bytesOf(block));
    for (size_t i = 0; i < block.size(); ++i)
      block[i] = T(int64_t(clear[first + i])) - block[i];
    AERO_RETURN_IF_ERROR(client.send(FrameKind::Setup, bytesOf(block)));
  }
  return {};
}

Status Server::State::sendWeights() {
  Stopwatch watch;
  for (const MaskedWeight &weight : maskedWeights(loaded.program)) {
    std::span<const int32_t> clear =
        weights.i32(loaded.program.weights(weight.weight));
    AERO_RETURN_IF_ERROR(
        weight.bits == 64 ? sendMasked<uint64_t>(*client, weight, clear, seed)
                          : sendMasked<uint32_t>(*client, weight, clear, seed));
    executor->statistics[weight.instruction].bytes.setupServerToClient +=
        weight.rows * weight.rowBytes();
  }
  totals.setupSeconds = watch.lap();
  return {};
}

Result<std::vector<uint8_t>>
Server::State::receiveCorrection(uint32_t instruction) {
  std::vector<uint8_t> correction(
      loaded.program.instructions(instruction).cost().dealer_to_server());
  std::span<uint8_t> left = correction;
  Channel *const watched[] = {&*client};
  while (!left.empty()) {
    // A client that is gone must not go unnoticed while the dealer works.
    const Awaited awaited[] = {Awaited(*dealer)};
    auto ready = waitForAny(awaited, watched,
                            std::chrono::steady_clock::now() + options.timeout,
                            options.abort);
    if (!ready.ok())
      return ready.takeError();
    if (!*ready)
      return Error{"the " + dealer->peer() + " sent no correlations within " +
                       std::to_string(options.timeout.count()) + " ms",
                   ErrorKind::Connection};
    std::span<uint8_t> part =
        left.first(std::min<size_t>(correctionFrameBytes, left.size()));
    AERO_RETURN_IF_ERROR(dealer->receive(FrameKind::Correction, part));
    left = left.subspan(part.size());
  }
  if (options.observer && !correction.empty())
    options.observer->onMessage(FrameKind::Correction, instruction, correction);
  return correction;
}

/// The corrections of all instructions, from the dealer.
Result<std::vector<std::vector<uint8_t>>>
Server::State::askDealer(uint64_t inference) {
  // The dealer learns that there is an inference, not how long the prompt is.
  Begin request = {inference, 0, 0};
  AERO_RETURN_IF_ERROR(dealer->send(FrameKind::Begin, viewBytes(request)));
  std::vector<std::vector<uint8_t>> corrections;
  for (int i = 0; i < loaded.program.instructions_size(); ++i) {
    Stopwatch single;
    Result<std::vector<uint8_t>> correction = receiveCorrection(i);
    if (!correction.ok())
      return correction.takeError();
    executor->statistics[i].bytes.dealerToServer += correction->size();
    executor->statistics[i].offlineSeconds += single.lap();
    corrections.push_back(std::move(*correction));
  }
  return corrections;
}

Status Server::State::infer(const Begin &begin) {
  if (begin.inference <= lastInference)
    return Error{"the " + client->peer() + " repeats inference number " +
                     std::to_string(begin.inference) +
                     ": correlations are used once",
                 ErrorKind::Protocol};
  // A client on disk may have lost some to a crash.
  if (!prepared && begin.inference != lastInference + 1)
    return Error{"the " + client->peer() + " skips inference numbers",
                 ErrorKind::Protocol};
  if (begin.position >= loaded.program.context() || begin.zero != 0)
    return Error{"the " + client->peer() + " sent a malformed begin",
                 ErrorKind::Protocol};
  lastInference = begin.inference;
  Stopwatch watch;
  auto corrections =
      prepared ? prepared->take(begin.inference) : askDealer(begin.inference);
  if (!corrections.ok())
    return corrections.takeError();
  Executor::Input input{
      begin.inference, begin.position, {}, std::move(*corrections), {}};
  AERO_RETURN_IF_ERROR(client->send(FrameKind::Begin, viewBytes(begin)));
  double offlineSeconds = watch.lap();
  Result<Share> result = executor->run(std::move(input), *client);
  if (!result.ok())
    return result.takeError();
  double onlineSeconds = watch.lap();
  totals.offlineSeconds += offlineSeconds;
  totals.onlineSeconds += onlineSeconds;
  ++totals.inferences;
  if (options.onInference)
    options.onInference({begin.inference, offlineSeconds, onlineSeconds});
  return {};
}

Server::Server(std::unique_ptr<State> state) : state(std::move(state)) {}
Server::~Server() = default;
Server::Server(Server &&) noexcept = default;

Result<Server> Server::join(const LoadedProgram &program,
                            const Weights &weights, Channel dealer,
                            const SessionOptions &options,
                            const KeyFingerprint &clientKey) {
  auto state = std::make_unique<State>(program, weights, options);
  AERO_RETURN_IF_ERROR(state->joinDealer(std::move(dealer), clientKey));
  return Server(std::move(state));
}

Result<Server> Server::openPrepared(const LoadedProgram &program,
                                    const Weights &weights,
                                    ServerCorrelations correlations,
                                    const SessionOptions &options) {
  auto state = std::make_unique<State>(program, weights, options);
  state->session = correlations.session();
  state->seed = correlations.seed();
  state->executor.emplace(program, Role::Server, state->seed, &weights,
                          options);
  state->prepared.emplace(std::move(correlations));
  return Server(std::move(state));
}

const SessionId &Server::session() const { return state->session; }

Status Server::joinClient(Caller client) {
  configure(client.channel, state->options);
  const SessionId expected = state->prepared ? state->session : SessionId{};
  if (client.role != Role::Client || client.session != expected) {
    AERO_RETURN_IF_ERROR(
        refuse(client, state->loaded, Role::Server, Refusal::RoleTaken));
    return Error{"the " + client.channel.peer() +
                     " connected to the server, which waits for clients",
                 ErrorKind::Protocol};
  }
  const KeyFingerprint dealerKey =
      state->dealer ? state->dealer->peerKey() : KeyFingerprint();
  AERO_RETURN_IF_ERROR(welcome(client, state->loaded, Role::Server,
                               {state->session, dealerKey}));
  state->client.emplace(std::move(client.channel));
  return state->sendWeights();
}

/// Tells both peers that there will be no further inference.
Status Server::State::endSession(SessionEnd reason) {
  totals.end = reason;
  if (dealer)
    AERO_RETURN_IF_ERROR(dealer->send(FrameKind::End, {}));
  if (reason == SessionEnd::Client)
    return {};
  return client->send(FrameKind::End, {});
}

Status Server::serve() {
  State &s = *state;
  while (true) {
    const Awaited awaited[] = {Awaited(*s.client), Awaited(s.options.drain)};
    const std::vector<Channel *> watched = s.dealerIfAny();
    PauseLimit limit(s.options);
    auto ready = waitForAny(awaited, watched, limit.until, s.options.abort);
    if (!ready.ok())
      return ready.takeError();
    if (!*ready)
      return s.endSession(limit.reason);
    if (**ready == 1)
      return s.endSession(SessionEnd::Stopped);
    static constexpr FrameKind kinds[] = {FrameKind::Begin, FrameKind::End};
    auto frame = s.client->receiveAny(kinds, sizeof(Begin));
    if (!frame.ok())
      return frame.takeError();
    auto &[kind, payload] = *frame;
    if (kind == FrameKind::End)
      return s.endSession(SessionEnd::Client);
    Begin begin;
    if (payload.size() != sizeof(begin))
      return Error{"the " + s.client->peer() + " sent a malformed begin",
                   ErrorKind::Protocol};
    std::memcpy(&begin, payload.data(), sizeof(begin));
    AERO_RETURN_IF_ERROR(s.infer(begin));
  }
}

SessionStatistics Server::statistics() const {
  SessionStatistics all = state->totals;
  all.instructions = state->executor->statistics;
  all.exchanges = state->executor->exchanges;
  if (state->client)
    all.peers.push_back({Role::Client, state->client->counters()});
  if (state->dealer)
    all.peers.push_back({Role::Dealer, state->dealer->counters()});
  return all;
}
