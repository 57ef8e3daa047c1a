//===- AttentionHeads.h - Heads of queries, keys and values ---------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_DIALECT_PI_TRANSFORMS_ATTENTIONHEADS_H
#define AERO_LIB_DIALECT_PI_TRANSFORMS_ATTENTIONHEADS_H

#include "Raise.h"

#include "llvm/ADT/SetVector.h"

namespace aero::pi {

/// Scalars that multiply the scores, wherever between the projections and
/// softmax they stand. Public ones become part of the scale attribute. A weight
/// is the server's and must stay a weight: it goes to the query.
struct AttentionScale {
  double number = 1;
  struct Private {
    mlir::Value scalar;
    bool divides;
  };
  llvm::SmallVector<Private, 1> weights;

  /// An op that multiplies or divides by a scalar.
  struct Factor {
    mlir::Value other;
    mlir::Value scalar;
    double number;
    bool isPrivate;
  };
  static std::optional<Factor> match(mlir::Operation *op);

  void take(const Factor &factor, mlir::Operation *op);
};

/// A factor of a product, (batch, heads, rows, width of a head) or (batch *
/// heads, rows, width of a head), seen through the transposes, scalings and
/// repetitions that it comes from.
struct HeadsView {
  mlir::Value source;
  /// How `source` has to be shaped first.
  llvm::SmallVector<int64_t, 4> shape;
  /// Dimension i of the factor is dimension order[i] of `shape`.
  llvm::SmallVector<int64_t, 4> order;
  /// How many heads in a row share one of `source` (grouped-query attention).
  int64_t repeats = 1;

  int64_t getSize(size_t dim) const { return shape[order[dim]]; }
  bool hasHeads() const { return shape.size() == 4; }

  /// Follows `factor` backwards, up to an op that it does not know. Scalings
  /// are added to `scale` unless it is null; the ops on the way to `ops`.
  static HeadsView trace(mlir::Value factor, AttentionScale *scale,
                         llvm::SetVector<mlir::Operation *> &ops);

  /// Makes (batch, rows, heads * width) of it. Where the heads were cut from
  /// such a tensor, folding leaves nothing but that.
  mlir::Value mergeHeads(mlir::OpBuilder &builder, mlir::Location loc,
                         int64_t batch) const;
};

/// Makes (batch, heads, rows, width of a head) of (batch, rows, heads * width).
mlir::Value splitHeads(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value merged, int64_t heads);

} // namespace aero::pi

#endif // AERO_LIB_DIALECT_PI_TRANSFORMS_ATTENTIONHEADS_H
