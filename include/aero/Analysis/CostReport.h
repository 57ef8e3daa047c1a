//===- CostReport.h - What a secure program costs, before it runs ---------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Payload bytes, exchanges and multiply-adds of an mpc function by
/// instruction, layer and kind of instruction, and the time that a network
/// takes for them. All figures come from the ops' CostOpInterface, so they are
/// those that the program file holds and the parties check.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_ANALYSIS_COSTREPORT_H
#define AERO_ANALYSIS_COSTREPORT_H

#include "aero/Runtime/Cost.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace aero {

/// A line between client and server, equally fast in both directions.
struct NetworkProfile {
  const char *name;
  double bitsPerSecond;
  /// Two exchanges.
  double roundTripSeconds;
};

/// loopback (30 Gbit/s, 52 us, as measured), lan (1 Gbit/s, 1 ms), wan
/// (100 Mbit/s, 80 ms).
llvm::ArrayRef<NetworkProfile> getNetworkProfiles();

/// One instruction.
struct InstructionCost {
  uint32_t index = 0; // in the program file
  std::string op;     // "max_row"
  std::string node;   // ONNX node, may be empty
  int64_t layer = -1; // -1 outside of all layers
  uint32_t start = 0; // first exchange
  rt::Cost cost;
};

/// Instructions that have something in common. `cost.exchanges` is the sum over
/// the instructions, as if each had the line for itself; what a group adds to
/// the time of the whole program may be less, down to nothing.
struct CostGroup {
  std::string name; // "layer 3", "outside layers", "exp2"
  int64_t layer = -1;
  uint64_t instructions = 0;
  rt::Cost cost;

  void add(const InstructionCost &instruction);
};

/// Seconds that the line alone takes; computation comes on top.
struct NetworkTime {
  const char *profile;
  double online = 0;  // for each prompt
  double offline = 0; // for each prompt, ahead of it: dealer to server
  double setup = 0;   // once a session: masked weights
};

struct CostReport {
  std::vector<InstructionCost> instructions;
  std::vector<CostGroup> layers; // ascending, outside of layers last
  std::vector<CostGroup> kinds;  // most online bytes first
  CostGroup total;
  /// Length of the longest chain of dependent exchanges: what is waited for.
  uint32_t criticalPath = 0;
  std::vector<NetworkTime> times; // one for each profile
};

/// Adds up the costs of `func`, whose body is one block of mpc ops.
/// Instructions without a start are taken to start as soon as possible.
llvm::Expected<CostReport> computeCostReport(mlir::func::FuncOp func);

/// Network time of a program. Both directions are used at once; an instruction
/// takes the time of its busier one.
NetworkTime predictTime(const CostReport &report,
                        const NetworkProfile &profile);

/// Everything as JSON; the list of instructions only if asked for.
nlohmann::json toJson(const CostReport &report, bool withInstructions);
nlohmann::json toJson(const rt::Cost &cost);

} // namespace aero

#endif // AERO_ANALYSIS_COSTREPORT_H
