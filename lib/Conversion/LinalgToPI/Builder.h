//===- Builder.h - Building pi from loops over tensors --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_CONVERSION_LINALGTOPI_BUILDER_H
#define AERO_LIB_CONVERSION_LINALGTOPI_BUILDER_H

#include "aero/Dialect/PI/IR/PIOps.h"

#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace aero::linalgtopi {

using Shape = llvm::ArrayRef<int64_t>;

inline mlir::RankedTensorType tensorOf(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType());
}
inline Shape shapeOf(mlir::Value value) { return tensorOf(value).getShape(); }

/// The elements of a `pi.constant` that are all the same, wherever it was
/// repeated or reshaped; null for another value.
mlir::TypedAttr getSplat(mlir::Value value);
/// The same of f32.
std::optional<float> getFloatConstant(mlir::Value value);

/// Builds the `pi` ops that one op becomes, at its location. What changes
/// nothing is not built.
class TensorBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  mlir::Value scalar(mlir::TypedAttr value);
  mlir::Value scalar(float value) { return scalar(getF32FloatAttr(value)); }
  /// 0, 1, ... along the first of `rank` dimensions, the others of size 1.
  mlir::Value range(int64_t size, unsigned rank);
  mlir::Value reshape(mlir::Value value, Shape shape);
  mlir::Value transpose(mlir::Value value, Shape permutation);
  mlir::Value broadcast(mlir::Value value, Shape shape);
  /// [offset, offset + size * stride) of one dimension, every `stride`th.
  mlir::Value slice(mlir::Value value, int64_t axis, int64_t offset,
                    int64_t size, int64_t stride = 1);
  mlir::Value concat(mlir::ValueRange values, int64_t axis);
};

} // namespace aero::linalgtopi

#endif // AERO_LIB_CONVERSION_LINALGTOPI_BUILDER_H
