//===- RaiseRotary.cpp - Rotary embeddings from arithmetic ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Exporters rotate the columns of a head in many ways: halves swapped and
/// negated, even and odd columns, parts that are cut off and joined again. So
/// each column of the result is worked out as a sum of columns of the input
/// times columns of two tables, and these sums are compared with a rotation.
///
//===----------------------------------------------------------------------===//

#include "RotaryTables.h"

#include "AttentionHeads.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace aero::pi {
namespace {

ArrayRef<int64_t> getShape(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

//===----------------------------------------------------------------------===//
// Columns as sums
//===----------------------------------------------------------------------===//

/// sign * input[column] * table[tableColumn], or without a table.
struct Term {
  double sign;
  int64_t column;
  Value table;
  int64_t tableColumn = 0;
};
using Sum = SmallVector<Term, 2>;

/// The columns of a value of rank 4, or of rank 5 where they are cut in pairs.
struct Columns {
  SmallVector<int64_t, 2> shape;
  SmallVector<Sum> sums;
};

/// Works out the columns of a value. The first three dimensions, batch, heads
/// and tokens in some order, stay as they are.
class ColumnEvaluator {
public:
  std::optional<Columns> evaluate(Value value);

  /// What all columns are made of.
  Value getInput() const { return input; }
  ArrayRef<Operation *> getOps() const { return ops.getArrayRef(); }

private:
  std::optional<Columns> useAsInput(Value value);
  std::optional<Columns> evaluateOp(Operation *op);
  std::optional<Columns> evaluateReshape(ReshapeOp op);
  std::optional<Columns> evaluateConcat(ConcatOp op);
  std::optional<Columns> evaluateSum(Operation *op, double sign);
  std::optional<Columns> evaluateProduct(MulOp op);
  std::optional<Columns> select(Value from, int64_t axis,
                                llvm::function_ref<int64_t(int64_t)> index,
                                int64_t count);

  Value input;
  SetVector<Operation *> ops;
};

std::optional<Columns> ColumnEvaluator::useAsInput(Value value) {
  if (getShape(value).size() != 4 || (input && input != value))
    return std::nullopt;
  input = value;
  Columns columns;
  int64_t width = getShape(value).back();
  columns.shape = {width};
  for (int64_t i = 0; i < width; ++i)
    columns.sums.push_back({Term{1, i, Value()}});
  return columns;
}

std::optional<Columns>
ColumnEvaluator::select(Value from, int64_t axis,
                        llvm::function_ref<int64_t(int64_t)> index,
                        int64_t count) {
  std::optional<Columns> columns = evaluate(from);
  if (!columns)
    return std::nullopt;
  bool isPair = axis == 4;
  int64_t inner = columns->shape.size() == 2 ? columns->shape[1] : 1;
  Columns result;
  result.shape = columns->shape;
  result.shape[isPair ? 1 : 0] = count;
  if (isPair) {
    for (int64_t row = 0; row < columns->shape[0]; ++row)
      for (int64_t i = 0; i < count; ++i)
        result.sums.push_back(columns->sums[row * inner + index(i)]);
    return result;
  }
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < inner; ++j)
      result.sums.push_back(columns->sums[index(i) * inner + j]);
  return result;
}

/// Cuts columns in pairs, or joins them: their order stays.
std::optional<Columns> ColumnEvaluator::evaluateReshape(ReshapeOp op) {
  std::optional<Columns> columns = evaluate(op.getInput());
  ArrayRef<int64_t> to = getShape(op);
  if (columns)
    columns->shape.assign(to.begin() + 3, to.end());
  return columns;
}

std::optional<Columns> ColumnEvaluator::evaluateConcat(ConcatOp op) {
  SmallVector<Columns> parts;
  for (Value part : op.getInputs()) {
    std::optional<Columns> columns = evaluate(part);
    if (!columns)
      return std::nullopt;
    parts.push_back(std::move(*columns));
  }
  ArrayRef<int64_t> to = getShape(op);
  Columns result;
  result.shape.assign(to.begin() + 3, to.end());
  // One row each of all parts where pairs are joined, else all of each part.
  int64_t rows = op.getAxis() == 4 ? to[3] : 1;
  for (int64_t row = 0; row < rows; ++row)
    for (const Columns &part : parts) {
      int64_t count = part.sums.size() / rows;
      result.sums.append(part.sums.begin() + row * count,
                         part.sums.begin() + (row + 1) * count);
    }
  return result;
}

std::optional<Columns> ColumnEvaluator::evaluateSum(Operation *op,
                                                    double sign) {
  std::optional<Columns> columns = evaluate(op->getOperand(0));
  std::optional<Columns> others =
      columns ? evaluate(op->getOperand(1)) : std::nullopt;
  if (!others)
    return std::nullopt;
  for (auto [sum, other] : llvm::zip_equal(columns->sums, others->sums))
    for (Term term : other) {
      term.sign *= sign;
      sum.push_back(term);
    }
  return columns;
}

std::optional<Columns> ColumnEvaluator::evaluateProduct(MulOp op) {
  if (std::optional<ScalarOperand> scalar = matchScalarOperand(op)) {
    std::optional<Columns> columns = evaluate(scalar->other);
    if (columns)
      for (Sum &sum : columns->sums)
        for (Term &term : sum)
          term.sign *= scalar->number;
    return columns;
  }
  unsigned table = isAngleTable(op.getLhs(), op) ? 0 : 1;
  if (!isAngleTable(op->getOperand(table), op))
    return std::nullopt;
  std::optional<Columns> columns = evaluate(op->getOperand(1 - table));
  if (!columns)
    return std::nullopt;
  int64_t width = getShape(op->getOperand(table)).back();
  for (auto [i, sum] : llvm::enumerate(columns->sums))
    for (Term &term : sum) {
      if (term.table)
        return std::nullopt;
      term.table = op->getOperand(table);
      term.tableColumn = width == 1 ? 0 : i;
    }
  return columns;
}

std::optional<Columns> ColumnEvaluator::evaluateOp(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<Columns>>(op)
      .Case([&](ReshapeOp op) { return evaluateReshape(op); })
      .Case([&](ConcatOp op) { return evaluateConcat(op); })
      .Case([&](SliceOp op) {
        return select(
            op.getInput(), op.getAxis(),
            [&](int64_t i) { return i + static_cast<int64_t>(op.getOffset()); },
            getShape(op)[op.getAxis()]);
      })
      .Case([&](TakeOp op) {
        return select(
            op.getInput(), op.getAxis(),
            [&](int64_t i) { return op.getIndices()[i]; },
            op.getIndices().size());
      })
      .Case([&](AddOp op) { return evaluateSum(op, 1); })
      .Case([&](SubOp op) { return evaluateSum(op, -1); })
      .Case([&](MulOp op) { return evaluateProduct(op); })
      .Default([](Operation *) { return std::nullopt; });
}

/// Whether `op` is one that rotations are written with.
bool isColumnOp(Operation *op) {
  if (!op)
    return false;
  ArrayRef<int64_t> to = getShape(op->getResult(0));
  auto hasType = [&](Value value) {
    return value.getType() == op->getResult(0).getType();
  };
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case([&](ReshapeOp op) {
        ArrayRef<int64_t> from = getShape(op.getInput());
        return from.size() >= 4 && from.size() <= 5 && to.size() >= 4 &&
               to.size() <= 5 && from.take_front(3) == to.take_front(3);
      })
      .Case<SliceOp, TakeOp, ConcatOp>(
          [](auto op) { return op.getAxis() >= 3; })
      .Case<AddOp, SubOp>(
          [&](auto op) { return hasType(op.getLhs()) && hasType(op.getRhs()); })
      .Case([&](MulOp op) {
        // Another number than -1 belongs to the input.
        if (std::optional<ScalarOperand> scalar = matchScalarOperand(op))
          return scalar->number == -1 && hasType(scalar->other);
        return to.size() == 4 &&
               ((hasType(op.getLhs()) && isAngleTable(op.getRhs(), op)) ||
                (hasType(op.getRhs()) && isAngleTable(op.getLhs(), op)));
      })
      .Default([](Operation *) { return false; });
}

std::optional<Columns> ColumnEvaluator::evaluate(Value value) {
  Operation *op = value.getDefiningOp();
  if (getShape(value).size() > 5 || !isColumnOp(op))
    return useAsInput(value);
  std::optional<Columns> columns = evaluateOp(op);
  if (columns)
    ops.insert(op);
  return columns;
}

//===----------------------------------------------------------------------===//
// Rotations
//===----------------------------------------------------------------------===//

struct Rotary {
  Value input;
  /// Which columns of the input are those of a head, and how many are rotated.
  int64_t offset = 0, width = 0, rotated = 0;
  bool interleaved = false;
  /// (batch, tokens, heads, width) instead of (batch, heads, tokens, width).
  bool tokensFirst = false;
  /// The tables, and the column of each pair.
  AngleTable cos, sin;
  SmallVector<Operation *> ops;
};

/// The column that `column` is rotated with.
int64_t getPartner(int64_t column, int64_t rotated, bool interleaved) {
  if (interleaved)
    return column ^ 1;
  return column < rotated / 2 ? column + rotated / 2 : column - rotated / 2;
}

class RotaryMatcher {
public:
  explicit RotaryMatcher(Explain why) : why(why) {}
  std::optional<Rotary> run(Operation *root);

private:
  LogicalResult fail(const Twine &reason) { return why(reason), failure(); }
  LogicalResult matchColumns(ArrayRef<Sum> sums);
  LogicalResult matchPair(ArrayRef<Sum> sums, int64_t pair);
  LogicalResult matchLayout();

