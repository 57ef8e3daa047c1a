//===- CollapseLinear.cpp - Linear maps of sums of linear maps ------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LinearMaps.h"
#include "Weights.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/DenseSet.h"

namespace aero::pi {
#define GEN_PASS_DEF_COLLAPSELINEARPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

constexpr StringLiteral kCategory = "pi-collapse-linear";

/// The input of a linear map as a sum.
struct Sum {
  /// The terms that are linear maps with known weights, and all others.
  SmallVector<LinearOp> maps;
  SmallVector<Value> others;
  /// Whether something else reads it, so that it is computed anyway.
  bool isShared = false;
};

struct CollapseLinearPass
    : public impl::CollapseLinearPassBase<CollapseLinearPass> {
  using CollapseLinearPassBase::CollapseLinearPassBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (!(growth >= 1.0)) {
      func.emitError() << "expected 'growth' to be at least 1, got "
                       << static_cast<double>(growth);
      return signalPassFailure();
    }
    if (failed(verifyWeightsReadable(func)))
      return signalPassFailure();
    shared.clear();
    replaced.clear();
    // What several ops read stays a value of its own, also when a reader is
    // collapsed: sums would otherwise reach back to the first layer.
    func.walk([&](Operation *op) {
      if (isa<AddOp, LinearOp>(op) && !op->hasOneUse())
        shared.insert(op->getResult(0));
    });
    // In program order, so that a sum is collapsed before its readers are.
    SmallVector<LinearOp> maps;
    func.walk([&](LinearOp op) { maps.push_back(op); });
    for (LinearOp op : maps)
      collapse(op);
    eraseUnused(replaced);
  }

private:
  /// Adds the terms of `value` to `sum`.
  void collect(Value value, bool isRoot, Sum &sum);
  /// Why `outer` is not collapsed with its input, or an empty string.
  std::string whyNot(LinearOp outer, const Sum &sum) const;
  void collapse(LinearOp outer);

  /// Multiply-adds a token before and after.
  static std::pair<int64_t, int64_t> countMultiplyAdds(LinearOp outer,
                                                       const Sum &sum);

  llvm::DenseSet<Value> shared;
  /// Erased at the end: a new value must not have the address of one that is
  /// known as shared.
  SmallVector<Value> replaced;
};

void CollapseLinearPass::collect(Value value, bool isRoot, Sum &sum) {
  bool isOpaque = !isRoot && shared.contains(value);
  if (auto add = value.getDefiningOp<AddOp>();
      add && !isOpaque && add.getLhs().getType() == add.getType() &&
      add.getRhs().getType() == add.getType() && !isKnown(add.getLhs()) &&
      !isKnown(add.getRhs())) {
    collect(add.getLhs(), /*isRoot=*/false, sum);
    collect(add.getRhs(), /*isRoot=*/false, sum);
    return;
  }
  if (auto map = value.getDefiningOp<LinearOp>();
      map && !isOpaque && whyUnknown(map).empty())
    sum.maps.push_back(map);
  else
    sum.others.push_back(value);
}

std::pair<int64_t, int64_t>
CollapseLinearPass::countMultiplyAdds(LinearOp outer, const Sum &sum) {
  int64_t before = getMultiplyAdds(outer);
  int64_t after = sum.others.empty() ? 0 : getMultiplyAdds(outer);
  for (LinearOp map : sum.maps) {
    before += getMultiplyAdds(map);
    after += getRows(map) * getColumns(outer);
    if (sum.isShared)
      after += getMultiplyAdds(map);
  }
  return {before, after};
}

std::string CollapseLinearPass::whyNot(LinearOp outer, const Sum &sum) const {
  if (sum.maps.empty())
    return "its input is no sum with a linear map";
  if (std::string why = whyUnknown(outer); !why.empty())
    return why;
  if (sum.maps.size() + sum.others.size() == 1 && !sum.isShared)
    return "its input is a linear map alone, which pi-merge-linear merges";
  auto [before, after] = countMultiplyAdds(outer, sum);
  if (static_cast<double>(after) > growth * static_cast<double>(before))
    return llvm::formatv("it would take {0} multiply-adds a token instead of "
                         "{1}",
                         after, before);
  return {};
}

// %s = pi.add %x, (pi.linear %c, %w1 bias %b1)
// %y = pi.linear %s, %w2 bias %b2
//   ->
// %0 = pi.linear %x, %w2 bias b1 w2 + b2
// %1 = pi.linear %c, w1 w2
// %y = pi.add %0, %1
void CollapseLinearPass::collapse(LinearOp outer) {
  Sum sum;
  collect(outer.getInput(), /*isRoot=*/true, sum);
  sum.isShared = shared.contains(outer.getInput());
  auto options = remark::RemarkOpts::name("sum").category(kCategory);
  if (std::string why = whyNot(outer, sum); !why.empty()) {
    if (!sum.maps.empty())
      remark::missed(outer.getLoc(), options)
          << remark::reason("{0} is not collapsed: {1}", describe(outer), why);
    return;
  }
  auto [before, after] = countMultiplyAdds(outer, sum);
  remark::passed(outer.getLoc(), options)
      << remark::add("collapsed {0}: {1} multiply-adds a token instead of {2}",
                     describe(outer), after, before);

  OpBuilder builder(outer);
  Value bias =
      composeBiases(builder, outer.getLoc(), sum.maps, outer, /*factor=*/{});
  SmallVector<Value> terms;
  if (!sum.others.empty()) {
    Value rest = sum.others.front();
    for (Value other : llvm::drop_begin(sum.others))
      rest = AddOp::create(builder, outer.getLoc(), rest, other);
    terms.push_back(LinearOp::create(builder, outer.getLoc(), rest,
                                     outer.getWeight(), bias));
    bias = {};
  }
  for (LinearOp map : sum.maps) {
    Location loc = mergeLocations(builder, {map, outer});
    Value weight = composeMatrices(builder, loc, map, outer);
    terms.push_back(
        LinearOp::create(builder, loc, map.getInput(), weight, bias));
    bias = {};
  }
  Value total = terms.front();
  for (Value term : llvm::drop_begin(terms))
    total = AddOp::create(builder, outer.getLoc(), total, term);

  if (shared.contains(outer.getResult()))
    shared.insert(total);
  outer.replaceAllUsesWith(total);
  replaced.push_back(outer.getResult());
}

} // namespace
} // namespace aero::pi
