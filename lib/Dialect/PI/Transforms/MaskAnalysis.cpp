//===- MaskAnalysis.cpp - What stands between scores and softmax ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MaskAnalysis.h"

#include "llvm/Support/Format.h"

#include <cmath>

using namespace mlir;

namespace aero::pi {
namespace {

std::string formatNumber(double value) {
  std::string text;
  llvm::raw_string_ostream os(text);
  os << llvm::format("%g", value);
  return text;
}

} // namespace

//===----------------------------------------------------------------------===//
// Steps
//===----------------------------------------------------------------------===//

/// An operand of the scores' rank, of (batch, heads, queries, keys).
MaskTensor ScoreMask::toScores(const MaskTensor &mask) const {
  MaskTensor wide = mask.withRank(rank);
  if (rank == 4)
    return wide;
  // Batch and heads are together: one mask for all, or one for each.
  if (wide.stored[0] == 1) {
    MaskTensor result = wide.withRank(4);
    if (wide.shape[0] != 1) {
      result.shape[0] = shape.batch;
      result.shape[1] = shape.heads;
    }
    return result;
  }
  return wide.reshaped(
      {shape.batch, shape.heads, wide.shape[1], wide.shape[2]});
}

std::optional<MaskTensor> ScoreMask::read(Value mask, Explain why) {
  switch (evaluator.evaluate(mask, why)) {
  case MaskEvaluator::Outcome::Known:
    return toScores(evaluator.get(mask));
  case MaskEvaluator::Outcome::Computed:
    why("the mask is made of the float values of " + describeValue(mask));
    break;
  case MaskEvaluator::Outcome::Failed:
    break;
  }
  return std::nullopt;
}

bool ScoreMask::isUntouched() const {
  return added.size() == 1 && added.get(0, false) == 0 && !added.getSource() &&
         kept.size() == 1 && computed.empty();
}

LogicalResult ScoreMask::add(Value mask, bool subtract, Explain why) {
  MaskEvaluator::Outcome outcome = evaluator.evaluate(mask, why);
  if (outcome == MaskEvaluator::Outcome::Failed)
    return failure();
  double sign = subtract ? -1 : 1;
  if (outcome == MaskEvaluator::Outcome::Computed) {
    computed.push_back({mask, sign, rank});
    return success();
  }
  addend = isUntouched() && !subtract && mask.getDefiningOp<ConstantOp>() &&
                   rank == 4
               ? mask
               : Value();
  MaskTensor term = toScores(evaluator.get(mask));
  std::optional<MaskTensor> sum = MaskEvaluator::map(
      {&added, &term},
      [sign](const double *x) {
        return static_cast<double>(static_cast<float>(x[0] + sign * x[1]));
      },
      why);
  if (!sum)
    return failure();
  added = std::move(*sum);
  return success();
}

LogicalResult ScoreMask::scalePrivately(Explain why) {
  if (isUntouched())
    return success();
  why("the scores are scaled after the mask by a number that is not public and "
      "positive");
  return failure();
}

LogicalResult ScoreMask::scale(double factor, Explain why) {
  if (factor == 1 || isUntouched())
    return success();
  // A negative factor would turn the mask around.
  if (!(factor > 0))
    return scalePrivately(why);
  addend = {};
  std::optional<MaskTensor> product = MaskEvaluator::map(
      {&added},
      [factor](const double *x) {
        return static_cast<double>(static_cast<float>(x[0] * factor));
      },
      why);
  added = std::move(*product);
  for (AttentionMask::Computed &bias : computed)
    bias.factor *= factor;
  return success();
}

LogicalResult ScoreMask::multiply(Value mask, Explain why) {
  std::optional<MaskTensor> factor = read(mask, why);
  if (!factor)
    return failure();
  for (size_t i = 0; i < factor->size(); ++i)
    for (bool value : {false, true})
      if (double x = factor->get(i, value); x != 0 && x != 1) {
        why("the scores are multiplied by a tensor that holds " +
            formatNumber(x) + ", neither 0 nor 1");
        return failure();
      }
  if (!computed.empty()) {
    why("a bias is added before the scores are multiplied by a mask");
    return failure();
  }
  addend = {};
  auto both = MaskEvaluator::map(
      {&kept, &*factor},
      [](const double *x) { return double(x[0] != 0 && x[1] != 0); }, why);
  auto product = MaskEvaluator::map(
      {&added, &*factor}, [](const double *x) { return x[0] * x[1]; }, why);
  if (!both || !product)
    return failure();
  kept = std::move(*both);
  added = std::move(*product);
  return success();
}

LogicalResult ScoreMask::select(Value condition, Value fill, bool scoresIfTrue,
                                Explain why) {
  std::optional<MaskTensor> chosen = read(condition, why);
  std::optional<MaskTensor> filled = chosen ? read(fill, why) : std::nullopt;
  if (!filled)
    return failure();
  addend = {};
  auto remaining = MaskEvaluator::map(
      {&kept, &*chosen},
      [=](const double *x) {
        return double(x[0] != 0 && (x[1] != 0) == scoresIfTrue);
      },
      why);
  auto terms = MaskEvaluator::map(
      {&added, &*chosen, &*filled},
      [=](const double *x) {
        return (x[1] != 0) == scoresIfTrue ? x[0] : x[2];
      },
      why);
  if (!remaining || !terms)
    return failure();
  kept = std::move(*remaining);
  added = std::move(*terms);
  return success();
}

LogicalResult ScoreMask::clamp(Value least, Explain why) {
  std::optional<MaskTensor> bound = read(least, why);
  if (!bound)
    return failure();
  for (size_t i = 0; i < bound->size(); ++i)
    for (bool value : {false, true})
      if (double x = bound->get(i, value); !(x <= kMaskedScore)) {
        why("the scores are kept above " + formatNumber(x) +
            ", which is not minus infinity");
        return failure();
      }
  // What is masked stays masked, and nothing else is so low.
  return success();
}

//===----------------------------------------------------------------------===//
// Classification
//===----------------------------------------------------------------------===//

namespace {

/// What a softmax sees of one query and one key.
struct Score {
  enum Kind {
    Seen,
    Masked,
    /// Seen if the source is 1.
    Padded,
    Invalid
  };
  Kind kind;
  /// What is added to a score that is seen.
  double bias = 0;
  int64_t sourceElement = -1;
};

/// Steps of (batch, heads, queries, keys).
int64_t getIndex(ArrayRef<int64_t> strides, int64_t b, int64_t h, int64_t t,
                 int64_t s) {
  return b * strides[0] + h * strides[1] + t * strides[2] + s * strides[3];
}

std::string describePair(int64_t query, int64_t key) {
  return ("query " + Twine(query) + " and key " + Twine(key)).str();
}

class Classifier {
public:
  Classifier(ScoreShape shape, const MaskTensor &added, const MaskTensor &kept,
             Explain why)
      : shape(shape), added(added), kept(kept), why(why),
        addedStrides(added.getStrides()), keptStrides(kept.getStrides()) {
    for (int64_t dim = 0; dim < 4; ++dim)
      stored[dim] = std::max(added.stored[dim], kept.stored[dim]);
  }

