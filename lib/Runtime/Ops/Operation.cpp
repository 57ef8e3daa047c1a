//===- Operation.cpp - Instructions as step machines ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Operation.h"

#include "Products.h"
#include "Softmax.h"

using namespace aero;
using namespace aero::rt;
using program::Instruction;

namespace {

/// Trunc and extend: one wrap bit.
class Rescale final : public Operation {
public:
  Rescale(PartyRandom source, size_t n, unsigned bits, unsigned width,
          bool extends, const Share &operand)
      : Operation(std::move(source)), extends(extends),
        wrap(random, n, bits, width), input(operand) {}

  unsigned steps() const override { return 1; }
  StepBytes bytes(unsigned step) const override {
    return {wrap.bytes(), wrap.bytes()};
  }
  void produce(unsigned step, std::vector<uint8_t> &out) override {
    wrap.produce(input, out);
  }
  void consume(unsigned step, std::span<const uint8_t> in) override {
    wrap.consume(in);
    result = extends ? wrap.extended() : wrap.shifted(/*unbiased=*/false);
  }

private:
  bool extends;
  WrapBit wrap;
  Share input;
};

/// The server's share to the client.
class Reveal final : public Operation {
public:
  Reveal(PartyRandom source, const Share &operand)
      : Operation(std::move(source)), input(operand) {}

  unsigned steps() const override { return 1; }
  StepBytes bytes(unsigned step) const override {
    return {0, 8 * input.size()};
  }
  void produce(unsigned step, std::vector<uint8_t> &out) override {
    if (!isClient())
      appendElements(out, input, 64);
  }
  void consume(unsigned step, std::span<const uint8_t> in) override {
    result.resize(input.size());
    if (!isClient())
      return; // its share of the public result is zero
    readElements(in, result, 64);
    for (size_t i = 0; i < input.size(); ++i)
      result[i] += input[i];
  }

private:
  Share input;
};

/// Shapes of one instruction's protocol.
struct Sizes {
  const program::Program &program;
  const Instruction &op;

  const program::Value &operand(int i) const {
    return program.values(op.operands(i));
  }
  uint64_t results() const { return elementCount(program.values(op.result())); }
  uint64_t columns(int i) const {
    return operand(i).shape(operand(i).shape_size() - 1);
  }
  MatMul::Shape matmul() const {
    const auto &left = operand(0).shape();
    int rank = left.size();
    const auto &to = program.values(op.result()).shape();
    MatMul::Shape shape = {1, left[rank - 2], left[rank - 1], to[rank - 1],
                           op.matmul().transpose_rhs()};
    for (int i = 0; i < rank - 2; ++i)
      shape.batch *= left[i];
    return shape;
  }
  uint64_t mulRepeat() const { return results() / elementCount(operand(1)); }
};

} // namespace

/// Scores at the precision of the comparison: each share is shifted, which is
/// off by one at most in the ring of the comparison.
static Share dropBits(const Share &x, unsigned drop, unsigned bits) {
  Share dropped(x.size());
  for (size_t i = 0; i < x.size(); ++i)
    dropped[i] = (x[i] >> drop) & ringMask(bits);
  return dropped;
}

std::unique_ptr<Operation>
aero::rt::startOperation(OperationContext context,
                         std::span<const Share *const> operands,
                         PartyRandom random) {
  const Instruction &op = context.instruction;
  Sizes sizes{context.program, op};
  switch (op.op_case()) {
  case Instruction::kEmbedding:
    return std::make_unique<Embedding>(std::move(random), std::move(context));
  case Instruction::kLinear:
    return std::make_unique<Linear>(std::move(random), std::move(context),
                                    *operands[0]);
  case Instruction::kExtend: {
    unsigned bits = sizes.operand(0).bits();
    return std::make_unique<Rescale>(std::move(random), sizes.results(), bits,
                                     64 - bits, true, *operands[0]);
  }
  case Instruction::kTrunc:
    return std::make_unique<Rescale>(std::move(random), sizes.results(), 64,
                                     op.trunc().shift(), false, *operands[0]);
  case Instruction::kMatmul:
    return std::make_unique<MatMul>(std::move(random), sizes.matmul(),
                                    *operands[0], *operands[1]);
  case Instruction::kMul:
    return std::make_unique<Mul>(std::move(random), sizes.mulRepeat(),
                                 *operands[0], *operands[1]);
  case Instruction::kMaxRow: {
    unsigned bits = op.max_row().compare_bits();
    return std::make_unique<MaxRow>(
        std::move(random), sizes.results(), sizes.columns(0), bits,
        dropBits(*operands[0], op.max_row().drop_bits(), bits));
  }
  case Instruction::kExp2:
    return std::make_unique<Exp2>(std::move(random), operands[1]->size(),
                                  sizes.columns(0), op.exp2().compare_bits(),
                                  sizes.operand(0).frac(), *operands[0],
                                  *operands[1]);
  case Instruction::kRecip:
    return std::make_unique<Recip>(std::move(random), sizes.results(),
                                   op.recip().upper_bound(), *operands[0]);
  case Instruction::kReveal:
    return std::make_unique<Reveal>(std::move(random), *operands[0]);
  default:
    assert(false && "not an interactive instruction");
    return nullptr;
  }
}

std::vector<uint8_t> aero::rt::dealOperation(const program::Program &program,
                                             uint32_t instruction,
                                             uint64_t inference,
                                             const Seed &clientSeed,
                                             const Seed &serverSeed) {
  const Instruction &op = program.instructions(instruction);
  Sizes sizes{program, op};
  DealerRandom random(clientSeed, serverSeed, {inference, instruction, 0});
  random.reserve(op.cost().dealer_to_server());
  auto maskedWeight = [&](uint32_t index, unsigned bits) -> MaskedWeight {
    const program::Weight &weight = program.weights(index);
    return {instruction, index, weight.shape(0), weight.shape(1), bits};
  };
  uint64_t rows = program.values(op.result()).shape(0);
  switch (op.op_case()) {
  case Instruction::kEmbedding:
    Embedding::deal(random, maskedWeight(op.embedding().weight(), 32), rows,
                    serverSeed);
    break;
  case Instruction::kLinear:
    Linear::deal(random, maskedWeight(op.linear().weight(), 64), rows,
                 serverSeed);
    break;
  case Instruction::kExtend:
    WrapBit::deal(random, sizes.results(), 64 - sizes.operand(0).bits());
    break;
  case Instruction::kTrunc:
    WrapBit::deal(random, sizes.results(), op.trunc().shift());
    break;
  case Instruction::kMatmul:
    MatMul::deal(random, sizes.matmul());
    break;
  case Instruction::kMul:
    Mul::deal(random, sizes.results(), sizes.mulRepeat());
    break;
  case Instruction::kMaxRow:
    MaxRow::deal(random, sizes.results(), sizes.columns(0),
                 op.max_row().compare_bits());
    break;
  case Instruction::kExp2:
    Exp2::deal(random, sizes.results(), op.exp2().compare_bits(),
               sizes.operand(0).frac());
    break;
  case Instruction::kRecip:
    Recip::deal(random, sizes.results(), op.recip().upper_bound());
    break;
  default:
    break; // local, or without correlation
  }
  return random.takeCorrection();
}
