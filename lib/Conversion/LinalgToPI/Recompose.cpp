//===- Recompose.cpp - Functions that linalg takes apart ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Mean, softmax, sigmoid and the kinds of ReLU are ops of ONNX, and so of what
/// `pi-raise` starts from, but arithmetic in linalg. Only `pi.constant` is
/// looked at, never a weight.
///
//===----------------------------------------------------------------------===//

#include "Translator.h"

#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace aero;
using namespace aero::linalgtopi;

namespace {

/// Whether two values are one, or are computed in the same way.
bool isSame(Value a, Value b, unsigned depth = 0) {
  if (a == b)
    return true;
  Operation *x = a.getDefiningOp(), *y = b.getDefiningOp();
  if (!x || !y || depth == 8 || x->getName() != y->getName() ||
      x->getNumResults() != 1 || a.getType() != b.getType() ||
      x->getNumOperands() != y->getNumOperands() ||
      x->getAttrDictionary() != y->getAttrDictionary() ||
      x->getPropertiesAsAttribute() != y->getPropertiesAsAttribute())
    return false;
  return llvm::all_of(
      llvm::zip_equal(x->getOperands(), y->getOperands()), [&](auto pair) {
        return isSame(std::get<0>(pair), std::get<1>(pair), depth + 1);
      });
}

/// `value` before dimensions of size 1 came and went, or `any` dimensions.
Value stripReshapes(Value value, bool any = false) {
  auto withoutOnes = [](Shape shape) {
    return llvm::to_vector(
        llvm::make_filter_range(shape, [](int64_t size) { return size != 1; }));
  };
  while (auto reshape = value.getDefiningOp<pi::ReshapeOp>()) {
    if (withoutOnes(shapeOf(reshape.getInput())) != withoutOnes(shapeOf(value)))
      break;
    value = reshape.getInput();
  }
  return value;
}

/// Of `a op b` with a constant b (or a): the other operand if b is `number`.
template <typename OpTy> Value matchWith(Value value, float number) {
  auto op = value.getDefiningOp<OpTy>();
  if (!op)
    return {};
  for (unsigned i = 0; i < 2; ++i)
    if (getFloatConstant(op->getOperand(1 - i)) == number)
      return op->getOperand(i);
  return {};
}

Location fuse(Operation *a, Operation *b) {
  return FusedLoc::get(a->getContext(), {a->getLoc(), b->getLoc()});
}

/// pi.reshape (pi.reduce_sum %x axes [1])  ->  pi.reduce_sum %x axes [1]
/// keepdims
template <typename ReduceOp>
struct KeepDimensions : OpRewritePattern<pi::ReshapeOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(pi::ReshapeOp op,
                                PatternRewriter &rewriter) const override {
    auto reduce = op.getInput().getDefiningOp<ReduceOp>();
    if (!reduce || reduce.getKeepdims())
      return rewriter.notifyMatchFailure(op, "no reduction drops dimensions");
    SmallVector<int64_t> kept(shapeOf(reduce.getInput()));
    for (int64_t axis : reduce.getAxes())
      kept[axis] = 1;
    if (shapeOf(op) != Shape(kept))
      return rewriter.notifyMatchFailure(op, "other dimensions come back");
    if (!llvm::all_of(reduce->getUsers(), [&](Operation *user) {
          return isa<pi::ReshapeOp>(user) &&
                 user->getResult(0).getType() == op.getType();
        }))
      return rewriter.notifyMatchFailure(op, "the sum is read without them");
    rewriter.replaceOpWithNewOp<ReduceOp>(op, reduce.getInput(),
                                          reduce.getAxes(), /*keepdims=*/true);
    return success();
  }
};

/// pi.mul (pi.reduce_sum %x), 1 / n  ->  pi.reduce_mean %x
/// pi.div (pi.reduce_sum %x), n      ->  pi.reduce_mean %x
template <typename OpTy> struct RecomposeMean : OpRewritePattern<OpTy> {
  using OpRewritePattern<OpTy>::OpRewritePattern;

  LogicalResult matchAndRewrite(OpTy op,
                                PatternRewriter &rewriter) const override {
    constexpr bool divides = std::is_same_v<OpTy, pi::DivOp>;
    for (unsigned i = 0; i < (divides ? 1 : 2); ++i) {
      auto sum = op->getOperand(i).template getDefiningOp<pi::ReduceSumOp>();
      std::optional<float> number = getFloatConstant(op->getOperand(1 - i));
      if (!sum || !number || sum.getType() != op.getType())
        continue;
      double count = double(tensorOf(sum.getInput()).getNumElements()) /
                     double(tensorOf(sum).getNumElements());
      if (*number != float(divides ? count : 1 / count))
        continue;
      rewriter.setInsertionPoint(op);
      auto mean =
          pi::ReduceMeanOp::create(rewriter, fuse(sum, op), sum.getInput(),
                                   sum.getAxes(), sum.getKeepdims());
      rewriter.replaceOp(op, mean);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "no sum is divided by its terms");
  }
};

