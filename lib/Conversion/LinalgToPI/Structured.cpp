//===- Structured.cpp - Loops over tensors --------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Every op of linalg with a body is one: a name says no more than indexing
/// maps, iterators and the body do. Operands are brought to the order of the
/// loops, the body is evaluated on whole tensors, and what the loops sum up is
/// a matrix product or a sum.
///
//===----------------------------------------------------------------------===//

#include "Translator.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/Sequence.h"
#include "llvm/ADT/SetVector.h"

#include <limits>

using namespace mlir;
using namespace aero;
using namespace aero::linalgtopi;

//===----------------------------------------------------------------------===//
// Operands
//===----------------------------------------------------------------------===//

FailureOr<Value> Translator::dropConstants(Value value, AffineMap map,
                                           SmallVectorImpl<unsigned> &loops) {
  SmallVector<int64_t> kept;
  for (auto [axis, expr] : llvm::enumerate(map.getResults())) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr)) {
      if (llvm::is_contained(loops, dim.getPosition()))
        return fail("it reads a diagonal");
      loops.push_back(dim.getPosition());
      kept.push_back(shapeOf(value)[axis]);
      continue;
    }
    auto place = dyn_cast<AffineConstantExpr>(expr);
    if (!place)
      return fail("an indexing map is not a projected permutation");
    value = builder.slice(value, axis, place.getValue(), 1);
  }
  return builder.reshape(value, kept);
}

unsigned Translator::getPosition(unsigned loop) const {
  return llvm::find(loopIds, loop) - loopIds.begin();
}

FailureOr<Value> Translator::lift(Value value, AffineMap map) {
  // What repeats elements for these loops need not.
  auto repeated = value.getDefiningOp<pi::BroadcastOp>();
  if (repeated && tensorOf(repeated.getInput()).getNumElements() == 1)
    return builder.reshape(repeated.getInput(), {});
  SmallVector<unsigned> loops;
  auto kept = dropConstants(value, map, loops);
  if (failed(kept))
    return failure();
  if (repeated && *kept == value && loops == loopIds)
    return repeated.getInput();
  auto order = llvm::to_vector(llvm::seq<int64_t>(0, loops.size()));
  llvm::sort(order, [&](int64_t a, int64_t b) { return loops[a] < loops[b]; });
  Value ordered = builder.transpose(*kept, order);
  SmallVector<int64_t> shape;
  if (!loops.empty())
    for (unsigned i = getPosition(*llvm::min_element(loops));
         i < loopIds.size(); ++i)
      shape.push_back(llvm::is_contained(loops, loopIds[i]) ? loopShape[i] : 1);
  return builder.reshape(ordered, shape);
}

