//===- MPCOps.h - Operations of the mpc dialect ---------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_MPC_IR_MPCOPS_H
#define AERO_DIALECT_MPC_IR_MPCOPS_H

#include "aero/Dialect/MPC/IR/MPCDialect.h"

#define GET_OP_CLASSES
#include "aero/Dialect/MPC/IR/MPCOps.h.inc"

namespace aero::mpc {

/// Bits of the ring that products live in.
inline constexpr unsigned ringBits = 64;
/// Bits of the ring that embeddings are looked up in.
inline constexpr unsigned embeddingBits = 32;

/// A shared value x may be truncated if |x| < 2^truncBoundLog2.
inline constexpr unsigned truncBoundLog2 = 62;

/// The rows of `scores` with one result a row, of type `rows`.
rt::Rows getRows(ShareType scores, ShareType rows, bool causal);

/// Fraction bits that max_row drops: all of its operand's.
uint32_t getDropBits(MaxRowOp op);

/// Whether an op is an instruction of the program, i.e. everything in the body
/// but mpc.weight and the terminator. Instruction i of the program file is the
/// i-th op of the body that this holds for.
bool isInstruction(mlir::Operation *op);

} // namespace aero::mpc

#endif // AERO_DIALECT_MPC_IR_MPCOPS_H
