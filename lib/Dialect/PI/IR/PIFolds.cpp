//===- PIFolds.cpp - Folds and canonicalizations of pi --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// Only `pi.constant` is looked at, never the value of a `pi.weight`: what the
// two parties compute must not depend on the server's secrets.
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Support/Elements.h"

#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

using namespace mlir;
using namespace aero::pi;

namespace {

/// `value` if it may stand for the result, which broadcasting can make larger.
OpFoldResult replaceBy(Value value, Value result) {
  return value.getType() == result.getType() ? OpFoldResult(value)
                                             : OpFoldResult();
}

bool isSplat(Attribute attr, float value) {
  // Compares as numbers, so that -0.0 counts as zero: shares have one zero.
  std::optional<float> splat = aero::getFloatSplat(attr);
  return splat && *splat == value;
}

} // namespace

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

//===----------------------------------------------------------------------===//
// Arithmetic with 0 and 1
//===----------------------------------------------------------------------===//

// x + 0, 0 + x -> x
OpFoldResult AddOp::fold(FoldAdaptor adaptor) {
  if (isSplat(adaptor.getRhs(), 0.0f))
    return replaceBy(getLhs(), getResult());
  if (isSplat(adaptor.getLhs(), 0.0f))
    return replaceBy(getRhs(), getResult());
  return {};
}

// x - 0 -> x
OpFoldResult SubOp::fold(FoldAdaptor adaptor) {
  if (isSplat(adaptor.getRhs(), 0.0f))
    return replaceBy(getLhs(), getResult());
  return {};
}

// x * 1, 1 * x -> x
OpFoldResult MulOp::fold(FoldAdaptor adaptor) {
  if (isSplat(adaptor.getRhs(), 1.0f))
    return replaceBy(getLhs(), getResult());
  if (isSplat(adaptor.getLhs(), 1.0f))
    return replaceBy(getRhs(), getResult());
  return {};
}

// x / 1 -> x
OpFoldResult DivOp::fold(FoldAdaptor adaptor) {
  if (isSplat(adaptor.getRhs(), 1.0f))
    return replaceBy(getLhs(), getResult());
  return {};
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

OpFoldResult ReshapeOp::fold(FoldAdaptor adaptor) {
  // reshape(x) : T -> T  ->  x
  if (getInput().getType() == getType())
    return getInput();
  // reshape(constant) -> constant. The elements are shared, not copied.
  if (auto dense = dyn_cast_if_present<DenseElementsAttr>(adaptor.getInput()))
    return dense.reshape(getType());
  if (auto resource =
          dyn_cast_if_present<DenseResourceElementsAttr>(adaptor.getInput()))
    return DenseResourceElementsAttr::get(getType(), resource.getRawHandle());
  // reshape(reshape(x)) -> reshape(x)
  if (auto inner = getInput().getDefiningOp<ReshapeOp>()) {
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  return {};
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  // transpose(x) by the identity -> x
  if (llvm::equal(getPermutation(),
                  llvm::seq<int64_t>(0, getPermutation().size())))
    return getInput();
  // transpose(transpose(x)) -> transpose(x) by the composition
  if (auto inner = getInput().getDefiningOp<TransposeOp>()) {
    SmallVector<int64_t> composed;
    for (int64_t dim : getPermutation())
      composed.push_back(inner.getPermutation()[dim]);
    setPermutation(composed);
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  return {};
}

OpFoldResult SliceOp::fold(FoldAdaptor) {
  // slice(x) of everything -> x
  if (getInput().getType() == getType())
    return getInput();
  // slice(slice(x)) of the same dimension -> slice(x) at the sum of offsets
  auto inner = getInput().getDefiningOp<SliceOp>();
  if (inner && inner.getAxis() == getAxis()) {
    setOffset(getOffset() + inner.getOffset());
    getInputMutable().assign(inner.getInput());
    return getResult();
  }
  return {};
}

// cast(x) to its own type -> x
OpFoldResult CastOp::fold(FoldAdaptor) {
  return replaceBy(getInput(), getResult());
}

// broadcast(x) to its own shape -> x
OpFoldResult BroadcastOp::fold(FoldAdaptor) {
  return replaceBy(getInput(), getResult());
}

namespace {

/// take(x) at o, o + 1, ... -> slice(x) at offset o
struct TakeOfRange : OpRewritePattern<TakeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(TakeOp op,
                                PatternRewriter &rewriter) const override {
    ArrayRef<int64_t> indices = op.getIndices();
    if (indices.empty())
      return rewriter.notifyMatchFailure(op, "nothing is taken");
    for (auto [i, index] : llvm::enumerate(indices))
      if (index != indices.front() + static_cast<int64_t>(i))
        return rewriter.notifyMatchFailure(op, "the indices are not a range");
    rewriter.replaceOpWithNewOp<SliceOp>(op, op.getInput(), op.getAxis(),
                                         indices.front(), indices.size());
    return success();
  }
};

} // namespace

void TakeOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                         MLIRContext *context) {
  patterns.add<TakeOfRange>(context);
}

//===----------------------------------------------------------------------===//
// LinearOp
//===----------------------------------------------------------------------===//

namespace {

/// pi.linear(x, W) bias(pi.constant 0) -> pi.linear(x, W)
struct DropZeroBias : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getBias())
      return rewriter.notifyMatchFailure(op, "there is no bias");
    Attribute bias;
    if (!matchPattern(op.getBias(), m_Constant(&bias)))
      return rewriter.notifyMatchFailure(op, "the bias is not a constant");
    if (!isSplat(bias, 0.0f))
      return rewriter.notifyMatchFailure(op, "the bias is not zero");
    rewriter.modifyOpInPlace(op, [&] { op.getBiasMutable().clear(); });
    return success();
  }
};

} // namespace

void LinearOp::getCanonicalizationPatterns(RewritePatternSet &patterns,
                                           MLIRContext *context) {
  patterns.add<DropZeroBias>(context);
}
