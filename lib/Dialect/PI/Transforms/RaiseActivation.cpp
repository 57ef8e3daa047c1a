//===- RaiseActivation.cpp - SiLU and ReLU from arithmetic ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Raise.h"

using namespace mlir;

namespace aero::pi {
namespace {

/// pi.mul %x, (pi.sigmoid %x) -> pi.silu %x
struct RaiseSilu : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    for (unsigned i = 0; i < 2; ++i) {
      auto gate = op->getOperand(i).getDefiningOp<SigmoidOp>();
      if (!gate || gate.getInput() != op->getOperand(1 - i))
        continue;
      auto raised = SiluOp::create(rewriter, fuseLocations({gate, op}),
                                   op.getType(), gate.getInput());
      rewriter.replaceOp(op, raised);
      return success();
    }
    return rewriter.notifyMatchFailure(op,
                                       "no factor is the sigmoid of the other");
  }
};

/// pi.max %x, 0 -> pi.relu %x
struct RaiseRelu : OpRewritePattern<MaxOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MaxOp op,
                                PatternRewriter &rewriter) const override {
    for (unsigned i = 0; i < 2; ++i) {
      Value zero = op->getOperand(i), input = op->getOperand(1 - i);
      if (!zero.getDefiningOp<ConstantOp>() || readScalar(zero) != 0.0 ||
          input.getType() != op.getType())
        continue;
      rewriter.replaceOpWithNewOp<ReluOp>(op, op.getType(), input);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no operand is 0");
  }
};

} // namespace

void populateRaiseActivationPatterns(RewritePatternSet &patterns) {
  patterns.add<RaiseSilu, RaiseRelu>(patterns.getContext());
}

std::string explainSilu(SigmoidOp op) {
  for (Operation *user : op->getUsers())
    if (isa<MulOp>(user))
      return "no SiLU: it multiplies something else than its input";
  return "";
}

} // namespace aero::pi
