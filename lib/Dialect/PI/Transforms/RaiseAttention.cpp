//===- RaiseAttention.cpp - Multi-head attention from arithmetic ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Raise.h"

#include "llvm/ADT/Sequence.h"

using namespace mlir;

namespace aero::pi {
namespace {

/// What an exporter adds to a masked score, or puts in its place, at most.
/// Finite masks (-1e4 in old GPT-2, the lowest float elsewhere) are as good as
/// minus infinity: exp of them is 0 in float beside any score of use.
constexpr float kMasked = -1e4f;

RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// "pi.add (ONNX node '/h.0/Add')" for messages.
std::string describe(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return "an argument";
  std::string name = getNodeName(op->getLoc());
  std::string text = op->getName().getStringRef().str();
  return name.empty() ? text : text + " (ONNX node '" + name + "')";
}

/// Scalars that multiply the scores, wherever between the projections and
/// softmax they stand. Public ones become part of the scale attribute. A weight
/// is the server's and must stay a weight: it goes to the query.
struct Scale {
  double number = 1;
  struct Private {
    Value scalar;
    bool divides;
  };
  SmallVector<Private, 1> weights;

  /// Takes `op` if it multiplies or divides by a scalar. Returns the other
  /// operand.
  Value take(Operation *op) {
    if (!isa_and_present<MulOp, DivOp>(op))
      return {};
    std::optional<ScalarOperand> operand = matchScalarOperand(op);
    bool divides = isa<DivOp>(op);
    if (!operand || operand->number == 0 ||
        getTensorType(operand->scalar).getRank() > 3 ||
        operand->other.getType() != op->getResult(0).getType())
      return {};
    if (operand->scalar.getDefiningOp<WeightOp>())
      weights.push_back({operand->scalar, divides});
    else
      number *= divides ? 1 / operand->number : operand->number;
    return operand->other;
  }
};

//===----------------------------------------------------------------------===//
// Masks
//===----------------------------------------------------------------------===//

/// A mask is causal if of the keys exactly the later ones are masked. `masked`
/// answers for elements in row-major order; the last two dimensions are
/// (queries, keys).
LogicalResult checkCausal(ArrayRef<int64_t> shape, int64_t tokens,
                          llvm::function_ref<bool(int64_t)> masked,
                          Explain why) {
  if (shape.size() < 2 || shape.back() != tokens ||
      shape[shape.size() - 2] != tokens)
    return why("the mask is not one number for each query and key"), failure();
  int64_t count = ShapedType::getNumElements(shape);
  for (int64_t i = 0; i < count; ++i) {
    int64_t key = i % tokens, query = i / tokens % tokens;
    if (masked(i) == (key > query))
      continue;
    why("the mask is not causal: query " + Twine(query) + " and key " +
        Twine(key) + (key > query ? " are not masked" : " are masked"));
    return failure();
  }
  return success();
}

/// All elements are as good as minus infinity.
bool isMaskedFill(Value value) {
  std::optional<ElementsData<float>> data = readFloats(value);
  return data && llvm::all_of(*data, [](float x) { return x <= kMasked; });
}

/// pi.where %condition, fill, %scores   masks where the condition holds,
/// pi.where %condition, %scores, fill   where it does not.
Value matchWhereMask(WhereOp op, int64_t tokens, Explain why) {
  bool fillsTrue = isMaskedFill(op.getTrueValue());
  if (!fillsTrue && !isMaskedFill(op.getFalseValue())) {
    why("neither side of the mask is minus infinity");
    return {};
  }
  auto constant = op.getCondition().getDefiningOp<ConstantOp>();
  if (!constant) {
    why("the mask is not constant");
    return {};
  }
  auto condition = getBoolData(constant.getValue());
  if (!condition) {
    why(llvm::toString(condition.takeError()));
    return {};
  }
  if (failed(checkCausal(
          getTensorType(op.getCondition()).getShape(), tokens,
          [&](int64_t i) { return bool((*condition)[i]) == fillsTrue; }, why)))
    return {};
  return fillsTrue ? op.getFalseValue() : op.getTrueValue();
}

/// pi.add %scores, mask   with 0 or minus infinity
Value matchAddedMask(AddOp op, int64_t tokens, Explain why) {
  for (unsigned i = 0; i < 2; ++i) {
    Value mask = op->getOperand(i);
    std::optional<ElementsData<float>> data = readFloats(mask);
    if (!data)
      continue;
    if (llvm::any_of(*data,
                     [](float x) { return x != 0 && !(x <= kMasked); })) {
      why("what is added to the scores is neither 0 nor minus infinity "
          "everywhere");
      return {};
    }
    if (failed(checkCausal(
            getTensorType(mask).getShape(), tokens,
            [&](int64_t i) { return (*data)[i] != 0; }, why)))
      return {};
    return op->getOperand(1 - i);
  }
  why("what is added to the scores is not constant");
  return {};
}

//===----------------------------------------------------------------------===//
// Heads
//===----------------------------------------------------------------------===//

/// (batch, tokens, heads * dk), seen as heads.
struct Heads {
  Value input;
  int64_t count = 0;
};

/// Follows `value` back through transpositions (and for q and k scalings) to
/// the reshape that cuts a width into heads. Dimension i of `value` has to be
/// dimension order[i] of (batch, tokens, heads, dk).
std::optional<Heads> matchHeads(Value value, ArrayRef<int64_t> order,
                                StringRef what, Scale *scale,
                                SetVector<Operation *> &ops, Explain why) {
  auto fail = [&](const Twine &reason) {
    why("the " + what + " " + reason);
    return std::nullopt;
  };
  if (getTensorType(value).getRank() != 4)
    return fail("is not (batch, heads, tokens, width)");
  SmallVector<int64_t> seen = llvm::to_vector(llvm::seq<int64_t>(0, 4));
  while (true) {
    Operation *op = value.getDefiningOp();
    if (op)
      ops.insert(op);
    if (auto transpose = dyn_cast_or_null<TransposeOp>(op)) {
      for (int64_t &dim : seen)
        dim = transpose.getPermutation()[dim];
      value = transpose.getInput();
      continue;
    }
    if (Value next = scale ? scale->take(op) : Value()) {
      value = next;
      continue;
    }
    auto reshape = dyn_cast_or_null<ReshapeOp>(op);
    if (!reshape)
      return fail("comes from " + describe(value) +
                  ", not from a reshape into heads");
    RankedTensorType from = getTensorType(reshape.getInput());
    ArrayRef<int64_t> to = getTensorType(reshape).getShape();
    if (from.getRank() != 3 || from.getDimSize(0) != to[0] ||
        from.getDimSize(1) != to[1])
      return fail("is not reshaped from (batch, tokens, width) to (batch, "
                  "tokens, heads, width of a head)");
    if (ArrayRef<int64_t>(seen) != order)
      return fail("has its heads and tokens in another order");
    return Heads{reshape.getInput(), to[2]};
  }
}

struct Attention {
  Heads query, key, value;
  Scale scale;
  bool causal = false;
  /// What leaves the heads merged again.
  ReshapeOp result;
  SetVector<Operation *> ops;
};

/// The only user of `op`'s result if it is an OpTy.
template <typename OpTy> OpTy getOnlyUser(Operation *op) {
  return op->hasOneUse() ? dyn_cast<OpTy>(*op->user_begin()) : OpTy();
}

std::optional<Attention> matchAttention(SoftmaxOp softmax, Explain why) {
  auto fail = [&](const Twine &reason) {
    why(reason);
    return std::nullopt;
  };
  ArrayRef<int64_t> shape = getTensorType(softmax).getShape();
  if (shape.size() != 4)
    return fail("softmax is not over (batch, heads, queries, keys)");
  if (softmax.getAxis() != 3)
    return fail("softmax is not over the last dimension");

  // Down: times v, and the heads side by side again.
  auto context = getOnlyUser<MatMulOp>(softmax);
  if (!context || context.getLhs() != softmax.getResult())
    return fail("the probabilities are not multiplied with values, and nothing "
                "else");
  auto back = getOnlyUser<TransposeOp>(context);
  if (!back || back.getPermutation() != ArrayRef<int64_t>{0, 2, 1, 3})
    return fail("the heads of the result are not brought side by side");
  Attention match;
  match.result = getOnlyUser<ReshapeOp>(back);
  if (!match.result)
    return fail("the heads of the result are not merged by a reshape");

  // Up: masks and scales to q k^T.
  Value scores = softmax.getInput();
  MatMulOp product;
  SmallVector<Operation *> between;
  while (!(product = scores.getDefiningOp<MatMulOp>())) {
    Operation *op = scores.getDefiningOp();
    bool isMask = isa_and_present<WhereOp, AddOp>(op);
    if (isMask && match.causal)
      return fail("the scores are masked twice");
    // A negative factor would turn the mask around.
    if (isMask && (match.scale.number < 0 || !match.scale.weights.empty()))
      return fail("the scores are scaled after the mask by a number that is "
                  "not public and positive");
    Value next;
    if (auto where = dyn_cast_or_null<WhereOp>(op))
      next = matchWhereMask(where, shape[3], why);
    else if (auto add = dyn_cast_or_null<AddOp>(op))
      next = matchAddedMask(add, shape[3], why);
    else if (!(next = match.scale.take(op)))
      return fail("the scores come from " + describe(scores) +
                  ", not from a product of queries and keys");
    if (!next)
      return std::nullopt;
    match.causal |= isMask;
    between.push_back(op);
    scores = next;
  }
  if (scores.getType() != softmax.getType())
    return fail("the shape of the scores changes");

  SetVector<Operation *> &ops = match.ops;
  auto query = matchHeads(product.getLhs(), {0, 2, 1, 3}, "query", &match.scale,
                          ops, why);
  if (!query)
    return std::nullopt;
  auto key =
      matchHeads(product.getRhs(), {0, 2, 3, 1}, "key", &match.scale, ops, why);
  if (!key)
    return std::nullopt;
  ops.insert(product);
  ops.insert(between.rbegin(), between.rend());
  ops.insert(softmax);
  auto value = matchHeads(context.getRhs(), {0, 2, 1, 3}, "value",
                          /*scale=*/nullptr, ops, why);
  if (!value)
    return std::nullopt;
  if (query->count != key->count || key->count != value->count ||
      query->count != shape[1])
    return fail("query, key and value have different numbers of heads");
  if (key->input.getType() != value->input.getType())
    return fail("the heads of keys and values have different widths");
  if (getTensorType(query->input).getDimSize(0) != shape[0] ||
      getTensorType(key->input).getDimSize(0) != shape[0])
    return fail("queries and keys have different batch sizes");
  for (Operation *op :
       {(Operation *)context, (Operation *)back, (Operation *)match.result})
    ops.insert(op);
  match.query = *query;
  match.key = *key;
  match.value = *value;
  return match;
}

/// %s = pi.matmul heads(%q), transpose(heads(%k))
/// %p = pi.softmax (mask (scale %s))
/// merge (pi.matmul %p, heads(%v))
///   -> pi.attention %q, %k, %v heads scale causal
struct RaiseAttention : OpRewritePattern<SoftmaxOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(SoftmaxOp op,
                                PatternRewriter &rewriter) const override {
    LogicalResult reason = failure();
    std::optional<Attention> match = matchAttention(op, [&](const Twine &why) {
      reason = rewriter.notifyMatchFailure(op, why);
    });
    if (!match)
      return reason;
    Location loc = fuseLocations(match->ops.getArrayRef());
    rewriter.setInsertionPoint(match->result);
    Value query = match->query.input;
    for (auto [scalar, divides] : match->scale.weights) {
      if (divides)
        query = DivOp::create(rewriter, loc, query.getType(), query, scalar);
      else
        query = MulOp::create(rewriter, loc, query.getType(), query, scalar);
    }
    Value result = AttentionOp::create(rewriter, loc, query, match->key.input,
                                       match->value.input, match->query.count,
                                       static_cast<float>(match->scale.number),
                                       match->causal);
    Type wanted = match->result.getType();
    if (result.getType() != wanted)
      result =
          ReshapeOp::create(rewriter, match->result.getLoc(), wanted, result);
    rewriter.replaceOp(match->result, result);
    return success();
  }
};

} // namespace

void populateRaiseAttentionPatterns(RewritePatternSet &patterns) {
  patterns.add<RaiseAttention>(patterns.getContext());
}

std::string explainAttention(SoftmaxOp op) {
  std::string reason;
  matchAttention(
      op, [&](const Twine &why) { reason = "no attention: " + why.str(); });
  return reason;
}

} // namespace aero::pi
