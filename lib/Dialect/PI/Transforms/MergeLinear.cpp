//===- MergeLinear.cpp - Multiplies consecutive linear maps into one ------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinearMaps.h"
#include "WeightMath.h"
#include "Weights.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/FormatVariadic.h"

namespace aero::pi {
#define GEN_PASS_DEF_MERGELINEARPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

constexpr StringLiteral kCategory = "pi-merge-linear";

//===----------------------------------------------------------------------===//
// What can be merged
//===----------------------------------------------------------------------===//

/// A value as factor * base, where the factors are known scalars.
struct ScaledValue {
  Value base;
  double factor = 1.0;
  SmallVector<Value> scalars;
  /// False if a value between the base (inclusive) and the result is read by
  /// something else too, and so has to be computed anyway.
  bool isReadOnce = true;

  LinearOp getLinear() const { return base.getDefiningOp<LinearOp>(); }
};

/// Goes from `value` backwards through scalings, but not beyond `stop`.
ScaledValue traceScalings(Value value, Value stop = {}) {
  ScaledValue result;
  result.base = value;
  while (true) {
    result.isReadOnce &= result.base.hasOneUse();
    if (result.base == stop)
      return result;
    std::optional<Scaling> scaling = matchScaling(result.base.getDefiningOp());
    if (!scaling)
      return result;
    result.base = scaling->base;
    result.factor *= scaling->factor;
    result.scalars.push_back(scaling->scalar);
  }
}

/// Why `outer`, which reads `inner`, is not merged with it, or an empty string.
std::string whyNotChained(LinearOp outer, const ScaledValue &inner) {
  LinearOp linear = inner.getLinear();
  if (!linear)
    return "the input is not a linear map";
  if (!inner.isReadOnce)
    return "the inner result has another use";
  if (std::string why = whyUnknown(linear); !why.empty())
    return why;
  if (std::string why = whyUnknown(outer); !why.empty())
    return why;
  int64_t merged = getRows(linear) * getColumns(outer);
  int64_t apart = getMultiplyAdds(linear) + getMultiplyAdds(outer);
  if (merged >= apart)
    return llvm::formatv("merging would take {0} multiply-adds a row instead "
                         "of {1}",
                         merged, apart);
  return {};
}

/// c1 * base + c2 * linear(base).
struct Residual {
  ScaledValue skip;
  ScaledValue branch;
};

/// `op` as a residual, whether or not it can be merged.
std::optional<Residual> matchResidual(AddOp op) {
  for (auto [skip, branch] : {std::pair(op.getLhs(), op.getRhs()),
                              std::pair(op.getRhs(), op.getLhs())}) {
    ScaledValue scaledBranch = traceScalings(branch);
    LinearOp linear = scaledBranch.getLinear();
    if (!linear)
      continue;
    ScaledValue scaledSkip = traceScalings(skip, linear.getInput());
    if (scaledSkip.base == linear.getInput() &&
        skip.getType() == op.getType() && branch.getType() == op.getType())
      return Residual{scaledSkip, scaledBranch};
  }
  return std::nullopt;
}

/// Why the residual is not merged, or an empty string.
std::string whyNotResidual(const Residual &residual) {
  if (!residual.branch.isReadOnce)
    return "the result of the linear map has another use";
  return whyUnknown(residual.branch.getLinear());
}

//===----------------------------------------------------------------------===//
// Patterns
//===----------------------------------------------------------------------===//

/// %h = pi.linear %x, %w1 bias %b1
/// %s = pi.mul %h, %c                          (or pi.div, any number, or none)
/// %y = pi.linear %s, %w2 bias %b2
///   ->
/// %y = pi.linear %x, c * w1 w2 bias c * b1 w2 + b2
struct MergeChain : OpRewritePattern<LinearOp> {
  /// Adds 1 to `merged` for each pair.
  MergeChain(MLIRContext *context, int64_t &merged)
      : OpRewritePattern(context), merged(merged) {}

  LogicalResult matchAndRewrite(LinearOp outer,
                                PatternRewriter &rewriter) const override {
    ScaledValue scaled = traceScalings(outer.getInput());
    if (std::string why = whyNotChained(outer, scaled); !why.empty())
      return rewriter.notifyMatchFailure(outer, why);
    LinearOp inner = scaled.getLinear();

    Location loc = mergeLocations(rewriter, {inner, outer});
    KnownFactor factor = {scaled.factor, scaled.scalars};
    Value weight = composeMatrices(rewriter, loc, inner, outer, factor);
    Value bias = composeBiases(rewriter, loc, inner, outer, factor);

    remark::passed(outer.getLoc(),
                   remark::RemarkOpts::name("chain").category(kCategory))
        << remark::add(
               "merged {0} into {1}: {2} multiply-adds a row instead of "
               "{3}",
               describe(inner), describe(outer),
               getRows(inner) * getColumns(outer),
               getMultiplyAdds(inner) + getMultiplyAdds(outer));
    rewriter.replaceOp(
        outer, LinearOp::create(rewriter, loc, inner.getInput(), weight, bias));
    ++merged;
    return success();
  }

private:
  int64_t &merged;
};

/// %f = pi.linear %y, %w bias %b
/// %s = pi.mul %f, %c2                         (or pi.div, any number, or none)
/// %t = pi.mul %y, %c1                         (likewise)
/// %r = pi.add %t, %s
///   ->
/// %r = pi.linear %y, c1 I + c2 w bias c2 b
struct MergeResidual : OpRewritePattern<AddOp> {
  /// Adds 1 to `merged` for each sum.
  MergeResidual(MLIRContext *context, int64_t &merged)
      : OpRewritePattern(context), merged(merged) {}

  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    std::optional<Residual> residual = matchResidual(op);
    if (!residual)
      return rewriter.notifyMatchFailure(
          op, "is not the sum of a value and a linear map of it");
    if (std::string why = whyNotResidual(*residual); !why.empty())
      return rewriter.notifyMatchFailure(op, why);
    const auto &[skip, branch] = *residual;
    LinearOp linear = branch.getLinear();