  Explain why;
  Rotary match;
};

/// Which of the two terms of rotated column j is x[j] cos; sets `plain` and
/// `turned`.
bool orderTerms(const Sum &sum, int64_t own, Term &plain, Term &turned) {
  if (sum.size() != 2 || !sum[0].table || !sum[1].table)
    return false;
  bool swapped = sum[0].column != own;
  plain = sum[swapped];
  turned = sum[!swapped];
  return plain.column == own;
}

LogicalResult RotaryMatcher::matchPair(ArrayRef<Sum> sums, int64_t pair) {
  int64_t first = match.interleaved ? 2 * pair : pair;
  int64_t second = getPartner(first, match.rotated, match.interleaved);
  Term plain[2], turned[2];
  for (int i = 0; i < 2; ++i) {
    int64_t column = i ? second : first, other = i ? first : second;
    if (!orderTerms(sums[column], match.offset + column, plain[i], turned[i]) ||
        turned[i].column != match.offset + other)
      return fail("column " + Twine(column) + " is not rotated with column " +
                  Twine(other));
  }
  if (plain[0].sign != 1 || plain[1].sign != 1 || turned[0].sign != -1 ||
      turned[1].sign != 1)
    return fail("the signs of columns " + Twine(first) + " and " +
                Twine(second) + " are not those of a rotation");
  if (!match.cos.value) {
    match.cos.value = plain[0].table;
    match.sin.value = turned[0].table;
  }
  for (int i = 0; i < 2; ++i)
    if (plain[i].table != match.cos.value || turned[i].table != match.sin.value)
      return fail("the columns are rotated by different tables");
  if (!areSameColumns(match.cos.value, plain[0].tableColumn,
                      plain[1].tableColumn) ||
      !areSameColumns(match.sin.value, turned[0].tableColumn,
                      turned[1].tableColumn))
    return fail("columns " + Twine(first) + " and " + Twine(second) +
                " are rotated by different angles");
  match.cos.columns.push_back(plain[0].tableColumn);
  match.sin.columns.push_back(turned[0].tableColumn);
  return success();
}

LogicalResult RotaryMatcher::matchColumns(ArrayRef<Sum> sums) {
  match.width = sums.size();
  while (match.rotated < match.width && sums[match.rotated].size() != 1)
    ++match.rotated;
  if (match.rotated == 0)
    return fail("nothing is rotated");
  if (match.rotated % 2 != 0)
    return fail("an odd number of columns is rotated");
  int64_t least = getShape(match.input).back();
  for (const Sum &sum : sums)
    for (const Term &term : sum)
      least = std::min(least, term.column);
  match.offset = least;
  for (int64_t i = match.rotated; i < match.width; ++i)
    if (sums[i].size() != 1 || sums[i][0].table || sums[i][0].sign != 1 ||
        sums[i][0].column != match.offset + i)
      return fail("column " + Twine(i) + " behind the rotated ones changes");
  // Two columns are a pair in either order.
  Term plain, turned;
  match.interleaved = match.rotated > 2 &&
                      orderTerms(sums[0], match.offset, plain, turned) &&
                      turned.column == match.offset + 1;
  for (int64_t pair = 0; pair < match.rotated / 2; ++pair)
    if (failed(matchPair(sums, pair)))
      return failure();
  std::string why = whyNotAngles(match.cos.value, match.sin.value);
  return why.empty() ? success() : fail(why);
}

/// Which dimension of the input is the tokens: the one that the tables have.
LogicalResult RotaryMatcher::matchLayout() {
  ArrayRef<int64_t> shape = getShape(match.input);
  for (AngleTable *table : {&match.cos, &match.sin}) {
    SmallVector<int64_t> wide(getShape(table->value));
    if (wide.size() > 4)
      return fail("the angles have too many dimensions");
    wide.insert(wide.begin(), 4 - wide.size(), 1);
    bool tokensFirst;
    if (wide[1] == 1 && wide[2] == shape[2])
      tokensFirst = false;
    else if (wide[2] == 1 && wide[1] == shape[1])
      tokensFirst = true;
    else
      return fail("the angles are not one for each token and the same for all "
                  "heads");
    if (wide[0] != 1 && wide[0] != shape[0])
      return fail("the angles are not those of the batch");
    table->batch = wide[0];
    table->tokens = tokensFirst ? wide[1] : wide[2];
    if (table == &match.cos)
      match.tokensFirst = tokensFirst;
    else if (match.tokensFirst != tokensFirst)
      return fail("cosines and sines are of different shapes");
  }
  if (match.cos.batch != match.sin.batch)
    return fail("cosines and sines are of different shapes");
  return success();
}

std::optional<Rotary> RotaryMatcher::run(Operation *root) {
  if (getShape(root->getResult(0)).size() != 4 || !isColumnOp(root)) {
    why("it does not compute columns of heads");
    return std::nullopt;
  }
  ColumnEvaluator evaluator;
  std::optional<Columns> columns = evaluator.evaluate(root->getResult(0));
  if (!columns) {
    why("the columns are not sums of columns of one input times angles");
    return std::nullopt;
  }
  match.input = evaluator.getInput();
  if (failed(matchColumns(columns->sums)) || failed(matchLayout()))
    return std::nullopt;
  match.ops.assign(evaluator.getOps().begin(), evaluator.getOps().end());
  return match;
}

/// What joins rotated columns with the rest of the head, if `op` may be a part
/// of that.
ConcatOp getJoin(Operation *op) {
  auto concat = getOnlyUser<ConcatOp>(op);
  return concat && concat.getAxis() == 3 && getShape(concat).size() == 4
             ? concat
             : ConcatOp();
}

/// pi.add (pi.mul %x, cos), (pi.mul (pi.concat -second half, first half), sin)
///   -> heads (pi.rotary_embedding merged %x cos sin)
/// and every other way to write it; see the head of the file.
template <typename RootOp> struct RaiseRotary : OpRewritePattern<RootOp> {
  using OpRewritePattern<RootOp>::OpRewritePattern;

  LogicalResult matchAndRewrite(RootOp op,
                                PatternRewriter &rewriter) const override {
    LogicalResult reason = failure();
    std::optional<Rotary> match = RotaryMatcher([&](const Twine &why) {
                                    reason =
                                        rewriter.notifyMatchFailure(op, why);
                                  }).run(op);
    if (!match)
      return reason;
    if (ConcatOp join = getJoin(op))
      if (RotaryMatcher([](const Twine &) {}).run(join))
        return rewriter.notifyMatchFailure(
            op, "it is a part of the rotation of a wider head");

    Location loc = fuseLocations(match->ops);
    rewriter.setInsertionPoint(op);
    Value value = match->input;
    ArrayRef<int64_t> shape = getShape(value);
    int64_t batch = shape[0];
    int64_t heads = shape[match->tokensFirst ? 2 : 1];
    int64_t tokens = shape[match->tokensFirst ? 1 : 2];
    if (match->width != shape[3])
      value =
          SliceOp::create(rewriter, loc, value, 3, match->offset, match->width);
    if (!match->tokensFirst)
      value = TransposeOp::create(rewriter, loc, value,
                                  ArrayRef<int64_t>{0, 2, 1, 3});
    value = ReshapeOp::create(rewriter, loc, value,
                              {batch, tokens, heads * match->width});
    Value cos = match->cos.create(rewriter, loc);
    Value sin = match->sin.create(rewriter, loc);
    value = RotaryEmbeddingOp::create(rewriter, loc, value.getType(), value,
                                      cos, sin, heads, match->interleaved);
    if (match->tokensFirst)
      value = ReshapeOp::create(rewriter, loc, value,
                                {batch, tokens, heads, match->width});
    else
      value = splitHeads(rewriter, loc, value, heads);
    rewriter.replaceOp(op, value);
    return success();
  }
};

} // namespace

void populateRaiseRotaryPatterns(RewritePatternSet &patterns) {
  patterns
      .add<RaiseRotary<AddOp>, RaiseRotary<ConcatOp>, RaiseRotary<ReshapeOp>>(
          patterns.getContext());
}

std::string explainRotary(MulOp op) {
  std::string reason;
  for (Operation *user : op->getUsers())
    if (isa<AddOp>(user))
      RotaryMatcher([&](const Twine &why) {
        reason = "no rotary embedding: " + why.str();
      }).run(user);
  return reason;
}

} // namespace aero::pi
