//===- Linear.cpp - Products with the server's weights --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Products.h"

#include "aero/Runtime/Gemm.h"

using namespace aero::rt;

/// Bytes of a block of a weight: one frame of the set-up, and what the dealer
/// holds of a mask at a time.
static constexpr uint64_t blockBytes = 8 << 20;

uint64_t MaskedWeight::blockRows() const {
  return std::clamp<uint64_t>(blockBytes / rowBytes(), 1, rows);
}

Prg MaskedWeight::mask(const Seed &serverSeed) const {
  return Prg(serverSeed, {0, weight, 0});
}

std::vector<MaskedWeight>
aero::rt::maskedWeights(const program::Program &program) {
  std::vector<MaskedWeight> weights;
  for (int i = 0; i < program.instructions_size(); ++i) {
    const program::Instruction &op = program.instructions(i);
    if (op.has_mul_weight()) {
      weights.push_back(MulWeight::weightOf(program, uint32_t(i), op));
      continue;
    }
    if (!op.has_embedding() && !op.has_linear())
      continue;
    uint32_t index =
        op.has_linear() ? op.linear().weight() : op.embedding().weight();
    const program::Weight &weight = program.weights(index);
    weights.push_back({uint32_t(i), index, weight.shape(0), weight.shape(1),
                       op.has_linear() ? 64U : 32U});
  }
  return weights;
}

/// c = r S - q, with S expanded block by block.
template <typename T>
static void dealProduct(DealerRandom &random, const MaskedWeight &weight,
                        uint64_t rows, std::vector<T> r, std::vector<T> q,
                        const Seed &serverSeed) {
  size_t k = weight.rows, n = weight.columns;
  for (T &value : q)
    value = -value;
  Prg stream = weight.mask(serverSeed);
  std::vector<T> block;
  for (size_t first = 0; first < k; first += weight.blockRows()) {
    size_t count = std::min<size_t>(weight.blockRows(), k - first);
    block.resize(count * n);
    stream.fill(bytesOf(block));
    gemm(rows, n, count, MatrixRef<T>{r.data() + first, k},
         MatrixRef<T>{block.data(), n}, q.data(), n);
  }
  random.raw(bytesOf(q));
}

/// r D + q.
template <typename T>
static std::vector<T> clientProduct(const MaskedWeight &weight, uint64_t rows,
                                    std::vector<T> r, std::vector<T> q,
                                    std::span<const uint8_t> masked) {
  gemm(rows, weight.columns, weight.rows, MatrixRef<T>{r.data(), weight.rows},
       MatrixRef<T>{reinterpret_cast<const T *>(masked.data()), weight.columns},
       q.data(), weight.columns);
  return q;
}

Share aero::rt::prepareProduct(const MaskedWeight &weight, uint64_t rows,
                               PartyRandom random,
                               std::span<const uint8_t> masked) {
  if (weight.elements)
    return MulWeight::prepare(weight, std::move(random), masked);
  size_t inputs = rows * weight.rows, outputs = rows * weight.columns;
  if (weight.bits == 64) {
    Share r = random.privateMask(Role::Client, inputs, 64);
    Share q = random.privateMask(Role::Client, outputs, 64);
    return clientProduct(weight, rows, std::move(r), std::move(q), masked);
  }
  std::vector<uint32_t> r = random.privateMask32(Role::Client, inputs);
  std::vector<uint32_t> q = random.privateMask32(Role::Client, outputs);
  q = clientProduct(weight, rows, std::move(r), std::move(q), masked);
  return Share(q.begin(), q.end());
}

void Linear::deal(DealerRandom &random, const MaskedWeight &weight,
                  uint64_t rows, const Seed &serverSeed) {
  Share r = random.privateMask(Role::Client, rows * weight.rows, 64);
  Share q = random.privateMask(Role::Client, rows * weight.columns, 64);
  dealProduct(random, weight, rows, std::move(r), std::move(q), serverSeed);
}