LogicalResult Translator::bindInputs(linalg::LinalgOp op, Only only) {
  Block *body = op.getBlock();
  for (OpOperand &operand : op->getOpOperands()) {
    // Old forms of linalg.map have no argument for the result.
    if (operand.getOperandNumber() >= body->getNumArguments())
      continue;
    BlockArgument argument = body->getArgument(operand.getOperandNumber());
    if (argument.use_empty() || !only(argument))
      continue;
    auto value = get(operand.get());
    if (failed(value))
      return failure();
    auto lifted = lift(*value, op.getMatchingIndexingMap(&operand));
    if (failed(lifted))
      return failure();
    values[argument] = *lifted;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// The body
//===----------------------------------------------------------------------===//

/// tensor.extract %table[%id, column]  ->  pi.embedding %table[%ids]
/// tensor.extract %x[i, constant, j]   ->  pi.take %x
FailureOr<Value> Translator::buildLookup(tensor::ExtractOp op) {
  auto source = get(op.getTensor());
  if (failed(source))
    return failure();
  Value input = *source;
  Shape shape = shapeOf(input);
  // The dimensions that run with a loop, and the one that does not.
  SmallVector<int64_t> loopOf(shape.size(), -1);
  int64_t axis = -1;
  for (auto [i, index] : llvm::enumerate(op.getIndices())) {
    if (auto loop = index.getDefiningOp<linalg::IndexOp>()) {
      loopOf[i] = loop.getDim();
      continue;
    }
    if (axis >= 0)
      return fail("tensor.extract has two computed indices");
    axis = i;
  }
  if (axis < 0)
    return fail("tensor.extract has no computed index");
  auto index = get(op.getIndices()[axis]);
  if (failed(index))
    return failure();

  // The indices in the shape of the loops, from the right.
  Shape loops(loopShape);
  SmallVector<int64_t> own(loops.size() - shapeOf(*index).size(), 1);
  llvm::append_range(own, shapeOf(*index));
  if (shape.size() == 2 && axis == 0 && !loops.empty() &&
      loopOf[1] == static_cast<int64_t>(loops.size()) - 1 &&
      shape[1] == loops.back() && own.back() == 1 &&
      tensorOf(input).getElementType().isF32()) {
    Value ids = builder.reshape(*index, Shape(own).drop_back());
    ids = builder.broadcast(ids, loops.drop_back());
    return Value(pi::EmbeddingOp::create(builder, input, ids));
  }

  Operation *indices = index->getDefiningOp();
  while (isa_and_present<pi::ReshapeOp>(indices))
    indices = indices->getOperand(0).getDefiningOp();
  auto constant = dyn_cast_or_null<pi::ConstantOp>(indices);
  auto numbers = constant ? dyn_cast<DenseIntElementsAttr>(constant.getValue())
                          : DenseIntElementsAttr();
  bool isPlain = numbers && shape.size() == loops.size();
  for (int64_t i = 0, rank = shape.size(); isPlain && i < rank; ++i)
    isPlain = i == axis
                  ? own[i] == numbers.getNumElements() && own[i] == loops[i]
                  : loopOf[i] == i && shape[i] == loops[i] && own[i] == 1;
  if (!isPlain)
    return fail("tensor.extract looks up neither rows of a matrix nor constant "
                "places of one dimension");
  SmallVector<int64_t> places;
  for (const APInt &number : numbers.getValues<APInt>()) {
    places.push_back(number.getSExtValue());
    if (places.back() < 0 || places.back() >= shape[axis])
      return fail("tensor.extract is out of range");
  }
  return Value(pi::TakeOp::create(builder, input, axis, places));
}

LogicalResult Translator::evaluateBody(linalg::LinalgOp op, Only only) {
  for (Operation &inner : op.getBlock()->without_terminator()) {
    if (inner.getNumResults() == 1 && !only(inner.getResult(0)))
      continue;
    if (failed(checkTypes(&inner)))
      return failure();
    if (auto index = dyn_cast<linalg::IndexOp>(inner)) {
      unsigned dim = getPosition(index.getDim());
      values[index] = builder.range(loopShape[dim], loopShape.size() - dim);
      continue;
    }
    Result made = failure();
    if (auto extract = dyn_cast<tensor::ExtractOp>(inner);
        extract && !extract.getIndices().empty()) {
      made = buildLookup(extract);
    } else if (extract) {
      made = get(extract.getTensor());
    } else if (isElementOp(&inner)) {
      SmallVector<Value> operands;
      for (Value operand : inner.getOperands()) {
        auto value = get(operand);
        if (failed(value))
          return failure();
        operands.push_back(*value);
      }
      made = buildElementOp(&inner, operands);
      if (failed(made))
        return fail("its " + inner.getName().getStringRef() + ": " + reason);
    } else {
      return fail("its body has " + inner.getName().getStringRef());
    }
    if (failed(made))
      return failure();
    values[inner.getResult(0)] = *made;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Loops
//===----------------------------------------------------------------------===//

LogicalResult Translator::translateStructured(linalg::LinalgOp op) {
  loopShape = op.getStaticLoopRanges();
  loopIds = llvm::to_vector(llvm::seq<unsigned>(0, loopShape.size()));
  if (llvm::is_contained(loopShape, 0))
    return fail("it is over no elements");
  if (op.getNumReductionLoops() == 0)
    return translateParallel(op);
  if (op->getNumResults() != 1)
    return fail("it reduces to more than one result");
  auto made = buildReduction(op);
  if (failed(made))
    return failure();
  values[op->getResult(0)] = *made;
  return success();
}

/// `value`, of which dimension i belongs to loop order[i], as `map` writes it.
static FailureOr<Value> store(TensorBuilder &builder, Value value,
                              ArrayRef<unsigned> order, AffineMap map) {
  if (map.getNumResults() != order.size())
    return failure();
  SmallVector<int64_t> permutation;
  for (AffineExpr expr : map.getResults()) {
    auto dim = dyn_cast<AffineDimExpr>(expr);
    const auto *at = dim ? llvm::find(order, dim.getPosition()) : order.end();
    if (at == order.end() ||
        llvm::is_contained(permutation, at - order.begin()))
      return failure();
    permutation.push_back(at - order.begin());
  }
  return builder.transpose(value, permutation);
}

static constexpr char kPartialResult[] =
    "it does not write each element of its result once";

LogicalResult Translator::translateParallel(linalg::LinalgOp op) {
  auto all = [](Value) { return true; };
  if (failed(bindInputs(op, all)) || failed(evaluateBody(op, all)))
    return failure();
  auto yield = cast<linalg::YieldOp>(op.getBlock()->getTerminator());
  for (auto [i, operand] : llvm::enumerate(yield.getOperands())) {
    auto value = get(operand);
    if (failed(value))
      return failure();
    auto stored = store(builder, builder.broadcast(*value, loopShape), loopIds,
                        op.getMatchingIndexingMap(op.getDpsInitOperand(i)));
    if (failed(stored))
      return fail(kPartialResult);
    values[op->getResult(i)] = *stored;
  }
  return success();
}

//===----------------------------------------------------------------------===//
// Sums
//===----------------------------------------------------------------------===//

/// sum over j of (j <= i ? x[j] : 0)  ->  pi.cumsum
FailureOr<Value> Translator::buildCumSum(linalg::LinalgOp op,
                                         Operation *combiner) {
  Block *body = op.getBlock();
  unsigned rank = loopShape.size() - 1;
  if (op.getNumDpsInputs() != 1 ||
      op.getIteratorTypesArray().back() != utils::IteratorType::reduction)
    return failure();
  arith::SelectOp select;
  for (Value operand : combiner->getOperands())
    if (auto found = operand.getDefiningOp<arith::SelectOp>())
      select = found;
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpIOp>()
                        : arith::CmpIOp();
  if (!compare || select.getTrueValue() != body->getArgument(0))
    return failure();
  auto nothing = select.getFalseValue().getDefiningOp<arith::ConstantOp>();
  auto isZero = [](Attribute value) {
    if (auto number = dyn_cast<FloatAttr>(value))
      return number.getValue().isZero();
    auto number = dyn_cast<IntegerAttr>(value);
    return number && number.getValue().isZero();
  };
  if (!nothing || !isZero(nothing.getValue()))
    return failure();
  auto earlier = compare.getLhs().getDefiningOp<linalg::IndexOp>();
  auto later = compare.getRhs().getDefiningOp<linalg::IndexOp>();
  arith::CmpIPredicate predicate = compare.getPredicate();
  if (predicate == arith::CmpIPredicate::sge ||
      predicate == arith::CmpIPredicate::uge)
    std::swap(earlier, later);
  else if (predicate != arith::CmpIPredicate::sle &&
           predicate != arith::CmpIPredicate::ule)
    return failure();
  if (!earlier || !later || earlier.getDim() != rank)
    return failure();
  unsigned axis = later.getDim();
  // Everything as it is, but the dimension of the sum.
  AffineMap input = op.getMatchingIndexingMap(op.getDpsInputOperand(0));
  AffineMap result = op.getMatchingIndexingMap(op.getDpsInitOperand(0));
  if (axis == rank || input.getNumResults() != rank ||
      result != AffineMap::getMultiDimIdentityMap(rank + 1, op.getContext())
                    .getMajorSubMap(rank))
    return failure();
  for (unsigned i = 0; i < rank; ++i)
    if (input.getResult(i) !=
        getAffineDimExpr(i == axis ? rank : i, op.getContext()))
      return failure();
  if (loopShape[axis] != loopShape[rank])
    return failure();
  auto value = get(op.getDpsInputOperand(0)->get());
  auto start = get(op.getDpsInitOperand(0)->get());
  if (failed(value) || failed(start) || !getSplat(*start) ||
      !isZero(getSplat(*start)))
    return failure();
  return Value(pi::CumSumOp::create(builder, value->getType(), *value, axis));
}

/// Holds the place of a maximum: pi has none.
bool linalgtopi::isMaximum(Operation *op) {
  return isa<UnrealizedConversionCastOp>(op);
}

FailureOr<Value> Translator::buildMaximum(Value term, Shape axes, Value start) {
  SmallVector<int64_t> real;
  for (int64_t axis : axes)
    if (loopShape[axis] != 1)
      real.push_back(axis);
  if (real.size() > 1)
    return fail("pi has a maximum along one dimension only, in softmax");
  std::optional<float> least = getFloatConstant(start);
  if (!least || *least > std::numeric_limits<float>::lowest())
    return fail("its maximum does not start at the least number");
  Value result = term;
  if (!real.empty()) {
    SmallVector<int64_t> kept(loopShape);
    kept[real.front()] = 1;
    result = UnrealizedConversionCastOp::create(
                 builder, tensorOf(term).clone(kept), term)
                 .getResult(0);
  }
  SmallVector<int64_t> shape;
  for (auto [i, size] : llvm::enumerate(loopShape))
    if (!llvm::is_contained(axes, static_cast<int64_t>(i)))
      shape.push_back(size);
  return builder.reshape(result, shape);
}

FailureOr<Value> Translator::buildReduction(linalg::LinalgOp op) {
  Block *body = op.getBlock();
  OpOperand *init = op.getDpsInitOperand(0);
  BlockArgument sum = op.getMatchingBlockArgument(init);
  auto yield = cast<linalg::YieldOp>(body->getTerminator());
  Operation *combiner = yield.getOperand(0).getDefiningOp();
  Value term;
  if (combiner && combiner->getNumOperands() == 2 && sum.hasOneUse() &&
      sum.getUses().begin()->getOwner() == combiner)
    term = combiner->getOperand(combiner->getOperand(0) == sum ? 1 : 0);
  bool adds = isa_and_present<arith::AddFOp>(combiner);
  bool isMaximum =
      isa_and_present<arith::MaximumFOp, arith::MaxNumFOp>(combiner);
  if (!term ||
      !isa<arith::AddFOp, arith::AddIOp, arith::MaximumFOp, arith::MaxNumFOp>(
          combiner))
    return fail("it reduces by something else than a sum");
  auto start = get(init->get());
  if (failed(start))
    return failure();
  if (!isMaximum) {
    auto made = buildCumSum(op, combiner);
    if (succeeded(made))
      return made;
  }
  if (isa<arith::AddIOp>(combiner))
    return fail("pi has no sum of integers");

  auto addStart = [&](Value value) -> Value {
    if (getFloatConstant(*start) == 0.0f)
      return value;
    Value added = *start;
    if (auto repeated = added.getDefiningOp<pi::BroadcastOp>())
      added = repeated.getInput();
    return pi::AddOp::create(builder, value, added);
  };
  if (auto product = term.getDefiningOp<arith::MulFOp>(); adds && product) {
    reason.clear();
    auto made = buildContraction(op, product.getLhs(), product.getRhs());
    if (succeeded(made))
      return addStart(*made);
    if (!reason.empty())
      return failure();
  }

  SmallVector<int64_t> axes;
  SmallVector<unsigned> order;
  for (auto [i, iterator] : llvm::enumerate(op.getIteratorTypesArray())) {
    if (iterator == utils::IteratorType::reduction)
      axes.push_back(i);
    else
      order.push_back(i);
  }
  auto isTerm = [&](Value value) {
    return value != sum && value.getDefiningOp() != combiner;
  };
  if (failed(bindInputs(op, isTerm)) || failed(evaluateBody(op, isTerm)))
    return failure();
  auto terms = get(term);
  if (failed(terms))
    return failure();
  Value all = builder.broadcast(*terms, loopShape);
  Result made = failure();
  if (isMaximum)
    made = buildMaximum(all, axes, *start);
  else
    made = Value(pi::ReduceSumOp::create(builder, all, axes,
                                         /*keepdims=*/false));
  if (failed(made))
    return failure();
  auto stored = store(builder, *made, order, op.getMatchingIndexingMap(init));
  if (failed(stored))
    return fail(kPartialResult);
  return isMaximum ? *stored : addStart(*stored);
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// What `value` of the body is, in the loops that it depends on.
FailureOr<Translator::Factor> Translator::buildFactor(linalg::LinalgOp op,
                                                      Value value) {
  Factor factor;
  auto operandOf = [&](Value argument) {
    return &op->getOpOperand(cast<BlockArgument>(argument).getArgNumber());
  };
  auto isArgument = [&](Value v) {
    auto argument = dyn_cast<BlockArgument>(v);
    return argument && argument.getOwner() == op.getBlock();
  };
  if (isArgument(value)) {
    OpOperand *operand = operandOf(value);
    auto input = get(operand->get());
    if (failed(input))
      return failure();
    auto kept =
        dropConstants(*input, op.getMatchingIndexingMap(operand), factor.loops);
    if (failed(kept))
      return failure();
    factor.value = *kept;
    return factor;
  }

  // What it is computed from.
  llvm::SetVector<Value> slice;
  slice.insert(value);
  for (unsigned i = 0; i < slice.size(); ++i) {
    Value part = slice[i];
    if (isArgument(part)) {
      AffineMap map = op.getMatchingIndexingMap(operandOf(part));
      for (AffineExpr expr : map.getResults())
        if (auto dim = dyn_cast<AffineDimExpr>(expr);
            dim && !factor.has(dim.getPosition()))
          factor.loops.push_back(dim.getPosition());
    } else if (Operation *inner = part.getDefiningOp();
               inner && inner->getBlock() == op.getBlock()) {
      if (isa<tensor::ExtractOp>(inner))
        return failure();
      if (auto index = dyn_cast<linalg::IndexOp>(inner);
          index && !factor.has(index.getDim()))
        factor.loops.push_back(index.getDim());
      slice.insert_range(inner->getOperands());
    }
  }
  llvm::sort(factor.loops);
  auto restore = llvm::scope_exit([this, ids = loopIds, shape = loopShape] {
    loopIds = ids;
    loopShape = shape;
  });
  SmallVector<int64_t> shape;
  for (unsigned loop : factor.loops)
    shape.push_back(loopShape[loop]);
  loopIds = factor.loops;
  loopShape = shape;
  auto isPart = [&](Value part) { return slice.contains(part); };
  if (failed(bindInputs(op, isPart)) || failed(evaluateBody(op, isPart)))
    return failure();
  auto made = get(value);
  if (failed(made))
    return failure();
  factor.value = builder.broadcast(*made, loopShape);
  return factor;
}

/// Fails without a reason if the loops are not those of a matrix product.
FailureOr<Value> Translator::buildContraction(linalg::LinalgOp op, Value left,
                                              Value right) {
  using Loops = SmallVector<unsigned>;
  auto lhsFactor = buildFactor(op, left), rhsFactor = buildFactor(op, right);
  if (failed(lhsFactor) || failed(rhsFactor))
    return failure();
  Factor lhs = std::move(*lhsFactor), rhs = std::move(*rhsFactor);
  Loops batch, rows, columns, inner;
  for (auto [i, iterator] : llvm::enumerate(op.getIteratorTypesArray())) {
    bool isSummed = iterator == utils::IteratorType::reduction;
    if (lhs.has(i) && rhs.has(i))
      (isSummed ? inner : batch).push_back(i);
    else if (isSummed || (!lhs.has(i) && !rhs.has(i)))
      return failure();
    else
      (lhs.has(i) ? rows : columns).push_back(i);
  }
  // Of what has the same loops, the products are summed without more ado.
  if (inner.empty() || (rows.empty() && columns.empty()))
    return failure();

  auto sizeOf = [&](ArrayRef<unsigned> loops) {
    int64_t size = 1;
    for (unsigned loop : loops)
      size *= loopShape[loop];
    return size;
  };
  // The dimensions in this order, those of each group behind `batch` joined.
  auto arrange = [&](const Factor &factor, ArrayRef<unsigned> first,
                     ArrayRef<unsigned> second, bool keepFirst) {
    Loops order = batch;
    llvm::append_range(order, first);
    llvm::append_range(order, second);
    SmallVector<int64_t> permutation, shape;
    for (unsigned loop : order)
      permutation.push_back(llvm::find(factor.loops, loop) -
                            factor.loops.begin());
    for (unsigned loop : batch)
      shape.push_back(loopShape[loop]);
    if (keepFirst)
      for (unsigned loop : first)
        shape.push_back(loopShape[loop]);
    else
      shape.push_back(sizeOf(first));
    shape.push_back(sizeOf(second));
    return builder.reshape(builder.transpose(factor.value, permutation), shape);
  };
  // Rows of a batch may be rows of several dimensions: x (.., K) times (K, N).
  bool keepRows = batch.empty() && rows.size() > 1;
  Value product =
      pi::MatMulOp::create(builder, arrange(lhs, rows, inner, keepRows),
                           arrange(rhs, inner, columns, /*keepFirst=*/false));
  Loops order = batch;
  llvm::append_range(order, rows);
  llvm::append_range(order, columns);
  auto shape = llvm::map_to_vector(
      order, [&](unsigned loop) { return loopShape[loop]; });
  auto stored = store(builder, builder.reshape(product, shape), order,
                      op.getMatchingIndexingMap(op.getDpsInitOperand(0)));
  if (failed(stored))
    return fail(kPartialResult);
  return stored;
}
