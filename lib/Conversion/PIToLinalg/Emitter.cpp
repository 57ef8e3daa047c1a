//===- Emitter.cpp - Building linalg on tensors ---------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Emitter.h"

#include "mlir/Dialect/Utils/ReshapeOpsUtils.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace aero::linalgform;

Value Emitter::constant(float value) {
  return arith::ConstantOp::create(*this, getF32FloatAttr(value));
}

Value Emitter::constant(Type type, double value) {
  if (isa<FloatType>(type))
    return arith::ConstantOp::create(*this, getFloatAttr(type, value));
  return arith::ConstantOp::create(*this, getIntegerAttr(type, int64_t(value)));
}

Value Emitter::empty(Shape shape, Type element) {
  return tensor::EmptyOp::create(*this, shape, element);
}

Value Emitter::filled(Shape shape, Value value) {
  return linalg::FillOp::create(*this, value, empty(shape, value.getType()))
      .getResult(0);
}

Value Emitter::reshape(Value value, Shape shape) {
  RankedTensorType from = tensorOf(value), to = from.clone(shape);
  if (from == to)
    return value;
  // One op if dimensions are only split or only joined.
  std::optional<SmallVector<ReassociationIndices>> groups;
  if (from.getRank() == 0 || to.getRank() == 0)
    groups.emplace();
  else if (from.getRank() != to.getRank())
    groups = getReassociationIndicesForReshape(from, to);
  if (groups && from.getRank() > to.getRank())
    return tensor::CollapseShapeOp::create(*this, to, value, *groups);
  if (groups)
    return tensor::ExpandShapeOp::create(*this, to, value, *groups);
  return reshape(reshape(value, from.getNumElements()), shape);
}

Value Emitter::map(Shape shape, Type element, ValueRange inputs,
                   ArrayRef<AffineMap> maps, Body body) {
  SmallVector<AffineMap> all(maps);
  all.push_back(getMultiDimIdentityMap(shape.size()));
  SmallVector<utils::IteratorType> iterators(shape.size(),
                                             utils::IteratorType::parallel);
  Value init = empty(shape, element);
  return linalg::GenericOp::create(
             *this, init.getType(), inputs, init, all, iterators,
             [&](OpBuilder &builder, Location loc, ValueRange arguments) {
               Emitter inner(loc, builder);
               Value result = body(inner, arguments.drop_back());
               linalg::YieldOp::create(inner, result);
             })
      .getResult(0);
}

Value Emitter::map(Shape shape, Type element, ValueRange inputs, Body body) {
  auto maps = llvm::map_to_vector(
      inputs, [&](Value input) { return broadcastMap(shapeOf(input), shape); });
  return map(shape, element, inputs, maps, body);
}

Value Emitter::reduce(Value input, Shape axes, float start, Body body) {
  SmallVector<int64_t> shape;
  for (auto [i, size] : llvm::enumerate(shapeOf(input)))
    if (!llvm::is_contained(axes, int64_t(i)))
      shape.push_back(size);
  // The op wants them in order.
  SmallVector<int64_t> sorted(axes);
  llvm::sort(sorted);
  Value init = filled(shape, constant(start));
  return linalg::ReduceOp::create(
             *this, input, init, sorted,
             [&](OpBuilder &builder, Location loc, ValueRange arguments) {
               Emitter inner(loc, builder);
               Value result = body(inner, arguments);
               linalg::YieldOp::create(inner, result);
             })
      .getResult(0);
}

Value Emitter::sum(Value input, Shape axes) {
  return reduce(input, axes, 0, [](Emitter &e, ValueRange x) -> Value {
    return arith::AddFOp::create(e, x[0], x[1]);
  });
}

Value Emitter::contract(Value lhs, ArrayRef<unsigned> lhsLoops, Value rhs,
                        ArrayRef<unsigned> rhsLoops,
                        ArrayRef<unsigned> resultLoops, Shape shape,
                        unsigned loops) {
  AffineMap maps[] = {loopMap(loops, lhsLoops), loopMap(loops, rhsLoops),
                      loopMap(loops, resultLoops)};
  SmallVector<utils::IteratorType> iterators;
  for (unsigned loop = 0; loop < loops; ++loop)
    iterators.push_back(llvm::is_contained(resultLoops, loop)
                            ? utils::IteratorType::parallel
                            : utils::IteratorType::reduction);
  Value init = filled(shape, constant(0));
  return linalg::GenericOp::create(
             *this, init.getType(), ValueRange{lhs, rhs}, init, maps, iterators,
             [&](OpBuilder &builder, Location loc, ValueRange x) {
               Emitter inner(loc, builder);
               Value product = arith::MulFOp::create(inner, x[0], x[1]);
               Value result = arith::AddFOp::create(inner, x[2], product);
               linalg::YieldOp::create(inner, result);
             })
      .getResult(0);
}

AffineMap Emitter::broadcastMap(Shape from, Shape to) {
  SmallVector<AffineExpr> results;
  size_t dropped = to.size() - from.size();
  for (auto [i, size] : llvm::enumerate(from))
    results.push_back(size == to[dropped + i] ? getAffineDimExpr(dropped + i)
                                              : getAffineConstantExpr(0));
  return AffineMap::get(to.size(), 0, results, getContext());
}

AffineMap Emitter::reducedMap(unsigned rank, Shape axes) {
  SmallVector<unsigned> kept;
  for (unsigned i = 0; i < rank; ++i)
    if (!llvm::is_contained(axes, int64_t(i)))
      kept.push_back(i);
  return loopMap(rank, kept);
}

AffineMap Emitter::loopMap(unsigned loops, ArrayRef<unsigned> dims) {
  auto results = llvm::map_to_vector(
      dims, [&](unsigned dim) { return getAffineDimExpr(dim); });
  return AffineMap::get(loops, 0, results, getContext());
}