/// %e = pi.exp (pi.sub %x, (maximum of %x))
/// pi.div %e, (pi.max (pi.reduce_sum %e), 1)  ->  pi.softmax %x
/// with or without the pi.max: such a sum is at least 1, except along a line of
/// minus infinities, where pi.softmax is 0. Rows may be reshaped between the
/// two ops, as heads in groups are.
struct RecomposeSoftmax : OpRewritePattern<pi::DivOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(pi::DivOp op,
                                PatternRewriter &rewriter) const override {
    Value dividend = op.getLhs();
    auto reshape = dividend.getDefiningOp<pi::ReshapeOp>();
    if (reshape)
      dividend = reshape.getInput();
    auto exp = dividend.getDefiningOp<pi::ExpOp>();
    auto sub = exp ? exp.getInput().getDefiningOp<pi::SubOp>() : pi::SubOp();
    if (!sub || op.getLhs().getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "no exponential is divided");
    Operation *maximum = stripReshapes(sub.getRhs()).getDefiningOp();
    if (!maximum || !isMaximum(maximum) ||
        !isSame(maximum->getOperand(0), sub.getLhs()))
      return rewriter.notifyMatchFailure(op, "no maximum is subtracted");
    Value divisor = stripReshapes(op.getRhs(), /*any=*/reshape != nullptr);
    if (Value guarded = matchWith<pi::MaxOp>(divisor, 1))
      divisor = stripReshapes(guarded, /*any=*/reshape != nullptr);
    auto sum = divisor.getDefiningOp<pi::ReduceSumOp>();
    if (!sum || sum.getAxes().size() != 1 ||
        !(isSame(sum.getInput(), exp.getResult()) ||
          isSame(sum.getInput(), op.getLhs())))
      return rewriter.notifyMatchFailure(op, "the divisor is not their sum");

    // Maximum and sum are read along the rows that they belong to.
    int64_t axis = sum.getAxes()[0];
    SmallVector<int64_t> kept(shapeOf(sub)), keptHere(shapeOf(op));
    int64_t axisHere = axis;
    if (reshape) {
      if (axis != tensorOf(sum.getInput()).getRank() - 1 ||
          kept.back() != keptHere.back())
        return rewriter.notifyMatchFailure(op, "the reshape changes the rows");
      axis = kept.size() - 1;
      axisHere = keptHere.size() - 1;
    }
    kept[axis] = 1;
    keptHere[axisHere] = 1;
    if (shapeOf(maximum->getResult(0)) != Shape(kept) ||
        !isAligned(sub.getRhs(), kept) || !isAligned(op.getRhs(), keptHere))
      return rewriter.notifyMatchFailure(
          op, "maximum and sum are not along one dimension");
    Value softmax = pi::SoftmaxOp::create(rewriter, fuse(exp, op),
                                          sub.getType(), sub.getLhs(), axis);
    if (reshape)
      softmax = pi::ReshapeOp::create(rewriter, reshape.getLoc(), softmax,
                                      shapeOf(op));
    rewriter.replaceOp(op, softmax);
    return success();
  }

  /// Whether `value` is read as if it had the shape `kept`.
  static bool isAligned(Value value, Shape kept) {
    Shape shape = shapeOf(value);
    return shape.size() <= kept.size() &&
           shape == kept.take_back(shape.size()) &&
           llvm::all_of(kept.drop_back(shape.size()),
                        [](int64_t size) { return size == 1; });
  }
};

/// pi.div 1, (pi.add (pi.exp (pi.mul %x, -1)), 1)  ->  pi.sigmoid %x
struct RecomposeSigmoid : OpRewritePattern<pi::DivOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(pi::DivOp op,
                                PatternRewriter &rewriter) const override {
    if (getFloatConstant(op.getLhs()) != 1.0f)
      return rewriter.notifyMatchFailure(op, "not 1 is divided");
    Value sum = matchWith<pi::AddOp>(op.getRhs(), 1);
    auto exp = sum ? sum.getDefiningOp<pi::ExpOp>() : pi::ExpOp();
    Value input = exp ? matchWith<pi::MulOp>(exp.getInput(), -1) : Value();
    if (!input || input.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "the divisor is not 1 + exp(-x)");
    rewriter.replaceOpWithNewOp<pi::SigmoidOp>(op, op.getType(), input);
    return success();
  }
};

/// pi.where (pi.compare lt %x, 0), 0, %x          ->  pi.relu %x
/// pi.where (pi.compare lt %x, 0), (%x * s), %x   ->  pi.leaky_relu, pi.prelu
struct RecomposeRelu : OpRewritePattern<pi::WhereOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(pi::WhereOp op,
                                PatternRewriter &rewriter) const override {
    Value input = op.getFalseValue(), below = op.getTrueValue();
    auto compare = op.getCondition().getDefiningOp<pi::CompareOp>();
    if (!compare || compare.getPredicate() != pi::ComparePredicate::LT ||
        compare.getLhs() != input ||
        getFloatConstant(compare.getRhs()) != 0.0f ||
        input.getType() != op.getType())
      return rewriter.notifyMatchFailure(op, "not by the sign of an operand");
    if (getFloatConstant(below) == 0.0f) {
      rewriter.replaceOpWithNewOp<pi::ReluOp>(op, op.getType(), input);
      return success();
    }
    auto scaled = below.getDefiningOp<pi::MulOp>();
    for (unsigned i = 0; scaled && i < 2; ++i) {
      Value slope = scaled->getOperand(i);
      std::optional<float> number = getFloatConstant(slope);
      if (scaled->getOperand(1 - i) != input ||
          (!number && tensorOf(slope).getNumElements() != 1))
        continue;
      if (number)
        rewriter.replaceOpWithNewOp<pi::LeakyReluOp>(
            op, op.getType(), input, rewriter.getF32FloatAttr(*number));
      else
        rewriter.replaceOpWithNewOp<pi::PReluOp>(op, op.getType(), input,
                                                 slope);
      return success();
    }
    return rewriter.notifyMatchFailure(op, "neither 0 nor a part of x below 0");
  }
};

} // namespace

void linalgtopi::populateRecomposePatterns(RewritePatternSet &patterns) {
  patterns
      .add<KeepDimensions<pi::ReduceMeanOp>, KeepDimensions<pi::ReduceSumOp>,
           RecomposeMean<pi::DivOp>, RecomposeMean<pi::MulOp>, RecomposeRelu,
           RecomposeSigmoid, RecomposeSoftmax>(patterns.getContext());
}
