//===- RotaryTables.cpp - Cosines and sines of positions ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "RotaryTables.h"

#include "llvm/ADT/Sequence.h"

#include <cmath>

using namespace mlir;

namespace aero::pi {
namespace {

ArrayRef<int64_t> getShape(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

/// The operand of an op that treats all columns alike and keeps their order.
Value getColumnwiseInput(Operation *op) {
  if (isa<CosOp, SinOp, CastOp>(op))
    return op->getOperand(0);
  if (isa<MulOp, DivOp>(op)) {
    std::optional<ScalarOperand> scalar = matchScalarOperand(op);
    return scalar ? scalar->other : Value();
  }
  return {};
}

/// The same for ops that move rows only.
Value getRowwiseInput(Operation *op) {
  ArrayRef<int64_t> to = getShape(op->getResult(0));
  int64_t last = static_cast<int64_t>(to.size()) - 1;
  if (isa<ReshapeOp, BroadcastOp>(op)) {
    ArrayRef<int64_t> from = getShape(op->getOperand(0));
    return !from.empty() && from.back() == to.back() ? op->getOperand(0)
                                                     : Value();
  }
  if (auto transpose = dyn_cast<TransposeOp>(op))
    return transpose.getPermutation().back() == last ? transpose.getInput()
                                                     : Value();
  if (auto slice = dyn_cast<SliceOp>(op))
    return static_cast<int64_t>(slice.getAxis()) != last ? slice.getInput()
                                                         : Value();
  if (auto take = dyn_cast<TakeOp>(op))
    return static_cast<int64_t>(take.getAxis()) != last ? take.getInput()
                                                        : Value();
  if (auto embedding = dyn_cast<EmbeddingOp>(op))
    return embedding.getTable();
  return {};
}

/// Where column `column` of `op` is taken from, for ops that move columns.
std::optional<std::pair<Value, int64_t>> getColumnSource(Operation *op,
                                                         int64_t column) {
  int64_t last = static_cast<int64_t>(getShape(op->getResult(0)).size()) - 1;
  if (auto slice = dyn_cast<SliceOp>(op))
    if (static_cast<int64_t>(slice.getAxis()) == last)
      return {{slice.getInput(), column + slice.getOffset()}};
  if (auto take = dyn_cast<TakeOp>(op))
    if (static_cast<int64_t>(take.getAxis()) == last)
      return {{take.getInput(), take.getIndices()[column]}};
  if (auto concat = dyn_cast<ConcatOp>(op))
    if (static_cast<int64_t>(concat.getAxis()) == last)
      for (Value part : concat.getInputs()) {
        int64_t width = getShape(part).back();
        if (column < width)
          return {{part, column}};
        column -= width;
      }
  // pi.reshape (pi.concat (pi.reshape %a : ..xn -> ..xnx1), ..) : ..x(2 n)
  // and pi.reshape (pi.broadcast (pi.reshape %a)): each column twice in a row.
  auto merge = dyn_cast<ReshapeOp>(op);
  Operation *inner = merge ? merge.getInput().getDefiningOp() : nullptr;
  if (!isa_and_present<ConcatOp, BroadcastOp>(inner))
    return std::nullopt;
  ArrayRef<int64_t> pairs = getShape(inner->getResult(0));
  ArrayRef<int64_t> to = getShape(merge);
  if (pairs.size() < 2 || pairs.drop_back(2) != to.drop_back() ||
      pairs[pairs.size() - 1] * pairs[pairs.size() - 2] != to.back())
    return std::nullopt;
  int64_t count = pairs.back();
  Value part = inner->getOperand(0);
  if (auto concat = dyn_cast<ConcatOp>(inner)) {
    if (concat.getAxis() != pairs.size() - 1 ||
        static_cast<int64_t>(concat.getInputs().size()) != count)
      return std::nullopt;
    part = concat.getInputs()[column % count];
  }
  if (getShape(part).size() != pairs.size() || getShape(part).back() != 1)
    return std::nullopt;
  auto widen = part.getDefiningOp<ReshapeOp>();
  if (!widen || getShape(widen.getInput()).empty() ||
      getShape(widen.getInput()).back() != pairs[pairs.size() - 2])
    return std::nullopt;
  return {{widen.getInput(), column / count}};
}

bool areSameInConstant(Value stored, int64_t first, int64_t second) {
  std::optional<ElementsData<float>> data = readFloats(stored);
  if (!data)
    return false;
  int64_t width = getShape(stored).back();
  for (size_t row = 0; row + width <= data->size(); row += width)
    if ((*data)[row + first] != (*data)[row + second])
      return false;
  return true;
}

/// The constant, parameter, cosine or sine that the rows and columns of `value`
/// are taken from; null if it is something else.
Operation *findTable(Value value) {
  Operation *op = value.getDefiningOp();
  while (op && !isa<ConstantOp, WeightOp, CosOp, SinOp>(op)) {
    Value next = getRowwiseInput(op);
    if (!next)
      next = getColumnwiseInput(op);
    if (!next)
      if (auto source = getColumnSource(op, 0))
        next = source->first;
    op = next ? next.getDefiningOp() : nullptr;
  }
  return op;
}

/// The columns `columns` of `value`, with its other dimensions in row-major
/// order.
Value selectColumns(OpBuilder &builder, Location loc, Value value,
                    ArrayRef<int64_t> columns) {
  Operation *op = value.getDefiningOp();
  if (std::optional<ElementsData<float>> data = readFloats(value)) {
    size_t width = getShape(value).back();
    std::vector<float> values;
    for (size_t row = 0; row < data->size(); row += width)
      for (int64_t column : columns)
        values.push_back((*data)[row + column]);
    SmallVector<int64_t> shape(getShape(value));
    shape.back() = columns.size();
    return createConstant(builder, loc, shape, std::move(values));
  }
  // Half of the cosines is the cosines of half of the angles.
  if (isa_and_present<CosOp, SinOp>(op)) {
    Value angles = selectColumns(builder, loc, op->getOperand(0), columns);
    if (isa<CosOp>(op))
      return CosOp::create(builder, op->getLoc(), angles);
    return SinOp::create(builder, op->getLoc(), angles);
  }
  if (auto reshape = dyn_cast_or_null<ReshapeOp>(op))
    if (getRowwiseInput(op))
      return selectColumns(builder, loc, reshape.getInput(), columns);
  if (auto embedding = dyn_cast_or_null<EmbeddingOp>(op);
      embedding && readFloats(embedding.getTable()))
    return EmbeddingOp::create(
        builder, op->getLoc(),
        selectColumns(builder, loc, embedding.getTable(), columns),
        embedding.getIndices());
  if (op) {
    SmallVector<int64_t> mapped;
    Value from;
    for (int64_t column : columns) {
      auto source = getColumnSource(op, column);
      if (!source || (from && from != source->first)) {
        from = {};
        break;
      }
      from = source->first;
      mapped.push_back(source->second);
    }
    if (from)
      return selectColumns(builder, loc, from, mapped);
  }
  int64_t width = getShape(value).back();
  if (llvm::equal(columns, llvm::seq<int64_t>(0, width)))
    return value;
  SmallVector<int64_t> shape(getShape(value));
  int64_t axis = static_cast<int64_t>(shape.size()) - 1;
  if (llvm::equal(columns,
                  llvm::seq<int64_t>(columns.front(),
                                     columns.front() + columns.size())))
    return SliceOp::create(builder, loc, value, axis, columns.front(),
                           columns.size());
  shape.back() = columns.size();
  return TakeOp::create(builder, loc,
                        cast<RankedTensorType>(value.getType()).clone(shape),
                        value, axis, columns);
}

} // namespace

bool isAngleTable(Value value, MulOp product) {
  if (getShape(value).empty())
    return false;
  return value.getType() != product.getType() || findTable(value);
}

std::string whyNotAngles(Value cos, Value sin) {
  Operation *tables[] = {findTable(cos), findTable(sin)};
  if (!isa_and_present<WeightOp>(tables[0]) &&
      !isa_and_present<WeightOp>(tables[1]))
    return "";
  std::optional<ElementsData<float>> data[2];
  for (int i = 0; i < 2; ++i)
    if (isa_and_present<WeightOp>(tables[i]))
      data[i] = readFloats(tables[i]->getResult(0));
  if (!data[0] || !data[1] || data[0]->size() != data[1]->size() ||
      data[0]->size() == 0)
    return "one of the tables is a parameter that cannot be read";
  auto getSum = [&](size_t i) {
    double c = (*data[0])[i], s = (*data[1])[i];
    return c * c + s * s;
  };
  double expected = getSum(0);
  for (size_t i = 0; i < data[0]->size(); ++i)
    if (!(std::abs(getSum(i) - expected) <= 1e-3 * expected))
      return "the tables are parameters, and no cosines and sines";
  return "";
}

bool areSameColumns(Value table, int64_t first, int64_t second) {
  while (first != second) {
    Operation *op = table.getDefiningOp();
    if (!op)
      return false;
    if (isa<ConstantOp, WeightOp>(op))
      return areSameInConstant(table, first, second);
    if (Value next = getColumnwiseInput(op)) {
      table = next;
      continue;
    }
    if (Value next = getRowwiseInput(op)) {
      table = next;
      continue;
    }
    auto one = getColumnSource(op, first), other = getColumnSource(op, second);
    if (!one || !other || one->first != other->first)
      return false;
    table = one->first;
    first = one->second;
    second = other->second;
  }
  return true;
}

Value AngleTable::create(OpBuilder &builder, Location loc) const {
  Value selected = selectColumns(builder, loc, value, columns);
  SmallVector<int64_t> shape = {batch, tokens,
                                static_cast<int64_t>(columns.size())};
  if (batch == 1)
    shape.erase(shape.begin());
  if (getShape(selected) == ArrayRef<int64_t>(shape))
    return selected;
  return ReshapeOp::create(builder, loc, selected, shape);
}

} // namespace aero::pi
