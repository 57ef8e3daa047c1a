//===- LayerLoops.cpp - Layers that differ in their weights only ---------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerLoops.h"

#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace aero;

/// A loop of fewer ops is no easier to read.
static constexpr size_t minPeriod = 3;

LayerLoops::LayerLoops(func::FuncOp function, ArrayRef<Operation *> marked)
    : marked(marked.begin(), marked.end()) {
  for (Operation &op : function.front().without_terminator()) {
    if (isa<pi::WeightOp, pi::ConstantOp>(op) ||
        (op.getNumResults() == 1 && pi::getWeightMatrix(op.getResult(0))))
      continue;
    indices[&op] = ops.size();
    ops.push_back(&op);
  }
  split(0, ops.size());
}

std::optional<size_t> LayerLoops::getIndex(Operation *op) const {
  auto found = indices.find(op);
  if (found == indices.end())
    return std::nullopt;
  return found->second;
}

/// The attributes that decide what is computed.
static DictionaryAttr getMeaning(Operation *op) {
  NamedAttrList attributes(op->getAttrDictionary());
  attributes.erase("nonlinearity");
  attributes.erase("entropy_thresholds");
  return attributes.getDictionary(op->getContext());
}

/// Whether operand `a` of one iteration is what `b` is in the next.
bool LayerLoops::areSame(Value a, Value b, size_t indexA, size_t indexB,
                         size_t first, size_t period) const {
  if (a.getType() != b.getType())
    return false;
  pi::WeightMatrix weightA = pi::getWeightMatrix(a),
                   weightB = pi::getWeightMatrix(b);
  if (weightA || weightB)
    return weightA && weightB && weightA.isTransposed == weightB.isTransposed;
  Attribute constantA, constantB;
  if (matchPattern(a, m_Constant(&constantA)))
    return matchPattern(b, m_Constant(&constantB)) && constantA == constantB;
  std::optional<size_t> defA = a.getDefiningOp() ? getIndex(a.getDefiningOp())
                                                 : std::nullopt,
                        defB = b.getDefiningOp() ? getIndex(b.getDefiningOp())
                                                 : std::nullopt;
  if (!defA || !defB)
    return a == b;
  // Computed before the loop, the same for all iterations.
  if (a == b)
    return *defA < first;
  // From the same iteration or the one before it, for which what is before the
  // loop stands in.
  size_t start = first + (indexA - first) / period * period;
  return indexA - *defA == indexB - *defB && *defA + period >= start;
}

bool LayerLoops::areSame(size_t a, size_t b, size_t first,
                         size_t period) const {
  Operation *opA = ops[a], *opB = ops[b];
  if (opA->getName() != opB->getName() ||
      marked.contains(opA) != marked.contains(opB) ||
      opA->getNumOperands() != opB->getNumOperands() ||
      opA->getResultTypes() != opB->getResultTypes() ||
      getMeaning(opA) != getMeaning(opB))
    return false;
  for (auto [x, y] : llvm::zip_equal(opA->getOperands(), opB->getOperands()))
    if (!areSame(x, y, a, b, first, period))
      return false;
  return true;
}

/// Whether something behind the loop uses an iteration other than the last.
bool LayerLoops::isUsedLater(const LayerLoop &loop) const {
  for (size_t i = loop.first; i < loop.getEnd() - loop.period; ++i)
    for (Operation *user : ops[i]->getUsers()) {
      std::optional<size_t> index = getIndex(user);
      if (!index || *index >= loop.getEnd())
        return true;
    }
  return false;
}

/// The loop that leaves out the most ops; the first, if several do.
std::optional<LayerLoop> LayerLoops::findBest(size_t begin, size_t end) const {
  std::optional<LayerLoop> best;
  size_t saved = 0;
  for (size_t first = begin; first < end; ++first)
    for (size_t period = minPeriod; first + 2 * period <= end; ++period) {
      size_t same = 0;
      while (first + same + period < end &&
             areSame(first + same, first + same + period, first, period))
        ++same;
      LayerLoop loop{first, period, 1 + same / period};
      while (loop.count > 1 && isUsedLater(loop))
        --loop.count;
      if ((loop.count - 1) * period > saved) {
        saved = (loop.count - 1) * period;
        best = loop;
      }
    }
  return best;
}

void LayerLoops::split(size_t begin, size_t end) {
  if (begin == end)
    return;
  std::optional<LayerLoop> best = findBest(begin, end);
  if (!best) {
    loops.push_back({begin, end - begin, 1});
    return;
  }
  split(begin, best->first);
  loops.push_back(*best);
  split(best->getEnd(), end);
}
