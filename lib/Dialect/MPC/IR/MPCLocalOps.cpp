//===- MPCLocalOps.cpp - Verifiers of local ops and of reveal -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Verifiers.h"

using namespace mlir;
using namespace aero::mpc;

//===----------------------------------------------------------------------===//
// Local arithmetic and shape
//===----------------------------------------------------------------------===//

// ODS says that operands and result agree.
LogicalResult AddOp::verify() { return success(); }
LogicalResult SubOp::verify() { return success(); }

LogicalResult MulPublicOp::verify() {
  ShareType x = getInput().getType();
  ArrayRef<int64_t> shape = getValue().getShapedType().getShape();
  // (C1)
  if (int64_t(shape.size()) > x.getRank() || shape.empty() ||
      x.getShape().take_back(shape.size()) != shape)
    return emitOpError() << "expected integers whose shape ends that of " << x
                         << ", got " << getValue().getShapedType();
  // (C2)
  return verifyResult(*this, x.getShape(), x.getBits(),
                      int64_t(x.getFrac()) + int32_t(getFrac()));
}

LogicalResult ConcatOp::verify() {
  // (C1)
  if (getInputs().empty())
    return emitOpError() << "expected at least one input";
  auto first = cast<ShareType>(getInputs().front().getType());
  int64_t axis = getAxis();
  // (C2)
  if (axis < 0 || axis >= first.getRank())
    return emitOpError() << "cannot join dimension " << axis << " of " << first;
  SmallVector<int64_t> shape(first.getShape());
  shape[axis] = 0;
  for (Value input : getInputs()) {
    auto type = cast<ShareType>(input.getType());
    // (C3)
    SmallVector<int64_t> others(type.getShape());
    int64_t size = type.getRank() == first.getRank() ? others[axis] : 0;
    if (size)
      others[axis] = first.getShape()[axis];
    if (first.withShape(others) != first ||
        type.withShape(others) != first.withShape(others))
      return emitOpError() << "cannot join " << first << " and " << type;
    shape[axis] += size;
  }
  // (C4)
  return verifyResult(*this, shape, first.getBits(), first.getFrac());
}

LogicalResult RepeatOp::verify() {
  ShareType x = getInput().getType();
  int64_t axis = getAxis(), times = getTimes();
  // (C1)
  if (axis < 0 || axis >= x.getRank() || times < 1)
    return emitOpError() << "cannot repeat dimension " << axis << " of " << x
                         << " " << times << " times";
  // (C2)
  SmallVector<int64_t> shape(x.getShape());
  shape[axis] *= times;
  return verifyResult(*this, shape, x.getBits(), x.getFrac());
}

LogicalResult SliceOp::verify() {
  ShareType x = getInput().getType(), result = getResult().getType();
  int64_t axis = getAxis(), offset = getOffset();
  // (C1)
  if (axis < 0 || axis >= x.getRank() || result.getRank() != x.getRank())
    return emitOpError() << "cannot slice dimension " << axis << " of " << x
                         << " to " << result;
  // (C2)
  int64_t size = result.getShape()[axis];
  if (offset < 0 || offset > x.getShape()[axis] - size)
    return emitOpError() << "slices [" << offset << ", " << offset + size
                         << ") of a dimension of size " << x.getShape()[axis];
  // (C3)
  SmallVector<int64_t> shape(x.getShape());
  shape[axis] = size;
  return verifyResult(*this, shape, x.getBits(), x.getFrac());
}

LogicalResult ReshapeOp::verify() {
  ShareType x = getInput().getType(), result = getResult().getType();
  // (C1)
  if (x.getNumElements() != result.getNumElements())
    return emitOpError() << "expected as many elements as " << x << " has, got "
                         << result;
  // (C2)
  return verifyResult(*this, result.getShape(), x.getBits(), x.getFrac());
}

LogicalResult TransposeOp::verify() {
  ShareType x = getInput().getType();
  // (C1)
  ArrayRef<int64_t> permutation = getPermutation();
  SmallVector<int64_t> shape;
  SmallVector<bool> seen(x.getRank(), false);
  for (int64_t dim : permutation) {
    if (dim < 0 || dim >= x.getRank() || seen[dim])
      break;
    seen[dim] = true;
    shape.push_back(x.getShape()[dim]);
  }
  if (shape.size() != permutation.size() ||
      static_cast<int64_t>(shape.size()) != x.getRank())
    return emitOpError() << "[" << permutation
                         << "] is not a permutation of the dimensions of " << x;
  // (C2)
  return verifyResult(*this, shape, x.getBits(), x.getFrac());
}

LogicalResult TakeRowOp::verify() {
  ShareType x = getInput().getType();
  // (C1)
  if (x.getRank() != 2)
    return emitOpError() << "expected a matrix, got " << x;
  // (C2)
  return verifyResult(*this, {1, x.getShape()[1]}, x.getBits(), x.getFrac());
}

//===----------------------------------------------------------------------===//
// Output
//===----------------------------------------------------------------------===//

LogicalResult RevealOp::verify() {
  ShareType x = getInput().getType();
  // (C1)
  if (failed(verifyFullRing(*this, x)))
    return failure();
  // (C2)
  auto type = cast<RankedTensorType>(getResult().getType());
  if (!type.getElementType().isF64() || type.getShape() != x.getShape())
    return emitOpError() << "expected a tensor of f64 of the shape of " << x
                         << ", got " << type;
  return success();
}
