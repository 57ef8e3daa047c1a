//===- Passes.td - Passes of the mpc dialect ---------------*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_MPC_TRANSFORMS_PASSES_TD
#define AERO_DIALECT_MPC_TRANSFORMS_PASSES_TD

include "mlir/Pass/PassBase.td"

def MPCSchedule : Pass<"mpc-schedule", "::mlir::func::FuncOp"> {
  let summary = "Gives every instruction the exchange at which it starts";
  let description = [{
    Exchanges are what a slow line is made of, so instructions that do not
    depend on each other share them. Every instruction starts as soon as its
    operands are there; one with e exchanges occupies [start, start + e), a local
    one runs between exchanges. This is the shortest schedule: the number of
    exchanges is the length of the longest chain of dependent instructions.

    Input: a function of one block of mpc ops, scheduled or not.
    Output: the same with all starts set, as mpc-verify-schedule wants it.

    In the attention of one layer, `recip` (12 exchanges) runs beside the
    product with the values and its truncation:

    ```mlir
    %s = mpc.sum_row %e : ...
    %r = mpc.recip %s below 64 : ...
    %c = mpc.matmul %e, %v : ...
    %t = mpc.trunc %c by 20 : ...
    ```

    becomes

    ```mlir
    %s = mpc.sum_row %e start 14 : ...
    %r = mpc.recip %s below 64 start 14 : ...
    %c = mpc.matmul %e, %v start 14 : ...
    %t = mpc.trunc %c by 20 start 15 : ...
    ```
  }];
  let statistics = [
    Statistic<"numExchanges", "exchanges", "Exchanges of the function">
  ];
}

def MPCVerifySchedule : Pass<"mpc-verify-schedule", "::mlir::func::FuncOp"> {
  let summary = "Checks that a schedule can be executed";
  let description = [{
    The contract of program emission:

    (S1) every instruction has a start;
    (S2) it starts when all of its operands are there, or later;
    (S3) in every exchange up to the last there is an active instruction.
  }];
}

#endif // AERO_DIALECT_MPC_TRANSFORMS_PASSES_TD
