//===- PITypeInference.cpp - Result types of pi operations ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/PI/IR/PIOps.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;
using namespace aero::pi;

namespace {

using Loc = std::optional<Location>;
using Types = SmallVectorImpl<Type>;

/// An error that names the op, as emitOpError does; the op does not exist yet
/// when inference runs for a builder.
template <typename OpTy, typename... Args>
LogicalResult inferError(Loc loc, Args &&...args) {
  return emitOptionalError(loc, "'", OpTy::getOperationName(), "' op ",
                           std::forward<Args>(args)...);
}

RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// Broadcasts `next` into `shape` (numpy's rules), or returns the dimension of
/// the result, counted from the last, at which the two disagree.
std::optional<size_t> broadcastInto(SmallVectorImpl<int64_t> &shape,
                                    ArrayRef<int64_t> next) {
  if (shape.size() < next.size())
    shape.insert(shape.begin(), next.size() - shape.size(), 1);
  for (size_t i = 1; i <= next.size(); ++i) {
    int64_t &mine = shape[shape.size() - i];
    int64_t other = next[next.size() - i];
    if (mine == 1)
      mine = other;
    else if (other != 1 && other != mine)
      return i;
  }
  return std::nullopt;
}

/// The shape to which all of `values` broadcast becomes the result's; the
/// element type is `element`.
template <typename OpTy>
LogicalResult inferBroadcast(Loc loc, ValueRange values, Type element,
                             Types &types) {
  SmallVector<int64_t> shape;
  for (Value value : values)
    // C1
    if (auto dim = broadcastInto(shape, getTensorType(value).getShape())) {
      std::string operands;
      llvm::raw_string_ostream os(operands);
      llvm::interleave(
          values, os, [&](Value v) { os << "'" << v.getType() << "'"; },
          " and ");
      return inferError<OpTy>(loc, "cannot broadcast ", operands,
                              ": they disagree in dimension -", *dim);
    }
  types.push_back(RankedTensorType::get(shape, element));
  return success();
}

/// Two operands of one element type; the result has it too, or `element`.
template <typename OpTy>
LogicalResult inferBinary(Loc loc, Value lhs, Value rhs, Types &types,
                          Type element = {}) {
  Type own = getTensorType(lhs).getElementType();
  // C2
  if (own != getTensorType(rhs).getElementType())
    return inferError<OpTy>(loc,
                            "expected operands of the same element type, got ",
                            lhs.getType(), " and ", rhs.getType());
  return inferBroadcast<OpTy>(loc, {lhs, rhs}, element ? element : own, types);
}

template <typename OpTy>
LogicalResult inferReduced(Loc loc, typename OpTy::Adaptor adaptor,
                           Types &types) {
  auto input = getTensorType(adaptor.getInput());
  ArrayRef<int64_t> axes = adaptor.getAxes();
  // C1
  if (axes.empty())
    return inferError<OpTy>(loc, "expected at least one axis");
  SmallVector<bool> reduced(input.getRank(), false);
  for (int64_t axis : axes) {
    // C2
    if (axis < 0 || axis >= input.getRank())
      return inferError<OpTy>(loc, "expected axes in [0, ", input.getRank(),
                              "), got ", axis);
    // C3
    if (reduced[axis])
      return inferError<OpTy>(loc, "axis ", axis, " appears twice");
    reduced[axis] = true;
  }
  SmallVector<int64_t> shape;
  for (int64_t i = 0; i < input.getRank(); ++i)
    if (!reduced[i])
      shape.push_back(input.getDimSize(i));
    else if (adaptor.getKeepdims())
      shape.push_back(1);
  types.push_back(input.clone(shape));
  return success();
}

} // namespace

#define AERO_BINARY(OP)                                                        \
  LogicalResult OP::inferReturnTypes(MLIRContext *, Loc loc, Adaptor adaptor,  \
                                     Types &types) {                           \
    return inferBinary<OP>(loc, adaptor.getLhs(), adaptor.getRhs(), types);    \
  }
