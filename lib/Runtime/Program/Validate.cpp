//===- Validate.cpp - Whole-program checks --------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Validate.h"

#include <algorithm>

using namespace aero;
using namespace aero::rt;
using program::Instruction;
using Shape = google::protobuf::RepeatedField<uint32_t>;

std::string aero::rt::formatShape(const Shape &shape) {
  std::string text = "(";
  for (int i = 0; i < shape.size(); ++i) {
    if (i)
      text += ',';
    text += std::to_string(shape[i]);
  }
  text += ')';
  return text;
}

/// "instruction 7 (linear, node 'h.0/attn')".
static std::string describe(int index, const Instruction &instruction) {
  std::string text =
      "instruction " + std::to_string(index) + " (" + opName(instruction);
  if (!instruction.node().empty())
    text += ", node '" + instruction.node() + "'";
  return text + ")";
}

/// Checks a shape and adds its elements to `total`.
static Status checkShape(const std::string &what, const Shape &shape,
                         uint64_t &total) {
  if (shape.empty() || shape.size() > limits::maxRank)
    return Error{what + " has " + std::to_string(shape.size()) +
                 " dimensions, expected 1 to " +
                 std::to_string(limits::maxRank)};
  uint64_t count = 1;
  for (uint32_t dim : shape) {
    if (dim < 1 || dim > limits::maxDim)
      return Error{what + " has a dimension of size " + std::to_string(dim) +
                   ", expected 1 to " + std::to_string(limits::maxDim)};
    // Both factors are small enough not to overflow before the comparison.
    count *= dim;
    if (count > limits::maxElements)
      break;
  }
  total += count;
  if (count > limits::maxElements || total > limits::maxElements)
    return Error{
        what + " of shape " + formatShape(shape) + " exceeds the limit of " +
        std::to_string(limits::maxElements) + " elements in one program"};
  return {};
}

static Status checkHeader(const program::Program &program) {
  if (program.security() != program::SECURITY_MODE_DEALER)
    return Error{"unknown security mode " +
                 std::to_string(static_cast<int>(program.security())) +
                 ", expected the dealer mode"};
  const program::FixedPoint &fixed = program.fixed_point();
  if (fixed.ring_bits() != 64)
    return Error{"the ring has " + std::to_string(fixed.ring_bits()) +
                 " bits, expected 64"};
  if (fixed.activation_frac() < 1 ||
      fixed.activation_frac() > uint32_t(limits::maxFrac) ||
      fixed.weight_frac() < 1 ||
      fixed.weight_frac() > uint32_t(limits::maxFrac))
    return Error{"fixed-point fractions of " +
                 std::to_string(fixed.activation_frac()) + " and " +
                 std::to_string(fixed.weight_frac()) + " bits, expected 1 to " +
                 std::to_string(limits::maxFrac)};
  if (program.context() < 1 || program.context() > limits::maxDim)
    return Error{"the context is " + std::to_string(program.context()) +
                 " tokens, expected 1 to " + std::to_string(limits::maxDim)};
  if (program.vocabulary() < 1 || program.vocabulary() > limits::maxDim)
    return Error{"the vocabulary is " + std::to_string(program.vocabulary()) +
                 " tokens, expected 1 to " + std::to_string(limits::maxDim)};
  return {};
}

static Status checkValues(const program::Program &program) {
  // Each instruction defines one value and each value has one definition.
  if (program.values_size() != program.instructions_size())
    return Error{"there are " + std::to_string(program.values_size()) +
                 " values for " + std::to_string(program.instructions_size()) +
                 " instructions: each value is defined exactly once"};
  uint64_t total = 0;
  for (int i = 0; i < program.values_size(); ++i) {
    const program::Value &value = program.values(i);
    const std::string what = "value " + std::to_string(i);
    AERO_RETURN_IF_ERROR(checkShape(what, value.shape(), total));
    if (value.bits() < 1 || value.bits() > 64)
      return Error{what + " has " + std::to_string(value.bits()) +
                   " bits, expected 1 to 64"};
    if (value.frac() < -limits::maxFrac || value.frac() > limits::maxFrac)
      return Error{what + " has " + std::to_string(value.frac()) +
                   " fractional bits, expected at most " +
                   std::to_string(limits::maxFrac)};
  }
  return {};
}

static Status checkWeights(const program::Program &program) {
  uint64_t total = 0;
  for (int i = 0; i < program.weights_size(); ++i) {
    const program::Weight &weight = program.weights(i);
    const std::string what =
        "weight " + std::to_string(i) + " ('" + weight.name() + "')";
    AERO_RETURN_IF_ERROR(checkShape(what, weight.shape(), total));
    if (weight.type() != program::Weight::TYPE_I32 &&
        weight.type() != program::Weight::TYPE_I64)
      return Error{what + " has an unknown type"};
    if (weight.frac() < 0 || weight.frac() > limits::maxFrac)
      return Error{what + " has " + std::to_string(weight.frac()) +
                   " fractional bits, expected 0 to " +
                   std::to_string(limits::maxFrac)};
    if (weight.offset() % 64 != 0)
      return Error{what + " lies at offset " + std::to_string(weight.offset()) +
                   ", which is not a multiple of 64"};
  }
  return {};
}

static bool sameCost(const program::Cost &stored, const Cost &computed) {
  return stored.client_to_server() == computed.clientToServer &&
         stored.server_to_client() == computed.serverToClient &&
         stored.dealer_to_server() == computed.dealerToServer &&
         stored.dealer_to_client() == computed.dealerToClient &&
         stored.setup_server_to_client() == computed.setupServerToClient &&
         stored.exchanges() == computed.exchanges &&
         stored.multiply_adds() == computed.multiplyAdds;
}

