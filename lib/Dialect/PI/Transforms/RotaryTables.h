//===- RotaryTables.h - Cosines and sines of positions --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_DIALECT_PI_TRANSFORMS_ROTARYTABLES_H
#define AERO_LIB_DIALECT_PI_TRANSFORMS_ROTARYTABLES_H

#include "Raise.h"

namespace aero::pi {

/// The columns of a table that rotate the pairs of a head, for one sequence or
/// a batch, and for each token.
struct AngleTable {
  mlir::Value value;
  llvm::SmallVector<int64_t> columns;
  int64_t batch = 1, tokens = 1;

  /// Makes (tokens, pairs) or (batch, tokens, pairs) of them.
  mlir::Value create(mlir::OpBuilder &builder, mlir::Location loc) const;
};

/// Whether `value` can be a table of angles in the product `product`: it is
/// computed from positions, or one for all heads.
bool isAngleTable(mlir::Value value, MulOp product);

/// Why tables that are initializers of the model are not read: they are the
/// server's unless they are cosines and sines, squares of which have one sum.
/// An empty string if they may be read.
std::string whyNotAngles(mlir::Value cos, mlir::Value sin);

/// Whether two columns of `table` (its last dimension) always hold the same
/// numbers: exporters store the angle of a pair twice.
bool areSameColumns(mlir::Value table, int64_t first, int64_t second);

} // namespace aero::pi

#endif // AERO_LIB_DIALECT_PI_TRANSFORMS_ROTARYTABLES_H
