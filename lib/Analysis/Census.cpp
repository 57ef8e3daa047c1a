//===- Census.cpp - What a network costs before any protocol --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/Census.h"

#include "aero/Analysis/Layers.h"
#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Support/Elements.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;

namespace aero::pi {
namespace {

RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Below this many elements nobody shares a matrix on purpose, and equality
/// would be chance (all zero).
constexpr int64_t kSmallestTied = 64;

/// Whether `b` is the transpose of `a`, element by element.
bool isTranspose(WeightOp a, WeightOp b) {
  RankedTensorType type = getTensorType(a), other = getTensorType(b);
  if (type.getRank() != 2 || other.getRank() != 2 ||
      type.getDimSize(0) != other.getDimSize(1) ||
      type.getDimSize(1) != other.getDimSize(0) ||
      type.getNumElements() < kSmallestTied)
    return false;
  // A splat says nothing, and is made by tests only.
  if (isa<SplatElementsAttr>(a.getValue()) ||
      isa<SplatElementsAttr>(b.getValue()))
    return false;
  auto x = getFloatData(a.getValue()), y = getFloatData(b.getValue());
  if (!x || !y) {
    llvm::consumeError(x ? y.takeError() : x.takeError());
    if (!x && !y)
      llvm::consumeError(y.takeError());
    return false;
  }
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  // In tiles, and therefore fast to differ and fast to agree.
  constexpr int64_t tile = 32;
  for (int64_t r0 = 0; r0 < rows; r0 += tile)
    for (int64_t c0 = 0; c0 < columns; c0 += tile)
      for (int64_t r = r0, re = std::min(rows, r0 + tile); r < re; ++r)
        for (int64_t c = c0, ce = std::min(columns, c0 + tile); c < ce; ++c)
          if ((*x)[r * columns + c] != (*y)[c * rows + r])
            return false;
  return true;
}

void countParameters(func::FuncOp func, Census &census) {
  llvm::StringSet<> names;
  SmallVector<WeightOp> weights;
  func.walk([&](WeightOp weight) {
    if (getTensorType(weight).getElementType().isF32() &&
        names.insert(weight.getName()).second)
      weights.push_back(weight);
  });
  for (auto [i, weight] : llvm::enumerate(weights)) {
    int64_t count = getTensorType(weight).getNumElements();
    census.parameters += count;
    if (llvm::any_of(ArrayRef(weights).take_front(i), [&](WeightOp earlier) {
          return isTranspose(earlier, weight);
        }))
      census.tiedParameters += count;
  }
}

void countNonlinear(NonlinearOpInterface op, int64_t layer, Census &census) {
  NonlinearUse use;
  use.kind = op.getNonlinearKind();
  use.maps = op.getMapCount();
  use.shape = op.getMapShape();
  use.layer = layer;
  use.node = getNodeName(op->getLoc());
  auto group = llvm::find_if(census.groups, [&](const NonlinearGroup &group) {
    return group.kind == use.kind && group.shape == use.shape &&
           group.inBlocks == (layer >= 0);
  });
  if (group == census.groups.end())
    group = census.groups.insert(group, {use.kind, layer >= 0, 0, use.shape});
  group->maps += use.maps;
  census.uses.push_back(std::move(use));
}

} // namespace

Census takeCensus(func::FuncOp func) {
  Census census;
  LayerAnalysis layers(func);
  census.layers = layers.getNumLayers();
  countParameters(func, census);
  func.walk([&](Operation *op) {
    if (auto nonlinear = dyn_cast<NonlinearOpInterface>(op))
      countNonlinear(nonlinear, layers.getLayer(op), census);
    if (auto linear = dyn_cast<LinearOp>(op)) {
      RankedTensorType weight = getTensorType(linear.getWeight());
      int64_t rows = getTensorType(linear.getInput()).getNumElements() /
                     std::max<int64_t>(weight.getDimSize(0), 1);
      int64_t flops = 2 * rows * weight.getNumElements();
      switch (layers.getPart(op)) {
      case BlockPart::FeedForward:
        census.ffnFlops += flops;
        break;
      case BlockPart::Attention:
        census.attentionFlops += flops;
        census.denseAttentionFlops += flops;
        break;
      case BlockPart::None:
        census.otherFlops += flops;
        break;
      }
    }
    if (auto attention = dyn_cast<AttentionOp>(op)) {
      ArrayRef<int64_t> query = getTensorType(attention.getQuery()).getShape();
      int64_t keys = getTensorType(attention.getKey()).getDimSize(1);
      int64_t products = query[0] * query[1] * keys * query[2];
      census.attentionFlops += 3 * products;
      census.denseAttentionFlops += 4 * products;
    }
  });
  return census;
}

} // namespace aero::pi
