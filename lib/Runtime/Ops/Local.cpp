//===- Local.cpp - Instructions without messages --------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Operation.h"

using namespace aero;
using namespace aero::rt;
using program::Instruction;
using ValueShape = google::protobuf::RepeatedField<uint32_t>;

bool aero::rt::isLocal(const Instruction &instruction) {
  switch (instruction.op_case()) {
  case Instruction::kAdd:
  case Instruction::kAddWeight:
  case Instruction::kCausalMask:
  case Instruction::kSumRow:
  case Instruction::kSlice:
  case Instruction::kReshape:
  case Instruction::kTranspose:
  case Instruction::kTakeRow:
    return true;
  default:
    return false;
  }
}

static size_t product(const ValueShape &shape, int begin, int end) {
  size_t count = 1;
  for (int i = begin; i < end; ++i)
    count *= shape[i];
  return count;
}

static Share add(const Share &x, const Share &y, unsigned bits) {
  Share sum(x.size());
  for (size_t i = 0; i < sum.size(); ++i)
    sum[i] = (x[i] + y[i]) & ringMask(bits);
  return sum;
}

static Share addWeight(const OperationContext &context, const Share &x) {
  Share sum = x;
  if (context.role != Role::Server)
    return sum;
  uint64_t modulus = ringMask(context.result().bits());
  auto addAll = [&](auto weight) {
    for (size_t i = 0; i < sum.size(); i += weight.size())
      for (size_t j = 0; j < weight.size(); ++j)
        sum[i + j] = (sum[i + j] + uint64_t(int64_t(weight[j]))) & modulus;
  };
  const program::Weight &weight =
      context.program.weights(context.instruction.add_weight().weight());
  if (weight.type() == program::Weight::TYPE_I32)
    addAll(context.weights->i32(weight));
  else
    addAll(context.weights->i64(weight));
  return sum;
}

static Share causalMask(const OperationContext &context, const Share &x) {
  Share masked = x;
  const ValueShape &shape = context.result().shape();
  size_t size = shape[shape.size() - 1];
  // A public constant is the client's share; the server's is zero.
  uint64_t fill = context.role == Role::Client
                      ? uint64_t(context.instruction.causal_mask().fill()) &
                            ringMask(context.result().bits())
                      : 0;
  for (size_t row = 0; row < masked.size() / size; ++row)
    for (size_t j = row % size + 1; j < size; ++j)
      masked[row * size + j] = fill;
  return masked;
}

static Share sumRow(const OperationContext &context, const Share &x) {
  const ValueShape &shape = context.operand(0).shape();
  size_t columns = shape[shape.size() - 1];
  Share sums(x.size() / columns);
  for (size_t i = 0; i < sums.size(); ++i) {
    uint64_t sum = 0;
    for (size_t j = 0; j < columns; ++j)
      sum += x[i * columns + j];
    sums[i] = sum & ringMask(context.result().bits());
  }
  return sums;
}

static Share slice(const OperationContext &context, const Share &x) {
  const ValueShape &from = context.operand(0).shape();
  int dim = int(context.instruction.slice().dim());
  size_t inner = product(from, dim + 1, from.size());
  size_t fromRow = from[dim] * inner;
  size_t toRow = context.result().shape(dim) * inner;
  size_t offset = context.instruction.slice().offset() * inner;
  Share part(product(from, 0, dim) * toRow);
  for (size_t i = 0; i * toRow < part.size(); ++i)
    std::copy_n(x.data() + i * fromRow + offset, toRow,
                part.data() + i * toRow);
  return part;
}

static Share transpose(const OperationContext &context, const Share &x) {
  const ValueShape &from = context.operand(0).shape();
  const ValueShape &to = context.result().shape();
  const auto &permutation = context.instruction.transpose().permutation();
  int rank = to.size();
  std::vector<size_t> strides(rank), index(rank, 0);
  for (int i = 0; i < rank; ++i)
    strides[i] = product(from, int(permutation[i]) + 1, rank);
  Share moved(x.size());
  size_t columns = to[rank - 1], stride = strides[rank - 1], start = 0;
  for (size_t row = 0; row < moved.size(); row += columns) {
    for (size_t j = 0; j < columns; ++j)
      moved[row + j] = x[start + j * stride];
    // The next index, without the last dimension.
    for (int d = rank - 2; d >= 0; --d) {
      start += strides[d];
      if (++index[d] < to[d])
        break;
      start -= strides[d] * to[d];
      index[d] = 0;
    }
  }
  return moved;
}

static Share takeRow(const OperationContext &context, const Share &x) {
  size_t width = context.result().shape(1);
  const uint64_t *row = x.data() + context.position * width;
  return Share(row, row + width);
}

Share aero::rt::runLocal(const OperationContext &context,
                         std::span<const Share *const> operands) {
  const Share &x = *operands[0];
  switch (context.instruction.op_case()) {
  case Instruction::kAdd:
    return add(x, *operands[1], context.result().bits());
  case Instruction::kAddWeight:
    return addWeight(context, x);
  case Instruction::kCausalMask:
    return causalMask(context, x);
  case Instruction::kSumRow:
    return sumRow(context, x);
  case Instruction::kSlice:
    return slice(context, x);
  case Instruction::kReshape:
    return x;
  case Instruction::kTranspose:
    return transpose(context, x);
  case Instruction::kTakeRow:
    return takeRow(context, x);
  default:
    assert(false && "not a local instruction");
    return {};
  }
}
