//===- Shapes.h - Tensors as matrices -------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_TARGET_MPSPDZ_SHAPES_H
#define AERO_LIB_TARGET_MPSPDZ_SHAPES_H

#include "aero/Dialect/PI/IR/PIOps.h"

#include <optional>

namespace aero {

/// A tensor as the program has it.
struct MatrixShape {
  int64_t rows, columns;

  bool operator==(const MatrixShape &) const = default;
};

/// (1, ..., 1, rows, columns); nothing for other tensors.
std::optional<MatrixShape> getMatrixShape(mlir::Type type);

/// The matrix whose memory a value has: that of its type, but for what reshapes
/// and slices make of a matrix whose columns they split, (tokens, heads, width)
/// say, which is the same matrix or one of fewer columns.
std::optional<MatrixShape> getStoredShape(mlir::Value value);

/// The columns that a slice takes: `columns` of each of `groups` equal parts,
/// from `first` on.
struct ColumnSlice {
  int64_t groups, first, columns;
};

/// Nothing for a slice of rows.
std::optional<ColumnSlice> getColumnSlice(pi::SliceOp op);

} // namespace aero

#endif // AERO_LIB_TARGET_MPSPDZ_SHAPES_H
