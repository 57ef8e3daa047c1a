//===- Roles.cpp - What weights and the ops around the blocks are for -----===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Roles.h"

#include "aero/Support/Elements.h"

using namespace mlir;

namespace aero::pi {
namespace {

RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Moves elements, computes nothing.
bool isMovement(Operation *op) {
  return isa_and_present<TransposeOp, ReshapeOp, SliceOp, TakeOp, BroadcastOp>(
      op);
}

/// The shape without leading ones: (1, T, d) is added as (T, d) is.
ArrayRef<int64_t> dropLeadingOnes(ArrayRef<int64_t> shape) {
  return shape.drop_while([](int64_t size) { return size == 1; });
}

/// Below this many elements nobody shares a matrix on purpose, and equality
/// would be chance (all zero).
constexpr int64_t kSmallestTied = 64;

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
    llvm::consumeError(x.takeError());
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

/// Of several lookups (tokens, positions, segments) that of the tokens: its
/// table makes the logits too, or has the most rows.
EmbeddingOp findTokenEmbedding(func::FuncOp func, const LayerAnalysis &layers,
                               ArrayRef<Operation *> projections) {
  EmbeddingOp best;
  for (EmbeddingOp op : func.getOps<EmbeddingOp>()) {
    if (!layers.isData(op))
      continue;
    WeightOp table = getWeight(op.getTable());
    if (table && llvm::any_of(projections, [&](Operation *projection) {
          return isSameParameter(table, getMatrix(projection));
        }))
      return op;
    if (!best || getTensorType(op.getTable()).getDimSize(0) >
                     getTensorType(best.getTable()).getDimSize(0))
      best = op;
  }
  return best;
}

bool isPositionTable(WeightOp weight, EmbeddingOp tokens,
                     const LayerAnalysis &layers) {
  ArrayRef<int64_t> shape = dropLeadingOnes(getTensorType(weight).getShape());
  ArrayRef<int64_t> indices = getTensorType(tokens.getIndices()).getShape();
  // A table of segments has as many columns, but fewer rows than tokens.
  if (shape.size() != 2 || indices.empty() || shape[0] < indices.back() ||
      shape[1] != getTensorType(tokens.getTable()).getDimSize(1))
    return false;
  SmallVector<Operation *> readers = getReaders(weight);
  return !readers.empty() && llvm::all_of(readers, [&](Operation *reader) {
    return reader != tokens && isa<AddOp, EmbeddingOp>(reader) &&
           layers.getLayer(reader) < 0 && layers.getDepth(reader) == 0;
  });
}

} // namespace

WeightOp getWeight(Value value) {
  Operation *op = value.getDefiningOp();
  while (isMovement(op))
    op = op->getOperand(0).getDefiningOp();
  return dyn_cast_if_present<WeightOp>(op);
}

SmallVector<Operation *> getReaders(WeightOp weight) {
  SmallVector<Operation *> readers, pending(weight->getUsers());
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val();
    if (isMovement(op))
      llvm::append_range(pending, op->getUsers());
    else if (!llvm::is_contained(readers, op))
      readers.push_back(op);
  }
  llvm::sort(readers,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return readers;
}

WeightOp getMatrix(Operation *op) {
  if (auto linear = dyn_cast<LinearOp>(op))
    return getWeight(linear.getWeight());
  auto matmul = dyn_cast<MatMulOp>(op);
  return matmul ? getWeight(matmul.getRhs()) : WeightOp();
}

bool isSameParameter(WeightOp a, WeightOp b) {
  if (!a || !b)
    return false;
  return a.getName() == b.getName() || isTranspose(a, b);
}

Roles findRoles(func::FuncOp func, const LayerAnalysis &layers) {
  Roles roles;
  // Linear maps behind the last block; the last of them comes first.
  SmallVector<Operation *> projections;
  func.walk([&](Operation *op) {
    if (getMatrix(op) && layers.isData(op) && layers.getLayer(op) < 0 &&
        layers.getDepth(op) == layers.getNumLayers())
      projections.insert(projections.begin(), op);
  });
  roles.tokenEmbedding = findTokenEmbedding(func, layers, projections);
  if (roles.tokenEmbedding)
    func.walk([&](WeightOp weight) {
      if (isPositionTable(weight, roles.tokenEmbedding, layers))
        roles.positionTables.insert(weight);
    });

  for (Operation *op : projections) {
    int64_t width = getTensorType(op->getResult(0)).getShape().back();
    bool isVocabulary =
        roles.tokenEmbedding
            ? width ==
                  getTensorType(roles.tokenEmbedding.getTable()).getDimSize(0)
            : llvm::any_of(op->getUsers(), llvm::IsaPred<func::ReturnOp>);
    if (isVocabulary) {
      roles.vocabularyProjection = op;
      break;
    }
  }
  return roles;
}

} // namespace aero::pi
