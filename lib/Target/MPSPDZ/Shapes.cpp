//===- Shapes.cpp - Tensors as matrices -----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Shapes.h"

#include "aero/Dialect/PI/IR/PIDialect.h"

using namespace mlir;
using namespace aero;

static ArrayRef<int64_t> getDims(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

/// How many of the leading dimensions have `rows` elements together.
static std::optional<size_t> countRowDims(ArrayRef<int64_t> shape,
                                          int64_t rows) {
  int64_t product = 1;
  for (auto [i, dim] : llvm::enumerate(shape)) {
    if (product == rows)
      return i;
    product *= dim;
  }
  return std::nullopt;
}

std::optional<MatrixShape> aero::getMatrixShape(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  if (!tensor || !tensor.hasStaticShape() || !tensor.getElementType().isF32() ||
      tensor.getRank() == 0)
    return std::nullopt;
  ArrayRef<int64_t> shape = tensor.getShape();
  if (shape.size() == 1)
    return MatrixShape{1, shape[0]};
  for (int64_t dim : shape.drop_back(2))
    if (dim != 1)
      return std::nullopt;
  return MatrixShape{shape[shape.size() - 2], shape.back()};
}

std::optional<MatrixShape> aero::getStoredShape(Value value) {
  Operation *op = value.getDefiningOp();
  if (!isa_and_present<pi::ReshapeOp, pi::SliceOp>(op) ||
      pi::getWeightMatrix(value))
    return getMatrixShape(value.getType());
  auto input = getStoredShape(op->getOperand(0));
  if (!input || input->rows == 0 || !countRowDims(getDims(value), input->rows))
    return std::nullopt;
  return MatrixShape{input->rows,
                     ShapedType::getNumElements(getDims(value)) / input->rows};
}

std::optional<ColumnSlice> aero::getColumnSlice(pi::SliceOp op) {
  auto input = getStoredShape(op.getInput());
  if (!input)
    return std::nullopt;
  ArrayRef<int64_t> shape = getDims(op.getInput());
  auto axis = static_cast<size_t>(op.getAxis());
  std::optional<size_t> rowDims = countRowDims(shape, input->rows);
  if (!rowDims || axis < *rowDims)
    return std::nullopt;
  int64_t groups = ShapedType::getNumElements(
              shape.slice(*rowDims, axis - *rowDims)),
          inner = ShapedType::getNumElements(shape.drop_front(axis + 1));
  return ColumnSlice{groups, static_cast<int64_t>(op.getOffset()) * inner,
                     getDims(op.getResult())[axis] * inner};
}
