//===- Passes.h - Passes of the mpc dialect -------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_MPC_TRANSFORMS_PASSES_H
#define AERO_DIALECT_MPC_TRANSFORMS_PASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace aero::mpc {

#define GEN_PASS_DECL
#include "aero/Dialect/MPC/Transforms/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "aero/Dialect/MPC/Transforms/Passes.h.inc"

/// The exchange after which the last instruction of a scheduled function is
/// done: the total number of exchanges.
uint32_t countExchanges(mlir::func::FuncOp func);

/// Checks (S1) to (S3) of `mpc-verify-schedule`, with diagnostics.
mlir::LogicalResult verifySchedule(mlir::func::FuncOp func);

} // namespace aero::mpc

#endif // AERO_DIALECT_MPC_TRANSFORMS_PASSES_H