Linear::Linear(PartyRandom source, OperationContext owned, const Share &operand)
    : Operation(std::move(source)), context(std::move(owned)),
      m(context.operand(0).shape(0)), k(context.operand(0).shape(1)),
      n(context.result().shape(1)), input(operand) {
  if (isClient())
    result = std::move(context.prepared);
}

void Linear::produce(unsigned step, std::vector<uint8_t> &out) {
  if (!isClient())
    return;
  Share r = random.privateMask(Role::Client, m * k, 64);
  for (size_t i = 0; i < r.size(); ++i)
    r[i] = input[i] - r[i];
  appendElements(out, r, 64);
}

void Linear::consume(unsigned step, std::span<const uint8_t> in) {
  if (isClient())
    return;
  Share masked(m * k);
  readElements(in, masked, 64);
  for (size_t i = 0; i < masked.size(); ++i)
    input[i] += masked[i];
  result.resize(m * n);
  readElements(random.raw(m * n * 8), result, 64);
  const program::Linear &op = context.instruction.linear();
  std::span<const int32_t> weight =
      context.weights->i32(context.program.weights(op.weight()));
  gemm(m, n, k, MatrixRef<uint64_t>{input.data(), k},
       MatrixRef<int32_t>{weight.data(), n}, result.data(), n);
  if (!op.has_bias())
    return;
  auto addBias = [&](auto bias) {
    for (size_t i = 0; i < m; ++i)
      for (size_t j = 0; j < n; ++j)
        result[i * n + j] += uint64_t(int64_t(bias[j]));
  };
  const program::Weight &bias = context.program.weights(op.bias());
  if (bias.type() == program::Weight::TYPE_I32)
    addBias(context.weights->i32(bias));
  else
    addBias(context.weights->i64(bias));
}

void Embedding::deal(DealerRandom &random, const MaskedWeight &weight,
                     uint64_t rows, const Seed &serverSeed) {
  std::vector<uint32_t> r =
      random.privateMask32(Role::Client, rows * weight.rows);
  std::vector<uint32_t> q =
      random.privateMask32(Role::Client, rows * weight.columns);
  dealProduct(random, weight, rows, std::move(r), std::move(q), serverSeed);
}

Embedding::Embedding(PartyRandom source, OperationContext owned)
    : Operation(std::move(source)), context(std::move(owned)) {
  const program::Weight &weight =
      context.program.weights(context.instruction.embedding().weight());
  tokens = context.result().shape(0);
  vocabulary = weight.shape(0);
  width = weight.shape(1);
  if (isClient())
    result = std::move(context.prepared);
}

void Embedding::produce(unsigned step, std::vector<uint8_t> &out) {
  if (!isClient())
    return;
  std::vector<uint32_t> r =
      random.privateMask32(Role::Client, tokens * vocabulary);
  for (uint32_t &value : r)
    value = -value;
  // The token ids are the client's own: indexing with them reveals nothing.
  for (size_t t = 0; t < tokens; ++t)
    r[t * vocabulary + context.tokens[t]] += 1;
  std::span<const uint8_t> bytes = bytesOf(r);
  out.insert(out.end(), bytes.begin(), bytes.end());
}

void Embedding::consume(unsigned step, std::span<const uint8_t> in) {
  if (isClient())
    return;
  std::vector<uint32_t> masked(tokens * vocabulary), sum(tokens * width);
  std::memcpy(masked.data(), in.data(), in.size());
  std::memcpy(sum.data(), random.raw(sum.size() * 4).data(), sum.size() * 4);
  std::span<const int32_t> table = context.weights->i32(
      context.program.weights(context.instruction.embedding().weight()));
  gemm(tokens, width, vocabulary,
       MatrixRef<uint32_t>{masked.data(), vocabulary},
       MatrixRef<uint32_t>{reinterpret_cast<const uint32_t *>(table.data()),
                           width},
       sum.data(), width);
  result.assign(sum.begin(), sum.end());
}
