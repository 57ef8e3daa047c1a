//===- LinearMaps.h - Linear maps one after the other ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_DIALECT_PI_TRANSFORMS_LINEARMAPS_H
#define AERO_LIB_DIALECT_PI_TRANSFORMS_LINEARMAPS_H

#include "aero/Dialect/PI/IR/PIOps.h"
#include "mlir/IR/Builders.h"

#include <string>

namespace aero::pi {

/// The shape (rows, columns) of the matrix, which is also what one token of the
/// input takes in multiply-adds.
int64_t getRows(LinearOp op);
int64_t getColumns(LinearOp op);
int64_t getMultiplyAdds(LinearOp op);

/// Why the weights of `op` cannot be computed with, or an empty string.
std::string whyUnknown(LinearOp op);

/// The location of an op that replaces `from`: all their ONNX nodes, and the
/// layer of the last.
mlir::Location mergeLocations(mlir::OpBuilder &builder,
                              llvm::ArrayRef<mlir::Operation *> from);

/// A known factor between two maps, and the values that it was computed from.
struct KnownFactor {
  double value = 1.0;
  llvm::ArrayRef<mlir::Value> parts = {};
};

/// The matrix of x -> outer(factor * inner(x)). Both have known weights.
mlir::Value composeMatrices(mlir::OpBuilder &builder, mlir::Location loc,
                            LinearOp inner, LinearOp outer,
                            const KnownFactor &factor = {});

/// What the biases of `inner` add up to behind `outer`, factor * sum b_i W,
/// plus the bias of `outer`; that bias itself, or null, if there is no other.
mlir::Value composeBiases(mlir::OpBuilder &builder, mlir::Location loc,
                          llvm::ArrayRef<LinearOp> inner, LinearOp outer,
                          const KnownFactor &factor = {});

} // namespace aero::pi

#endif // AERO_LIB_DIALECT_PI_TRANSFORMS_LINEARMAPS_H
