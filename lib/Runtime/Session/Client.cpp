//===- Client.cpp - The owner of the prompt -------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Executor.h"
#include "aero/Runtime/Correlations.h"

#include <cstring>

using namespace aero;
using namespace aero::rt;

struct Client::State {
  const LoadedProgram &loaded;
  SessionOptions options;
  Channel server;
  /// One of these, where the correlations come from.
  std::optional<Channel> dealer;
  std::optional<ClientCorrelations> prepared;
  /// The session's name, and the dealer's key as the server knows it.
  Greeting greeting = {};
  std::optional<Executor> executor;
  std::vector<MaskedWeight> weights;
  /// D = W - S of each weight, in its ring.
  std::vector<std::vector<uint8_t>> masked;
  SessionStatistics totals;

  State(const LoadedProgram &loaded, Channel server,
        const SessionOptions &options)
      : loaded(loaded), options(options), server(std::move(server)) {
    configure(this->server, options);
  }

  Status greetServer(const SessionId &wanted);
  Status greetDealer();
  Status awaitServer(const Begin &begin);
  Status receiveWeights();
};

/// `wanted` is zero if the server is to open a session at its dealer.
Status Client::State::greetServer(const SessionId &wanted) {
  Result<Greeting> reply =
      greet(server, loaded, Role::Client, Role::Server, {wanted, {}});
  if (!reply.ok())
    return reply.takeError();
  if (wanted != SessionId{} && reply->session != wanted)
    return Error{"the " + server.peer() + " answered for another session",
                 ErrorKind::Protocol};
  greeting = *reply;
  return {};
}

Status Client::State::greetDealer() {
  const KeyFingerprint none = {}, key = dealer->peerKey();
  if (key != none && greeting.third != none && greeting.third != key)
    return Error{"the " + server.peer() + " has the dealer with the key " +
                     formatFingerprint(greeting.third) + ", the " +
                     dealer->peer() + " has " + formatFingerprint(key) +
                     ": give both the same dealer",
                 ErrorKind::Authentication};
  Result<Greeting> reply = greet(*dealer, loaded, Role::Client, Role::Dealer,
                                 {greeting.session, server.peerKey()});
  if (!reply.ok())
    return reply.takeError();
  if (reply->session != greeting.session || reply->third != server.peerKey())
    return Error{"the " + dealer->peer() +
                     " has another server for this session than the " +
                     server.peer(),
                 ErrorKind::Authentication};
  Seed seed;
  AERO_RETURN_IF_ERROR(dealer->receive(FrameKind::Seed, seed));
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
      AERO_RETURN_IF_ERROR(server.receive(FrameKind::Setup, part));
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

/// Waits until the server has the correlations of an inference.
Status Client::State::awaitServer(const Begin &begin) {
  static constexpr FrameKind kinds[] = {FrameKind::Begin, FrameKind::End};
  auto frame = server.receiveAny(kinds, sizeof(Begin));
  if (!frame.ok())
    return frame.takeError();
  auto &[kind, payload] = *frame;
  if (kind == FrameKind::End)
    return Error{
        "the " + server.peer() +
            " has ended the session: it was idle or open for too long, "
            "or the server is about to stop",
        ErrorKind::Connection};
  std::span<const uint8_t> expected = viewBytes(begin);
  if (!std::equal(payload.begin(), payload.end(), expected.begin(),
                  expected.end()))
    return Error{"the " + server.peer() +
                     " answered another inference than was asked for",
                 ErrorKind::Protocol};
  return {};
}

Client::Client(std::unique_ptr<State> state) : state(std::move(state)) {}
Client::~Client() = default;
Client::Client(Client &&) noexcept = default;

Result<Client> Client::join(const LoadedProgram &program, Channel server,
                            const SessionOptions &options) {
  auto state = std::make_unique<State>(program, std::move(server), options);
  AERO_RETURN_IF_ERROR(state->greetServer({}));
  return Client(std::move(state));
}

Result<Client> Client::joinPrepared(const LoadedProgram &program,
                                    Channel server,
                                    ClientCorrelations correlations,
                                    const SessionOptions &options) {
  auto state = std::make_unique<State>(program, std::move(server), options);
  AERO_RETURN_IF_ERROR(state->greetServer(correlations.session()));
  state->executor.emplace(program, Role::Client, correlations.seed(), nullptr,
                          options);
  state->prepared.emplace(std::move(correlations));
  AERO_RETURN_IF_ERROR(state->receiveWeights());
  return Client(std::move(state));
}

Status Client::joinDealer(Channel dealer) {
  configure(dealer, state->options);
  state->dealer.emplace(std::move(dealer));
  AERO_RETURN_IF_ERROR(state->greetDealer());
  return state->receiveWeights();
}

const SessionId &Client::session() const { return state->greeting.session; }

Status aero::rt::checkRequest(const program::Program &program,
                              std::span<const uint32_t> tokens,
                              uint32_t position) {
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
  const program::Program &program = state->loaded.program;
  AERO_RETURN_IF_ERROR(checkRequest(program, tokens, position));
  Stopwatch watch;
  Begin begin = {state->totals.inferences + 1, position, 0};
  if (state->prepared) {
    Result<uint64_t> taken = state->prepared->take();
    if (!taken.ok())
      return taken.takeError();
    begin.inference = *taken;
  }
  AERO_RETURN_IF_ERROR(state->server.send(FrameKind::Begin, viewBytes(begin)));

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
  AERO_RETURN_IF_ERROR(state->awaitServer(begin));
  Inference inference;
  inference.offlineSeconds = watch.lap();

  Result<Share> result = state->executor->run(std::move(input), state->server);
  if (!result.ok())
    return result.takeError();
  inference.onlineSeconds = watch.lap();
  inference.values.assign(result->begin(), result->end());
  inference.frac = program.values(program.result()).frac();
  ++state->totals.inferences;
  state->totals.offlineSeconds += inference.offlineSeconds;
  state->totals.onlineSeconds += inference.onlineSeconds;
  if (state->options.onInference)
    state->options.onInference(
        {begin.inference, inference.offlineSeconds, inference.onlineSeconds});
  return inference;
}

Status Client::waitForInput(int fd) {
  const Awaited awaited[] = {Awaited(fd), Awaited(state->options.drain)};
  std::vector<Channel *> watched = {&state->server};
  if (state->dealer)
    watched.push_back(&*state->dealer);
  auto ready = waitForAny(awaited, watched, state->options.deadline,
                          state->options.abort);
  if (!ready.ok())
    return ready.takeError();
  if (!*ready)
    return Error{"the session's time limit has been reached",
                 ErrorKind::Connection};
  if (**ready == 1)
    return Error{"stopped by a signal", ErrorKind::Stopped};
  return {};
}

Status Client::end() {
  if (state->dealer)
    AERO_RETURN_IF_ERROR(state->dealer->send(FrameKind::End, {}));
  return state->server.send(FrameKind::End, {});
}

SessionStatistics Client::statistics() const {
  SessionStatistics all = state->totals;
  if (state->executor) {
    all.instructions = state->executor->statistics;
    all.exchanges = state->executor->exchanges;
  }
  all.peers.push_back({Role::Server, state->server.counters()});
  if (state->dealer)
    all.peers.push_back({Role::Dealer, state->dealer->counters()});
  return all;
}