    // The sum has one shape, so the matrix is square.
    int64_t width = getColumns(linear);
    Location loc = mergeLocations(rewriter, {linear, op});
    SmallVector<Value> parts = {linear.getWeight()};
    parts.append(skip.scalars);
    parts.append(branch.scalars);
    ElementsData<float> old = getElements(linear.getWeight());
    std::vector<double> sum(old.begin(), old.end());
    for (double &value : sum)
      value *= branch.factor;
    for (int64_t i = 0; i < width; ++i)
      sum[i * width + i] += skip.factor;
    Value weight =
        createKnown(rewriter, loc, parts, {width, width}, roundToFloat(sum));

    Value bias = linear.getBias();
    if (bias && !branch.scalars.empty()) {
      SmallVector<Value> biasParts = {bias};
      biasParts.append(branch.scalars);
      ElementsData<float> oldBias = getElements(bias);
      std::vector<double> values(oldBias.begin(), oldBias.end());
      bias = createKnown(rewriter, loc, biasParts, {width},
                         roundToFloat(values, branch.factor));
    }

    remark::passed(op.getLoc(),
                   remark::RemarkOpts::name("residual").category(kCategory))
        << remark::add("merged the residual sum {0} into {1}", describe(op),
                       describe(linear));
    rewriter.replaceOpWithNewOp<LinearOp>(op, linear.getInput(), weight, bias)
        ->setLoc(loc);
    ++merged;
    return success();
  }

private:
  int64_t &merged;
};

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

struct MergeLinearPass : public impl::MergeLinearPassBase<MergeLinearPass> {
  using MergeLinearPassBase::MergeLinearPassBase;

  void runOnOperation() override {
    if (failed(verifyWeightsReadable(getOperation())))
      return signalPassFailure();
    RewritePatternSet patterns(&getContext());
    int64_t merged = 0;
    if (chain)
      patterns.add<MergeChain>(&getContext(), merged);
    if (residual)
      patterns.add<MergeResidual>(&getContext(), merged);
    // Folding and constant uniquing are the canonicalizer's job: a pass changes
    // nothing but what its description says.
    GreedyRewriteConfig config;
    config.enableFolding(false)
        .enableConstantCSE(false)
        .setRegionSimplificationLevel(GreedySimplifyRegionLevel::Disabled);
    if (failed(
            applyPatternsGreedily(getOperation(), std::move(patterns), config)))
      return signalPassFailure();
    report(merged);
  }

private:
  /// Says of every pair that is left why it is, and of all of them how many
  /// there are for each reason. Done at the end, because the driver tries a
  /// pattern more than once.
  void report(int64_t merged) {
    llvm::MapVector<StringRef, int64_t> reasons;
    auto miss = [&](Operation *op, StringRef name, const std::string &why) {
      if (why.empty())
        return;
      remark::missed(op->getLoc(),
                     remark::RemarkOpts::name(name).category(kCategory))
          << remark::reason("{0} is not merged: {1}", describe(op), why);
      // Every matrix has numbers of its own.
      StringRef reason = why;
      if (reason.starts_with("merging would"))
        reason = "merging would take more multiply-adds";
      ++reasons[StringAttr::get(&getContext(), reason).getValue()];
    };
    getOperation().walk([&](Operation *op) {
      if (auto outer = dyn_cast<LinearOp>(op); outer && chain) {
        ScaledValue scaled = traceScalings(outer.getInput());
        if (scaled.getLinear())
          miss(op, "chain", whyNotChained(outer, scaled));
      } else if (auto add = dyn_cast<AddOp>(op); add && residual) {
        if (std::optional<Residual> match = matchResidual(add))
          miss(op, "residual", whyNotResidual(*match));
      }
    });
    if (merged == 0 && reasons.empty())
      return;
    std::string table = llvm::formatv("merged: {0}", merged);
    for (auto &[reason, count] : reasons)
      table += llvm::formatv("; not merged, as {0}: {1}", reason, count);
    remark::analysis(getOperation().getLoc(),
                     remark::RemarkOpts::name("table").category(kCategory))
        << remark::add("{0}", table);
  }
};

} // namespace
} // namespace aero::pi
