//===- MulWeight.cpp - Element-wise products with server weights ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Products.h"

using namespace aero::rt;

MaskedWeight MulWeight::weightOf(const program::Program &program,
                                 uint32_t instruction,
                                 const program::Instruction &op) {
  uint32_t index = op.mul_weight().weight();
  const program::Value &operand = program.values(int(op.operands(0)));
  const program::Weight &weight = program.weights(int(index));
  uint64_t count = 1, elements = 1;
  for (uint32_t dim : weight.shape())
    count *= dim;
  for (uint32_t dim : operand.shape())
    elements *= dim;
  uint64_t repeat =
      op.mul_weight().rows() ? operand.shape(operand.shape_size() - 1) : 1;
  return {instruction, index, 1, count, 64, elements, repeat};
}

/// sum += x w.
template <typename T>
static void multiplyAdd(const MaskedWeight &weight, const Share &x, const T *w,
                        Share &sum) {
  size_t period = weight.columns * weight.repeat;
  for (size_t first = 0; first < x.size(); first += period)
    for (size_t c = 0; c < weight.columns; ++c)
      for (size_t i = first + c * weight.repeat, e = i + weight.repeat; i < e;
           ++i)
        sum[i] += x[i] * uint64_t(int64_t(w[c]));
}

Share MulWeight::prepare(const MaskedWeight &weight, PartyRandom random,
                         std::span<const uint8_t> masked) {
  Share r = random.privateMask(Role::Client, weight.elements, 64);
  Share q = random.privateMask(Role::Client, weight.elements, 64);
  multiplyAdd(weight, r, reinterpret_cast<const int64_t *>(masked.data()), q);
  return q;
}

/// c = r S - q.
void MulWeight::deal(DealerRandom &random, const MaskedWeight &weight,
                     const Seed &serverSeed) {
  Share r = random.privateMask(Role::Client, weight.elements, 64);
  Share q = random.privateMask(Role::Client, weight.elements, 64);
  for (uint64_t &value : q)
    value = -value;
  std::vector<int64_t> mask(weight.columns);
  weight.mask(serverSeed).fill(bytesOf(mask));
  multiplyAdd(weight, r, mask.data(), q);
  random.raw(bytesOf(q));
}

MulWeight::MulWeight(PartyRandom source, OperationContext owned,
                     const MaskedWeight &weight, const Share &operand)
    : Operation(std::move(source)), context(std::move(owned)), weight(weight),
      input(operand) {
  if (isClient())
    result = std::move(context.prepared);
}

void MulWeight::produce(unsigned step, std::vector<uint8_t> &out) {
  if (!isClient())
    return;
  Share r = random.privateMask(Role::Client, weight.elements, 64);
  for (size_t i = 0; i < r.size(); ++i)
    r[i] = input[i] - r[i];
  appendElements(out, r, 64);
}

void MulWeight::consume(unsigned step, std::span<const uint8_t> in) {
  if (isClient())
    return;
  Share masked(weight.elements);
  readElements(in, masked, 64);
  for (size_t i = 0; i < masked.size(); ++i)
    masked[i] += input[i];
  result.resize(weight.elements);
  readElements(random.raw(weight.elements * 8), result, 64);
  multiplyAdd(
      weight, masked,
      context.weights->i32(context.program.weights(int(weight.weight))).data(),
      result);
}