namespace {

/// What is known about the instructions before the current one.
struct Progress {
  /// The exchange at which each value is there; -1 while it is undefined.
  std::vector<int64_t> finish;
  /// Whether a weight is already masked for an earlier product.
  std::vector<bool> masked;
  /// Exchanges of all instructions one after the other, and the last finish.
  uint64_t sequential = 0, last = 0;
  int reveals = 0;
};

} // namespace

/// The index of the weight that the instruction masks in the set-up, or -1.
static int64_t maskedWeight(const Instruction &instruction) {
  if (instruction.has_embedding())
    return instruction.embedding().weight();
  if (instruction.has_linear())
    return instruction.linear().weight();
  if (instruction.has_mul_weight())
    return instruction.mul_weight().weight();
  return -1;
}

static Status checkOperands(const program::Program &program,
                            const Instruction &instruction,
                            const Progress &progress) {
  for (uint32_t operand : instruction.operands()) {
    if (operand >= progress.finish.size())
      return Error{"operand " + std::to_string(operand) +
                   " is not one of the " +
                   std::to_string(progress.finish.size()) + " values"};
    if (progress.finish[operand] < 0)
      return Error{"operand " + std::to_string(operand) +
                   " is used before it is defined"};
    if (progress.reveals && operand == program.result())
      return Error{"operand " + std::to_string(operand) +
                   " is the revealed result, which no instruction may use"};
  }
  if (instruction.result() >= progress.finish.size())
    return Error{"result " + std::to_string(instruction.result()) +
                 " is not one of the " +
                 std::to_string(progress.finish.size()) + " values"};
  if (progress.finish[instruction.result()] >= 0)
    return Error{"value " + std::to_string(instruction.result()) +
                 " is defined twice"};
  return {};
}

static Status checkInstruction(const program::Program &program,
                               const Instruction &instruction,
                               Progress &progress) {
  AERO_RETURN_IF_ERROR(checkOperands(program, instruction, progress));
  AERO_RETURN_IF_ERROR(validateOp(program, instruction));
  if (instruction.layer() < -1)
    return Error{"layer " + std::to_string(instruction.layer()) +
                 " does not exist"};

  // Two masks of one weight would be two sets of set-up bytes under one stream.
  if (int64_t weight = maskedWeight(instruction); weight >= 0) {
    if (progress.masked[weight])
      return Error{"weight " + std::to_string(weight) +
                   " is already used by another embedding, linear or "
                   "mul_weight instruction"};
    progress.masked[weight] = true;
  }

  Cost cost = instructionCost(program, instruction);
  if (!sameCost(instruction.cost(), cost))
    return Error{"the cost in the file differs from the formulas of this "
                 "build: recompile the model with this version"};

  for (uint32_t operand : instruction.operands())
    if (progress.finish[operand] > instruction.start())
      return Error{"starts at exchange " + std::to_string(instruction.start()) +
                   ", but operand " + std::to_string(operand) +
                   " is only there at exchange " +
                   std::to_string(progress.finish[operand])};
  uint64_t finish = uint64_t(instruction.start()) + cost.exchanges;
  progress.finish[instruction.result()] = static_cast<int64_t>(finish);
  progress.last = std::max(progress.last, finish);
  progress.sequential += cost.exchanges;

  if (instruction.has_reveal()) {
    ++progress.reveals;
    if (progress.reveals > 1)
      return Error{"there is already a reveal: a program has one result"};
    if (instruction.result() != program.result())
      return Error{"reveals value " + std::to_string(instruction.result()) +
                   ", but the program's result is value " +
                   std::to_string(program.result())};
  }
  return {};
}

Status aero::rt::validateProgram(const program::Program &program) {
  if (program.instructions_size() > limits::maxInstructions)
    return Error{"there are " + std::to_string(program.instructions_size()) +
                 " instructions, the limit is " +
                 std::to_string(limits::maxInstructions)};
  if (program.weights_size() > limits::maxWeights)
    return Error{"there are " + std::to_string(program.weights_size()) +
                 " weights, the limit is " +
                 std::to_string(limits::maxWeights)};
  AERO_RETURN_IF_ERROR(checkHeader(program));
  AERO_RETURN_IF_ERROR(checkValues(program));
  AERO_RETURN_IF_ERROR(checkWeights(program));

  Progress progress;
  progress.finish.assign(program.values_size(), -1);
  progress.masked.assign(program.weights_size(), false);
  for (int i = 0; i < program.instructions_size(); ++i) {
    const Instruction &instruction = program.instructions(i);
    if (Status status = checkInstruction(program, instruction, progress);
        !status.ok())
      return Error{describe(i, instruction) + ": " + status.message()};
  }

  if (progress.reveals == 0)
    return Error{"no instruction reveals a result"};
  if (program.reveals_token() &&
      program.values(int(program.result())).frac() != 0)
    return Error{"the result is said to be a token, but is no integer"};
  uint32_t rows = program.last_token_only() ? 1 : program.context();
  const Shape &result = program.values(program.result()).shape();
  if (result[0] != rows)
    return Error{"the result has shape " + formatShape(result) + ", expected " +
                 std::to_string(rows) + " rows"};
  if (program.exchanges() != progress.last)
    return Error{"the program has " + std::to_string(program.exchanges()) +
                 " exchanges, its schedule ends at " +
                 std::to_string(progress.last)};
  // An idle exchange has no purpose, and a huge number of them would keep a
  // party busy for ever.
  if (progress.last > progress.sequential)
    return Error{"the schedule takes " + std::to_string(progress.last) +
                 " exchanges, more than its instructions one after the "
                 "other (" +
                 std::to_string(progress.sequential) + ")"};
  return {};
}
