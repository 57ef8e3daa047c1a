//===- MPCDialect.td - The mpc dialect ---------------------*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_MPC_IR_MPCDIALECT_TD
#define AERO_DIALECT_MPC_IR_MPCDIALECT_TD

include "mlir/IR/OpBase.td"

def MPC_Dialect : Dialect {
  let name = "mpc";
  let cppNamespace = "::aero::mpc";
  let summary = "What two parties do with fixed-point shares";
  let description = [{
    Ops have exact ring semantics: a value of type `!mpc.share<4x8, f = 16>` is an
    additively shared tensor over Z_2^64 that stands for signed(x) / 2^16. The
    protocols, and the bytes that each costs, are specified in
    docs/secure-engine.md; one op is one instruction of the program file.
  }];
  let useDefaultTypePrinterParser = 1;
  let useDefaultAttributePrinterParser = 1;
  let extraClassDeclaration = [{
    void registerTypes();
    void registerAttributes();
  }];
}

#endif // AERO_DIALECT_MPC_IR_MPCDIALECT_TD
