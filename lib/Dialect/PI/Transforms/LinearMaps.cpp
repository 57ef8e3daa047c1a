//===- LinearMaps.cpp - Linear maps one after the other -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinearMaps.h"

#include "WeightMath.h"
#include "Weights.h"

using namespace mlir;

namespace aero::pi {

int64_t getRows(LinearOp op) {
  return cast<RankedTensorType>(op.getWeight().getType()).getDimSize(0);
}

int64_t getColumns(LinearOp op) {
  return cast<RankedTensorType>(op.getWeight().getType()).getDimSize(1);
}

int64_t getMultiplyAdds(LinearOp op) { return getRows(op) * getColumns(op); }

std::string whyUnknown(LinearOp op) {
  if (!isKnown(op.getWeight()))
    return "the matrix is computed, not a weight";
  if (op.getBias() && !isKnown(op.getBias()))
    return "the bias is computed, not a weight";
  return {};
}

Location mergeLocations(OpBuilder &builder, ArrayRef<Operation *> from) {
  SmallVector<Location> locations;
  for (Operation *op : from)
    locations.push_back(op->getLoc());
  Location merged = builder.getFusedLoc(locations);
  int64_t layer = getLayer(locations.back());
  return layer < 0 ? merged : withLayer(merged, layer);
}

Value composeMatrices(OpBuilder &builder, Location loc, LinearOp inner,
                      LinearOp outer, const KnownFactor &factor) {
  int64_t rows = getRows(inner), columns = getColumns(outer);
  SmallVector<Value> parts = {inner.getWeight(), outer.getWeight()};
  llvm::append_range(parts, factor.parts);
  std::vector<double> product = multiply(
      builder.getContext(), getElements(inner.getWeight()),
      getElements(outer.getWeight()), rows, getColumns(inner), columns);
  return createKnown(builder, loc, parts, {rows, columns},
                     roundToFloat(product, factor.value));
}

Value composeBiases(OpBuilder &builder, Location loc, ArrayRef<LinearOp> inner,
                    LinearOp outer, const KnownFactor &factor) {
  int64_t columns = getColumns(outer);
  std::vector<double> sum(columns);
  SmallVector<Value> parts;
  for (LinearOp op : inner) {
    Value bias = op.getBias();
    if (!bias)
      continue;
    parts.push_back(bias);
    std::vector<double> mapped =
        multiply(builder.getContext(), getElements(bias),
                 getElements(outer.getWeight()), 1, getColumns(op), columns);
    for (auto [total, value] : llvm::zip_equal(sum, mapped))
      total += factor.value * value;
  }
  Value bias = outer.getBias();
  if (parts.empty())
    return bias;
  parts.push_back(outer.getWeight());
  if (bias) {
    parts.push_back(bias);
    ElementsData<float> own = getElements(bias);
    for (int64_t i = 0; i < columns; ++i)
      sum[i] += own[i];
  }
  llvm::append_range(parts, factor.parts);
  return createKnown(builder, loc, parts, {columns}, roundToFloat(sum));
}

} // namespace aero::pi
