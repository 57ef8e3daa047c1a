//===- Arithmetic.cpp - ONNX operators on numbers -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Node.h"

#include "aero/Dialect/PI/IR/PIOps.h"

using namespace aero;
using namespace mlir;

namespace {

/// The type of an element-wise result, or null with a recorded fault.
RankedTensorType getBroadcastType(Node &node, ArrayRef<int64_t> a,
                                  ArrayRef<int64_t> b,
                                  ElementKind kind = ElementKind::Float) {
  std::optional<Shape> shape = broadcastShapes(a, b);
  if (!shape) {
    (void)node.invalid("the shapes of its inputs do not fit together");
    return {};
  }
  if (failed(node.requireSize(*shape)))
    return {};
  return node.getType(*shape, kind);
}

template <typename OpTy>
LogicalResult buildBinary(Node &node, ElementKind kind) {
  RankedTensorType type =
      getBroadcastType(node, node.getShape(0), node.getShape(1), kind);
  if (!type)
    return failure();
  Value lhs = node.getValue(0), rhs = node.getValue(1);
  node.setResult(0, node.create<OpTy>(type, lhs, rhs));
  return success();
}

template <typename OpTy> LogicalResult importFloats(Node &node) {
  if (failed(node.requireFloat(0)) || failed(node.requireFloat(1)))
    return failure();
  return buildBinary<OpTy>(node, ElementKind::Float);
}

/// Floats, or the integers of masks and positions.
template <typename OpTy> LogicalResult importNumbers(Node &node) {
  if (node.getKind(0) != node.getKind(1))
    return node.invalid("its inputs have different types");
  if (node.getKind(0) == ElementKind::Bool)
    return node.invalid("it computes with truth values");
  return buildBinary<OpTy>(node, node.getKind(0));
}

/// The input as floats.
Value getFloats(Node &node, unsigned i) {
  Value value = node.getValue(i);
  if (node.getKind(i) == ElementKind::Float)
    return value;
  return node.create<pi::CastOp>(node.getType(node.getShape(i)), value);
}

/// The result has the type of the base; an integer is raised as a float.
LogicalResult importPow(Node &node) {
  for (unsigned i = 0; i < 2; ++i)
    if (node.getKind(i) == ElementKind::Bool)
      return node.invalid("it computes with truth values");
  RankedTensorType type =
      getBroadcastType(node, node.getShape(0), node.getShape(1));
  if (!type)
    return failure();
  Value base = getFloats(node, 0), exponent = getFloats(node, 1);
  Value result = node.create<pi::PowOp>(type, base, exponent);
  if (node.getKind(0) == ElementKind::Int)
    result = node.create<pi::CastOp>(
        node.getType(type.getShape(), ElementKind::Int), result);
  node.setResult(0, result);
  return success();
}

/// f(a, b, c, ...) -> f(f(a, b), c), ...
template <typename OpTy> LogicalResult importVariadic(Node &node) {
  if (failed(node.requireFloat(0)))
    return failure();
  Value result = node.getValue(0);
  for (unsigned i = 1; i < node.getNumInputs(); ++i) {
    if (!node.hasInput(i))
      return node.invalid("one of its inputs has no name");
    if (failed(node.requireFloat(i)))
      return failure();
    auto shape = cast<RankedTensorType>(result.getType()).getShape();
    RankedTensorType type = getBroadcastType(node, shape, node.getShape(i));
    if (!type)
      return failure();
    result = node.create<OpTy>(type, result, node.getValue(i));
  }
  node.setResult(0, result);
  return success();
}

template <typename OpTy> LogicalResult importUnary(Node &node) {
  if (failed(node.requireFloat(0)))
    return failure();
  Value input = node.getValue(0);
  node.setResult(0, node.create<OpTy>(input.getType(), input));
  return success();
}

/// Neg(x) -> x * -1
LogicalResult importNeg(Node &node) {
  if (failed(node.requireFloat(0)))
    return failure();
  Value input = node.getValue(0);
  node.setResult(0, node.create<pi::MulOp>(input.getType(), input,
                                           node.makeScalar(-1.0f)));
  return success();
}

/// Reciprocal(x) -> 1 / x
LogicalResult importReciprocal(Node &node) {
  if (failed(node.requireFloat(0)))
    return failure();
  Value input = node.getValue(0), one = node.makeScalar(1.0f);
  node.setResult(0, node.create<pi::DivOp>(input.getType(), one, input));
  return success();
}

/// Abs(x) -> max(x, -x)
LogicalResult importAbs(Node &node) {
  if (failed(node.requireFloat(0)))
    return failure();
  Value input = node.getValue(0);
  Value negated =
      node.create<pi::MulOp>(input.getType(), input, node.makeScalar(-1.0f));
  node.setResult(0, node.create<pi::MaxOp>(input.getType(), input, negated));
  return success();
}

/// Clip(x, low, high) -> min(max(x, low), high); a missing bound bounds
/// nothing.
LogicalResult importClip(Node &node) {
  for (unsigned i = 0; i < 3; ++i)
    if (node.hasInput(i) && failed(node.requireFloat(i)))
      return failure();
  Value value = node.getValue(0);
  Type type = value.getType();
  for (unsigned i = 1; i < 3; ++i) {
    if (!node.hasInput(i))
      continue;
    if (countElements(node.getShape(i)) != 1 || node.getRank(i) > 0)
      return node.invalid("a bound is not one number");
    Value bound = node.getValue(i);
    value = i == 1 ? node.create<pi::MaxOp>(type, value, bound)
                   : node.create<pi::MinOp>(type, value, bound);
  }
  node.setResult(0, value);
  return success();
}

} // namespace

ArrayRef<OperatorInfo> aero::getArithmeticOperators() {
  static const OperatorInfo operators[] = {
      {"Abs", 6, 1, 1, importAbs},
      {"Add", 7, 2, 2, importNumbers<pi::AddOp>},
      {"Ceil", 6, 1, 1},
      {"Clip", 11, 1, 3, importClip},
      {"Cos", 7, 1, 1, importUnary<pi::CosOp>},
      {"Div", 7, 2, 2, importFloats<pi::DivOp>},
      {"Erf", 9, 1, 1, importUnary<pi::ErfOp>},
      {"Exp", 6, 1, 1, importUnary<pi::ExpOp>},
      {"Floor", 6, 1, 1},
      {"Log", 6, 1, 1},
      {"Max", 8, 1, kManyInputs, importVariadic<pi::MaxOp>},
      {"Min", 8, 1, kManyInputs, importVariadic<pi::MinOp>},
      {"Mod", 10, 2, 2},
      {"Mul", 7, 2, 2, importNumbers<pi::MulOp>},
      {"Neg", 6, 1, 1, importNeg},
      {"Pow", 7, 2, 2, importPow},
      {"Reciprocal", 6, 1, 1, importReciprocal},
      {"Round", 11, 1, 1},
      {"Sin", 7, 1, 1, importUnary<pi::SinOp>},
      {"Sqrt", 6, 1, 1, importUnary<pi::SqrtOp>},
      {"Sub", 7, 2, 2, importNumbers<pi::SubOp>},
      {"Sum", 8, 1, kManyInputs, importVariadic<pi::AddOp>},
  };
  return operators;
}
