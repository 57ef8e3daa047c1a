//===- CostReport.h - What a secure program costs, before it runs ---------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Payload bytes, exchanges and multiply-adds of an mpc function by
/// instruction, ONNX node, layer and kind of instruction, and the seconds that
/// they take on a network. Bytes, exchanges and multiply-adds come from the
/// ops' CostOpInterface, so they are those that the program file holds and the
/// parties check. The model of seconds, and what it leaves out, is described in
/// docs/usage.md; CostTime.cpp computes it.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_ANALYSIS_COSTREPORT_H
#define AERO_ANALYSIS_COSTREPORT_H

#include "aero/Analysis/NetworkProfile.h"
#include "aero/Runtime/Cost.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace aero {

/// Predicted wall time.
struct Seconds {
  double online = 0;  // for each prompt
  double offline = 0; // for each prompt, ahead of it: correlations
  double setup = 0;   // once a session: masked weights

  Seconds &operator+=(const Seconds &other);
};

/// One instruction.
struct InstructionCost {
  uint32_t index = 0; // in the program file
  std::string op;     // "max_row"
  std::string node;   // ONNX node, may be empty
  int64_t layer = -1; // -1 outside of all layers
  uint32_t start = 0; // first exchange
  /// Of the largest shared operand or result.
  uint64_t elements = 0;
  rt::Cost cost;
  std::vector<Seconds> times; // one for each profile
};

/// Instructions that have something in common. `cost.exchanges` is the sum over
/// the instructions, as if each had the line for itself. The times are shares
/// of the program's: an exchange that several instructions share is divided
/// among them, so that the times of groups add up.
struct CostGroup {
  std::string name; // "layer 3", "outside layers", "exp2", "/h.0/attn/MatMul"
  int64_t layer = -1;
  uint64_t instructions = 0;
  rt::Cost cost;
  std::vector<Seconds> times;

  void add(const InstructionCost &instruction);
};

struct CostReport {
  std::vector<NetworkProfile> profiles;
  std::vector<InstructionCost> instructions;
  std::vector<CostGroup> nodes;  // in program order, "" for what has none
  std::vector<CostGroup> layers; // ascending, outside of layers last
  std::vector<CostGroup> kinds;  // most online bytes first
  /// Its times also have what belongs to no instruction: the round trips that
  /// ask for correlations, and the handshakes of a session.
  CostGroup total;
  /// Length of the longest chain of dependent exchanges: what is waited for.
  uint32_t criticalPath = 0;
};

/// Adds up the costs of `func`, whose body is one block of mpc ops, and
/// predicts its times for each profile. Instructions without a start are taken
/// to start as soon as possible.
llvm::Expected<CostReport>
computeCostReport(mlir::func::FuncOp func,
                  llvm::ArrayRef<NetworkProfile> profiles);

/// Times of a program for one profile.
struct TimePrediction {
  /// One for each instruction: its shares.
  std::vector<Seconds> instructions;
  /// Also what belongs to no instruction.
  Seconds total;
};

/// Every instruction's op must have rates in the profile.
TimePrediction predictTimes(llvm::ArrayRef<InstructionCost> instructions,
                            const NetworkProfile &profile);

/// Everything as JSON.
nlohmann::json toJson(const CostReport &report);
nlohmann::json toJson(const rt::Cost &cost);

} // namespace aero

#endif // AERO_ANALYSIS_COSTREPORT_H
