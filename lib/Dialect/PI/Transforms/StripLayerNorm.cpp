//===- StripLayerNorm.cpp - Takes normalisations out ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Weights.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace aero::pi {
#define GEN_PASS_DEF_STRIPLAYERNORMPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

/// Whether a norm stands before the vocabulary projection rather than inside a
/// block: what is computed from it neither attends nor joins a residual stream.
bool isFinalNorm(Operation *norm) {
  SetVector<Operation *> slice;
  getForwardSlice(norm, &slice);
  return llvm::none_of(slice, [](Operation *op) {
    if (isa<AttentionOp, SoftmaxOp, MatMulOp>(op))
      return true;
    auto add = dyn_cast<AddOp>(op);
    return add && !isKnown(add.getLhs()) && !isKnown(add.getRhs());
  });
}

/// %n = pi.layer_norm %x gamma %g beta %b  ->  %x
template <typename NormOp> struct RemoveNorm : OpRewritePattern<NormOp> {
  RemoveNorm(MLIRContext *context, StripNormWhich which)
      : OpRewritePattern<NormOp>(context), which(which) {}

  LogicalResult matchAndRewrite(NormOp op,
                                PatternRewriter &rewriter) const override {
    if (which != StripNormWhich::All) {
      bool isFinal = isFinalNorm(op);
      if (which == StripNormWhich::Final && !isFinal)
        return rewriter.notifyMatchFailure(op, "is a block norm");
      if (which == StripNormWhich::Block && isFinal)
        return rewriter.notifyMatchFailure(op, "is the final norm");
    }
    rewriter.replaceOp(op, op.getInput());
    return success();
  }

private:
  StripNormWhich which;
};

struct StripLayerNormPass
    : public impl::StripLayerNormPassBase<StripLayerNormPass> {
  using StripLayerNormPassBase::StripLayerNormPassBase;

  void runOnOperation() override {
    assert(mode == StripNormMode::Remove && "the only mode so far");
    RewritePatternSet patterns(&getContext());
    patterns.add<RemoveNorm<LayerNormOp>, RemoveNorm<RMSNormOp>>(
        &getContext(), which.getValue());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace aero::pi
