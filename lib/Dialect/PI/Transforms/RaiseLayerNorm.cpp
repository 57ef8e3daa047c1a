//===- RaiseLayerNorm.cpp - Normalisations from arithmetic ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Raise.h"

#include <cmath>

using namespace mlir;

namespace aero::pi {
namespace {

/// Two values that are the same, or the same difference computed twice.
bool isSameCentred(Value a, Value b) {
  if (a == b)
    return true;
  auto x = a.getDefiningOp<SubOp>(), y = b.getDefiningOp<SubOp>();
  if (!x || !y || x.getLhs() != y.getLhs())
    return false;
  if (x.getRhs() == y.getRhs())
    return true;
  auto m = x.getRhs().getDefiningOp<ReduceMeanOp>();
  auto n = y.getRhs().getDefiningOp<ReduceMeanOp>();
  return m && n && m.getInput() == n.getInput() && m.getAxes() == n.getAxes() &&
         m.getKeepdims() == n.getKeepdims();
}

/// The mean over the last dimension, kept.
bool isRowMean(ReduceMeanOp mean) {
  int64_t rank = cast<RankedTensorType>(mean.getInput().getType()).getRank();
  return mean.getKeepdims() && mean.getAxes().size() == 1 &&
         mean.getAxes()[0] == rank - 1;
}

/// x^2 as pow(x, 2) or x * x.
Value matchSquare(Value value) {
  if (auto pow = value.getDefiningOp<PowOp>())
    return readScalar(pow.getRhs()) == 2.0 ? pow.getLhs() : Value();
  if (auto mul = value.getDefiningOp<MulOp>())
    if (isSameCentred(mul.getLhs(), mul.getRhs()))
      return mul.getLhs();
  return {};
}

/// sqrt(v) or pow(v, 1 / 2), and with `inverse` 1 / sqrt(v) or pow(v, -1 / 2):
/// v, or null. Adds the ops to `ops`.
Value matchRoot(Value value, bool inverse, SmallVectorImpl<Operation *> &ops) {
  Operation *op = value.getDefiningOp();
  Value root;
  if (auto pow = dyn_cast_or_null<PowOp>(op)) {
    if (readScalar(pow.getRhs()) == (inverse ? -0.5 : 0.5))
      root = pow.getLhs();
  } else if (auto div = dyn_cast_or_null<DivOp>(op)) {
    if (inverse && readScalar(div.getLhs()) == 1.0)
      root = matchRoot(div.getRhs(), /*inverse=*/false, ops);
  } else if (auto sqrt = dyn_cast_or_null<SqrtOp>(op)) {
    if (!inverse)
      root = sqrt.getInput();
  }
  if (root)
    ops.push_back(op);
  return root;
}

struct Norm {
  Value input;
  float epsilon = 0;
  /// LayerNorm, as opposed to RMSNorm.
  bool centred = false;
  /// A scale that is applied before the whole product is there.
  Value gamma;
  SmallVector<Operation *> ops;
};

/// Of a factor that is x times a known vector: x, and the vector as `gamma`.
/// Other factors stay.
Value takeGamma(Value value, Value &gamma, SmallVectorImpl<Operation *> &ops) {
  auto mul = value.getDefiningOp<MulOp>();
  if (!mul || gamma || !mul->hasOneUse())
    return value;
  for (unsigned i = 0; i < 2; ++i)
    if (isVector(mul->getOperand(i), getWidth(mul))) {
      gamma = mul->getOperand(i);
      ops.push_back(mul);
      return mul->getOperand(1 - i);
    }
  return value;
}

/// Splits `root` in what is normalised and its variance plus epsilon.
struct Quotient {
  Value dividend, variance, gamma;
  SmallVector<Operation *> ops;
};
std::optional<Quotient> matchQuotient(Operation *root) {
  for (unsigned i = 0; i < 2; ++i) {
    Quotient match;
    Value divisor = root->getOperand(1 - i);
    if (isa<MulOp>(root))
      divisor = takeGamma(divisor, match.gamma, match.ops);
    match.variance = matchRoot(divisor, isa<MulOp>(root), match.ops);
    if (!match.variance) {
      if (isa<DivOp>(root))
        break;
      continue;
    }
    match.dividend = takeGamma(root->getOperand(i), match.gamma, match.ops);
    match.ops.push_back(root);
    return match;
  }
  return std::nullopt;
}

std::optional<Norm> matchNorm(Operation *root, Explain why) {
  auto fail = [&](const Twine &reason) {
    why(reason);
    return std::nullopt;
  };
  std::optional<Quotient> quotient = matchQuotient(root);
  if (!quotient)
    return fail("nothing is divided by a square root");
  auto add = quotient->variance.getDefiningOp<AddOp>();
  std::optional<ScalarOperand> epsilon;
  if (add)
    epsilon = matchScalarOperand(add);
  if (!epsilon)
    return fail("the square root is not of a variance plus a known epsilon");
  if (!(epsilon->number >= 0) || !std::isfinite(epsilon->number))
    return fail("epsilon is not a number of 0 or more");
  auto variance = epsilon->other.getDefiningOp<ReduceMeanOp>();
  if (!variance || !isRowMean(variance))
    return fail("the variance is not a mean over the last dimension");
  Value centred = matchSquare(variance.getInput());
  if (!centred)
    return fail("the variance is not a mean of squares");
  if (!isSameCentred(quotient->dividend, centred))
    return fail("what is divided is not what the variance is of");
  Norm norm;
  norm.epsilon = static_cast<float>(epsilon->number);
  norm.gamma = quotient->gamma;
  norm.input = centred;
  auto sub = centred.getDefiningOp<SubOp>();
  auto mean = sub ? sub.getRhs().getDefiningOp<ReduceMeanOp>() : nullptr;
  if (mean && isRowMean(mean) && mean.getInput() == sub.getLhs()) {
    norm.centred = true;
    norm.input = sub.getLhs();
    norm.ops = {mean, sub};
  }
  norm.ops.append({variance.getInput().getDefiningOp(), variance, add});
  norm.ops.append(quotient->ops);
  if (norm.input.getType() != root->getResult(0).getType())
    return fail("the shape changes");
  return norm;
}

/// %c = pi.sub %x, (pi.reduce_mean %x)
/// %v = pi.reduce_mean (pi.pow %c, 2)
/// pi.div %c, (pi.sqrt (pi.add %v, epsilon))
///   -> pi.layer_norm %x epsilon
/// and, where %c is anything else, pi.rms_norm %c epsilon. The same for a
/// product with the reciprocal, for powers instead of roots, and for a gamma
/// that multiplies one of the two before.
template <typename RootOp> struct RaiseNorm : OpRewritePattern<RootOp> {
  using OpRewritePattern<RootOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(RootOp op,
                                PatternRewriter &rewriter) const override {
    LogicalResult reason = failure();
    std::optional<Norm> norm = matchNorm(op, [&](const Twine &why) {
      reason = rewriter.notifyMatchFailure(op, why);
    });
    if (!norm)
      return reason;
    Location loc = fuseLocations(norm->ops);
    FloatAttr epsilon = rewriter.getF32FloatAttr(norm->epsilon);
    Operation *raised;
    if (norm->centred)
      raised = LayerNormOp::create(rewriter, loc, op.getType(), norm->input,
                                   norm->gamma, Value(), epsilon);
    else
      raised = RMSNormOp::create(rewriter, loc, op.getType(), norm->input,
                                 norm->gamma, epsilon);
    rewriter.replaceOp(op, raised);
    return success();
  }
};

/// The operand of a commutative op that an op of type NormOp defines, for this
/// user alone, and the other operand.
template <typename NormOp>
std::pair<NormOp, Value> matchNormOperand(Operation *op) {
  for (unsigned i = 0; i < 2; ++i)
    if (auto norm = op->getOperand(i).getDefiningOp<NormOp>();
        norm && norm->hasOneUse())
      return {norm, op->getOperand(1 - i)};
  return {};
}

/// pi.mul (pi.layer_norm %x epsilon), %g -> pi.layer_norm %x gamma %g epsilon
/// and the same for pi.rms_norm.
template <typename NormOp> struct RaiseGamma : OpRewritePattern<MulOp> {
  using OpRewritePattern<MulOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp op,
                                PatternRewriter &rewriter) const override {
    auto [norm, gamma] = matchNormOperand<NormOp>(op);
    if (!norm)
      return rewriter.notifyMatchFailure(op, "no factor is a norm used once");
    if (norm.getGamma())
      return rewriter.notifyMatchFailure(op, "the norm has a scale already");
    if constexpr (std::is_same_v<NormOp, LayerNormOp>)
      if (norm.getBeta())
        return rewriter.notifyMatchFailure(op, "the norm is shifted before");
    if (!isVector(gamma, getWidth(norm)))
      return rewriter.notifyMatchFailure(
          op, "the factor is not one known number a column");
    // The scale may stand after the norm.
    rewriter.setInsertionPoint(op);
    auto scaled = cast<NormOp>(rewriter.clone(*norm));
    scaled->setLoc(fuseLocations({norm, op}));
    scaled.getGammaMutable().assign(gamma);
    rewriter.replaceOp(op, scaled);
    return success();
  }
};

/// pi.add (pi.layer_norm %x gamma %g epsilon), %b
///   -> pi.layer_norm %x gamma %g beta %b epsilon
struct RaiseBeta : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    auto [norm, beta] = matchNormOperand<LayerNormOp>(op);
    if (!norm)
      return rewriter.notifyMatchFailure(op, "no term is a norm used once");
    if (norm.getBeta())
      return rewriter.notifyMatchFailure(op, "the norm has a shift already");
    if (!isVector(beta, getWidth(norm)))
      return rewriter.notifyMatchFailure(
          op, "the term is not one known number a column");
    rewriter.setInsertionPoint(op);
    auto shifted = cast<LayerNormOp>(rewriter.clone(*norm));
    shifted->setLoc(fuseLocations({norm, op}));
    shifted.getBetaMutable().assign(beta);
    rewriter.replaceOp(op, shifted);
    return success();
  }
};

} // namespace

void populateRaiseLayerNormPatterns(RewritePatternSet &patterns) {
  patterns.add<RaiseNorm<DivOp>, RaiseNorm<MulOp>, RaiseGamma<LayerNormOp>,
               RaiseGamma<RMSNormOp>, RaiseBeta>(patterns.getContext());
}

std::string explainNorm(Operation *root) {
  std::string reason;
  // 1 / sqrt(v) is one step further from the product.
  SmallVector<Operation *> users(root->getUsers());
  for (Operation *user : root->getUsers())
    if (isa<DivOp>(user))
      llvm::append_range(users, user->getUsers());
  for (Operation *user : users)
    if (isa<MulOp, DivOp>(user) && reason.empty() && matchQuotient(user))
      matchNorm(user,
                [&](const Twine &why) { reason = "no norm: " + why.str(); });
  return reason;
}

} // namespace aero::pi
