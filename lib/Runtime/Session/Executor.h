//===- Executor.h - Runs a program by its schedule ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_SESSION_EXECUTOR_H
#define AERO_LIB_RUNTIME_SESSION_EXECUTOR_H

#include "../Ops/Operation.h"
#include "Session.h"

namespace aero::rt {

/// One party's state over the inferences of a session.
class Executor {
public:
  Executor(const LoadedProgram &program, Role role, const Seed &seed,
           const Weights *weights, const SessionOptions &options);

  /// What the party brings to one inference.
  struct Input {
    uint64_t inference;
    uint32_t position;
    std::span<const uint32_t> tokens;
    /// By instruction: the server's corrections, the client's r D + q.
    std::vector<std::vector<uint8_t>> corrections;
    std::vector<Share> prepared;
  };
  /// The online phase: this party's share of the result, which is the result
  /// itself at the client.
  Result<Share> run(Input input, Channel &peer);

  PartyRandom random(uint64_t inference, uint32_t instruction,
                     std::vector<uint8_t> correction) const;

  std::vector<InstructionStatistics> statistics;
  /// That took place, in all inferences.
  uint64_t exchanges = 0;

private:
  struct Active {
    uint32_t instruction;
    std::unique_ptr<Operation> operation;
    unsigned step = 0;
    Cost sent; // of this inference
    size_t outBytes = 0, inBytes = 0;
  };
  struct Run;

  void start(Run &run, uint32_t instruction);
  Status exchange(Run &run, Channel &peer);
  void finish(Run &run, uint32_t instruction, Share result);
  Status checkCost(const Active &active) const;

  const LoadedProgram &loaded;
  Role role;
  Seed seed;
  const Weights *weights;
  Observer *observer;
  /// Instructions by the exchange at which they start.
  std::vector<std::vector<uint32_t>> starting;
};

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_SESSION_EXECUTOR_H
