//===- Norms.cpp - The normalisations of a transformer, by name -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/Norms.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "llvm/ADT/StringMap.h"

using namespace mlir;

namespace aero::pi {
namespace {

bool isFinalNorm(Operation *norm, const LayerAnalysis &layers) {
  SetVector<Operation *> slice;
  getForwardSlice(norm, &slice);
  return llvm::none_of(slice, [&](Operation *op) {
    if (isa<AttentionOp, SoftmaxOp, MatMulOp>(op))
      return true;
    return isa<AddOp>(op) && llvm::all_of(op->getOperands(), [&](Value value) {
             Operation *producer = value.getDefiningOp();
             return !producer || layers.isData(producer);
           });
  });
}

std::string getPlace(Operation *norm, int64_t layer, bool isFinal,
                     const LayerAnalysis &layers) {
  if (layer < 0)
    return isFinal ? "final" : "input";
  return std::to_string(layer) + (layers.getPart(norm) == BlockPart::FeedForward
                                      ? "/feed_forward"
                                      : "/attention");
}

} // namespace

std::vector<NormSite> findNorms(func::FuncOp func,
                                const LayerAnalysis &layers) {
  std::vector<NormSite> sites;
  llvm::StringMap<int> places;
  func.walk([&](Operation *op) {
    if (!isa<LayerNormOp, RMSNormOp>(op))
      return;
    int64_t layer = layers.getLayer(op);
    bool isFinal = isFinalNorm(op, layers);
    std::string place = getPlace(op, layer, isFinal, layers);
    if (int count = ++places[place]; count > 1)
      place += "." + std::to_string(count);
    std::string node = getNodeName(op->getLoc());
    sites.push_back({op, layer, isFinal, place, node.empty() ? place : node});
  });
  return sites;
}

} // namespace aero::pi
