//===- RaiseLayout.cpp - Transposes that cancel ---------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Raised ops take (batch, tokens, width) and are put between transposes to and
/// from the layout of the exporter. Most cancel by folding; the patterns here
/// bring together those that something stands between.
///
//===----------------------------------------------------------------------===//

#include "Raise.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;

namespace aero::pi {
namespace {

RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Whether transposing by `inner` and then by `outer` does nothing.
bool cancel(ArrayRef<int64_t> outer, ArrayRef<int64_t> inner) {
  for (auto [i, dim] : llvm::enumerate(outer))
    if (inner[dim] != static_cast<int64_t>(i))
      return false;
  return true;
}

/// pi.transpose (pi.slice (pi.transpose %x)) -> pi.slice %x
/// where the transposes undo each other, and the same for pi.take
template <typename SliceLikeOp>
struct TransposeOfSlice : OpRewritePattern<TransposeOp> {
  using OpRewritePattern<TransposeOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    auto slice = op.getInput().getDefiningOp<SliceLikeOp>();
    if (!slice)
      return rewriter.notifyMatchFailure(op, "the input is not sliced");
    auto inner = slice.getInput().template getDefiningOp<TransposeOp>();
    if (!inner || !cancel(op.getPermutation(), inner.getPermutation()))
      return rewriter.notifyMatchFailure(op, "no transpose cancels it");
    int64_t axis = inner.getPermutation()[slice.getAxis()];
    if constexpr (std::is_same_v<SliceLikeOp, SliceOp>)
      rewriter.replaceOpWithNewOp<SliceOp>(
          op, inner.getInput(), axis, slice.getOffset(),
          getTensorType(slice).getDimSize(slice.getAxis()));
    else
      rewriter.replaceOpWithNewOp<TakeOp>(op, op.getType(), inner.getInput(),
                                          axis, slice.getIndices());
    return success();
  }
};

/// pi.transpose (pi.mul (pi.transpose %x), scalar) -> pi.mul %x, scalar
/// where the transposes undo each other, and the same for pi.div
struct TransposeOfScaling : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    Operation *scaling = op.getInput().getDefiningOp();
    if (!isa_and_present<MulOp, DivOp>(scaling))
      return rewriter.notifyMatchFailure(op, "the input is not scaled");
    std::optional<ScalarOperand> operand = matchScalarOperand(scaling);
    if (!operand || operand->other.getType() != scaling->getResult(0).getType())
      return rewriter.notifyMatchFailure(op, "the factor is no scalar");
    auto inner = operand->other.getDefiningOp<TransposeOp>();
    if (!inner || !cancel(op.getPermutation(), inner.getPermutation()))
      return rewriter.notifyMatchFailure(op, "no transpose cancels it");
    Value scaled;
    if (isa<MulOp>(scaling))
      scaled = MulOp::create(rewriter, scaling->getLoc(), op.getType(),
                             inner.getInput(), operand->scalar);
    else
      scaled = DivOp::create(rewriter, scaling->getLoc(), op.getType(),
                             inner.getInput(), operand->scalar);
    rewriter.replaceOp(op, scaled);
    return success();
  }
};

/// pi.transpose %x -> pi.reshape %x
/// where only dimensions of size 1 change their place: one token, one head
struct TransposeOfOnes : OpRewritePattern<TransposeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TransposeOp op,
                                PatternRewriter &rewriter) const override {
    if (isa_and_present<WeightOp, ConstantOp>(op.getInput().getDefiningOp()))
      return rewriter.notifyMatchFailure(op, "weights keep their transpose");
    ArrayRef<int64_t> shape = getTensorType(op.getInput()).getShape();
    int64_t last = -1;
    for (int64_t dim : op.getPermutation()) {
      if (shape[dim] == 1)
        continue;
      if (dim < last)
        return rewriter.notifyMatchFailure(op, "elements change their order");
      last = dim;
    }
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), op.getInput());
    return success();
  }
};

} // namespace

void populateRaiseLayoutPatterns(RewritePatternSet &patterns) {
  patterns.add<TransposeOfSlice<SliceOp>, TransposeOfSlice<TakeOp>,
               TransposeOfScaling, TransposeOfOnes>(patterns.getContext());
}

} // namespace aero::pi
