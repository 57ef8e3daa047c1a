//===- Census.cpp - What a network costs before any protocol --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/Census.h"

#include "Roles.h"

using namespace mlir;

namespace aero::pi {
namespace {

RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

class CensusTaker {
public:
  explicit CensusTaker(func::FuncOp func)
      : func(func), layers(func), roles(findRoles(func, layers)) {}

  Census take() {
    census.layers = layers.getNumLayers();
    countParameters();
    func.walk([&](Operation *op) {
      if (auto nonlinear = dyn_cast<NonlinearOpInterface>(op))
        countNonlinear(nonlinear);
      if (layers.isData(op))
        countProducts(op);
    });
    return std::move(census);
  }

private:
  void countParameters();
  ParameterKind getKind(WeightOp weight, Operation *reader) const;
  void countNonlinear(NonlinearOpInterface op);
  void countProducts(Operation *op);

  ProductKind getProductKind(Operation *op) const {
    switch (layers.getPart(op)) {
    case BlockPart::FeedForward:
      return ProductKind::FeedForward;
    case BlockPart::Attention:
      return ProductKind::AttentionProjection;
    case BlockPart::None:
      break;
    }
    return op == roles.vocabularyProjection ? ProductKind::VocabularyProjection
                                            : ProductKind::Other;
  }

