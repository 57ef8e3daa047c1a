//===- RaiseAttention.cpp - Multi-head attention from arithmetic ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Attention is a softmax between two products. What the products are of is
/// brought to (batch, tokens, heads * width) by transposes and reshapes, which
/// fold away where the exporter has cut the heads from that; so no layout is
/// looked for. What stands between the scores and softmax is evaluated, see
/// MaskAnalysis.h.
///
//===----------------------------------------------------------------------===//

#include "AttentionHeads.h"
#include "MaskAnalysis.h"

#include <cmath>

using namespace mlir;

namespace aero::pi {
namespace {

ArrayRef<int64_t> getShape(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

/// Whether `value` is arithmetic on a product. The arithmetic of masks is
/// small, and a search goes no further than the ops that stand between products
/// and softmax.
bool holdsProduct(Value value, DenseSet<Operation *> &visited) {
  Operation *op = value.getDefiningOp();
  if (isa_and_present<MatMulOp>(op))
    return true;
  if (!isa_and_present<AddOp, SubOp, MulOp, DivOp, WhereOp, MinOp, MaxOp,
                       ReshapeOp>(op) ||
      !visited.insert(op).second)
    return false;
  return llvm::any_of(op->getOperands(), [&](Value operand) {
    return holdsProduct(operand, visited);
  });
}

/// Which of the operands `first` and `second` of `op` are the scores; nothing,
/// and a reason, if both may be.
std::optional<unsigned> findScores(Operation *op, unsigned first,
                                   unsigned second, Explain why) {
  bool holds[2];
  for (int i = 0; i < 2; ++i) {
    DenseSet<Operation *> visited;
    holds[i] = holdsProduct(op->getOperand(i ? second : first), visited);
  }
  if (holds[0] && holds[1]) {
    why("the scores are made of two products by " +
        describeValue(op->getResult(0)));
    return std::nullopt;
  }
  // Without a product, the one that is no mask is followed to say so.
  if (!holds[0] && !holds[1])
    holds[1] = op->getOperand(second).getType() == op->getResult(0).getType() &&
               !op->getOperand(second).getDefiningOp<ConstantOp>();
  return holds[1] ? second : first;
}

//===----------------------------------------------------------------------===//
// Matching
//===----------------------------------------------------------------------===//

struct Attention {
  HeadsView query, key, value;
  AttentionScale scale;
  ScoreShape shape;
  AttentionMask mask;
  /// (heads, queries) or (heads, 1) that the scores are divided by, or null.
  Value temperature;
  /// The product with the values, which the result replaces.
  MatMulOp context;
  SetVector<Operation *> ops;
};

class Matcher {
public:
  Matcher(SoftmaxOp softmax, Explain why) : softmax(softmax), why(why) {}

  std::optional<Attention> run();

private:
  /// An op between the product of queries and keys and softmax.
  struct Step {
    Operation *op;
    /// The operand that is the scores.
    unsigned scores;
  };

  LogicalResult fail(const Twine &reason) { return why(reason), failure(); }
  LogicalResult findContext();
  LogicalResult findProduct();
  LogicalResult matchHeads();
  LogicalResult matchSteps();
  LogicalResult matchStep(const Step &step, ScoreMask &mask);
  LogicalResult matchReshape(ReshapeOp op, ScoreMask &mask);
  LogicalResult matchTemperature(DivOp op);
  std::optional<Value> matchNaNGuard(Value probabilities);
  /// Batch and heads of products with rank 3, which have them together.
  std::pair<int64_t, int64_t> splitGroups(int64_t groups) const;

  SoftmaxOp softmax;
  Explain why;
  MatMulOp product;
  SmallVector<Step> steps;
  SmallVector<Operation *> below;
  /// Something but factors was seen above softmax.
  bool isMasked = false;
  Attention match;
};

/// pi.where (pi.not (pi.compare eq %p, %p)), 0, %p
/// pi.where (pi.compare eq %p, %p), %p, 0
/// A query that sees no key has NaN in float arithmetic, and 0 by the
/// definition of pi.attention. Returns the guarded value.
std::optional<Value> Matcher::matchNaNGuard(Value probabilities) {
  WhereOp guard;
  SmallVector<Operation *> conditions;
  for (Operation *user : probabilities.getUsers()) {
    if (auto where = dyn_cast<WhereOp>(user)) {
      if (guard && guard != where)
        return std::nullopt;
      guard = where;
      continue;
    }
    auto compare = dyn_cast<CompareOp>(user);
    if (!compare || compare.getPredicate() != ComparePredicate::EQ ||
        compare.getLhs() != compare.getRhs() || !compare->hasOneUse())
      return std::nullopt;
    conditions.push_back(compare);
  }
  if (!guard || conditions.empty())
    return std::nullopt;
  Value condition = guard.getCondition();
  bool isNegated = false;
  if (auto negation = condition.getDefiningOp<NotOp>()) {
    condition = negation.getInput();
    isNegated = true;
  }
  Value kept = isNegated ? guard.getFalseValue() : guard.getTrueValue();
  Value filled = isNegated ? guard.getTrueValue() : guard.getFalseValue();
  if (!llvm::is_contained(conditions, condition.getDefiningOp()) ||
      kept != probabilities || readScalar(filled) != 0.0 ||
      guard.getType() != probabilities.getType())
    return std::nullopt;
  below.append(conditions);
  below.push_back(guard);
  return guard.getResult();
}

/// Down: what multiplies the probabilities with the values.
LogicalResult Matcher::findContext() {
  Value probabilities = softmax.getResult();
  while (true) {
    if (std::optional<Value> guarded = matchNaNGuard(probabilities)) {
      probabilities = *guarded;
      continue;
    }
    Operation *user =
        probabilities.hasOneUse() ? *probabilities.user_begin() : nullptr;
    if (auto reshape = dyn_cast_or_null<ReshapeOp>(user)) {
      below.push_back(reshape);
      probabilities = reshape.getResult();
      continue;
    }
    match.context = dyn_cast_or_null<MatMulOp>(user);
    if (!match.context || match.context.getLhs() != probabilities)
      return fail("the probabilities are not multiplied with values, and "
                  "nothing else");
    return success();
  }
}

/// Up: through masks and scalings to the product of queries and keys.
LogicalResult Matcher::findProduct() {
  Value scores = softmax.getInput();
  while (!(product = scores.getDefiningOp<MatMulOp>())) {
    Operation *op = scores.getDefiningOp();
    std::optional<unsigned> next;
    if (isa_and_present<ReshapeOp>(op))
      next = 0;
    else if (std::optional<AttentionScale::Factor> factor =
                 AttentionScale::match(op))
      next = factor->other == op->getOperand(0) ? 0 : 1;
    else if (isa_and_present<SubOp, DivOp>(op))
      next = 0;
    else if (isa_and_present<AddOp, MulOp, MaxOp>(op))
      next = findScores(op, 0, 1, why);
    else if (isa_and_present<WhereOp>(op))
      next = findScores(op, 1, 2, why);
    else
      return fail("the scores come from " + describeValue(scores) +
                  ", not from a product of queries and keys");
    if (!next)
      return failure();
    steps.push_back({op, *next});
    scores = op->getOperand(*next);
  }
  std::reverse(steps.begin(), steps.end());
  return success();
}

std::pair<int64_t, int64_t> Matcher::splitGroups(int64_t groups) const {
  for (const HeadsView *view : {&match.query, &match.key, &match.value})
    if (view->hasHeads())
      return {view->getSize(0), view->getSize(1) * view->repeats};
  // Nobody has them apart: as many sequences with one head each.
  std::pair<int64_t, int64_t> result = {groups, 1};
  auto visit = [&](Value value) {
    ArrayRef<int64_t> shape = getShape(value);
    if (shape.size() == 4 && shape[0] * shape[1] == groups)
      result = {shape[0], shape[1]};
  };
  for (const Step &step : steps)
    visit(step.op->getResult(0));
  for (Operation *user : match.context->getUsers())
    if (isa<ReshapeOp>(user))
      visit(user->getResult(0));
  return result;
}

LogicalResult Matcher::matchHeads() {
  SetVector<Operation *> &ops = match.ops;
  match.query = HeadsView::trace(product.getLhs(), &match.scale, ops);
  match.key = HeadsView::trace(product.getRhs(), &match.scale, ops);
  match.value =
      HeadsView::trace(match.context.getRhs(), /*scale=*/nullptr, ops);
  // Keys come as (.., width, keys).
  SmallVector<int64_t, 4> &order = match.key.order;
  std::swap(order[order.size() - 1], order[order.size() - 2]);

  // The scores may be reshaped between the products.
  for (MatMulOp op : {product, match.context}) {
    size_t rank = getShape(op.getLhs()).size();
    if (getShape(op.getRhs()).size() != rank)
      return fail("the factors of " + describeValue(op) +
                  " have not as many dimensions");
    if (rank != 3 && rank != 4)
      return fail("the product " + describeValue(op) +
                  " is not over (batch, heads, queries, keys)");
  }
  size_t rank = getShape(product).size();

  ArrayRef<int64_t> scores = getShape(product);
  auto [batch, heads] =
      rank == 4 ? std::pair(scores[0], scores[1]) : splitGroups(scores[0]);
  match.shape = {batch, heads, scores[rank - 2], scores[rank - 1]};
  for (HeadsView *view : {&match.query, &match.key, &match.value}) {
    int64_t rows =
        view == &match.query ? match.shape.queries : match.shape.keys;
    size_t dims = view->shape.size();
    if (view->getSize(dims - 2) != rows)
      return fail("there are not as many values as keys");
    if (!view->hasHeads()) {
      if (view->shape[view->order[0]] != batch * heads)
        return fail("queries, keys and values have different batch sizes");
      continue;
    }
    if (view->getSize(0) != batch)
      return fail("queries, keys and values have different batch sizes");
    // A product with one head of keys repeats it.
    if (view != &match.query && view->getSize(1) == 1 && view->repeats == 1)
      view->repeats = heads;
    if (view->getSize(1) * view->repeats != heads)
      return fail("query, key and value have different numbers of heads");
  }
  if (match.query.repeats != 1)
    return fail("heads of the query are repeated");
  if (match.key.repeats != match.value.repeats)
    return fail("keys and values are shared by different numbers of heads");
  auto getWidth = [](const HeadsView &view) {
    return view.getSize(view.shape.size() - 1);
  };
  if (getWidth(match.key) != getWidth(match.value))
    return fail("the heads of keys and values have different widths");
  return success();
}

LogicalResult Matcher::matchReshape(ReshapeOp op, ScoreMask &mask) {
  auto [batch, heads, queries, keys] = match.shape;
  ArrayRef<int64_t> to = getShape(op);
  if (to != ArrayRef<int64_t>{batch, heads, queries, keys} &&
      to != ArrayRef<int64_t>{batch * heads, queries, keys})
    return fail("the scores are reshaped by " + describeValue(op) +
                " to something else than (batch, heads, queries, keys)");
  mask.setRank(to.size());
  return success();
}

/// The parameter behind %t in pi.div %scores, %t, where %t has one number for
/// each head and query, or for each head.
LogicalResult Matcher::matchTemperature(DivOp op) {
  auto [batch, heads, queries, keys] = match.shape;
  Value divisor = op.getRhs();
  ArrayRef<int64_t> shape = getShape(divisor);
  // Leading ones say nothing; with rank 3 batch and heads are one dimension.
  while (shape.size() > 3 && shape.front() == 1)
    shape = shape.drop_front();
  bool hasBatch = getShape(op).size() == 3 && batch != 1;
  if (shape.size() != 3 || shape[0] != heads ||
      (shape[1] != queries && shape[1] != 1) || shape[2] != 1 || hasBatch)
    return fail("the scores are divided by more than a number, or one for each "
                "head and query");
  if (isMasked)
    return fail("the scores are masked before they are divided by " +
                describeValue(divisor));
  if (match.temperature)
    return fail("the scores are divided by two temperatures");
  // The parameter in its own shape, if the graph only adds dimensions to it.
  auto reshape = divisor.getDefiningOp<ReshapeOp>();
  Value parameter = reshape ? reshape.getInput() : divisor;
  if (!parameter.getDefiningOp<WeightOp>())
    return fail("the scores are divided by " + describeValue(divisor) +
                ", which is not a weight");
  match.temperature = parameter;
  return success();
}

LogicalResult Matcher::matchStep(const Step &step, ScoreMask &mask) {
  Operation *op = step.op;
  if (auto reshape = dyn_cast<ReshapeOp>(op))
    return matchReshape(reshape, mask);
  if (op->getOperand(step.scores).getType() != op->getResult(0).getType())
    return fail("the shape of the scores changes at " +
                describeValue(op->getResult(0)));
  if (std::optional<AttentionScale::Factor> factor =
          AttentionScale::match(op)) {
    match.scale.take(*factor, op);
    return factor->isPrivate ? mask.scalePrivately(why)
                             : mask.scale(factor->number, why);
  }
  if (auto division = dyn_cast<DivOp>(op))
    return matchTemperature(division);
  isMasked = true;
  if (auto where = dyn_cast<WhereOp>(op)) {
    bool scoresIfTrue = step.scores == 1;
    return mask.select(where.getCondition(),
                       scoresIfTrue ? where.getFalseValue()
                                    : where.getTrueValue(),
                       scoresIfTrue, why);
  }
  Value other = op->getOperand(1 - step.scores);
  if (isa<MaxOp>(op))
    return mask.clamp(other, why);
  if (isa<MulOp>(op))
    return mask.multiply(other, why);
  return mask.add(other, /*subtract=*/isa<SubOp>(op), why);
}

LogicalResult Matcher::matchSteps() {
  ScoreMask mask(match.shape, getShape(product).size());
  for (const Step &step : steps)
    if (failed(matchStep(step, mask)))
      return failure();
  ArrayRef<int64_t> last = getShape(softmax);
  if (static_cast<int64_t>(softmax.getAxis()) !=
      static_cast<int64_t>(last.size()) - 1)
    return fail("softmax is not over the last dimension");
  std::optional<AttentionMask> classified = mask.classify(why);
  if (!classified)
    return failure();
  match.mask = std::move(*classified);
  return success();
}

std::optional<Attention> Matcher::run() {
  int64_t rank = getShape(softmax).size();
  if (rank != 3 && rank != 4) {
    why("softmax is not over (batch, heads, queries, keys)");
    return std::nullopt;
  }
  if (failed(findContext()) || failed(findProduct()) || failed(matchHeads()) ||
      failed(matchSteps()))
    return std::nullopt;
  auto thresholds = softmax.getEntropyThresholds();
  if (thresholds &&
      static_cast<int64_t>(thresholds->size()) != match.shape.heads) {
    why("softmax has not an entropy threshold for each head");
    return std::nullopt;
  }
  match.ops.insert(product);
  for (const Step &step : steps)
    match.ops.insert(step.op);
  match.ops.insert(softmax);
  match.ops.insert(below.begin(), below.end());
  match.ops.insert(match.context);
  return match;
}

//===----------------------------------------------------------------------===//
// Rewriting
//===----------------------------------------------------------------------===//

/// The sum of all biases, broadcasting to (batch, heads, queries, keys).
Value createBias(OpBuilder &builder, Location loc, const AttentionMask &mask,
                 ScoreShape shape) {
  Value bias = mask.publicBias;
  if (!mask.biasValues.empty())
    bias = createConstant(builder, loc, mask.biasShape,
                          std::vector<float>(mask.biasValues));
  for (auto [value, factor, rank] : mask.computedBiases) {
    ArrayRef<int64_t> own = getShape(value);
    if (rank == 3 && own.size() == 3 && own[0] != 1)
      value = ReshapeOp::create(builder, loc, value,
                                {shape.batch, shape.heads, own[1], own[2]});
    if (factor != 1)
      value = MulOp::create(
          builder, loc, value.getType(), value,
          ConstantOp::create(builder, loc, static_cast<float>(factor)));
    bias = bias ? AddOp::create(builder, loc, bias, value).getResult() : value;
  }
  return bias;
}

/// %s = pi.matmul %q, %k
/// %p = pi.softmax (mask (scale %s))
/// pi.matmul %p, %v
///   -> heads (pi.attention merged %q, merged %k, merged %v)
/// where `merged` and `heads` are transposes and reshapes that fold away.
struct RaiseAttention : OpRewritePattern<SoftmaxOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SoftmaxOp op,
                                PatternRewriter &rewriter) const override {
    LogicalResult reason = failure();
    std::optional<Attention> match = Matcher(op, [&](const Twine &why) {
                                       reason =
                                           rewriter.notifyMatchFailure(op, why);
                                     }).run();
    if (!match)
      return reason;
    Location loc = fuseLocations(match->ops.getArrayRef());
    MatMulOp context = match->context;
    rewriter.setInsertionPoint(context);
    int64_t batch = match->shape.batch, heads = match->shape.heads;
    Value query = match->query.mergeHeads(rewriter, loc, batch);
    for (auto [scalar, divides] : match->scale.weights) {
      if (divides)
        query = DivOp::create(rewriter, loc, query.getType(), query, scalar);
      else
        query = MulOp::create(rewriter, loc, query.getType(), query, scalar);
    }
    Value key = match->key.mergeHeads(rewriter, loc, batch);
    Value value = match->value.mergeHeads(rewriter, loc, batch);
    Value bias = createBias(rewriter, loc, match->mask, match->shape);
    IntegerAttr keyHeads;
    if (match->key.repeats != 1)
      keyHeads = rewriter.getI64IntegerAttr(heads / match->key.repeats);
    auto attention = AttentionOp::create(
        rewriter, loc, query.getType(), query, key, value, match->mask.keys,
        bias, heads, keyHeads,
        llvm::APFloat(static_cast<float>(match->scale.number)),
        match->mask.causal);
    attention.setEntropyThresholdsAttr(op.getEntropyThresholdsAttr());
    if (Value temperature = match->temperature) {
      int64_t columns =
          cast<RankedTensorType>(temperature.getType()).getNumElements() /
          heads;
      int64_t shape[] = {heads, columns};
      if (getShape(temperature) != ArrayRef<int64_t>(shape)) {
        rewriter.setInsertionPointAfterValue(temperature);
        temperature = ReshapeOp::create(rewriter, loc, temperature, shape);
        rewriter.setInsertionPoint(context);
      }
      attention.getTemperatureMutable().assign(temperature);
    }
    Value result =
        splitHeads(rewriter, context.getLoc(), attention.getResult(), heads);
    if (result.getType() != context.getType())
      result = ReshapeOp::create(rewriter, context.getLoc(), context.getType(),
                                 result);
    rewriter.replaceOp(context, result);
    return success();
  }
};

/// pi.attention (pi.mul %q, constant), %k, %v scale s
///   -> pi.attention %q, %k, %v scale s * constant
/// and the same for pi.div, and for the key.
struct AbsorbScale : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    for (OpOperand *operand : {&op.getQueryMutable(), &op.getKeyMutable()}) {
      Operation *scaling = operand->get().getDefiningOp();
      std::optional<AttentionScale::Factor> factor =
          AttentionScale::match(scaling);
      if (!factor || factor->isPrivate || !scaling->hasOneUse())
        continue;
      float scale =
          static_cast<float>(op.getScale().convertToDouble() * factor->number);
      if (!std::isfinite(scale))
        continue;
      Location loc = fuseLocations({scaling, op});
      rewriter.modifyOpInPlace(op, [&] {
        operand->set(factor->other);
        op.setScale(llvm::APFloat(scale));
        op->setLoc(loc);
      });
      return success();
    }
    return rewriter.notifyMatchFailure(
        op, "neither query nor key is scaled by a public number");
  }
};

