//===- PIOps.cpp - Verifiers, builders and interfaces of pi ---------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/PI/IR/PIOps.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpImplementation.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace aero::pi;

#define GET_OP_CLASSES
#include "aero/Dialect/PI/IR/PIOps.cpp.inc"

namespace {

RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// The last dimension of a map of shape {T, d}; see NonlinearOpInterface.
SmallVector<int64_t> getLastTwoDims(Value value) {
  ArrayRef<int64_t> shape = getTensorType(value).getShape();
  SmallVector<int64_t> map(2 - std::min<size_t>(shape.size(), 2), 1);
  llvm::append_range(map, shape.take_back(2));
  return map;
}

int64_t getLeadingCount(Value value) {
  ArrayRef<int64_t> shape = getTensorType(value).getShape();
  if (shape.size() < 2)
    return 1;
  return ShapedType::getNumElements(shape.drop_back(2));
}

/// C1 to C4 of the norms: rank, then parameters of the shape (d).
LogicalResult verifyNorm(Operation *op, Value input, llvm::APFloat epsilon,
                         ArrayRef<std::pair<StringRef, Value>> parameters) {
  auto type = getTensorType(input);
  if (type.getRank() < 1)
    return op->emitOpError("expected an input of at least rank 1, got ")
           << type;
  int64_t width = type.getDimSize(type.getRank() - 1);
  for (auto [name, value] : parameters) {
    if (!value)
      continue;
    auto parameter = getTensorType(value);
    if (parameter.getRank() != 1 || parameter.getDimSize(0) != width)
      return op->emitOpError("expected ")
             << name << " of shape (" << width
             << ") as the last dimension of the input, got " << parameter;
  }
  if (!epsilon.isFinite() || epsilon.isNegative())
    return op->emitOpError("expected epsilon to be finite and not negative");
  return success();
}

} // namespace

//===----------------------------------------------------------------------===//
// WeightOp and ConstantOp
//===----------------------------------------------------------------------===//

LogicalResult WeightOp::verify() {
  // C1
  if (getName().empty())
    return emitOpError("expected a name, got an empty string");
  return success();
}

/// The name up to the first character that an SSA name cannot hold is seldom
/// telling, so they are replaced: h.0.mlp/W becomes %h.0.mlp_W.
void WeightOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  std::string name = getName().str();
  for (char &c : name)
    if (!llvm::isAlnum(c) && !StringRef("_.$-").contains(c))
      c = '_';
  // A computed weight carries many names; the attribute has them all.
  if (name.size() > 60)
    name.resize(60);
  setName(getResult(), name);
}

void ConstantOp::build(OpBuilder &builder, OperationState &state, float value) {
  auto type = RankedTensorType::get({}, builder.getF32Type());
  build(builder, state, type, DenseElementsAttr::get(type, value));
}

void ConstantOp::getAsmResultNames(OpAsmSetValueNameFn setName) {
  setName(getResult(), "cst");
}

//===----------------------------------------------------------------------===//
// Nonlinear functions
//===----------------------------------------------------------------------===//

#define AERO_NONLINEAR(OP, KIND)                                               \
  NonlinearKind OP::getNonlinearKind() { return NonlinearKind::KIND; }         \
  int64_t OP::getMapCount() { return getLeadingCount(getResult()); }           \
  SmallVector<int64_t> OP::getMapShape() { return getLastTwoDims(getResult()); }

AERO_NONLINEAR(SqrtOp, Elementwise)
AERO_NONLINEAR(ErfOp, Elementwise)
AERO_NONLINEAR(TanhOp, Elementwise)
AERO_NONLINEAR(GeluOp, Gelu)
AERO_NONLINEAR(ReluOp, Relu)
AERO_NONLINEAR(LeakyReluOp, LeakyRelu)
AERO_NONLINEAR(SiluOp, Silu)
AERO_NONLINEAR(SoftmaxOp, Softmax)
AERO_NONLINEAR(LayerNormOp, LayerNorm)
AERO_NONLINEAR(RMSNormOp, RMSNorm)

#undef AERO_NONLINEAR

LogicalResult LeakyReluOp::verify() {
  // C1
  if (!getSlope().isFinite())
    return emitOpError("expected a finite slope");
  return success();
}

LogicalResult SoftmaxOp::verify() {
  // C1
  int64_t rank = getTensorType(getInput()).getRank();
  int64_t axis = getAxis();
  if (axis < 0 || axis >= rank)
    return emitOpError("expected axis in [0, ") << rank << "), got " << axis;
  return success();
}

