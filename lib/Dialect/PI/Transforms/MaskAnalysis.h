//===- MaskAnalysis.h - What stands between scores and softmax ------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_DIALECT_PI_TRANSFORMS_MASKANALYSIS_H
#define AERO_LIB_DIALECT_PI_TRANSFORMS_MASKANALYSIS_H

#include "MaskTensor.h"

namespace aero::pi {

/// The sizes of the scores, (batch, heads, queries, keys).
struct ScoreShape {
  int64_t batch, heads, queries, keys;
};

/// The masks and the bias of an attention, as `pi.attention` takes them.
struct AttentionMask {
  bool causal = false;
  /// (batch, keys), 0 for a key that nobody sees; null without padding.
  mlir::Value keys;
  /// A public bias: an operand that is one already, or else numbers that
  /// broadcast to the scores.
  mlir::Value publicBias;
  llvm::SmallVector<int64_t> biasShape;
  std::vector<float> biasValues;
  /// Biases that the network computes, each times a number. Those of scores
  /// with rank 3 have batch and heads together.
  struct Computed {
    mlir::Value value;
    double factor;
    int64_t rank;
  };
  llvm::SmallVector<Computed, 1> computedBiases;

  bool hasBias() const {
    return publicBias || !biasValues.empty() || !computedBiases.empty();
  }
};

/// Follows scores from the product of queries and keys down to softmax: an
/// element is a s + m, where m is a number or depends on one element of a
/// padding mask, or m alone, where the score has been replaced. Steps are
/// reported in program order; each fails with a reason that it has explained.
///
/// The rank of the operands is that of the scores: 4, or 3 with batch and heads
/// together.
class ScoreMask {
public:
  ScoreMask(ScoreShape shape, int64_t rank)
      : shape(shape), rank(rank), added(MaskTensor::splat(0, 4)),
        kept(MaskTensor::splat(1, 4)) {}

  /// The scores have another rank from here on.
  void setRank(int64_t newRank) { rank = newRank; }

  /// s + mask, or s - mask.
  mlir::LogicalResult add(mlir::Value mask, bool subtract, Explain why);
  /// s * factor.
  mlir::LogicalResult scale(double factor, Explain why);
  /// A factor that must not be known; only before all masks.
  mlir::LogicalResult scalePrivately(Explain why);
  /// s * mask, element by element.
  mlir::LogicalResult multiply(mlir::Value mask, Explain why);
  /// where(condition, s, fill), or where(condition, fill, s).
  mlir::LogicalResult select(mlir::Value condition, mlir::Value fill,
                             bool scoresIfTrue, Explain why);
  /// max(s, least): keeps masked scores finite.
  mlir::LogicalResult clamp(mlir::Value least, Explain why);

  /// What all of it comes to.
  std::optional<AttentionMask> classify(Explain why) const;

private:
  std::optional<MaskTensor> read(mlir::Value mask, Explain why);
  MaskTensor toScores(const MaskTensor &mask) const;
  bool isUntouched() const;

  ScoreShape shape;
  int64_t rank;
  MaskEvaluator evaluator;
  /// m, and whether the score is still part of the element.
  MaskTensor added, kept;
  /// The constant that is m, if it is one.
  mlir::Value addend;
  llvm::SmallVector<AttentionMask::Computed, 1> computed;
};

} // namespace aero::pi

#endif // AERO_LIB_DIALECT_PI_TRANSFORMS_MASKANALYSIS_H
