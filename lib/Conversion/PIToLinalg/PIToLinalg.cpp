//===- PIToLinalg.cpp - Lowering of pi to linalg --------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Conversion/PIToLinalg/PIToLinalg.h"

#include "Emitter.h"

#include "mlir/Transforms/WalkPatternRewriteDriver.h"
#include "llvm/ADT/STLExtras.h"

namespace aero {
#define GEN_PASS_DEF_CONVERTPITOLINALG
#include "aero/Conversion/PIToLinalg/PIToLinalg.h.inc"
} // namespace aero

using namespace mlir;
using namespace aero;

static bool castsFloatsToInts(Operation *op) {
  auto cast = dyn_cast<pi::CastOp>(op);
  return cast && cast.getInput().getType().getElementType().isF32() &&
         cast.getType().getElementType().isInteger(64);
}

/// Shapes with a 0 can be split and joined in more than one way, and a mean of
/// nothing is no number; a transformer has no use for them. A constant that
/// nobody reads may be what an exporter left behind.
static bool readsNothing(Operation *op) {
  auto isEmpty = [](Type type) {
    auto tensor = dyn_cast<RankedTensorType>(type);
    return tensor && tensor.hasStaticShape() && tensor.getNumElements() == 0;
  };
  return !isa<pi::ConstantOp, pi::WeightOp>(op) &&
         (llvm::any_of(op->getOperandTypes(), isEmpty) ||
          llvm::any_of(op->getResultTypes(), isEmpty));
}

bool linalgform::hasForm(Operation *op) {
  return !castsFloatsToInts(op) && !readsNothing(op);
}

/// Reports `op`, with its ONNX node and layer as far as they are known.
static void reportNoForm(Operation *op) {
  InFlightDiagnostic diag = emitError(op->getLoc())
                            << "no linalg form of " << op->getName();
  if (castsFloatsToInts(op))
    diag << " of floats to integers";
  else if (readsNothing(op))
    diag << " of a tensor without elements";
  if (std::string node = pi::getNodeName(op->getLoc()); !node.empty())
    diag << ": node '" << node << "'";
  if (int64_t layer = pi::getLayer(op->getLoc()); layer >= 0)
    diag << " in layer " << layer;
}

namespace {

struct ConvertPIToLinalgPass
    : public aero::impl::ConvertPIToLinalgBase<ConvertPIToLinalgPass> {
  LogicalResult initialize(MLIRContext *context) override {
    RewritePatternSet set(context);
    linalgform::populateAttention(set);
    linalgform::populateElementwise(set);
    linalgform::populateLinearAlgebra(set);
    linalgform::populateReductions(set);
    linalgform::populateShape(set);
    patterns = std::move(set);
    return success();
  }

  void runOnOperation() override {
    bool complete = true;
    getOperation().walk([&](Operation *op) {
      if (!isa_and_present<pi::PIDialect>(op->getDialect()) ||
          linalgform::hasForm(op))
        return;
      reportNoForm(op);
      complete = false;
    });
    if (!complete)
      return signalPassFailure();
    // Each op has one form, which holds no pi: one walk does it.
    walkAndApplyPatterns(getOperation(), patterns);
    getOperation().walk([&](Operation *op) {
      if (!isa_and_present<pi::PIDialect>(op->getDialect()))
        return;
      reportNoForm(op);
      signalPassFailure();
    });
  }

  FrozenRewritePatternSet patterns;
};

} // namespace
