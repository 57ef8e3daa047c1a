//===- AttentionHeads.cpp - Heads of queries, keys and values -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "AttentionHeads.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;

namespace aero::pi {
namespace {

ArrayRef<int64_t> getShape(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

Value reshape(OpBuilder &builder, Location loc, Value value,
              ArrayRef<int64_t> shape) {
  if (getShape(value) == shape)
    return value;
  return ReshapeOp::create(builder, loc, value, shape);
}

Value transpose(OpBuilder &builder, Location loc, Value value,
                ArrayRef<int64_t> permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(0, permutation.size())))
    return value;
  return TransposeOp::create(builder, loc, value, permutation);
}

/// pi.reshape : BxHxTxd -> (B H)xTxd
bool mergesBatchAndHeads(ReshapeOp op) {
  ArrayRef<int64_t> from = getShape(op.getInput()), to = getShape(op);
  return from.size() == 4 && to.size() == 3 && from[0] * from[1] == to[0] &&
         from.drop_front(2) == to.drop_front(1);
}

/// The dimension of which `op` repeats every element in a row:
///   pi.reshape (pi.broadcast %x : ..x n x1x.. -> ..x n x r x..) : ..x (n r)
///   x..
/// or, where there is one element, pi.broadcast %x : ..x1x.. -> ..x r x..
struct Repetition {
  Value input;
  /// The shape of the input without the dimension of size 1.
  SmallVector<int64_t, 4> shape;
  int64_t dim;
  int64_t count;
  SmallVector<Operation *, 2> ops;
};
std::optional<Repetition> matchRepetition(Operation *op) {
  auto broadcast = dyn_cast<BroadcastOp>(op);
  auto merge = dyn_cast<ReshapeOp>(op);
  if (merge)
    broadcast = merge.getInput().getDefiningOp<BroadcastOp>();
  if (!broadcast)
    return std::nullopt;
  ArrayRef<int64_t> from = getShape(broadcast.getInput());
  ArrayRef<int64_t> to = getShape(broadcast);
  if (from.size() != to.size() || to.size() != (merge ? 5 : 4))
    return std::nullopt;
  int64_t repeated = -1;
  for (auto [dim, sizes] : llvm::enumerate(llvm::zip_equal(from, to))) {
    auto [own, wanted] = sizes;
    if (own == wanted)
      continue;
    if (repeated >= 0)
      return std::nullopt;
    repeated = dim;
  }
  if (repeated < (merge ? 1 : 0))
    return std::nullopt;
  Repetition match{broadcast.getInput(),
                   llvm::to_vector<4>(from),
                   repeated,
                   to[repeated],
                   {broadcast}};
  if (!merge)
    return match;
  SmallVector<int64_t> merged(to);
  merged[repeated - 1] *= match.count;
  merged.erase(merged.begin() + repeated);
  if (getShape(merge) != ArrayRef<int64_t>(merged))
    return std::nullopt;
  match.shape.erase(match.shape.begin() + repeated);
  match.dim = repeated - 1;
  match.ops.push_back(merge);
  return match;
}

} // namespace

//===----------------------------------------------------------------------===//
// AttentionScale
//===----------------------------------------------------------------------===//

std::optional<AttentionScale::Factor> AttentionScale::match(Operation *op) {
  if (!isa_and_present<MulOp, DivOp>(op))
    return std::nullopt;
  std::optional<ScalarOperand> operand = matchScalarOperand(op);
  if (!operand || operand->number == 0 ||
      operand->other.getType() != op->getResult(0).getType())
    return std::nullopt;
  bool isPrivate = operand->scalar.getDefiningOp<WeightOp>() != nullptr;
  // It will multiply a query of rank 3.
  if (isPrivate && getShape(operand->scalar).size() > 3)
    return std::nullopt;
  double number = isa<DivOp>(op) ? 1 / operand->number : operand->number;
  return Factor{operand->other, operand->scalar, number, isPrivate};
}

void AttentionScale::take(const Factor &factor, Operation *op) {
  if (factor.isPrivate)
    weights.push_back({factor.scalar, isa<DivOp>(op)});
  else
    number *= factor.number;
}

//===----------------------------------------------------------------------===//
// HeadsView
//===----------------------------------------------------------------------===//

HeadsView HeadsView::trace(Value factor, AttentionScale *scale,
                           SetVector<Operation *> &ops) {
  HeadsView view;
  view.source = factor;
  view.shape.assign(getShape(factor).begin(), getShape(factor).end());
  view.order = llvm::to_vector<4>(llvm::seq<int64_t>(0, view.shape.size()));
  // The source is a reshape of what comes next.
  auto isViewed = [&] {
    return getShape(view.source) != ArrayRef<int64_t>(view.shape);
  };
  auto setSource = [&](Value source) {
    view.source = source;
    view.shape.assign(getShape(source).begin(), getShape(source).end());
  };
  while (Operation *op = view.source.getDefiningOp()) {
    auto reshape = dyn_cast<ReshapeOp>(op);
    if (isViewed()) {
      // What was repeated had its heads apart, and the dimension to repeat
      // along was made for that alone.
      if (!reshape ||
          getShape(reshape.getInput()) != ArrayRef<int64_t>(view.shape))
        return view;
      ops.insert(op);
      setSource(reshape.getInput());
      continue;
    }
    if (auto transpose = dyn_cast<TransposeOp>(op)) {
      for (int64_t &dim : view.order)
        dim = transpose.getPermutation()[dim];
      ops.insert(op);
      setSource(transpose.getInput());
      continue;
    }
    if (scale)
      if (std::optional<AttentionScale::Factor> match =
              AttentionScale::match(op)) {
        scale->take(*match, op);
        ops.insert(op);
        setSource(match->other);
        continue;
      }
    if (reshape && mergesBatchAndHeads(reshape) && view.order[0] == 0) {
      view.order = {0, 1, view.order[1] + 1, view.order[2] + 1};
      ops.insert(op);
      setSource(reshape.getInput());
      continue;
    }
    std::optional<Repetition> repetition = matchRepetition(op);
    if (!repetition || !view.hasHeads() || view.order[1] != repetition->dim)
      return view;
    view.repeats *= repetition->count;
    ops.insert(repetition->ops.begin(), repetition->ops.end());
    view.source = repetition->input;
    view.shape = repetition->shape;
  }
  return view;
}

Value HeadsView::mergeHeads(OpBuilder &builder, Location loc,
                            int64_t batch) const {
  Value value = reshape(builder, loc, source, shape);
  if (!hasHeads()) {
    value = transpose(builder, loc, value, order);
    ArrayRef<int64_t> now = getShape(value);
    int64_t heads = now[0] / batch, rows = now[1], width = now[2];
    value = reshape(builder, loc, value, {batch, heads, rows, width});
    value = transpose(builder, loc, value, {0, 2, 1, 3});
    return reshape(builder, loc, value, {batch, rows, heads * width});
  }
  value =
      transpose(builder, loc, value, {order[0], order[2], order[1], order[3]});
  return reshape(builder, loc, value,
                 {getSize(0), getSize(2), getSize(1) * getSize(3)});
}

Value splitHeads(OpBuilder &builder, Location loc, Value merged,
                 int64_t heads) {
  ArrayRef<int64_t> shape = getShape(merged);
  Value value = reshape(builder, loc, merged,
                        {shape[0], shape[1], heads, shape[2] / heads});
  return transpose(builder, loc, value, {0, 2, 1, 3});
}

} // namespace aero::pi
