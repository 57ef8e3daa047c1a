//===- Layers.cpp - Which transformer layer an op belongs to --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/Layers.h"

#include "aero/Dialect/PI/IR/PIOps.h"

#include <limits>

using namespace mlir;

namespace aero::pi {
namespace {

constexpr int64_t kNone = std::numeric_limits<int64_t>::max();

/// Where an op stands among the attentions.
struct Flow {
  /// Computes on the client's data, as opposed to weights alone.
  bool isData = false;
  /// The layer of the last attention that it depends on, itself included; -1
  /// before the first.
  int64_t before = -1;
  /// The layer of the first attention that depends on it, itself included;
  /// kNone after the last.
  int64_t after = kNone;
  /// Every way from here to a result leads through attention `after`.
  bool onlyFeeds = false;
  /// Hands values to the caller and does no more: the keys and values of a
  /// layer are results too, if there is a cache, and are of that layer still.
  bool isTap = false;
};

bool isMovement(Operation *op) {
  return isa<TransposeOp, ReshapeOp, SliceOp, TakeOp, BroadcastOp, ConcatOp>(
      op);
}

class Dataflow {
public:
  explicit Dataflow(Block &block) {
    for (Operation &op : block)
      visitForward(&op);
    for (Operation &op : llvm::reverse(block))
      visitBackward(&op);
  }

  const Flow &operator[](Operation *op) const { return flows.at(op); }
  int64_t getNumLayers() const { return numLayers; }

  /// A sum of two activations, not of an activation and a parameter.
  bool isJoin(Operation *op) const {
    return isa<AddOp>(op) && llvm::all_of(op->getOperands(), [&](Value value) {
             Operation *operand = value.getDefiningOp();
             return !operand || flows.at(operand).isData;
           });
  }

private:
  void visitForward(Operation *op) {
    Flow flow;
    for (Value operand : op->getOperands()) {
      Operation *producer = operand.getDefiningOp();
      auto found = producer ? flows.find(producer) : flows.end();
      if (found == flows.end()) {
        flow.isData = true; // An argument.
        continue;
      }
      flow.isData |= found->second.isData;
      flow.before = std::max(flow.before, found->second.before);
    }
    if (isa<AttentionOp>(op)) {
      ++flow.before;
      numLayers = std::max(numLayers, flow.before + 1);
    }
    flows[op] = flow;
  }

  void visitBackward(Operation *op) {
    Flow &flow = flows[op];
    auto isTap = [&](Operation *user) { return flows[user].isTap; };
    if (isa<AttentionOp>(op)) {
      flow.after = flow.before;
      return;
    }
    flow.isTap = isa<func::ReturnOp>(op) ||
                 (isMovement(op) && llvm::all_of(op->getUsers(), isTap));
    bool escapes = op->use_empty();
    for (Operation *user : op->getUsers()) {
      const Flow &use = flows[user];
      if (use.isTap)
        continue;
      flow.after = std::min(flow.after, use.after);
      escapes |= !isa<AttentionOp>(user) && !use.onlyFeeds;
    }
    // All users may feed attentions, but not the same one.
    for (Operation *user : op->getUsers())
      escapes |= !flows[user].isTap && flows[user].after != flow.after;
    flow.onlyFeeds = !escapes && flow.after != kNone;
  }

  DenseMap<Operation *, Flow> flows;
  int64_t numLayers = 0;
};

} // namespace

LayerAnalysis::LayerAnalysis(func::FuncOp func) {
  if (func.isExternal() || !func.getBody().hasOneBlock())
    return;
  Block &block = func.getBody().front();
  Dataflow flows(block);
  numLayers = flows.getNumLayers();
  for (Operation &op : block)
    if (flows[&op].isData)
      depths[&op] = flows[&op].before + 1;
  if (numLayers == 0)
    return;

  // The last residual sum closes the last layer.
  Operation *lastJoin = nullptr;
  for (Operation &op : block)
    if (flows.isJoin(&op) && flows[&op].before == numLayers - 1)
      lastJoin = &op;

  // The first sum after attention i of something that depends on it and
  // something that does not: the residual around attention.
  SmallVector<Operation *> residual(numLayers, nullptr);
  for (Operation &op : block) {
    int64_t layer = flows[&op].before;
    if (layer < 0 || residual[layer] || !flows.isJoin(&op))
      continue;
    if (llvm::any_of(op.getOperands(), [&](Value value) {
          Operation *producer = value.getDefiningOp();
          return !producer || flows[producer].before < layer;
        }))
      residual[layer] = &op;
  }
  // Where norms come before, that sum has two readers: a norm and another sum.
  auto getOnlyNorm = [](Operation *sum) -> Operation * {
    Operation *user = sum && sum->hasOneUse() ? *sum->user_begin() : nullptr;
    return isa_and_present<LayerNormOp, RMSNormOp>(user) ? user : nullptr;
  };
  postNorms = residual.front() != lastJoin && getOnlyNorm(residual.front());

  // What comes after the last layer.
  Operation *last = postNorms ? getOnlyNorm(lastJoin) : nullptr;
  if (!last)
    last = lastJoin;
  DenseSet<Operation *> tail;
  for (Operation &op : block)
    if (llvm::any_of(op.getOperands(), [&](Value operand) {
          Operation *producer = operand.getDefiningOp();
          return producer && (producer == last || tail.contains(producer));
        }))
      tail.insert(&op);

  // What comes after the residual sum of a layer is the feed-forward network.
  DenseSet<Operation *> afterResidual;
  for (Operation &op : block) {
    int64_t layer = flows[&op].before;
    if (layer >= 0 && llvm::any_of(op.getOperands(), [&](Value value) {
          Operation *producer = value.getDefiningOp();
          return producer && flows[producer].before == layer &&
                 (producer == residual[layer] ||
                  afterResidual.contains(producer));
        }))
      afterResidual.insert(&op);
  }

  for (Operation &op : block) {
    const Flow &flow = flows[&op];
    if (!flow.isData || isa<func::ReturnOp>(op))
      continue;
    Place place;
    if (isa<AttentionOp>(op) || (flow.onlyFeeds && flow.after > flow.before)) {
      place = {flow.after, BlockPart::Attention};
    } else if (flow.before + 1 < numLayers && flow.after > flow.before + 1) {
      // Goes around the next attention: a parallel feed-forward network.
      place = {flow.before + 1, BlockPart::FeedForward};
    } else if (flow.before >= 0 && !tail.contains(&op)) {
      place = {flow.before, afterResidual.contains(&op) ? BlockPart::FeedForward
                                                        : BlockPart::Attention};
    }
    places[&op] = place;
  }

  // Parameters, users first: a constant may feed an op on constants.
  for (Operation &op : llvm::reverse(block)) {
    if (flows[&op].isData || op.use_empty())
      continue;
    Place place = lookup(*op.user_begin());
    bool agree = llvm::all_of(op.getUsers(), [&](Operation *user) {
      Place other = lookup(user);
      return other.layer == place.layer;
    });
    if (agree)
      places[&op] = place;
  }
}

} // namespace aero::pi
