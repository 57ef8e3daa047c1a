//===- TestProgram.h - A small valid program ------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Two attention layers on four tokens that together contain every instruction:
/// a causal one without norms, and a bidirectional one with a norm, rotary
/// positions, grouped queries and a GELU. Tests of validation break them in one
/// place at a time; fuzzers start from them.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_TEST_UNIT_RUNTIME_TESTPROGRAM_H
#define AERO_TEST_UNIT_RUNTIME_TESTPROGRAM_H

#include "aero/Runtime/Program.h"

#include <algorithm>
#include <initializer_list>

namespace aero::rt::test {

/// Writes the cost that the formulas give into the instruction.
inline Cost storeCost(const program::Program &program,
                      program::Instruction &instruction) {
  Cost cost = instructionCost(program, instruction);
  program::Cost &stored = *instruction.mutable_cost();
  stored.set_client_to_server(cost.clientToServer);
  stored.set_server_to_client(cost.serverToClient);
  stored.set_dealer_to_server(cost.dealerToServer);
  stored.set_dealer_to_client(cost.dealerToClient);
  stored.set_setup_server_to_client(cost.setupServerToClient);
  stored.set_exchanges(cost.exchanges);
  stored.set_multiply_adds(cost.multiplyAdds);
  return cost;
}

/// Appends instructions, each at the first exchange at which it can run.
class ProgramBuilder {
public:
  program::Program program;

  uint32_t weight(std::initializer_list<uint32_t> shape, int frac,
                  program::Weight::Type type) {
    program::Weight &weight = *program.add_weights();
    uint64_t elements = 1;
    for (uint32_t dim : shape) {
      weight.add_shape(dim);
      elements *= dim;
    }
    weight.set_name(
        std::string("w").append(std::to_string(program.weights_size() - 1)));
    weight.set_frac(frac);
    weight.set_type(type);
    weight.set_offset(nextOffset);
    uint64_t bytes = elements * (type == program::Weight::TYPE_I32 ? 4 : 8);
    nextOffset += (bytes + 63) / 64 * 64;
    return program.weights_size() - 1;
  }

  /// An instruction whose operation must be set before finish().
  program::Instruction &begin(std::initializer_list<uint32_t> operands,
                              std::initializer_list<uint32_t> shape,
                              unsigned bits, int frac) {
    program::Value &value = *program.add_values();
    for (uint32_t dim : shape)
      value.add_shape(dim);
    value.set_bits(bits);
    value.set_frac(frac);
    program::Instruction &instruction = *program.add_instructions();
    for (uint32_t operand : operands)
      instruction.add_operands(operand);
    instruction.set_result(program.values_size() - 1);
    instruction.set_node(std::string("node").append(
        std::to_string(program.instructions_size() - 1)));
    instruction.set_layer(-1);
    return instruction;
  }