  func::FuncOp func;
  LayerAnalysis layers;
  Roles roles;
  Census census;
};

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

/// What `weight` is for, as far as `reader` tells.
ParameterKind CensusTaker::getKind(WeightOp weight, Operation *reader) const {
  if (reader == roles.tokenEmbedding)
    return ParameterKind::TokenEmbedding;
  if (roles.positionTables.contains(weight))
    return ParameterKind::PositionEmbedding;
  if (isa<LayerNormOp, RMSNormOp>(reader))
    return ParameterKind::Norm;
  if (reader == roles.vocabularyProjection)
    return ParameterKind::VocabularyProjection;
  switch (layers.getPart(reader)) {
  case BlockPart::FeedForward:
    return ParameterKind::FeedForward;
  case BlockPart::Attention:
    return ParameterKind::Attention;
  case BlockPart::None:
    return ParameterKind::Other;
  }
  llvm_unreachable("unknown part");
}

void CensusTaker::countParameters() {
  struct Parameter {
    WeightOp weight;
    /// Kind and layer.
    SmallVector<std::pair<ParameterKind, int64_t>> uses;
    std::vector<std::string> copies;
  };
  std::vector<Parameter> parameters;
  func.walk([&](WeightOp weight) {
    if (!getTensorType(weight).getElementType().isF32())
      return;
    auto found = llvm::find_if(parameters, [&](Parameter &other) {
      return isSameParameter(other.weight, weight);
    });
    if (found == parameters.end())
      found = parameters.insert(found, {weight, {}, {}});
    else if (found->weight.getName() != weight.getName())
      found->copies.push_back(weight.getName().str());
    for (Operation *reader : getReaders(weight)) {
      std::pair use(getKind(weight, reader), layers.getLayer(reader));
      if (!llvm::is_contained(found->uses, use))
        found->uses.push_back(use);
    }
  });

  for (Parameter &parameter : parameters) {
    int64_t elements = getTensorType(parameter.weight).getNumElements();
    ParameterKind kind = parameter.uses.empty() ? ParameterKind::Other
                                                : parameter.uses.front().first;
    ParameterCount &count = census.parameters[static_cast<unsigned>(kind)];
    ++count.weights;
    count.elements += elements;
    if (parameter.uses.size() < 2 && parameter.copies.empty())
      continue;
    TiedWeight tied;
    tied.name = parameter.weight.getName().str();
    tied.elements = elements;
    for (auto [useKind, layer] : parameter.uses)
      if (!llvm::is_contained(tied.kinds, useKind))
        tied.kinds.push_back(useKind);
    tied.copies = std::move(parameter.copies);
    census.tied.push_back(std::move(tied));
  }
}

//===----------------------------------------------------------------------===//
// Nonlinear operations
//===----------------------------------------------------------------------===//

void CensusTaker::countNonlinear(NonlinearOpInterface op) {
  NonlinearUse use;
  use.kind = op.getNonlinearKind();
  use.maps = op.getMapCount();
  use.shape = op.getMapShape();
  use.layer = layers.getLayer(op);
  use.place = getPlace(layers, op);
  use.node = getNodeName(op->getLoc());

  auto group = llvm::find_if(census.groups, [&](const NonlinearGroup &group) {
    return group.kind == use.kind && group.shape == use.shape &&
           group.place == use.place;
  });
  if (group == census.groups.end())
    group =
        census.groups.insert(group, {use.kind, use.place, 0, use.shape, {}});
  group->maps += use.maps;
  census.uses.push_back(std::move(use));
}

/// Fills in which layers hold how many maps.
void groupLayers(Census &census) {
  for (NonlinearGroup &group : census.groups) {
    if (group.place != NetworkPlace::Block)
      continue;
    SmallVector<int64_t> maps(census.layers, 0);
    for (const NonlinearUse &use : census.uses)
      if (use.layer >= 0 && use.kind == group.kind && use.shape == group.shape)
        maps[use.layer] += use.maps;
    for (auto [layer, count] : llvm::enumerate(maps)) {
      if (count == 0)
        continue;
      auto found = llvm::find_if(
          group.layers, [&](const auto &other) { return other.maps == count; });
      if (found == group.layers.end())
        found = group.layers.insert(found, {count, {}});
      found->layers.push_back(static_cast<int64_t>(layer));
    }
    llvm::sort(group.layers, [](const auto &a, const auto &b) {
      return a.layers.size() != b.layers.size()
                 ? a.layers.size() > b.layers.size()
                 : a.layers.front() < b.layers.front();
    });
  }
}

//===----------------------------------------------------------------------===//
// Multiply-adds
//===----------------------------------------------------------------------===//

void CensusTaker::countProducts(Operation *op) {
  auto add = [&](ProductKind kind, int64_t count) {
    census.multiplyAdds[static_cast<unsigned>(kind)] += count;
  };
  if (isa<LinearOp, MatMulOp>(op)) {
    int64_t inner = getTensorType(op->getOperand(0)).getShape().back();
    // A product of two activations outside of a known attention has no name.
    add(getMatrix(op) ? getProductKind(op) : ProductKind::Other,
        getTensorType(op->getResult(0)).getNumElements() * inner);
  } else if (auto attention = dyn_cast<AttentionOp>(op)) {
    int64_t keys = getTensorType(attention.getKey()).getDimSize(1);
    add(ProductKind::AttentionScores,
        2 * getTensorType(attention.getQuery()).getNumElements() * keys);
  } else if (auto embedding = dyn_cast<EmbeddingOp>(op)) {
    if (Operation *indices = embedding.getIndices().getDefiningOp();
        !indices || layers.isData(indices))
      add(ProductKind::Embedding,
          getTensorType(embedding).getNumElements() *
              getTensorType(embedding.getTable()).getDimSize(0));
  }
}

} // namespace

//===----------------------------------------------------------------------===//
// Sums and names
//===----------------------------------------------------------------------===//

int64_t NonlinearGroup::getElements() const {
  int64_t elements = maps;
  for (int64_t size : shape)
    elements *= size;
  return elements;
}

ParameterCount Census::getAllParameters() const {
  ParameterCount all;
  for (const ParameterCount &count : parameters) {
    all.weights += count.weights;
    all.elements += count.elements;
  }
  return all;
}

int64_t Census::getPaperAttentionFlops() const {
  // 3 T^2 d is three quarters of the 4 T^2 d FLOPs.
  return getFlops(ProductKind::AttentionProjection) +
         getFlops(ProductKind::AttentionScores) / 4 * 3;
}

int64_t Census::getDenseAttentionFlops() const {
  return getFlops(ProductKind::AttentionProjection) +
         getFlops(ProductKind::AttentionScores);
}

StringRef stringify(ParameterKind kind) {
  switch (kind) {
  case ParameterKind::TokenEmbedding:
    return "token_embedding";
  case ParameterKind::PositionEmbedding:
    return "position_embedding";
  case ParameterKind::Attention:
    return "attention";
  case ParameterKind::FeedForward:
    return "feed_forward";
  case ParameterKind::Norm:
    return "norm";
  case ParameterKind::VocabularyProjection:
    return "vocabulary_projection";
  case ParameterKind::Other:
    return "other";
  }
  llvm_unreachable("unknown kind");
}

StringRef stringify(ProductKind kind) {
  switch (kind) {
  case ProductKind::FeedForward:
    return "feed_forward";
  case ProductKind::AttentionProjection:
    return "attention_projection";
  case ProductKind::AttentionScores:
    return "attention_scores";
  case ProductKind::VocabularyProjection:
    return "vocabulary_projection";
  case ProductKind::Embedding:
    return "embedding";
  case ProductKind::Other:
    return "other";
  }
  llvm_unreachable("unknown kind");
}

StringRef stringify(NetworkPlace place) {
  switch (place) {
  case NetworkPlace::Unknown:
    return "unknown";
  case NetworkPlace::BeforeBlocks:
    return "before_blocks";
  case NetworkPlace::Block:
    return "block";
  case NetworkPlace::AfterBlocks:
    return "after_blocks";
  }
  llvm_unreachable("unknown place");
}

NetworkPlace getPlace(const LayerAnalysis &layers, Operation *op) {
  if (layers.getLayer(op) >= 0)
    return NetworkPlace::Block;
  if (layers.getNumLayers() == 0)
    return NetworkPlace::Unknown;
  return layers.getDepth(op) > 0 ? NetworkPlace::AfterBlocks
                                 : NetworkPlace::BeforeBlocks;
}

Census takeCensus(func::FuncOp func) {
  Census census = CensusTaker(func).take();
  groupLayers(census);
  return census;
}

} // namespace aero::pi