AERO_BINARY(AddOp)
AERO_BINARY(SubOp)
AERO_BINARY(MulOp)
AERO_BINARY(DivOp)
AERO_BINARY(PowOp)
AERO_BINARY(MinOp)
AERO_BINARY(MaxOp)
AERO_BINARY(AndOp)
AERO_BINARY(OrOp)
#undef AERO_BINARY

LogicalResult CompareOp::inferReturnTypes(MLIRContext *context, Loc loc,
                                          Adaptor adaptor, Types &types) {
  return inferBinary<CompareOp>(loc, adaptor.getLhs(), adaptor.getRhs(), types,
                                IntegerType::get(context, 1));
}

LogicalResult WhereOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor adaptor,
                                        Types &types) {
  return inferBroadcast<WhereOp>(
      loc,
      {adaptor.getCondition(), adaptor.getTrueValue(), adaptor.getFalseValue()},
      getTensorType(adaptor.getTrueValue()).getElementType(), types);
}

LogicalResult EmbeddingOp::inferReturnTypes(MLIRContext *, Loc loc,
                                            Adaptor adaptor, Types &types) {
  auto table = getTensorType(adaptor.getTable());
  // C1
  if (table.getRank() != 2)
    return inferError<EmbeddingOp>(
        loc, "expected a table of rank 2 (vocabulary, width), got ", table);
  SmallVector<int64_t> shape(getTensorType(adaptor.getIndices()).getShape());
  shape.push_back(table.getDimSize(1));
  types.push_back(table.clone(shape));
  return success();
}

LogicalResult LinearOp::inferReturnTypes(MLIRContext *, Loc loc,
                                         Adaptor adaptor, Types &types) {
  auto input = getTensorType(adaptor.getInput());
  auto weight = getTensorType(adaptor.getWeight());
  // C1
  if (weight.getRank() != 2)
    return inferError<LinearOp>(loc, "expected a weight of rank 2 (K, N), got ",
                                weight);
  // C2
  if (input.getRank() < 1 || input.getShape().back() != weight.getDimSize(0))
    return inferError<LinearOp>(
        loc, "expected an input with a last dimension of ",
        weight.getDimSize(0), ", the weight's first, got ", input);
  // C3
  if (adaptor.getBias()) {
    auto bias = getTensorType(adaptor.getBias());
    if (bias.getRank() != 1 || bias.getDimSize(0) != weight.getDimSize(1))
      return inferError<LinearOp>(loc, "expected a bias of shape (",
                                  weight.getDimSize(1),
                                  "), the weight's last dimension, got ", bias);
  }
  SmallVector<int64_t> shape(input.getShape());
  shape.back() = weight.getDimSize(1);
  types.push_back(input.clone(shape));
  return success();
}

LogicalResult MatMulOp::inferReturnTypes(MLIRContext *, Loc loc,
                                         Adaptor adaptor, Types &types) {
  auto lhs = getTensorType(adaptor.getLhs());
  auto rhs = getTensorType(adaptor.getRhs());
  // C1
  if (lhs.getRank() < 2 || rhs.getRank() < 2)
    return inferError<MatMulOp>(
        loc, "expected operands of at least rank 2, got ", lhs, " and ", rhs);
  // C2
  if (lhs.getShape().back() != rhs.getDimSize(rhs.getRank() - 2))
    return inferError<MatMulOp>(
        loc,
        "expected the last dimension of lhs to be the last but one of "
        "rhs, got ",
        lhs, " and ", rhs);
  // C3
  SmallVector<int64_t> shape(lhs.getShape().drop_back(2));
  if (broadcastInto(shape, rhs.getShape().drop_back(2)))
    return inferError<MatMulOp>(
        loc, "cannot broadcast the batch dimensions of ", lhs, " and ", rhs);
  shape.push_back(lhs.getDimSize(lhs.getRank() - 2));
  shape.push_back(rhs.getShape().back());
  types.push_back(lhs.clone(shape));
  return success();
}