  uint32_t finish(program::Instruction &instruction) {
    uint32_t start = 0;
    for (uint32_t operand : instruction.operands())
      start = std::max(start, finished[operand]);
    instruction.set_start(start);
    Cost cost = storeCost(program, instruction);
    finished.push_back(start + cost.exchanges);
    program.set_exchanges(
        std::max(program.exchanges(), start + cost.exchanges));
    return instruction.result();
  }

private:
  std::vector<uint32_t> finished;
  uint64_t nextOffset = 0;
};

/// Common to both programs.
inline ProgramBuilder startTestProgram(const char *config) {
  ProgramBuilder b;
  program::Program &p = b.program;
  p.set_model("test.onnx");
  p.set_config(config);
  p.set_security(program::SECURITY_MODE_DEALER);
  p.mutable_fixed_point()->set_ring_bits(64);
  p.mutable_fixed_point()->set_activation_frac(16);
  p.mutable_fixed_point()->set_weight_frac(20);
  p.set_context(4);
  p.set_vocabulary(8);
  return b;
}

/// Causal, without norms; the last token only.
inline program::Program makeTestProgram() {
  using program::Weight;
  ProgramBuilder b = startTestProgram("SM");
  program::Program &p = b.program;
  p.set_last_token_only(true);
  uint32_t table = b.weight({8, 4}, 20, Weight::TYPE_I32);
  uint32_t positions = b.weight({4, 4}, 16, Weight::TYPE_I64);
  uint32_t attention = b.weight({4, 12}, 20, Weight::TYPE_I32);
  uint32_t bias = b.weight({12}, 36, Weight::TYPE_I64);
  uint32_t head = b.weight({4, 8}, 20, Weight::TYPE_I32);

  auto truncate = [&](uint32_t value, std::initializer_list<uint32_t> shape,
                      int frac, unsigned shift) {
    auto &op = b.begin({value}, shape, 64, frac);
    op.mutable_trunc()->set_shift(shift);
    return b.finish(op);
  };
  auto reshape = [&](uint32_t value, std::initializer_list<uint32_t> shape) {
    auto &op = b.begin({value}, shape, 64, 16);
    op.mutable_reshape();
    return b.finish(op);
  };
  auto transpose = [&](uint32_t value, std::initializer_list<uint32_t> shape) {
    auto &op = b.begin({value}, shape, 64, 16);
    for (uint32_t dim : {1, 0, 2})
      op.mutable_transpose()->add_permutation(dim);
    return b.finish(op);
  };
  auto headsOf = [&](uint32_t qkv, uint32_t offset) {
    auto &op = b.begin({qkv}, {4, 4}, 64, 16);
    op.mutable_slice()->set_dim(1);
    op.mutable_slice()->set_offset(offset);
    return transpose(reshape(b.finish(op), {4, 2, 2}), {2, 4, 2});
  };

  auto &embedding = b.begin({}, {4, 4}, 32, 20);
  embedding.mutable_embedding()->set_weight(table);
  uint32_t x = b.finish(embedding);
  auto &extend = b.begin({x}, {4, 4}, 64, 20);
  extend.mutable_extend();
  x = truncate(b.finish(extend), {4, 4}, 16, 4);
  auto &addPositions = b.begin({x}, {4, 4}, 64, 16);
  addPositions.mutable_add_weight()->set_weight(positions);
  uint32_t input = b.finish(addPositions);

  auto &project = b.begin({input}, {4, 12}, 64, 36);
  project.mutable_linear()->set_weight(attention);
  project.mutable_linear()->set_has_bias(true);
  project.mutable_linear()->set_bias(bias);
  uint32_t qkv = truncate(b.finish(project), {4, 12}, 16, 20);
  uint32_t q = headsOf(qkv, 0), k = headsOf(qkv, 4), v = headsOf(qkv, 8);

  auto &product = b.begin({q, k}, {2, 10}, 64, 32);
  product.mutable_causal_scores();
  uint32_t scores = truncate(b.finish(product), {2, 10}, 16, 16);
  auto &maximum = b.begin({scores}, {2, 4}, 24, 0);
  maximum.mutable_max_row()->set_compare_bits(24);
  maximum.mutable_max_row()->set_drop_bits(16);
  maximum.mutable_max_row()->set_causal(true);
  uint32_t top = b.finish(maximum);
  auto &exponential = b.begin({scores, top}, {2, 10}, 64, 20);
  exponential.mutable_exp2()->set_compare_bits(24);
  exponential.mutable_exp2()->set_causal(true);
  uint32_t powers = b.finish(exponential);
  auto &sum = b.begin({powers}, {2, 4}, 64, 20);
  sum.mutable_sum_row()->set_causal(true);
  uint32_t sums = b.finish(sum);
  auto &reciprocal = b.begin({sums}, {2, 4}, 64, 28);
  reciprocal.mutable_recip()->set_upper_bound(4);
  uint32_t inverse = b.finish(reciprocal);
  auto &mix = b.begin({powers, v}, {2, 4, 2}, 64, 36);
  mix.mutable_causal_context();
  uint32_t mixed = truncate(b.finish(mix), {2, 4, 2}, 16, 20);
  auto &divide = b.begin({mixed, inverse}, {2, 4, 2}, 64, 44);
  divide.mutable_mul();
  mixed = truncate(b.finish(divide), {2, 4, 2}, 16, 28);
  mixed = reshape(transpose(mixed, {4, 2, 2}), {4, 4});
  auto &residual = b.begin({mixed, input}, {4, 4}, 64, 16);
  residual.mutable_add();
  x = b.finish(residual);

  auto &row = b.begin({x}, {1, 4}, 64, 16);
  row.mutable_take_row();
  x = b.finish(row);
  auto &logits = b.begin({x}, {1, 8}, 64, 36);
  logits.mutable_linear()->set_weight(head);
  x = b.finish(logits);
  auto &reveal = b.begin({x}, {1, 8}, 64, 36);
  reveal.mutable_reveal();
  p.set_result(b.finish(reveal));
  return p;
}

/// Bidirectional, with a norm and an activation; all tokens.
inline program::Program makeNormProgram() {
  using program::Weight;
  using List = std::initializer_list<uint32_t>;
  ProgramBuilder b = startTestProgram("SM+LN+G");
  program::Program &p = b.program;
  uint32_t table = b.weight({8, 4}, 16, Weight::TYPE_I32);
  uint32_t gain = b.weight({4}, 20, Weight::TYPE_I32);
  uint32_t attention = b.weight({4, 8}, 20, Weight::TYPE_I32);
  uint32_t temperature = b.weight({2, 4}, 20, Weight::TYPE_I32);
  uint32_t head = b.weight({4, 8}, 20, Weight::TYPE_I32);

  auto truncate = [&](uint32_t value, List shape, int frac, unsigned shift) {
    auto &op = b.begin({value}, shape, 64, frac);
    op.mutable_trunc()->set_shift(shift);
    return b.finish(op);
  };
  auto slice = [&](uint32_t value, List shape, uint32_t dim, uint32_t offset) {
    auto &op = b.begin({value}, shape, 64, 16);
    op.mutable_slice()->set_dim(dim);
    op.mutable_slice()->set_offset(offset);
    return b.finish(op);
  };
  auto reshape = [&](uint32_t value, List shape) {
    auto &op = b.begin({value}, shape, 64, 16);
    op.mutable_reshape();
    return b.finish(op);
  };
  auto transpose = [&](uint32_t value, List shape) {
    auto &op = b.begin({value}, shape, 64, 16);
    for (uint32_t dim : {1, 0, 2})
      op.mutable_transpose()->add_permutation(dim);
    return b.finish(op);
  };
  /// x sin or x cos for each of the four positions, at scale 36.
  auto rotate = [&](uint32_t value, int32_t angle) {
    auto &op = b.begin({value}, {2, 4, 1}, 64, 36);
    for (int32_t i = 0; i < 4; ++i)
      op.mutable_mul_public()->add_values(angle << i);
    op.mutable_mul_public()->add_shape(4);
    op.mutable_mul_public()->add_shape(1);
    op.mutable_mul_public()->set_frac(20);
    return b.finish(op);
  };
  auto subtract = [&](uint32_t x, uint32_t y, List shape, int frac) {
    auto &op = b.begin({x, y}, shape, 64, frac);
    op.mutable_sub();
    return b.finish(op);
  };
  auto add = [&](uint32_t x, uint32_t y, List shape, int frac) {
    auto &op = b.begin({x, y}, shape, 64, frac);
    op.mutable_add();
    return b.finish(op);
  };
  /// The one key head for both query heads.
  auto group = [&](uint32_t value) {
    auto &op = b.begin({transpose(reshape(value, {4, 1, 2}), {1, 4, 2})},
                       {2, 4, 2}, 64, 16);
    op.mutable_repeat()->set_dim(0);
    op.mutable_repeat()->set_times(2);
    return b.finish(op);
  };

  auto &embedding = b.begin({}, {4, 4}, 32, 16);
  embedding.mutable_embedding()->set_weight(table);
  auto &extend = b.begin({b.finish(embedding)}, {4, 4}, 64, 16);
  extend.mutable_extend();
  uint32_t input = b.finish(extend);
  auto &normalize = b.begin({input}, {4, 4}, 64, 44);
  normalize.mutable_normalize()->set_centred(true);
  normalize.mutable_normalize()->set_epsilon(1024);
  uint32_t x = truncate(b.finish(normalize), {4, 4}, 16, 28);
  auto &scale = b.begin({x}, {4, 4}, 64, 36);
  scale.mutable_mul_weight()->set_weight(gain);
  x = truncate(b.finish(scale), {4, 4}, 16, 20);

  auto &project = b.begin({x}, {4, 8}, 64, 36);
  project.mutable_linear()->set_weight(attention);
  uint32_t qkv = truncate(b.finish(project), {4, 8}, 16, 20);
  uint32_t q =
      transpose(reshape(slice(qkv, {4, 4}, 1, 0), {4, 2, 2}), {2, 4, 2});
  uint32_t left = slice(q, {2, 4, 1}, 2, 0), right = slice(q, {2, 4, 1}, 2, 1);
  uint32_t cosine = 1 << 16, sine = 1 << 15;
  uint32_t first =
      subtract(rotate(left, cosine), rotate(right, sine), {2, 4, 1}, 36);
  uint32_t second =
      add(rotate(right, cosine), rotate(left, sine), {2, 4, 1}, 36);
  auto &join = b.begin({first, second}, {2, 4, 2}, 64, 36);
  join.mutable_concat()->set_dim(2);
  q = truncate(b.finish(join), {2, 4, 2}, 16, 20);
  auto &warm = b.begin({q}, {2, 4, 2}, 64, 36);
  warm.mutable_mul_weight()->set_weight(temperature);
  warm.mutable_mul_weight()->set_rows(true);
  q = truncate(b.finish(warm), {2, 4, 2}, 16, 20);
  uint32_t k = group(slice(qkv, {4, 2}, 1, 4));
  uint32_t v = group(slice(qkv, {4, 2}, 1, 6));

  auto &product = b.begin({q, k}, {2, 4, 4}, 64, 32);
  product.mutable_matmul()->set_transpose_rhs(true);
  uint32_t scores = truncate(b.finish(product), {2, 4, 4}, 16, 16);
  auto &maximum = b.begin({scores}, {2, 4}, 24, 0);
  maximum.mutable_max_row()->set_compare_bits(24);
  maximum.mutable_max_row()->set_drop_bits(16);
  uint32_t top = b.finish(maximum);
  auto &exponential = b.begin({scores, top}, {2, 4, 4}, 64, 20);
  exponential.mutable_exp2()->set_compare_bits(24);
  uint32_t powers = b.finish(exponential);
  auto &sum = b.begin({powers}, {2, 4}, 64, 20);
  sum.mutable_sum_row();
  auto &reciprocal = b.begin({b.finish(sum)}, {2, 4}, 64, 28);
  reciprocal.mutable_recip()->set_upper_bound(16);
  uint32_t inverse = b.finish(reciprocal);
  auto &mix = b.begin({powers, v}, {2, 4, 2}, 64, 36);
  mix.mutable_matmul();
  uint32_t mixed = truncate(b.finish(mix), {2, 4, 2}, 16, 20);
  auto &divide = b.begin({mixed, inverse}, {2, 4, 2}, 64, 44);
  divide.mutable_mul();
  mixed = truncate(b.finish(divide), {2, 4, 2}, 16, 28);
  mixed = reshape(transpose(mixed, {4, 2, 2}), {4, 4});
  x = add(mixed, input, {4, 4}, 16);

  // gelu(x) = r - tail(2 r - x).
  auto &rectify = b.begin({x}, {4, 4}, 64, 16);
  rectify.mutable_relu()->set_compare_bits(24);
  rectify.mutable_relu()->set_drop_bits(8);
  uint32_t positive = b.finish(rectify);
  uint32_t magnitude =
      add(positive, subtract(positive, x, {4, 4}, 16), {4, 4}, 16);
  auto &tail = b.begin({magnitude}, {4, 4}, 64, 16);
  tail.mutable_tail()->set_function(program::Tail::FUNCTION_GELU);
  tail.mutable_tail()->set_compare_bits(20);
  x = subtract(positive, b.finish(tail), {4, 4}, 16);

  auto &logits = b.begin({x}, {4, 8}, 64, 36);
  logits.mutable_linear()->set_weight(head);
  uint32_t scored = b.finish(logits);
  // Nobody asks for the tokens here.
  auto &tokens = b.begin({scored}, {4}, 32, 0);
  tokens.mutable_argmax()->set_compare_bits(36);
  tokens.mutable_argmax()->set_drop_bits(28);
  b.finish(tokens);
  auto &reveal = b.begin({scored}, {4, 8}, 64, 36);
  reveal.mutable_reveal();
  p.set_result(b.finish(reveal));
  return p;
}

} // namespace aero::rt::test

#endif // AERO_TEST_UNIT_RUNTIME_TESTPROGRAM_H
