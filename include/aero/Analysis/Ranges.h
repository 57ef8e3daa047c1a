//===- Ranges.h - Proved bounds of a network's values -----------*- C++ -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// How large the values of a network can become for any prompt, from its
/// weights alone. Every token is a row of the table, a normalised row has a
/// known length, attention averages rows: so the products that follow are
/// bounded by the norms of the columns of their weights (Cauchy-Schwarz). Where
/// the norms are stripped the bounds grow from layer to layer and soon say
/// nothing; an infinite bound is the honest answer then.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_ANALYSIS_RANGES_H
#define AERO_ANALYSIS_RANGES_H

#include "aero/Dialect/PI/IR/PIOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"

#include <vector>

namespace aero::pi {

/// How the values are rounded when they are computed in fixed point. The bounds
/// hold for rounded values too.
struct RangePrecision {
  double activationUnit = 0x1p-16;
  double weightUnit = 0x1p-20;
};

/// Bounds of the floating-point values that depend on the function's inputs.
class RangeAnalysis {
public:
  explicit RangeAnalysis(mlir::func::FuncOp func,
                         const RangePrecision &precision = {});

  /// A bound of every |x|; infinite if there is none.
  double getBound(mlir::Value value) const;
  /// A bound of every |scale q k|, with its bias.
  double getScoreBound(AttentionOp attention) const;

private:
  /// |x[..., j]| is at most columns[j]; the Euclidean norm of each row of the
  /// last dimension at most rowNorm. Without columns nothing is known.
  struct Range {
    std::vector<double> columns;
    double rowNorm = 0;
  };

  void visit(mlir::Operation &op);
  const Range *find(mlir::Value value) const;
  Range scaled(const Range &range, double factor) const;
  Range added(const Range &x, const Range &y) const;
  /// The range of a weight or constant, broadcast to `columns`.
  Range constant(mlir::Value value, size_t columns) const;
  /// The range of a value, whatever it is; empty if unknown.
  Range get(mlir::Value value, size_t columns) const;
  Range linear(LinearOp op) const;
  Range normalized(mlir::Value gamma, mlir::Value beta, size_t columns) const;
  Range attention(AttentionOp op) const;
  Range rotary(RotaryEmbeddingOp op) const;
  Range activation(mlir::Value input, double factor) const;
  Range concat(ConcatOp op) const;

  RangePrecision precision;
  llvm::DenseMap<mlir::Value, Range> ranges;
};

} // namespace aero::pi

#endif // AERO_ANALYSIS_RANGES_H
