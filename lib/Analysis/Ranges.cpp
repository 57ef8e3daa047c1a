//===- Ranges.cpp - Proved bounds of a network's values -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/Ranges.h"

#include "aero/Support/Elements.h"

#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>
#include <limits>
#include <numeric>

using namespace mlir;
using namespace aero;
using namespace aero::pi;

/// What a division by a root mean square, or an activation, may add to a value
/// that is computed approximately: lib/Runtime/Ops states 2e-5 and 6e-4.
static constexpr double kRelativeSlack = 1.01, kAbsoluteSlack = 0.01;

static double norm(ArrayRef<double> columns) {
  double sum = 0;
  for (double column : columns)
    sum += column * column;
  return std::sqrt(sum);
}

static size_t lastDim(Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  return type.getRank() ? size_t(type.getShape().back()) : 1;
}

/// The elements of a weight or constant of float type; nothing if it is neither
/// or its data are not there.
static ElementsData<float> readFloats(Value value) {
  ElementsAttr attr;
  if (auto weight = value.getDefiningOp<WeightOp>())
    attr = weight.getValue();
  else if (auto constant = value.getDefiningOp<ConstantOp>())
    attr = constant.getValue();
  if (!attr || !attr.getElementType().isF32())
    return {};
  llvm::Expected<ElementsData<float>> data = getFloatData(attr);
  if (!data) {
    llvm::consumeError(data.takeError());
    return {};
  }
  return *data;
}

//===----------------------------------------------------------------------===//
// Arithmetic on ranges
//===----------------------------------------------------------------------===//

RangeAnalysis::Range RangeAnalysis::scaled(const Range &range,
                                           double factor) const {
  Range result = range;
  double unit = precision.activationUnit;
  for (double &column : result.columns)
    column = column * factor + unit;
  result.rowNorm =
      range.rowNorm * factor + unit * std::sqrt(double(range.columns.size()));
  return result;
}

RangeAnalysis::Range RangeAnalysis::added(const Range &x,
                                          const Range &y) const {
  if (x.columns.empty() || x.columns.size() != y.columns.size())
    return {};
  Range result = x;
  for (auto [to, column] : llvm::zip_equal(result.columns, y.columns))
    to += column + 2 * precision.activationUnit;
  result.rowNorm = std::min(x.rowNorm + y.rowNorm +
                                2 * precision.activationUnit *
                                    std::sqrt(double(x.columns.size())),
                            norm(result.columns));
  return result;
}

RangeAnalysis::Range RangeAnalysis::constant(Value value,
                                             size_t columns) const {
  ElementsData<float> data = readFloats(value);
  if (data.size() == 0)
    return {};
  Range range;
  range.columns.assign(columns, 0);
  size_t width = lastDim(value);
  if (width != columns && width != 1)
    return {};
  double longest = 0;
  for (size_t first = 0; first < data.size(); first += width) {
    double sum = 0;
    for (size_t j = 0; j < columns; ++j) {
      double element = std::fabs(double(data[first + (width == 1 ? 0 : j)]));
      range.columns[j] = std::max(range.columns[j], element);
      sum += element * element;
    }
    longest = std::max(longest, sum);
  }
  range.rowNorm = std::sqrt(longest);
  return range;
}

const RangeAnalysis::Range *RangeAnalysis::find(Value value) const {
  auto found = ranges.find(value);
  return found == ranges.end() || found->second.columns.empty()
             ? nullptr
             : &found->second;
}

