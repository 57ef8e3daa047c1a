//===- MPCInterfaces.td - Interfaces of the mpc dialect ----*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_MPC_IR_MPCINTERFACES_TD
#define AERO_DIALECT_MPC_IR_MPCINTERFACES_TD

include "mlir/IR/OpBase.td"

def MPC_CostOpInterface : OpInterface<"CostOpInterface"> {
  let cppNamespace = "::aero::mpc";
  let description = [{
    What an op costs when it runs: payload bytes per direction, exchanges and
    multiply-adds. The report, the schedule and the program's self-check all
    read it. Ops that need no communication answer zero bytes.
  }];
  let methods = [
    InterfaceMethod<"The op's cost, from types and attributes alone.",
      "::aero::rt::Cost", "getCost">,
    InterfaceMethod<[{How far the parties' result may lie from the exact
      fixed-point result on the same inputs, in units of the last place.}],
      "uint32_t", "getMaxErrorUnits", (ins), "", "return 0;">,
  ];
}

def MPC_ScheduledOpInterface : OpInterface<"ScheduledOpInterface"> {
  let cppNamespace = "::aero::mpc";
  let description = [{
    An op with a place in the schedule: the exchange at which it starts, set by
    `mpc-schedule`. It occupies as many exchanges as its cost says.
  }];
  let methods = [
    InterfaceMethod<"The first exchange, if scheduled.",
      "std::optional<uint32_t>", "getStart">,
    InterfaceMethod<"Sets the first exchange.",
      "void", "setStart", (ins "std::optional<uint32_t>":$start)>,
  ];
}

#endif // AERO_DIALECT_MPC_IR_MPCINTERFACES_TD
