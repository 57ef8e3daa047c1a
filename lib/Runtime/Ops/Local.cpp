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
  case Instruction::kMulPublic:
  case Instruction::kSub:
  case Instruction::kConcat:
  case Instruction::kRepeat:
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

static Share subtract(const Share &x, const Share &y, unsigned bits) {
  Share difference(x.size());
  for (size_t i = 0; i < difference.size(); ++i)
    difference[i] = (x[i] - y[i]) & ringMask(bits);
  return difference;
}

static Share mulPublic(const OperationContext &context, const Share &x) {
  const auto &values = context.instruction.mul_public().values();
  uint64_t modulus = ringMask(context.result().bits());
  Share product(x.size());
  size_t period = size_t(values.size());
  for (size_t i = 0; i < x.size(); i += period)
    for (size_t j = 0; j < period; ++j)
      product[i + j] = (x[i + j] * uint64_t(int64_t(values[int(j)]))) & modulus;
  return product;
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

static Share sumRow(const OperationContext &context, const Share &x) {
  Rows rows = scoreRows(context.operand(0), context.result(),
                        context.instruction.sum_row().causal());
  Share sums(rows.count);
  for (size_t row = 0, i = 0; row < rows.count; ++row) {
    uint64_t sum = 0;
    for (size_t end = i + rows.length(row); i < end; ++i)
      sum += x[i];
    sums[row] = sum & ringMask(context.result().bits());
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

/// Pieces along one dimension, row by row of the dimensions before it.
static Share concat(const OperationContext &context,
                    std::span<const Share *const> operands) {
  const ValueShape &to = context.result().shape();
  int dim = int(context.instruction.concat().dim());
  size_t outer = product(to, 0, dim);
  Share joined;
  joined.reserve(outer * product(to, dim, to.size()));
  for (size_t i = 0; i < outer; ++i)
    for (const Share *operand : operands) {
      size_t size = operand->size() / outer;
      joined.insert(joined.end(), operand->begin() + i * size,
                    operand->begin() + (i + 1) * size);
    }
  return joined;
}

static Share repeat(const OperationContext &context, const Share &x) {
  const ValueShape &from = context.operand(0).shape();
  const program::Repeat &op = context.instruction.repeat();
  size_t inner = product(from, int(op.dim()) + 1, from.size());
  Share repeated;
  repeated.reserve(x.size() * op.times());
  for (size_t first = 0; first < x.size(); first += inner)
    for (uint32_t i = 0; i < op.times(); ++i)
      repeated.insert(repeated.end(), x.begin() + first,
                      x.begin() + first + inner);
  return repeated;
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
  case Instruction::kMulPublic:
    return mulPublic(context, x);
  case Instruction::kSub:
    return subtract(x, *operands[1], context.result().bits());
  case Instruction::kConcat:
    return concat(context, operands);
  case Instruction::kRepeat:
    return repeat(context, x);
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