RangeAnalysis::Range RangeAnalysis::get(Value value, size_t columns) const {
  const Range *range = find(value);
  if (!range)
    return constant(value, columns);
  return range->columns.size() == columns ? *range : Range();
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

/// |x W_j| <= |x| |W_j|, and rounding the weights to a unit u adds at most
/// u sqrt(K) |x|.
RangeAnalysis::Range RangeAnalysis::linear(LinearOp op) const {
  const Range *x = find(op.getInput());
  auto [weight, isTransposed] = getWeightMatrix(op.getWeight());
  if (!x || !weight)
    return {};
  ElementsData<float> data = readFloats(weight.getResult());
  size_t inner = x->columns.size(), columns = lastDim(op.getResult());
  if (data.size() != inner * columns)
    return {};
  std::vector<double> squares(columns, 0);
  for (size_t i = 0; i < (isTransposed ? columns : inner); ++i)
    for (size_t j = 0, e = isTransposed ? inner : columns; j < e; ++j) {
      double element = data[i * e + j];
      squares[isTransposed ? i : j] += element * element;
    }
  Range range;
  double rounding = precision.weightUnit * std::sqrt(double(inner));
  for (double square : squares)
    range.columns.push_back((std::sqrt(square) + rounding) * x->rowNorm +
                            2 * precision.activationUnit);
  range.rowNorm = norm(range.columns);
  if (!op.getBias())
    return range;
  return added(range, constant(op.getBias(), columns));
}

/// A row over its root mean square has the length sqrt(N).
RangeAnalysis::Range RangeAnalysis::normalized(Value gamma, Value beta,
                                               size_t columns) const {
  Range range;
  double length = std::sqrt(double(columns));
  range.columns.assign(columns, (length + kAbsoluteSlack) * kRelativeSlack);
  range.rowNorm = (length + kAbsoluteSlack * length) * kRelativeSlack;
  if (gamma) {
    Range factor = constant(gamma, columns);
    if (factor.columns.empty())
      return {};
    double most =
        *std::max_element(factor.columns.begin(), factor.columns.end());
    for (auto [to, by] : llvm::zip_equal(range.columns, factor.columns))
      to = to * (by + precision.weightUnit) + precision.activationUnit;
    range.rowNorm = std::min(range.rowNorm * (most + precision.weightUnit) +
                                 precision.activationUnit * length,
                             norm(range.columns));
  }
  return beta ? added(range, constant(beta, columns)) : range;
}

/// Each head's context is an average of its values; a head that sees no key has
/// zeros. The secure weights add up to 1 within the slack.
RangeAnalysis::Range RangeAnalysis::attention(AttentionOp op) const {
  const Range *v = find(op.getValue());
  if (!v)
    return {};
  size_t width = size_t(op.getHeadWidth()), heads = size_t(op.getHeads());
  size_t group = heads / size_t(op.getKeyHeadCount());
  Range range;
  for (size_t head = 0; head < heads; ++head)
    for (size_t j = 0; j < width; ++j)
      range.columns.push_back(v->columns[head / group * width + j] *
                                  kRelativeSlack +
                              kAbsoluteSlack);
  range.rowNorm = norm(range.columns);
  return range;
}

/// A rotation keeps the length of each pair. Some models scale their angles'
/// cosines and sines too, to reach longer prompts.
RangeAnalysis::Range RangeAnalysis::rotary(RotaryEmbeddingOp op) const {
  const Range *x = find(op.getInput());
  ElementsData<float> cosines = readFloats(op.getCos()),
                      sines = readFloats(op.getSin());
  if (!x || cosines.size() == 0 || cosines.size() != sines.size())
    return {};
  double factor = 1; // of the columns that are not rotated
  for (auto [cosine, sine] :
       llvm::zip_equal(ArrayRef<float>(cosines), ArrayRef<float>(sines)))
    factor = std::max(factor, std::hypot(double(cosine), double(sine)));
  factor *= kRelativeSlack;
  double most = *std::max_element(x->columns.begin(), x->columns.end());
  Range range = scaled(*x, factor);
  for (double &column : range.columns)
    column = most * M_SQRT2 * factor + kAbsoluteSlack;
  return range;
}

/// |f(x)| is at most factor |x|, up to the error of the secure form.
RangeAnalysis::Range RangeAnalysis::activation(Value input,
                                               double factor) const {
  const Range *x = find(input);
  if (!x)
    return {};
  Range range = scaled(*x, factor);
  for (double &column : range.columns)
    column += kAbsoluteSlack;
  range.rowNorm = norm(range.columns);
  return range;
}

RangeAnalysis::Range RangeAnalysis::concat(ConcatOp op) const {
  auto type = cast<RankedTensorType>(op.getResult().getType());
  bool joinsColumns = int64_t(op.getAxis()) == type.getRank() - 1;
  Range range;
  double squares = 0;
  for (Value input : op.getInputs()) {
    Range part = get(input, lastDim(input));
    if (part.columns.empty())
      return {};
    squares += part.rowNorm * part.rowNorm;
    range.rowNorm = std::max(range.rowNorm, part.rowNorm);
    if (joinsColumns || range.columns.empty())
      llvm::append_range(range.columns, part.columns);
    else
      for (auto [to, column] : llvm::zip_equal(range.columns, part.columns))
        to = std::max(to, column);
  }
  if (joinsColumns)
    range.rowNorm = std::sqrt(squares);
  return range;
}

void RangeAnalysis::visit(Operation &op) {
  auto set = [&](Range range) {
    if (!range.columns.empty())
      ranges[op.getResult(0)] = std::move(range);
  };
  llvm::TypeSwitch<Operation *>(&op)
      .Case([&](EmbeddingOp op) {
        size_t columns = lastDim(op.getResult());
        set(added(constant(op.getTable(), columns),
                  {std::vector<double>(columns, 0), 0}));
      })
      .Case([&](LinearOp op) { set(linear(op)); })
      .Case<AddOp, SubOp>([&](auto op) {
        size_t columns = lastDim(op.getResult());
        set(added(get(op.getLhs(), columns), get(op.getRhs(), columns)));
      })
      .Case([&](MulOp op) {
        size_t columns = lastDim(op.getResult());
        Range x = get(op.getLhs(), columns), y = get(op.getRhs(), columns);
        if (x.columns.empty() || y.columns.empty())
          return;
        // One of them may be a weight, rounded to its unit.
        for (auto [to, by] : llvm::zip_equal(x.columns, y.columns))
          to = (to + precision.weightUnit) * (by + precision.weightUnit) +
               2 * precision.activationUnit;
        x.rowNorm = norm(x.columns);
        set(std::move(x));
      })
      .Case([&](LayerNormOp op) {
        set(normalized(op.getGamma(), op.getBeta(), lastDim(op.getResult())));
      })
      .Case([&](RMSNormOp op) {
        set(normalized(op.getGamma(), {}, lastDim(op.getResult())));
      })
      .Case<GeluOp, ReluOp, SiluOp>(
          [&](auto op) { set(activation(op.getInput(), 1)); })
      .Case([&](LeakyReluOp op) {
        double slope = std::fabs(double(op.getSlope().convertToFloat()));
        set(activation(op.getInput(),
                       std::max(1.0, slope + precision.weightUnit)));
      })
      .Case([&](PReluOp op) {
        Range slope = constant(op.getSlope(), 1);
        if (!slope.columns.empty())
          set(activation(
              op.getInput(),
              std::max(1.0, slope.columns[0] + precision.weightUnit)));
      })
      .Case([&](ConcatOp op) { set(concat(op)); })
      .Case([&](AttentionOp op) { set(attention(op)); })
      .Case([&](SliceOp op) {
        const Range *x = find(op.getInput());
        if (!x)
          return;
        auto type = cast<RankedTensorType>(op.getResult().getType());
        Range range = *x;
        if (int64_t(op.getAxis()) == type.getRank() - 1) {
          auto first = x->columns.begin() + int64_t(op.getOffset());
          range.columns.assign(first, first + type.getShape().back());
          range.rowNorm = std::min(range.rowNorm, norm(range.columns));
        }
        set(std::move(range));
      })
      .Case([&](SelectTokenOp op) {
        if (const Range *x = find(op.getInput()))
          set(*x);
      })
      .Case([&](RotaryEmbeddingOp op) { set(rotary(op)); })
      .Case<ReshapeOp, TransposeOp>([&](auto op) {
        const Range *x = find(op.getInput());
        if (!x)
          return;
        double most = *std::max_element(x->columns.begin(), x->columns.end());
        Range range;
        if (lastDim(op.getResult()) == x->columns.size() && isa<ReshapeOp>(op))
          range = *x;
        else
          range.columns.assign(lastDim(op.getResult()), most);
        if (range.rowNorm == 0)
          range.rowNorm = norm(range.columns);
        set(std::move(range));
      });
}

RangeAnalysis::RangeAnalysis(func::FuncOp func, const RangePrecision &precision)
    : precision(precision) {
  if (func.isExternal() || !func.getBody().hasOneBlock())
    return;
  // Only what a bounded op reads: the vocabulary projection is large.
  llvm::DenseSet<Operation *> needed;
  Block &body = func.getBody().front();
  for (Operation &op : llvm::reverse(body)) {
    if (!isa<NonlinearOpInterface>(op) && !needed.contains(&op))
      continue;
    for (Value operand : op.getOperands())
      if (Operation *producer = operand.getDefiningOp())
        needed.insert(producer);
  }
  for (Operation &op : body)
    if (needed.contains(&op) && op.getNumResults() == 1)
      visit(op);
}

double RangeAnalysis::getBound(Value value) const {
  const Range *range = find(value);
  if (!range)
    return std::numeric_limits<double>::infinity();
  return *std::max_element(range->columns.begin(), range->columns.end());
}

double RangeAnalysis::getScoreBound(AttentionOp op) const {
  const Range *q = find(op.getQuery()), *k = find(op.getKey());
  if (!q || !k || op.getBias() || op.getTemperature())
    return std::numeric_limits<double>::infinity();
  size_t width = size_t(op.getHeadWidth()), heads = size_t(op.getHeads());
  size_t group = heads / size_t(op.getKeyHeadCount());
  double most = 0;
  for (size_t head = 0; head < heads; ++head) {
    ArrayRef<double> query(q->columns), key(k->columns);
    double left = std::min(norm(query.slice(head * width, width)), q->rowNorm);
    double right =
        std::min(norm(key.slice(head / group * width, width)), k->rowNorm);
    most = std::max(most, left * right);
  }
  return most * std::fabs(double(op.getScale().convertToFloat()));
}
