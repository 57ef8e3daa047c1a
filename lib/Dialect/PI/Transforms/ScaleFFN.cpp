//===- ScaleFFN.cpp - Learnable scales around feed-forward networks -------===//
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

#include <cmath>

namespace aero::pi {
#define GEN_PASS_DEF_SCALEFFNPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

constexpr StringLiteral kPass = "pi-scale-ffn";

/// %z = pi.add %y, %f
///   ->
/// %s = pi.mul %y, %beta ; %t = pi.div %f, %alpha ; %z = pi.add %s, %t
void scale(const FeedForward &network, float alpha, float beta) {
  AddOp sum = network.sum;
  OpBuilder builder(sum);
  Location loc = sum.getLoc();
  std::string prefix = "aero.scale_ffn." + std::to_string(network.layer);
  Type type = sum.getType();
  Value stream =
      MulOp::create(builder, loc, type, network.stream,
                    createScalarWeight(builder, loc, prefix + ".beta", beta));
  Value branch =
      DivOp::create(builder, loc, type, network.branch,
                    createScalarWeight(builder, loc, prefix + ".alpha", alpha));
  bool streamFirst = sum.getLhs() == network.stream;
  sum->setOperands(
      {streamFirst ? stream : branch, streamFirst ? branch : stream});
}

struct ScaleFFNPass : public impl::ScaleFFNPassBase<ScaleFFNPass> {
  using ScaleFFNPassBase::ScaleFFNPassBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    if (!std::isfinite(alpha.getValue()) || alpha == 0 ||
        !std::isfinite(beta.getValue())) {
      emitError(func.getLoc()) << kPass
                               << ": expected finite initial values, and alpha "
                                  "not 0: it divides";
      return signalPassFailure();
    }
    LayerAnalysis layers(func);
    FailureOr<LayerSelection> selection =
        LayerSelection::parse(func, kPass, layerList, layers.getNumLayers());
    if (failed(selection))
      return signalPassFailure();

    auto getOptions = [](StringRef name) {
      return remark::RemarkOpts::name(name).category(kPass);
    };
    bool found = false, parallel = false;
    for (FeedForward network : findFeedForwards(func, layers)) {
      if (!selection->contains(network.layer))
        continue;
      Location loc = network.sum.getLoc();
      if (network.isScaled()) {
        found = true;
        remark::missed(loc, getOptions("ffn")) << remark::reason(
            "the feed-forward network of layer {0} has scales already",
            network.layer);
        continue;
      }
      if (network.isParallel) {
        parallel = true;
        remark::missed(loc, getOptions("ffn")) << remark::reason(
            "the feed-forward network of layer {0} stands beside attention, "
            "not behind it: there is no residual stream of its own to scale",
            network.layer);
        continue;
      }
      found = true;
      scale(network, alpha, beta);
      remark::passed(loc, getOptions("ffn")) << remark::add(
          "scaled the feed-forward network of layer {0}", network.layer);
    }
    if (!found)
      reportNothing(parallel);
  }

private:
  void reportNothing(bool parallel) {
    func::FuncOp func = getOperation();
    if (configuration.empty()) {
      if (!parallel)
        remark::missed(func.getLoc(),
                       remark::RemarkOpts::name("ffn").category(kPass))
            << remark::reason("there is no feed-forward network to scale");
      return;
    }
    InFlightDiagnostic diag = emitError(func.getLoc())
                              << "configuration '" << configuration
                              << "' scales feed-forward networks, and the "
                                 "model '"
                              << func.getSymName() << "' has ";
    if (parallel)
      diag << "only such as stand beside attention";
    else
      diag << "none";
    diag.attachNote() << (parallel
                              ? "out = beta y + ffn(y) / alpha needs the sum y "
                                "of stream and attention"
                              : "a feed-forward network ends with a linear map "
                                "that is added to what attention wrote")
                      << "; choose a configuration without scales, e.g. SM";
    signalPassFailure();
  }
};

} // namespace
} // namespace aero::pi
