//===- PruneFFN.cpp - Removes feed-forward networks -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerSelection.h"
#include "Weights.h"
#include "aero/Analysis/FeedForwards.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/IR/Remarks.h"

namespace aero::pi {
#define GEN_PASS_DEF_PRUNEFFNPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

constexpr StringLiteral kPass = "pi-prune-ffn";

struct PruneFFNPass : public impl::PruneFFNPassBase<PruneFFNPass> {
  using PruneFFNPassBase::PruneFFNPassBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    LayerAnalysis layers(func);
    int64_t numLayers = layers.getNumLayers();
    FailureOr<LayerSelection> selection =
        LayerSelection::parse(func, kPass, layerList, numLayers);
    if (failed(selection) || failed(checkOptions(numLayers)))
      return signalPassFailure();

    auto isChosen = [&](int64_t layer) {
      return deepest > 0 ? layer >= numLayers - deepest
                         : !selection->isAll() && selection->contains(layer);
    };
    SmallVector<FeedForward> networks = findFeedForwards(func, layers);
    auto getOptions = [](StringRef name) {
      return remark::RemarkOpts::name(name).category(kPass);
    };
    for (int64_t layer = 0; layer < numLayers; ++layer)
      if (isChosen(layer) &&
          llvm::none_of(networks, [&](const FeedForward &network) {
            return network.layer == layer;
          }))
        remark::missed(func.getLoc(), getOptions("ffn")) << remark::reason(
            "layer {0} has no feed-forward network to remove", layer);
    for (FeedForward &network : networks) {
      if (!isChosen(network.layer))
        continue;
      remark::passed(network.sum.getLoc(), getOptions("ffn")) << remark::add(
          "removed the feed-forward network of layer {0}", network.layer);
      Value sum = network.sum.getResult();
      sum.replaceAllUsesWith(network.stream);
      // The stream of a network that is removed later may be this sum.
      for (FeedForward &other : networks)
        if (other.stream == sum)
          other.stream = network.stream;
      eraseUnused(sum);
    }
  }

private:
  LogicalResult checkOptions(int64_t numLayers) {
    Location loc = getOperation().getLoc();
    if (deepest > 0 && !layerList.empty())
      return emitError(loc) << kPass
                            << ": deepest and layers both say which networks "
                               "to remove; give one";
    if (deepest < 0)
      return emitError(loc)
             << kPass << ": expected a number of layers, got deepest="
             << deepest.getValue();
    if (deepest == 0 && layerList.empty())
      return emitError(loc)
             << kPass << ": which networks? Give deepest=N or layers=LIST";
    if (deepest > numLayers) {
      InFlightDiagnostic diag = emitError(loc);
      if (configuration.empty())
        diag << kPass << ": ";
      else
        diag << "configuration '" << configuration << "': ";
      return diag << "cannot remove the feed-forward networks of the "
                  << deepest.getValue() << " deepest layers, the model '"
                  << getOperation().getSymName() << "' has "
                  << describeLayers(numLayers);
    }
    return success();
  }
};

} // namespace
} // namespace aero::pi
