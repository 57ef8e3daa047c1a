//===- LinalgToPI.cpp - The way back from linalg to pi --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The new body is built in a function of its own, beside the old one, which it
/// replaces if every op had a form. So nothing is ever half converted.
///
//===----------------------------------------------------------------------===//

#include "aero/Conversion/LinalgToPI/LinalgToPI.h"

#include "Translator.h"

#include "mlir/IR/OwningOpRef.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace aero {
#define GEN_PASS_DEF_CONVERTLINALGTOPI
#include "aero/Conversion/LinalgToPI/LinalgToPI.h.inc"
} // namespace aero

using namespace mlir;
using namespace aero;
using namespace aero::linalgtopi;

void linalgtopi::reportNoForm(Location loc, StringRef op, const Twine &reason) {
  InFlightDiagnostic diag = emitError(loc)
                            << "no pi form of " << op << ": " << reason;
  if (std::string node = pi::getNodeName(loc); !node.empty())
    diag << " (node '" << node << "')";
  if (int64_t layer = pi::getLayer(loc); layer >= 0)
    diag << " in layer " << layer;
}

namespace {

struct ConvertLinalgToPIPass
    : public aero::impl::ConvertLinalgToPIBase<ConvertLinalgToPIPass> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    populateRecomposePatterns(set);
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    OwningOpRef<func::FuncOp> made(
        cast<func::FuncOp>(func->cloneWithoutRegions()));
    if (failed(Translator(func, *made).run()) ||
        failed(applyPatternsGreedily(made->getBody(), patterns)))
      return signalPassFailure();
    bool complete = true;
    made->walk([&](Operation *op) {
      if (!isMaximum(op))
        return;
      reportNoForm(op->getLoc(), "a maximum along a dimension",
                   "it is not a part of softmax");
      complete = false;
    });
    if (!complete)
      return signalPassFailure();
    func.getBody().takeBody(made->getBody());
  }

  FrozenRewritePatternSet patterns;
};

} // namespace
