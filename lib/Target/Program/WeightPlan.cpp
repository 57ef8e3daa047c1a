//===- WeightPlan.cpp - Where each weight lies in the weights file --------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "WeightPlan.h"

#include "llvm/Support/xxhash.h"

#include <cstring>

using namespace mlir;
using namespace aero;

/// Alignment of a weight in the file (program.proto).
static constexpr uint64_t alignment = 64;

static bool sameBytes(ArrayRef<float> a, ArrayRef<float> b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

llvm::Expected<size_t> WeightPlan::findOrAddBlock(mpc::WeightOp op,
                                                  program::Weight::Type type) {
  int32_t frac = op.getResult().getType().getFrac();
  auto matches = [&](size_t index) {
    return blocks[index].type == type && blocks[index].frac == frac;
  };
  SmallVector<size_t, 1> &sameValue = blocksByValue[op.getValue()];
  for (size_t index : sameValue)
    if (matches(index))
      return index;

  llvm::Expected<ElementsData<float>> data = getFloatData(op.getValue());
  if (!data)
    return llvm::createStringError(
        "weight '" + op.getName() +
        "' cannot be read: " + llvm::toString(data.takeError()));
  ArrayRef<float> values = *data;
  uint64_t hash = llvm::xxh3_64bits(
      llvm::ArrayRef(reinterpret_cast<const uint8_t *>(values.data()),
                     values.size() * sizeof(float)));
  SmallVector<size_t, 1> &sameHash = blocksByHash[hash];
  for (size_t index : sameHash)
    if (matches(index) && sameBytes(blocks[index].data, values)) {
      sameValue.push_back(index);
      return index;
    }

  size_t index = blocks.size();
  size = (size + alignment - 1) / alignment * alignment;
  blocks.push_back({op.getName().str(), std::move(*data), frac, type, size});
  size += blocks.back().getNumBytes();
  sameValue.push_back(index);
  sameHash.push_back(index);
  return index;
}

llvm::Expected<uint32_t> WeightPlan::add(mpc::WeightOp op,
                                         program::Weight::Type type,
                                         program::Program &program) {
  llvm::Expected<size_t> block = findOrAddBlock(op, type);
  if (!block)
    return block.takeError();
  program::Weight &weight = *program.add_weights();
  weight.set_name(op.getName().str());
  for (int64_t dim : op.getResult().getType().getShape())
    weight.add_shape(uint32_t(dim));
  weight.set_frac(op.getResult().getType().getFrac());
  weight.set_type(type);
  weight.set_offset(blocks[*block].offset);
  return uint32_t(program.weights_size() - 1);
}
