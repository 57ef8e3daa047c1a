//===- Operation.cpp - Instructions as step machines ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Operation.h"

#include "Activation.h"
#include "Normalize.h"
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
          unsigned shift, const Share &operand)
      : Operation(std::move(source)), shift(shift),
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
    result = wrap.shifted(shift, /*unbiased=*/false);
  }

private:
  unsigned shift;
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
  Rows maxRows() const {
    return scoreRows(operand(0), program.values(op.result()),
                     op.max_row().causal());
  }
  Rows argMaxRows() const {
    return scoreRows(operand(0), program.values(op.result()),
                     /*causal=*/false);
  }
  Rows expRows() const {
    return scoreRows(operand(0), operand(1), op.exp2().causal());
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
  MatMul::Shape causal() const {
    const auto &right = operand(1).shape();
    int rank = right.size();
    size_t tokens = right[rank - 2], width = right[rank - 1];
    size_t batch = 1;
    for (int i = 0; i < rank - 2; ++i)
      batch *= right[i];
    if (op.has_causal_scores())
      return {batch, tokens, width, tokens, true, MatMul::Packed::Result};
    return {batch, tokens, tokens, width, false, MatMul::Packed::Left};
  }
  Normalize::Shape normalize() const {
    size_t columns = operand(0).shape(operand(0).shape_size() - 1);
    return {size_t(results()) / columns, columns, unsigned(operand(0).frac()),
            op.normalize().centred(), op.normalize().epsilon()};
  }
  const TailTable &tail() const {
    return tailTable(TailFunction(op.tail().function()));
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
                                     64 - bits, /*shift=*/0, *operands[0]);
  }
  case Instruction::kTrunc:
    return std::make_unique<Rescale>(std::move(random), sizes.results(), 64,
                                     op.trunc().shift(), op.trunc().shift(),
                                     *operands[0]);
  case Instruction::kMatmul:
    return std::make_unique<MatMul>(std::move(random), sizes.matmul(),
                                    *operands[0], *operands[1]);
  case Instruction::kMul:
    return std::make_unique<Mul>(std::move(random), sizes.mulRepeat(),
                                 *operands[0], *operands[1]);
  case Instruction::kMaxRow: {
    unsigned bits = op.max_row().compare_bits();
    return std::make_unique<MaxRow>(
        std::move(random), sizes.maxRows(), bits, /*wantsIndex=*/false,
        dropBits(*operands[0], op.max_row().drop_bits(), bits));
  }
  case Instruction::kArgmax: {
    unsigned bits = op.argmax().compare_bits();
    return std::make_unique<MaxRow>(
        std::move(random), sizes.argMaxRows(), bits, /*wantsIndex=*/true,
        dropBits(*operands[0], op.argmax().drop_bits(), bits));
  }
  case Instruction::kExp2:
    return std::make_unique<Exp2>(
        std::move(random), sizes.expRows(), op.exp2().compare_bits(),
        sizes.operand(0).frac(), *operands[0], *operands[1]);
  case Instruction::kMulWeight:
    return std::make_unique<MulWeight>(
        std::move(random), context,
        MulWeight::weightOf(context.program, /*instruction=*/0, op),
        *operands[0]);
  case Instruction::kCausalScores:
  case Instruction::kCausalContext:
    return std::make_unique<MatMul>(std::move(random), sizes.causal(),
                                    *operands[0], *operands[1]);
  case Instruction::kRelu:
    return std::make_unique<Relu>(std::move(random), sizes.results(),
                                  op.relu().compare_bits(),
                                  op.relu().drop_bits(), *operands[0]);
  case Instruction::kTail:
    return std::make_unique<Tail>(std::move(random), sizes.tail(),
                                  sizes.results(), op.tail().compare_bits(),
                                  sizes.operand(0).frac(), *operands[0]);
  case Instruction::kNormalize:
    return std::make_unique<Normalize>(std::move(random), sizes.normalize(),
                                       *operands[0]);
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
    MaxRow::deal(random, sizes.maxRows(), op.max_row().compare_bits(),
                 /*wantsIndex=*/false);
    break;
  case Instruction::kArgmax:
    MaxRow::deal(random, sizes.argMaxRows(), op.argmax().compare_bits(),
                 /*wantsIndex=*/true);
    break;
  case Instruction::kExp2:
    Exp2::deal(random, sizes.results(), op.exp2().compare_bits(),
               sizes.operand(0).frac());
    break;
  case Instruction::kRecip:
    Recip::deal(random, sizes.results(), op.recip().upper_bound());
    break;
  case Instruction::kMulWeight:
    MulWeight::deal(random, MulWeight::weightOf(program, instruction, op),
                    serverSeed);
    break;
  case Instruction::kCausalScores:
  case Instruction::kCausalContext:
    MatMul::deal(random, sizes.causal());
    break;
  case Instruction::kRelu:
    Relu::deal(random, sizes.results(), op.relu().compare_bits(),
               op.relu().drop_bits());
    break;
  case Instruction::kTail:
    Tail::deal(random, sizes.tail(), sizes.results(), op.tail().compare_bits(),
               unsigned(sizes.operand(0).frac()));
    break;
  case Instruction::kNormalize:
    Normalize::deal(random, sizes.normalize());
    break;
  default:
    break; // local, or without correlation
  }
  return random.takeCorrection();
}
