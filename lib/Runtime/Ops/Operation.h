//===- Operation.h - Instructions as step machines ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// An interactive instruction is an object that appends its message of an
/// exchange and takes the peer's. Sizes are known before anything is received.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_OPS_OPERATION_H
#define AERO_LIB_RUNTIME_OPS_OPERATION_H

#include "Random.h"
#include "aero/Runtime/Program.h"

#include <memory>

namespace aero::rt {

/// Bytes of one step.
struct StepBytes {
  uint64_t clientToServer = 0, serverToClient = 0;
};

class Operation {
public:
  explicit Operation(PartyRandom random) : random(std::move(random)) {}
  virtual ~Operation() = default;

  virtual unsigned steps() const = 0;
  virtual StepBytes bytes(unsigned step) const = 0;
  virtual void produce(unsigned step, std::vector<uint8_t> &out) = 0;
  /// `in` has the size that bytes() says; it is empty if the peer sends
  /// nothing.
  virtual void consume(unsigned step, std::span<const uint8_t> in) = 0;

  /// After the last step.
  Share takeResult() { return std::move(result); }
  /// Whether all of the correction was used.
  bool usedAll() const { return random.finished(); }

protected:
  bool isClient() const { return random.isClient(); }

  PartyRandom random;
  Share result;
};

/// What an instruction is executed with.
struct OperationContext {
  const program::Program &program;
  const program::Instruction &instruction;
  Role role;
  /// The server's weights.
  const Weights *weights = nullptr;
  /// The client's input.
  std::span<const uint32_t> tokens;
  /// The public position of the last prompt token.
  uint32_t position = 0;
  /// The client's r D + q (embedding and linear).
  Share prepared;

  const program::Value &operand(int i) const {
    return program.values(instruction.operands(i));
  }
  const program::Value &result() const {
    return program.values(instruction.result());
  }
};

/// Whether the instruction needs no correlation and no message, for any shape.
bool isLocal(const program::Instruction &instruction);
/// Executes a local instruction.
Share runLocal(const OperationContext &context,
               std::span<const Share *const> operands);

/// Starts an interactive instruction.
std::unique_ptr<Operation>
startOperation(OperationContext context, std::span<const Share *const> operands,
               PartyRandom random);

/// The dealer's part: the correction for the server.
std::vector<uint8_t> dealOperation(const program::Program &program,
                                   uint32_t instruction, uint64_t inference,
                                   const Seed &clientSeed,
                                   const Seed &serverSeed);

/// A weight that is masked in the session's set-up, and by which instruction.
struct MaskedWeight {
  uint32_t instruction;
  uint32_t weight;
  uint64_t rows, columns;
  unsigned bits; ///< 64, or 32 for an embedding
  /// Of an element-wise product (rows is 1): how many elements of the operand
  /// there are, and how many consecutive ones an element of the weight serves.
  uint64_t elements = 0, repeat = 0;

  uint64_t rowBytes() const { return columns * bits / 8; }
  /// Rows of one frame (and of one block of the dealer's product).
  uint64_t blockRows() const;
  /// The stream of the mask S, row by row.
  Prg mask(const Seed &serverSeed) const;
};

/// In program order.
std::vector<MaskedWeight> maskedWeights(const program::Program &program);

/// The client's r D + q, where `masked` is D in the weight's ring; the products
/// are element-wise if the weight's are.
Share prepareProduct(const MaskedWeight &weight, uint64_t rows,
                     PartyRandom random, std::span<const uint8_t> masked);

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_OPS_OPERATION_H
