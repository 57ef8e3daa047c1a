//===- Server.cpp - The owner of the weights ------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Executor.h"

using namespace aero;
using namespace aero::rt;

struct Server::State {
  const LoadedProgram &loaded;
  const Weights &weights;
  SessionOptions options;
  Channel dealer;
  std::optional<Channel> client;
  SessionId session = {};
  Seed seed = {};
  std::optional<Executor> executor;
  SessionStatistics totals;

  State(const LoadedProgram &loaded, const Weights &weights, Channel dealer,
        const SessionOptions &options)
      : loaded(loaded), weights(weights), options(options),
        dealer(std::move(dealer)) {
    this->dealer.setTimeout(options.timeout);
  }

  Status joinDealer();
  Status sendWeights();
  Status infer(const Begin &begin);
  Result<std::vector<uint8_t>> receiveCorrection(uint32_t instruction);
};

Status Server::State::joinDealer() {
  Result<SessionId> id = greet(dealer, loaded, Role::Server, Role::Dealer, {});
  if (!id.ok())
    return id.takeError();
  session = *id;
  AERO_RETURN_IF_ERROR(dealer.receive(FrameKind::Seed, seed));
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
  const Watched watched[] = {{&*client, Role::Client}};
  const int descriptor = dealer.descriptor();
  while (!left.empty()) {
    // A client that is gone must not go unnoticed while the dealer works.
    Result<size_t> ready =
        waitForAny({&descriptor, 1}, watched, options.timeout);
    if (!ready.ok())
      return ready.takeError();
    std::span<uint8_t> part =
        left.first(std::min<size_t>(correctionFrameBytes, left.size()));
    AERO_RETURN_IF_ERROR(dealer.receive(FrameKind::Correction, part));
    left = left.subspan(part.size());
  }
  if (options.observer && !correction.empty())
    options.observer->onMessage(FrameKind::Correction, instruction, correction);
  return correction;
}

Status Server::State::infer(const Begin &begin) {
  const program::Program &program = loaded.program;
  if (begin.inference <= totals.inferences)
    return Error{"the client repeats inference number " +
                 std::to_string(begin.inference) +
                 ": correlations are used once"};
  if (begin.inference != totals.inferences + 1)
    return Error{"the client skips inference numbers"};
  if (begin.position >= program.context() || begin.zero != 0)
    return Error{"the client sent a malformed begin"};
  Stopwatch watch;
  // The dealer learns that there is an inference, not how long the prompt is.
  Begin request = {begin.inference, 0, 0};
  AERO_RETURN_IF_ERROR(dealer.send(FrameKind::Begin, viewBytes(request)));
  Executor::Input input{begin.inference, begin.position, {}, {}, {}};
  input.corrections.resize(program.instructions_size());
  for (int i = 0; i < program.instructions_size(); ++i) {
    Stopwatch single;
    Result<std::vector<uint8_t>> correction = receiveCorrection(i);
    if (!correction.ok())
      return correction.takeError();
    executor->statistics[i].bytes.dealerToServer += correction->size();
    executor->statistics[i].offlineSeconds += single.lap();
    input.corrections[i] = std::move(*correction);
  }
  AERO_RETURN_IF_ERROR(client->send(FrameKind::Begin, viewBytes(begin)));
  totals.offlineSeconds += watch.lap();
  Result<Share> result = executor->run(std::move(input), *client);
  if (!result.ok())
    return result.takeError();
  totals.onlineSeconds += watch.lap();
  ++totals.inferences;
  return {};
}

Server::Server(std::unique_ptr<State> state) : state(std::move(state)) {}
Server::~Server() = default;
Server::Server(Server &&) noexcept = default;

Result<Server> Server::join(const LoadedProgram &program,
                            const Weights &weights, Channel dealer,
                            const SessionOptions &options) {
  auto state =
      std::make_unique<State>(program, weights, std::move(dealer), options);
  AERO_RETURN_IF_ERROR(state->joinDealer());
  return Server(std::move(state));
}

Status Server::acceptClient(Listener &listener) {
  const Watched watched[] = {{&state->dealer, Role::Dealer}};
  Result<Channel> client = acceptWatching(listener, "client", watched);
  if (!client.ok())
    return client.takeError();
  return joinClient(std::move(*client));
}

Status Server::joinClient(Channel client) {
  client.setTimeout(state->options.timeout);
  static constexpr Role welcome[] = {Role::Client};
  Result<std::optional<Role>> role =
      answer(client, state->loaded, Role::Server, state->session, welcome);
  if (!role.ok())
    return role.takeError();
  if (!*role)
    return Error{"a party that is not a client connected to the server"};
  state->client.emplace(std::move(client));
  return state->sendWeights();
}

Status Server::serve() {
  while (true) {
    const int descriptor = state->client->descriptor();
    const Watched watched[] = {{&state->dealer, Role::Dealer}};
    Result<size_t> ready = waitForAny({&descriptor, 1}, watched, std::nullopt);
    if (!ready.ok())
      return ready.takeError();
    static constexpr FrameKind kinds[] = {FrameKind::Begin, FrameKind::End};
    auto frame = state->client->receiveAny(kinds, sizeof(Begin));
    if (!frame.ok())
      return frame.takeError();
    auto &[kind, payload] = *frame;
    if (kind == FrameKind::End)
      return state->dealer.send(FrameKind::End, {});
    Begin begin;
    if (payload.size() != sizeof(begin))
      return Error{"the client sent a malformed begin"};
    std::memcpy(&begin, payload.data(), sizeof(begin));
    AERO_RETURN_IF_ERROR(state->infer(begin));
  }
}

SessionStatistics Server::statistics() const {
  SessionStatistics all = state->totals;
  all.instructions = state->executor->statistics;
  all.exchanges = state->executor->exchanges;
  if (state->client)
    all.peers.push_back({Role::Client, state->client->counters()});
  all.peers.push_back({Role::Dealer, state->dealer.counters()});
  return all;
}
