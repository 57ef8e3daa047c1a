//===- Validate.h - Checks of single instructions -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_PROGRAM_VALIDATE_H
#define AERO_LIB_RUNTIME_PROGRAM_VALIDATE_H

#include "aero/Runtime/Program.h"

namespace aero::rt {

/// Limits on what a program may describe. They keep every size computation
/// below 2^64 and bound what a party allocates for a program it was sent.
namespace limits {
inline constexpr int maxInstructions = 100'000;
inline constexpr int maxWeights = 100'000;
inline constexpr int maxRank = 8;
inline constexpr uint32_t maxDim = (1u << 24) - 1;
/// Elements of all values together, and of all weights together.
inline constexpr uint64_t maxElements = uint64_t(1) << 33;
inline constexpr int maxFrac = 62;
} // namespace limits

/// "(128,768)".
std::string formatShape(const google::protobuf::RepeatedField<uint32_t> &shape);

/// Checks operands, shapes, rings, scales and parameters of one instruction.
/// The indices of its operands and its result, and all values and weights, have
/// been checked. The error does not name the instruction.
Status validateOp(const program::Program &program,
                  const program::Instruction &instruction);

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_PROGRAM_VALIDATE_H
