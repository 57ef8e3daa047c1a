//===- SecureCost.h - What a network's nonlinearities will cost -*- C++ -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The choices of the secure form of each nonlinear op: how many bits it
/// compares, and what it therefore costs. `convert-pi-to-mpc` makes its
/// instructions by them, so that a prediction for an op of a network is what
/// its instructions cost, byte for byte.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_ANALYSIS_SECURECOST_H
#define AERO_ANALYSIS_SECURECOST_H

#include "aero/Analysis/Ranges.h"
#include "aero/Runtime/Cost.h"

#include <optional>

namespace aero::pi {

/// Fraction bits that count when a rectifier looks at the sign. A lone ReLU
/// keeps values above -2^-10 that it should not; a smooth activation is as
/// exact there with as without the mistake.
inline constexpr unsigned kReluSignFrac = 10, kSmoothSignFrac = 8;

/// The softmax base is 2, so a score of 1 is a factor of 2: scale ln 2. Any
/// other scale costs a truncation of the queries.
inline constexpr float kAttentionScale = 0.693147180559945309417f;

/// As the options of convert-pi-to-mpc.
struct SecureFormOptions {
  unsigned activationFrac = 16, weightFrac = 20;
  /// Of scores; 0 for as many as the range takes.
  unsigned compareBits = 0;
  /// Without, comparisons are as wide as the largest value that a truncation
  /// takes, and tell nothing of the weights.
  bool provedRanges = true;
};

/// The fixed-point form of a network.
class SecureForm {
public:
  /// The function must outlive this.
  explicit SecureForm(mlir::func::FuncOp func,
                      const SecureFormOptions &options = {});

  /// A bound of an activation: the network's, or what the truncation of the
  /// product that it came from needs anyway.
  double getBound(mlir::Value value) const;
  /// The same of the scores of an attention in base 2.
  double getScoreBound(AttentionOp op) const;

  /// Low bits that a rectifier drops, and the bits that are left to compare.
  unsigned getDrop(unsigned signFrac) const;
  unsigned getReluBits(mlir::Value input, unsigned signFrac) const;
  unsigned getTailBits(mlir::Value input) const;
  unsigned getScoreBits(AttentionOp op) const;

  /// Bytes and dependent exchanges of an op, the truncation of its result
  /// included; nothing if it has no secure form. Of an op whose input depends
  /// on a prompt.
  std::optional<rt::Cost> getCost(NonlinearOpInterface op) const;

private:
  rt::Cost getAttentionCost(AttentionOp op) const;
  rt::Cost getReluCost(mlir::Value input, unsigned signFrac) const;
  rt::Cost getNormCost(mlir::Value input, mlir::Value gamma,
                       bool centred) const;

  std::optional<RangeAnalysis> ranges;
  unsigned activationFrac, weightFrac, compareBits;
};

} // namespace aero::pi

#endif // AERO_ANALYSIS_SECURECOST_H
