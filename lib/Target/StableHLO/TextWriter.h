//===- TextWriter.h - Writes StableHLO ops as text ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_TARGET_STABLEHLO_TEXTWRITER_H
#define AERO_LIB_TARGET_STABLEHLO_TEXTWRITER_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"

#include <string>

namespace aero {

/// Appends the ops of one function to a text, in the assembly format of
/// StableHLO 1.x. Values are known by their names and have static shapes.
///
/// Callers see to it that operands fit; element types of binary ops are the
/// same, and shapes too where nothing else is said.
class StableHLOWriter {
public:
  using Ints = llvm::ArrayRef<int64_t>;

  struct Value {
    std::string name;
    mlir::RankedTensorType type;

    Ints getShape() const { return type.getShape(); }
    int64_t getRank() const { return type.getRank(); }
  };

  explicit StableHLOWriter(mlir::MLIRContext *context) : context(context) {}

  /// The ops so far, a line each.
  const std::string &getText() const { return text; }

  Value constant(mlir::DenseElementsAttr value);
  /// One number everywhere.
  Value splat(float number, Ints shape);
  /// The index along `dimension`, i64.
  Value iota(Ints shape, int64_t dimension);

  /// "tanh", "exponential": the same type.
  Value unary(llvm::StringRef op, const Value &x);
  Value binary(llvm::StringRef op, const Value &x, const Value &y);
  /// i1 from `direction` "EQ", "LT", "LE", "GE".
  Value compare(llvm::StringRef direction, const Value &x, const Value &y);
  Value convert(const Value &x, mlir::Type elementType);
  Value select(const Value &condition, const Value &x, const Value &y);
  /// An op of another dialect that takes and gives the same type.
  Value call(llvm::StringRef target, const Value &x);

  /// numpy's rules: aligned at the last dimension.
  Value broadcast(const Value &x, Ints shape);
  Value reshape(const Value &x, Ints shape);
  Value transpose(const Value &x, Ints permutation);
  /// [start, start + size) of one dimension.
  Value slice(const Value &x, int64_t axis, int64_t start, int64_t size);
  /// The same at a scalar `start`, i64, which must be public for SPU.
  Value dynamicSlice(const Value &x, int64_t axis, const Value &start,
                     int64_t size);
  Value concatenate(llvm::ArrayRef<Value> values, int64_t axis);

  /// "add" or "maximum" over `axes`, which are dropped.
  Value reduce(llvm::StringRef op, const Value &x, Ints axes);
  /// The first `batch` dimensions are of the batch, the same in both; the last
  /// of x is contracted with the one before the last of y, or with `transposed`
  /// with the last of y.
  Value dot(const Value &x, const Value &y, int64_t batch,
            bool transposed = false);

private:
  mlir::RankedTensorType getType(Ints shape, mlir::Type elementType) {
    return mlir::RankedTensorType::get(shape, elementType);
  }
  Value add(mlir::RankedTensorType type, const llvm::Twine &op);

  mlir::MLIRContext *context;
  std::string text;
  unsigned count = 0;
};

/// "tensor<2x3xf32>"
std::string printType(mlir::Type type);

} // namespace aero

#endif // AERO_LIB_TARGET_STABLEHLO_TEXTWRITER_H
