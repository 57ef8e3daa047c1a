//===- AnnotateNonlinearities.cpp - One remark per nonlinear op -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Weights.h"
#include "aero/Analysis/Layers.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringExtras.h"

namespace aero::pi {
#define GEN_PASS_DEF_ANNOTATENONLINEARITIESPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

constexpr StringLiteral kPass = "pi-annotate-nonlinearities";

struct AnnotateNonlinearitiesPass
    : public impl::AnnotateNonlinearitiesPassBase<AnnotateNonlinearitiesPass> {
  using AnnotateNonlinearitiesPassBase::AnnotateNonlinearitiesPassBase;

  void runOnOperation() override {
    markAllAnalysesPreserved();
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    LayerAnalysis layers(func);
    bool found = false;
    func.walk([&](NonlinearOpInterface op) {
      // What is computed from weights alone costs nothing.
      if (!layers.isData(op))
        return;
      found = true;
      SmallVector<int64_t> shape = op.getMapShape();
      int64_t elements = op.getMapCount();
      for (int64_t size : shape)
        elements *= size;
      int64_t layer = layers.getLayer(op);
      std::string place =
          layer < 0 ? "outside of layers" : "layer " + std::to_string(layer);
      std::string dimensions = llvm::join(
          llvm::map_range(shape,
                          [](int64_t size) { return std::to_string(size); }),
          "x");
      remark::analysis(op.getLoc(),
                       remark::RemarkOpts::name("nonlinearity").category(kPass))
          << remark::add("{0}: {1}, {2}, {3} maps of {4}, {5} elements",
                         describe(op),
                         stringifyNonlinearKind(op.getNonlinearKind()), place,
                         op.getMapCount(), dimensions, elements);
    });
    if (!found)
      remark::analysis(func.getLoc(),
                       remark::RemarkOpts::name("nonlinearity").category(kPass))
          << remark::add("there is no nonlinear operation");
  }
};

} // namespace
} // namespace aero::pi
