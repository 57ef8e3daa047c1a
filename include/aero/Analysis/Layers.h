//===- Layers.h - Which transformer layer an op belongs to ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_ANALYSIS_LAYERS_H
#define AERO_ANALYSIS_LAYERS_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

namespace aero::pi {

/// The half of a transformer block that an op belongs to.
enum class BlockPart {
  /// Outside of all blocks: embedding, final norm, vocabulary projection.
  None,
  /// From the norm before attention to the output projection and its residual
  /// sum.
  Attention,
  /// From the norm before the feed-forward network to its residual sum.
  FeedForward,
};

/// Tells from the dataflow of raised `pi` alone which layer an op belongs to.
///
/// Layer i is that of the i-th `pi.attention` along the longest path from the
/// input. Its ops are those that only attention i needs (the norm before it,
/// Q, K and V), and those between attention i and attention i + 1 that
/// attention i + 1 does not need for itself alone (output projection, residual
/// sums, feed-forward network); after the last attention they end with the last
/// sum of two activations, or with the norm after it, if all blocks have their
/// norms after the sums. A feed-forward network parallel to attention i is of
/// layer i too. Results that are no more than keys and values of a layer (for a
/// cache) are of that layer. No norms are needed, and residuals may be scaled.
/// A weight or constant is of its users' layer, if they agree.
class LayerAnalysis {
public:
  explicit LayerAnalysis(mlir::func::FuncOp func);
  /// For AnalysisManager.
  explicit LayerAnalysis(mlir::Operation *func)
      : LayerAnalysis(mlir::cast<mlir::func::FuncOp>(func)) {}

  /// The layer, from 0, or -1 for an op outside of all blocks.
  int64_t getLayer(mlir::Operation *op) const { return lookup(op).layer; }
  BlockPart getPart(mlir::Operation *op) const { return lookup(op).part; }
  int64_t getNumLayers() const { return numLayers; }

  /// How many attentions the longest path from the input to `op` leads through,
  /// itself included: 0 in the embedding, getNumLayers() after the last.
  int64_t getDepth(mlir::Operation *op) const { return depths.lookup(op); }
  /// `op` computes on an input, as opposed to weights and constants alone.
  bool isData(mlir::Operation *op) const { return depths.contains(op); }
  /// The norms of the blocks come after the residual sums (BERT), not before
  /// attention and feed-forward network.
  bool hasPostNorms() const { return postNorms; }

private:
  struct Place {
    int64_t layer = -1;
    BlockPart part = BlockPart::None;
  };

  Place lookup(mlir::Operation *op) const {
    auto found = places.find(op);
    return found == places.end() ? Place() : found->second;
  }

  llvm::DenseMap<mlir::Operation *, Place> places;
  /// Of the ops that compute on an input.
  llvm::DenseMap<mlir::Operation *, int64_t> depths;
  int64_t numLayers = 0;
  bool postNorms = false;
};

} // namespace aero::pi

#endif // AERO_ANALYSIS_LAYERS_H
