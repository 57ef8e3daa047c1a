//===- Client.cpp - The owner of the prompt -------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Executor.h"

#include <cstring>

using namespace aero;
using namespace aero::rt;

struct Client::State {
  const LoadedProgram &loaded;
  SessionOptions options;
  Channel dealer;
  std::optional<Channel> server;
  SessionId session = {};
  std::optional<Executor> executor;
  std::vector<MaskedWeight> weights;
  /// D = W - S of each weight, in its ring.
  std::vector<std::vector<uint8_t>> masked;
  SessionStatistics totals;

  State(const LoadedProgram &loaded, Channel dealer,
        const SessionOptions &options)
      : loaded(loaded), options(options), dealer(std::move(dealer)) {
    this->dealer.setTimeout(options.timeout);
  }

  Status joinDealer();
  Status receiveWeights();
};

Status Client::State::joinDealer() {
  Result<SessionId> id = greet(dealer, loaded, Role::Client, Role::Dealer, {});
  if (!id.ok())
    return id.takeError();
  session = *id;
  Seed seed;
  AERO_RETURN_IF_ERROR(dealer.receive(FrameKind::Seed, seed));
  executor.emplace(loaded, Role::Client, seed, nullptr, options);
  return {};
}

Status Client::State::receiveWeights() {
  Stopwatch watch;
  weights = maskedWeights(loaded.program);
  for (const MaskedWeight &weight : weights) {
    std::vector<uint8_t> &matrix =
        masked.emplace_back(weight.rows * weight.rowBytes());
    uint64_t block = weight.blockRows() * weight.rowBytes();
    std::span<uint8_t> left = matrix;
    while (!left.empty()) {
      std::span<uint8_t> part =
          left.first(std::min<size_t>(block, left.size()));
      AERO_RETURN_IF_ERROR(server->receive(FrameKind::Setup, part));
      left = left.subspan(part.size());
    }
    if (options.observer)
      options.observer->onMessage(FrameKind::Setup, weight.instruction, matrix);
    executor->statistics[weight.instruction].bytes.setupServerToClient +=
        matrix.size();
  }
  totals.setupSeconds = watch.lap();
  return {};
}

Client::Client(std::unique_ptr<State> state) : state(std::move(state)) {}
Client::~Client() = default;
Client::Client(Client &&) noexcept = default;

Result<Client> Client::join(const LoadedProgram &program, Channel dealer,
                            const SessionOptions &options) {
  auto state = std::make_unique<State>(program, std::move(dealer), options);
  AERO_RETURN_IF_ERROR(state->joinDealer());
  return Client(std::move(state));
}

Status Client::joinServer(Channel server) {
  server.setTimeout(state->options.timeout);
  Result<SessionId> same =
      greet(server, state->loaded, Role::Client, Role::Server, state->session);
  if (!same.ok())
    return same.takeError();
  state->server.emplace(std::move(server));
  return state->receiveWeights();
}

Status Client::check(std::span<const uint32_t> tokens,
                     uint32_t position) const {
  const program::Program &program = state->loaded.program;
  if (tokens.size() != program.context())
    return Error{"got " + std::to_string(tokens.size()) +
                 " tokens, the program takes " +
                 std::to_string(program.context())};
  for (size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] >= program.vocabulary())
      return Error{"token " + std::to_string(i) +
                   " is not below the vocabulary size " +
                   std::to_string(program.vocabulary())};
  if (position >= program.context())
    return Error{"position " + std::to_string(position) +
                 " is not below the context length " +
                 std::to_string(program.context())};
  return {};
}

Result<Inference> Client::infer(std::span<const uint32_t> tokens,
                                uint32_t position) {
  AERO_RETURN_IF_ERROR(check(tokens, position));
  const program::Program &program = state->loaded.program;
  Stopwatch watch;
  Begin begin = {state->totals.inferences + 1, position, 0};
  AERO_RETURN_IF_ERROR(state->server->send(FrameKind::Begin, viewBytes(begin)));

  Executor::Input input{begin.inference, position, tokens, {}, {}};
  input.prepared.resize(program.instructions_size());
  for (size_t i = 0; i < state->weights.size(); ++i) {
    Stopwatch single;
    const MaskedWeight &weight = state->weights[i];
    const program::Instruction &op = program.instructions(weight.instruction);
    input.prepared[weight.instruction] = prepareProduct(
        weight, program.values(op.result()).shape(0),
        state->executor->random(begin.inference, weight.instruction, {}),
        state->masked[i]);
    state->executor->statistics[weight.instruction].offlineSeconds +=
        single.lap();
  }
  // The server says when its correlations are there too: the online phase
  // begins for both at once.
  Begin ready;
  AERO_RETURN_IF_ERROR(state->server->receive(
      FrameKind::Begin, {reinterpret_cast<uint8_t *>(&ready), sizeof(ready)}));
  if (std::memcmp(&ready, &begin, sizeof(ready)) != 0)
    return Error{"the server answered another inference than was asked for"};
  Inference inference;
  inference.offlineSeconds = watch.lap();

  Result<Share> result = state->executor->run(std::move(input), *state->server);
  if (!result.ok())
    return result.takeError();
  inference.onlineSeconds = watch.lap();
  inference.values.assign(result->begin(), result->end());
  inference.frac = program.values(program.result()).frac();
  ++state->totals.inferences;
  state->totals.offlineSeconds += inference.offlineSeconds;
  state->totals.onlineSeconds += inference.onlineSeconds;
  return inference;
}

Status Client::waitForInput(int fd) {
  const Watched watched[] = {{&*state->server, Role::Server},
                             {&state->dealer, Role::Dealer}};
  Result<size_t> ready = waitForAny({&fd, 1}, watched, std::nullopt);
  return ready.ok() ? Status() : Status(ready.takeError());
}

Status Client::end() {
  AERO_RETURN_IF_ERROR(state->dealer.send(FrameKind::End, {}));
  return state->server ? state->server->send(FrameKind::End, {}) : Status();
}

SessionStatistics Client::statistics() const {
  SessionStatistics all = state->totals;
  all.instructions = state->executor->statistics;
  all.exchanges = state->executor->exchanges;
  if (state->server)
    all.peers.push_back({Role::Server, state->server->counters()});
  all.peers.push_back({Role::Dealer, state->dealer.counters()});
  return all;
}