  LogicalResult run(AttentionMask &result);

private:
  Score classify(int64_t b, int64_t h, int64_t t, int64_t s) const;
  LogicalResult check(const AttentionMask &result);
  void storeBias(AttentionMask &result);
  LogicalResult fail(const Twine &reason) const {
    return why(reason), failure();
  }
  /// Calls visit(b, h, t, s) until it fails, for every query and key, and
  /// batches and heads that differ.
  LogicalResult
  forEach(llvm::function_ref<LogicalResult(int64_t, int64_t, int64_t, int64_t)>
              visit) const {
    for (int64_t b = 0; b < stored[0]; ++b)
      for (int64_t h = 0; h < stored[1]; ++h)
        for (int64_t t = 0; t < shape.queries; ++t)
          for (int64_t s = 0; s < shape.keys; ++s)
            if (failed(visit(b, h, t, s)))
              return failure();
    return success();
  }

  ScoreShape shape;
  const MaskTensor &added, &kept;
  Explain why;
  SmallVector<int64_t, 4> addedStrides, keptStrides;
  int64_t stored[4];
};

Score Classifier::classify(int64_t b, int64_t h, int64_t t, int64_t s) const {
  size_t i = getIndex(addedStrides, b, h, t, s);
  size_t k = getIndex(keptStrides, b, h, t, s);
  int64_t element = added.getSourceElement(i);
  if (int64_t other = kept.getSourceElement(k); other >= 0) {
    if (element >= 0 && element != other) {
      why("an element of the mask depends on two elements of its input");
      return {Score::Invalid};
    }
    element = other;
  }
  bool masked[2];
  for (bool value : {false, true}) {
    double x = added.get(i, value);
    masked[value] = x <= kMaskedScore;
    if (masked[value])
      continue;
    if (kept.get(k, value) == 0) {
      why("a score is replaced by " + formatNumber(x) + " (" +
          describePair(t, s) + "), which is not minus infinity");
      return {Score::Invalid};
    }
    if (!std::isfinite(x)) {
      why("the mask adds " + formatNumber(x) + " to a score (" +
          describePair(t, s) + ")");
      return {Score::Invalid};
    }
  }
  if (masked[0] && masked[1])
    return {Score::Masked};
  if (masked[1]) {
    why("the mask hides the keys where its input is 1 (" + describePair(t, s) +
        "), not those where it is 0");
    return {Score::Invalid};
  }
  double bias = added.get(i, true);
  if (masked[0])
    return {Score::Padded, bias, element};
  if (bias != added.get(i, false)) {
    why("padding adds " + formatNumber(added.get(i, false)) + " to a score (" +
        describePair(t, s) + "), which is not minus infinity");
    return {Score::Invalid};
  }
  return {Score::Seen, bias};
}

/// Which keys a query sees must be exactly what causality and padding say.
LogicalResult Classifier::check(const AttentionMask &result) {
  int64_t past = shape.keys - shape.queries;
  return forEach([&](int64_t b, int64_t h, int64_t t, int64_t s) {
    Score score = classify(b, h, t, s);
    bool later = result.causal && s > t + past;
    if (later != (score.kind == Score::Masked))
      return fail("the mask is not causal: " + describePair(t, s) +
                  (later ? " are not masked" : " are masked"));
    if (later || !result.keys)
      return success();
    if (score.kind != Score::Padded)
      return fail("the padding mask does not hide " + describePair(t, s) +
                  ", but others");
    if (score.sourceElement != b * shape.keys + s)
      return fail("the padding mask hides " + describePair(t, s) +
                  " by its element " + Twine(score.sourceElement) +
                  ", not by that of the key");
    return success();
  });
}

void Classifier::storeBias(AttentionMask &result) {
  // As small as it can be: a bias of the key alone is one row.
  result.biasShape.assign(added.stored.begin(), added.stored.end());
  result.biasValues.assign(added.size(), 0.0f);
  (void)forEach([&](int64_t b, int64_t h, int64_t t, int64_t s) {
    Score score = classify(b, h, t, s);
    if (score.kind != Score::Masked)
      result.biasValues[getIndex(addedStrides, b, h, t, s)] =
          static_cast<float>(score.bias);
    return success();
  });
  while (result.biasShape.size() > 1 && result.biasShape.front() == 1)
    result.biasShape.erase(result.biasShape.begin());
}

LogicalResult Classifier::run(AttentionMask &result) {
  bool hasMasked = false, hasPadded = false, hasBias = false;
  if (failed(forEach([&](int64_t b, int64_t h, int64_t t, int64_t s) {
        Score score = classify(b, h, t, s);
        hasMasked |= score.kind == Score::Masked;
        hasPadded |= score.kind == Score::Padded;
        hasBias |= score.bias != 0;
        return success(score.kind != Score::Invalid);
      })))
    return failure();
  if (hasMasked && shape.keys < shape.queries)
    return fail("the mask is not causal: there are fewer keys than queries");
  result.causal = hasMasked;
  if (hasPadded) {
    result.keys = added.getSource() ? added.getSource() : kept.getSource();
    ArrayRef<int64_t> own =
        cast<RankedTensorType>(result.keys.getType()).getShape();
    if (own != ArrayRef<int64_t>{shape.batch, shape.keys})
      return fail("the padding mask is not one number for each key, (batch, "
                  "keys)");
    if (shape.batch != 1 && stored[0] == 1)
      return fail("the padding mask is that of one sequence for all");
  }
  if (failed(check(result)))
    return failure();
  if (hasBias)
    storeBias(result);
  return success();
}

} // namespace

std::optional<AttentionMask> ScoreMask::classify(Explain why) const {
  AttentionMask result;
  int64_t sizes[] = {shape.batch, shape.heads, shape.queries, shape.keys};
  for (const MaskTensor *tensor : {&added, &kept})
    for (auto [own, size] : llvm::zip_equal(tensor->shape, sizes))
      if (own != 1 && own != size) {
        why("the mask does not fit the scores");
        return std::nullopt;
      }
  if (added.getSource() && kept.getSource() &&
      added.getSource() != kept.getSource()) {
    why("the mask depends on two inputs");
    return std::nullopt;
  }
  if (failed(Classifier(shape, added, kept, why).run(result)))
    return std::nullopt;
  if (!result.biasValues.empty() && addend && !result.causal && !result.keys) {
    result.publicBias = addend;
    result.biasValues.clear();
    result.biasShape.clear();
  }
  result.computedBiases = computed;
  return result;
}

} // namespace aero::pi