LogicalResult LayerNormOp::verify() {
  // C1, C2, C3, C4
  return verifyNorm(getOperation(), getInput(), getEpsilon(),
                    {{"gamma", getGamma()}, {"beta", getBeta()}});
}

LogicalResult RMSNormOp::verify() {
  // C1, C2, C3
  return verifyNorm(getOperation(), getInput(), getEpsilon(),
                    {{"gamma", getGamma()}});
}

//===----------------------------------------------------------------------===//
// AttentionOp
//===----------------------------------------------------------------------===//

LogicalResult AttentionOp::verify() {
  auto query = getTensorType(getQuery());
  auto key = getTensorType(getKey());
  // C1
  if (query.getRank() != 3 || key.getRank() != 3)
    return emitOpError(
               "expected query and key of rank 3 (batch, tokens, width), got ")
           << query << " and " << key;
  // C2
  if (query.getDimSize(0) != key.getDimSize(0) ||
      query.getDimSize(2) != key.getDimSize(2))
    return emitOpError("expected query and key of the same batch and width, "
                       "got ")
           << query << " and " << key;
  // C3
  int64_t heads = getHeads();
  if (heads < 1 || query.getDimSize(2) % heads != 0)
    return emitOpError("expected a number of heads that divides the width ")
           << query.getDimSize(2) << ", got " << heads;
  // C4
  if (!getScale().isFinite())
    return emitOpError("expected a finite scale");
  // C5
  if (getCausal() && query.getDimSize(1) != key.getDimSize(1))
    return emitOpError("expected as many keys as queries under a causal mask, "
                       "got ")
           << key.getDimSize(1) << " and " << query.getDimSize(1);
  return success();
}

int64_t AttentionOp::getHeadWidth() {
  return getTensorType(getQuery()).getDimSize(2) /
         static_cast<int64_t>(getHeads());
}

NonlinearKind AttentionOp::getNonlinearKind() { return NonlinearKind::Softmax; }

int64_t AttentionOp::getMapCount() {
  return getTensorType(getQuery()).getDimSize(0) *
         static_cast<int64_t>(getHeads());
}

SmallVector<int64_t> AttentionOp::getMapShape() {
  return {getTensorType(getQuery()).getDimSize(1),
          getTensorType(getKey()).getDimSize(1)};
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

void ReshapeOp::build(OpBuilder &builder, OperationState &state, Value input,
                      ArrayRef<int64_t> shape) {
  build(builder, state, getTensorType(input).clone(shape), input);
}

LogicalResult ReshapeOp::verify() {
  auto input = getTensorType(getInput());
  auto result = getTensorType(getResult());
  // C1
  if (input.getElementType() != result.getElementType())
    return emitOpError("expected a result of element type ")
           << input.getElementType() << ", got " << result;
  // C2
  if (input.getNumElements() != result.getNumElements())
    return emitOpError("cannot reshape ")
           << input << " with " << input.getNumElements() << " elements to "
           << result << " with " << result.getNumElements();
  return success();
}

void SliceOp::build(OpBuilder &builder, OperationState &state, Value input,
                    int64_t axis, int64_t offset, int64_t size) {
  auto type = getTensorType(input);
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = size;
  build(builder, state, type.clone(shape), input,
        builder.getI64IntegerAttr(axis), builder.getI64IntegerAttr(offset));
}

LogicalResult SliceOp::verify() {
  auto input = getTensorType(getInput());
  auto result = getTensorType(getResult());
  // C1
  if (input.getElementType() != result.getElementType() ||
      input.getRank() != result.getRank())
    return emitOpError("expected a result of the input's element type and "
                       "rank, got ")
           << input << " and " << result;
  // C2
  int64_t axis = getAxis();
  if (axis < 0 || axis >= input.getRank())
    return emitOpError("expected axis in [0, ")
           << input.getRank() << "), got " << axis;
  // C3
  for (int64_t i = 0; i < input.getRank(); ++i)
    if (i != axis && input.getDimSize(i) != result.getDimSize(i))
      return emitOpError("expected dimension ")
             << i << " to stay " << input.getDimSize(i) << ", got "
             << result.getDimSize(i);
  // C4, without an addition that could overflow.
  int64_t dim = input.getDimSize(axis), size = result.getDimSize(axis);
  int64_t offset = getOffset();
  if (offset < 0 || size > dim || offset > dim - size)
    return emitOpError("expected the slice of ")
           << size << " at offset " << offset << " to lie within dimension "
           << axis << " of size " << dim;
  return success();
}
