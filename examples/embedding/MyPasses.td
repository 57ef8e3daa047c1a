//===- MyPasses.td - The passes of the example -------------*- tablegen -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

include "mlir/Pass/PassBase.td"

def CountLinear : Pass<"my-count-linear", "::mlir::func::FuncOp"> {
  let summary = "Counts products with weight matrices, and may limit them";
  let description = [{
    An analysis remark says how many `pi.linear` a function has and how many
    multiply-adds they are. Above the limit, if there is one, it is an error:
    a check to put between AERO's passes, where a network must not grow.
  }];
  let options = [
    Option<"limit", "limit", "int64_t", "-1",
           "The most multiply-adds; -1 is no limit">
  ];
}
