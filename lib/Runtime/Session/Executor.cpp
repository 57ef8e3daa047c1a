//===- Executor.cpp - Runs a program by its schedule ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Executor.h"

using namespace aero;
using namespace aero::rt;

Executor::Executor(const LoadedProgram &loaded, Role role, const Seed &seed,
                   const Weights *weights, const SessionOptions &options)
    : loaded(loaded), role(role), seed(seed), weights(weights),
      observer(options.observer) {
  const program::Program &program = loaded.program;
  statistics.resize(program.instructions_size());
  starting.resize(program.exchanges() + 1);
  for (int i = 0; i < program.instructions_size(); ++i)
    starting[program.instructions(i).start()].push_back(i);
}

PartyRandom Executor::random(uint64_t inference, uint32_t instruction,
                             std::vector<uint8_t> correction) const {
  return PartyRandom(role, seed, {inference, instruction, 0},
                     std::move(correction));
}

/// The values and running operations of one inference.
struct Executor::Run {
  Input input;
  std::vector<Share> values;
  std::vector<uint32_t> uses; // of each value that are still to come
  std::vector<Active> active; // in program order
  std::vector<uint8_t> out, in;
};

void Executor::finish(Run &run, uint32_t instruction, Share result) {
  if (observer)
    observer->onResult(instruction, result);
  run.values[loaded.program.instructions(instruction).result()] =
      std::move(result);
}

void Executor::start(Run &run, uint32_t index) {
  const program::Program &program = loaded.program;
  const program::Instruction &instruction = program.instructions(index);
  Stopwatch watch;
  OperationContext context{program,          instruction,        role, weights,
                           run.input.tokens, run.input.position, {}};
  std::vector<const Share *> operands;
  for (uint32_t operand : instruction.operands())
    operands.push_back(&run.values[operand]);
  if (isLocal(instruction)) {
    finish(run, index, runLocal(context, operands));
  } else {
    if (!run.input.prepared.empty())
      context.prepared = std::move(run.input.prepared[index]);
    std::vector<uint8_t> correction;
    if (!run.input.corrections.empty())
      correction = std::move(run.input.corrections[index]);
    std::unique_ptr<Operation> operation = startOperation(
        std::move(context), operands,
        random(run.input.inference, index, std::move(correction)));
    // A row of one column has its maximum without a message.
    if (operation->steps() == 0)
      finish(run, index, operation->takeResult());
    else
      run.active.push_back({index, std::move(operation), 0, {}, 0, 0});
  }
  for (uint32_t operand : instruction.operands())
    if (--run.uses[operand] == 0)
      Share().swap(run.values[operand]);
  statistics[index].computeSeconds += watch.lap();
}

Status Executor::checkCost(const Active &active) const {
  const program::Instruction &instruction =
      loaded.program.instructions(active.instruction);
  const program::Cost &cost = instruction.cost();
  if (active.sent.clientToServer == cost.client_to_server() &&
      active.sent.serverToClient == cost.server_to_client() &&
      active.step == cost.exchanges() && active.operation->usedAll())
    return {};
  return Error{"internal error: instruction " +
               std::to_string(active.instruction) + " (" + opName(instruction) +
               ") took other bytes or exchanges than the program predicts"};
}

Status Executor::exchange(Run &run, Channel &peer) {
  bool client = role == Role::Client;
  Stopwatch watch;
  size_t expected = 0;
  run.out.clear();
  size_t sending = 0;
  for (Active &active : run.active) {
    StepBytes bytes = active.operation->bytes(active.step);
    active.sent.clientToServer += bytes.clientToServer;
    active.sent.serverToClient += bytes.serverToClient;
    active.outBytes = client ? bytes.clientToServer : bytes.serverToClient;
    active.inBytes = client ? bytes.serverToClient : bytes.clientToServer;
    sending += active.outBytes;
    expected += active.inBytes;
  }
  run.out.reserve(sending);
  for (Active &active : run.active) {
    size_t before = run.out.size();
    active.operation->produce(active.step, run.out);
    if (run.out.size() - before != active.outBytes)
      return Error{"internal error: instruction " +
                   std::to_string(active.instruction) +
                   " produced a message of the wrong size"};
    statistics[active.instruction].computeSeconds += watch.lap();
  }
  run.in.resize(expected);
  AERO_RETURN_IF_ERROR(peer.exchange(run.out, run.in));
  ++exchanges;
  double seconds = watch.lap();
  std::span<const uint8_t> in = run.in;
  for (Active &active : run.active) {
    if (sending + expected > 0)
      statistics[active.instruction].exchangeSeconds +=
          seconds * double(active.outBytes + active.inBytes) /
          double(sending + expected);
    std::span<const uint8_t> message = in.first(active.inBytes);
    in = in.subspan(active.inBytes);
    if (observer && !message.empty())
      observer->onMessage(FrameKind::Exchange, active.instruction, message);
    active.operation->consume(active.step++, message);
    statistics[active.instruction].computeSeconds += watch.lap();
  }
  return {};
}

Result<Share> Executor::run(Input input, Channel &peer) {
  const program::Program &program = loaded.program;
  Run run;
  run.input = std::move(input);
  run.values.resize(program.values_size());
  run.uses.resize(program.values_size());
  for (const program::Instruction &instruction : program.instructions())
    for (uint32_t operand : instruction.operands())
      ++run.uses[operand];
  for (uint32_t t = 0; t <= program.exchanges(); ++t) {
    for (uint32_t index : starting[t])
      start(run, index);
    // Program order is what the frames have in common on both sides.
    std::sort(run.active.begin(), run.active.end(),
              [](const Active &a, const Active &b) {
                return a.instruction < b.instruction;
              });
    if (t == program.exchanges())
      break;
    AERO_RETURN_IF_ERROR(exchange(run, peer));
    for (Active &active : run.active) {
      if (active.step < active.operation->steps())
        continue;
      AERO_RETURN_IF_ERROR(checkCost(active));
      Cost &bytes = statistics[active.instruction].bytes;
      bytes.clientToServer += active.sent.clientToServer;
      bytes.serverToClient += active.sent.serverToClient;
      bytes.exchanges += active.step;
      finish(run, active.instruction, active.operation->takeResult());
      active.operation.reset();
    }
    std::erase_if(run.active,
                  [](const Active &active) { return !active.operation; });
  }
  return std::move(run.values[program.result()]);
}