LogicalResult ReduceMeanOp::inferReturnTypes(MLIRContext *, Loc loc,
                                             Adaptor adaptor, Types &types) {
  return inferReduced<ReduceMeanOp>(loc, adaptor, types);
}

LogicalResult ReduceSumOp::inferReturnTypes(MLIRContext *, Loc loc,
                                            Adaptor adaptor, Types &types) {
  return inferReduced<ReduceSumOp>(loc, adaptor, types);
}

LogicalResult TransposeOp::inferReturnTypes(MLIRContext *, Loc loc,
                                            Adaptor adaptor, Types &types) {
  auto input = getTensorType(adaptor.getInput());
  ArrayRef<int64_t> permutation = adaptor.getPermutation();
  // C1
  SmallVector<bool> seen(input.getRank(), false);
  bool valid = static_cast<int64_t>(permutation.size()) == input.getRank();
  for (int64_t dim : permutation) {
    valid = valid && dim >= 0 && dim < input.getRank() && !seen[dim];
    if (!valid)
      break;
    seen[dim] = true;
  }
  if (!valid)
    return inferError<TransposeOp>(loc, "expected a permutation of the ",
                                   input.getRank(), " dimensions of ", input);
  SmallVector<int64_t> shape;
  for (int64_t dim : permutation)
    shape.push_back(input.getDimSize(dim));
  types.push_back(input.clone(shape));
  return success();
}

LogicalResult TakeOp::inferReturnTypes(MLIRContext *, Loc loc, Adaptor adaptor,
                                       Types &types) {
  auto input = getTensorType(adaptor.getInput());
  int64_t axis = adaptor.getAxis();
  // C1
  if (axis < 0 || axis >= input.getRank())
    return inferError<TakeOp>(loc, "expected axis in [0, ", input.getRank(),
                              "), got ", axis);
  // C2
  for (int64_t index : adaptor.getIndices())
    if (index < 0 || index >= input.getDimSize(axis))
      return inferError<TakeOp>(loc, "expected indices in [0, ",
                                input.getDimSize(axis), "), got ", index);
  SmallVector<int64_t> shape(input.getShape());
  shape[axis] = adaptor.getIndices().size();
  types.push_back(input.clone(shape));
  return success();
}

LogicalResult ConcatOp::inferReturnTypes(MLIRContext *, Loc loc,
                                         Adaptor adaptor, Types &types) {
  // C1
  if (adaptor.getInputs().empty())
    return inferError<ConcatOp>(loc, "expected at least one input");
  auto first = getTensorType(adaptor.getInputs().front());
  int64_t axis = adaptor.getAxis();
  // C3, before C2 and C4, which need the axis.
  if (axis < 0 || axis >= first.getRank())
    return inferError<ConcatOp>(loc, "expected axis in [0, ", first.getRank(),
                                "), got ", axis);
  SmallVector<int64_t> shape(first.getShape());
  for (Value input : adaptor.getInputs().drop_front()) {
    auto type = getTensorType(input);
    // C2
    if (type.getElementType() != first.getElementType() ||
        type.getRank() != first.getRank())
      return inferError<ConcatOp>(
          loc, "expected inputs of the same element type and rank, got ", first,
          " and ", type);
    // C4
    for (int64_t i = 0; i < first.getRank(); ++i)
      if (i != axis && type.getDimSize(i) != first.getDimSize(i))
        return inferError<ConcatOp>(loc,
                                    "expected inputs that differ in "
                                    "dimension ",
                                    axis, " only, got ", first, " and ", type);
    shape[axis] += type.getDimSize(axis);
  }
  types.push_back(first.clone(shape));
  return success();
}

LogicalResult SelectTokenOp::inferReturnTypes(MLIRContext *, Loc loc,
                                              Adaptor adaptor, Types &types) {
  auto input = getTensorType(adaptor.getInput());
  // C1
  if (input.getRank() != 3)
    return inferError<SelectTokenOp>(
        loc, "expected an input of rank 3 (batch, tokens, width), got ", input);
  types.push_back(input.clone({input.getDimSize(0), 1, input.getDimSize(2)}));
  return success();
}