/// pi.attention ... bias (0 or minus infinity) -> pi.attention ... mask causal
/// The ONNX operator takes a mask as what is added to the scores.
struct MaskFromBias : OpRewritePattern<AttentionOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AttentionOp op,
                                PatternRewriter &rewriter) const override {
    if (!op.getBias())
      return rewriter.notifyMatchFailure(op, "there is no bias");
    LogicalResult reason = failure();
    auto why = [&](const Twine &text) {
      reason = rewriter.notifyMatchFailure(op, text);
    };
    ArrayRef<int64_t> query = op.getQuery().getType().getShape();
    ScoreShape shape = {query[0], static_cast<int64_t>(op.getHeads()), query[1],
                        op.getKey().getType().getDimSize(1)};
    ScoreMask mask(shape, /*rank=*/4);
    if (failed(mask.add(op.getBias(), /*subtract=*/false, why)))
      return reason;
    std::optional<AttentionMask> found = mask.classify(why);
    if (!found)
      return reason;
    if (found->keys && op.getMask() && found->keys != op.getMask())
      return rewriter.notifyMatchFailure(op, "there is a padding mask already");
    Value bias = createBias(rewriter, op.getLoc(), *found, shape);
    if (bias == op.getBias())
      return rewriter.notifyMatchFailure(op, "the bias masks nothing");
    rewriter.modifyOpInPlace(op, [&] {
      op.setCausal(op.getCausal() || found->causal);
      if (found->keys)
        op.getMaskMutable().assign(found->keys);
      op.getBiasMutable().clear();
      if (bias)
        op.getBiasMutable().assign(bias);
    });
    return success();
  }
};

} // namespace

void populateRaiseAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<RaiseAttention, AbsorbScale, MaskFromBias>(
      patterns.getContext());
}

std::string explainAttention(SoftmaxOp op) {
  std::string reason;
  Matcher(op, [&](const Twine &why) {
    reason = "no attention: " + why.str();
  }).run();
  return reason;
}

} // namespace aero::pi
