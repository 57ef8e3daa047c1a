//===- ReplaceActivation.cpp - Replaces activations -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/Transforms/WalkPatternRewriteDriver.h"

namespace aero::pi {
#define GEN_PASS_DEF_REPLACEACTIVATIONPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

/// %a = pi.gelu %x  ->  %a = pi.relu %x, pi.leaky_relu %x or %x
template <typename ActivationOp>
struct ReplaceActivation : OpRewritePattern<ActivationOp> {
  ReplaceActivation(MLIRContext *context, ReplacementActivation to, float slope)
      : OpRewritePattern<ActivationOp>(context), to(to), slope(slope) {}

  LogicalResult matchAndRewrite(ActivationOp op,
                                PatternRewriter &rewriter) const override {
    switch (to) {
    case ReplacementActivation::Identity:
      rewriter.replaceOp(op, op.getInput());
      return success();
    case ReplacementActivation::Relu:
      if constexpr (std::is_same_v<ActivationOp, ReluOp>)
        return rewriter.notifyMatchFailure(op, "is a relu already");
      rewriter.replaceOpWithNewOp<ReluOp>(op, op.getType(), op.getInput());
      return success();
    case ReplacementActivation::LeakyRelu:
      if constexpr (std::is_same_v<ActivationOp, LeakyReluOp>)
        return rewriter.notifyMatchFailure(op, "is a leaky_relu already");
      rewriter.replaceOpWithNewOp<LeakyReluOp>(op, op.getType(), op.getInput(),
                                               rewriter.getF32FloatAttr(slope));
      return success();
    }
    llvm_unreachable("unknown activation");
  }

private:
  ReplacementActivation to;
  float slope;
};

struct ReplaceActivationPass
    : public impl::ReplaceActivationPassBase<ReplaceActivationPass> {
  using ReplaceActivationPassBase::ReplaceActivationPassBase;

  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ReplaceActivation<GeluOp>, ReplaceActivation<SiluOp>,
                 ReplaceActivation<ReluOp>, ReplaceActivation<LeakyReluOp>>(
        &getContext(), to.getValue(), slope.getValue());
    walkAndApplyPatterns(getOperation(), std::move(patterns));
  }
};

} // namespace
} // namespace aero::pi
