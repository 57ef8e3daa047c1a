//===- MathOps.cpp - Arithmetic operators of ONNX -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "aero/Dialect/PI/IR/PIOps.h"

#include <cmath>

using namespace aero;
using namespace mlir;

namespace {

/// Arithmetic on integers that a party only knows at run time has no place in a
/// transformer's graph; token ids go straight into a Gather.
LogicalResult requireFloat(Node &node, unsigned i) {
  if (node.getKind(i) == ElementKind::Float)
    return success();
  return node.unsupported("it computes with integers or truth values that "
                          "depend on an input");
}

LogicalResult requireSize(Node &node, ArrayRef<int64_t> shape) {
  if (countElements(shape))
    return success();
  return node.invalid("its result is too large");
}

Value makeScalar(Node &node, float value) {
  HostTensor tensor = HostTensor::makeZeros(ElementKind::Float, {});
  tensor.floats[0] = value;
  return pi::ConstantOp::create(node.getBuilder(), node.getLoc(),
                                tensor.getAttr(node.getContext()));
}

/// The type of an element-wise result, or null with a recorded fault.
RankedTensorType getBroadcastType(Node &node, ArrayRef<int64_t> a,
                                  ArrayRef<int64_t> b) {
  std::optional<Shape> shape = broadcastShapes(a, b);
  if (!shape) {
    (void)node.invalid("the shapes of its inputs do not fit together");
    return {};
  }
  if (failed(requireSize(node, *shape)))
    return {};
  return node.getType(*shape);
}

//===----------------------------------------------------------------------===//
// Element-wise
//===----------------------------------------------------------------------===//

template <typename OpTy> LogicalResult importBinary(Node &node) {
  if (failed(requireFloat(node, 0)) || failed(requireFloat(node, 1)))
    return failure();
  RankedTensorType type =
      getBroadcastType(node, node.getShape(0), node.getShape(1));
  if (!type)
    return failure();
  Value lhs = node.getValue(0), rhs = node.getValue(1);
  node.setResult(
      0, OpTy::create(node.getBuilder(), node.getLoc(), type, lhs, rhs));
  return success();
}

template <typename OpTy> LogicalResult importUnary(Node &node) {
  if (failed(requireFloat(node, 0)))
    return failure();
  Value input = node.getValue(0);
  node.setResult(0, OpTy::create(node.getBuilder(), node.getLoc(),
                                 input.getType(), input));
  return success();
}

/// Neg(x) -> x * -1
LogicalResult importNeg(Node &node) {
  if (failed(requireFloat(node, 0)))
    return failure();
  Value input = node.getValue(0);
  node.setResult(0, pi::MulOp::create(node.getBuilder(), node.getLoc(),
                                      input.getType(), input,
                                      makeScalar(node, -1.0f)));
  return success();
}

/// Reciprocal(x) -> 1 / x
LogicalResult importReciprocal(Node &node) {
  if (failed(requireFloat(node, 0)))
    return failure();
  Value input = node.getValue(0), one = makeScalar(node, 1.0f);
  node.setResult(0, pi::DivOp::create(node.getBuilder(), node.getLoc(),
                                      input.getType(), one, input));
  return success();
}

LogicalResult importLeakyRelu(Node &node) {
  if (failed(requireFloat(node, 0)))
    return failure();
  float slope = node.getFloat("alpha", 0.01f);
  if (!std::isfinite(slope))
    return node.invalid("its slope is not finite");
  Value input = node.getValue(0);
  OpBuilder &builder = node.getBuilder();
  node.setResult(0, pi::LeakyReluOp::create(builder, node.getLoc(),
                                            input.getType(), input,
                                            builder.getF32FloatAttr(slope)));
  return success();
}

LogicalResult importWhere(Node &node) {
  if (!node.getConstant(0))
    return node.unsupported("its condition depends on an input or a weight; "
                            "only public masks are supported");
  if (node.getKind(0) != ElementKind::Bool)
    return node.invalid("its condition is not a truth value");
  if (failed(requireFloat(node, 1)) || failed(requireFloat(node, 2)))
    return failure();
  std::optional<Shape> values =
      broadcastShapes(node.getShape(1), node.getShape(2));
  if (!values)
    return node.invalid("the shapes of its inputs do not fit together");
  RankedTensorType type = getBroadcastType(node, node.getShape(0), *values);
  if (!type)
    return failure();
  Value condition = node.getValue(0), yes = node.getValue(1),
        no = node.getValue(2);
  node.setResult(0, pi::WhereOp::create(node.getBuilder(), node.getLoc(), type,
                                        condition, yes, no));
  return success();
}

/// All floats are f32 here, so that only a change of kind computes anything.
LogicalResult importCast(Node &node) {
  std::optional<ElementKind> to = getElementKind(node.getInt("to", 0));
  if (node.hasFault())
    return failure();
  if (!to)
    return node.unsupported("the type that it casts to is not supported");
  if (*to != node.getKind(0))
    return node.unsupported("it casts a value that depends on an input between "
                            "float, integer and truth value");
  node.setAlias(0, node.getInput(0));
  return success();
}

//===----------------------------------------------------------------------===//
// Linear algebra
//===----------------------------------------------------------------------===//

/// The type of a matrix product, or null with a recorded fault.
RankedTensorType getProductType(Node &node, ArrayRef<int64_t> a,
                                ArrayRef<int64_t> b) {
  if (a.size() < 2 || b.size() < 2) {
    (void)node.unsupported("it multiplies a vector; reshape it to a matrix");
    return {};
  }
  std::optional<Shape> shape = broadcastShapes(a.drop_back(2), b.drop_back(2));
  if (!shape || a.back() != b[b.size() - 2]) {
    (void)node.invalid("the shapes of its inputs do not fit together");
    return {};
  }
  shape->push_back(a[a.size() - 2]);
  shape->push_back(b.back());
  if (failed(requireSize(node, *shape)))
    return {};
  return node.getType(*shape);
}

LogicalResult importMatMul(Node &node) {
  if (failed(requireFloat(node, 0)) || failed(requireFloat(node, 1)))
    return failure();
  RankedTensorType type =
      getProductType(node, node.getShape(0), node.getShape(1));
  if (!type)
    return failure();
  Value lhs = node.getValue(0), rhs = node.getValue(1);
  node.setResult(0, pi::MatMulOp::create(node.getBuilder(), node.getLoc(), type,
                                         lhs, rhs));
  return success();
}

Value transposeMatrix(Node &node, Value matrix) {
  ArrayRef<int64_t> shape = cast<RankedTensorType>(matrix.getType()).getShape();
  return pi::TransposeOp::create(node.getBuilder(), node.getLoc(),
                                 node.getType({shape[1], shape[0]}), matrix,
                                 ArrayRef<int64_t>{1, 0});
}

/// Gemm(a, b, c) -> alpha * op(a) op(b) + beta * c
LogicalResult importGemm(Node &node) {
  bool hasBias = node.hasInput(2);
  for (unsigned i = 0; i < (hasBias ? 3 : 2); ++i)
    if (failed(requireFloat(node, i)))
      return failure();
  if (node.getRank(0) != 2 || node.getRank(1) != 2)
    return node.invalid("its factors are not matrices");
  float alpha = node.getFloat("alpha", 1.0f),
        beta = node.getFloat("beta", 1.0f);
  bool transA = node.getInt("transA", 0), transB = node.getInt("transB", 0);
  if (node.hasFault())
    return failure();
  Shape a = node.getShape(0), b = node.getShape(1);
  if (transA)
    std::swap(a[0], a[1]);
  if (transB)
    std::swap(b[0], b[1]);
  RankedTensorType type = getProductType(node, a, b);
  if (!type)
    return failure();
  if (hasBias) {
    std::optional<Shape> sum =
        broadcastShapes(type.getShape(), node.getShape(2));
    if (!sum || ArrayRef<int64_t>(*sum) != type.getShape())
      return node.invalid("the shape of its bias does not fit");
  }

  OpBuilder &builder = node.getBuilder();
  Value lhs = node.getValue(0), rhs = node.getValue(1);
  if (transA)
    lhs = transposeMatrix(node, lhs);
  if (transB)
    rhs = transposeMatrix(node, rhs);
  Value result = pi::MatMulOp::create(builder, node.getLoc(), type, lhs, rhs);
  if (alpha != 1.0f)
    result = pi::MulOp::create(builder, node.getLoc(), type, result,
                               makeScalar(node, alpha));
  if (hasBias && beta != 0.0f) {
    Value bias = node.getValue(2);
    if (beta != 1.0f)
      bias = pi::MulOp::create(builder, node.getLoc(), bias.getType(), bias,
                               makeScalar(node, beta));
    result = pi::AddOp::create(builder, node.getLoc(), type, result, bias);
  }
  node.setResult(0, result);
  return success();
}

//===----------------------------------------------------------------------===//
// Reductions and norms
//===----------------------------------------------------------------------===//

LogicalResult importReduceMean(Node &node) {
  if (failed(requireFloat(node, 0)))
    return failure();
  const Shape &input = node.getShape(0);
  int64_t rank = node.getRank(0);
  llvm::SmallSetVector<int64_t, 4> axes;
  Shape listed = node.getInts("axes").value_or(Shape());
  // No list means all.
  if (listed.empty())
    listed = llvm::to_vector<4>(llvm::seq<int64_t>(rank));
  for (int64_t axis : listed) {
    std::optional<int64_t> normal = normalizeAxis(axis, rank);
    if (!normal || !axes.insert(*normal))
      return node.invalid("its axes do not fit its input");
  }
  bool keep = node.getInt("keepdims", 1) != 0;
  if (node.hasFault())
    return failure();
  if (axes.empty()) { // A scalar is its own mean.
    node.setAlias(0, node.getInput(0));
    return success();
  }
  SmallVector<int64_t> sorted(axes.begin(), axes.end());
  llvm::sort(sorted);
  Shape shape;
  for (int64_t i = 0; i < rank; ++i) {
    if (!axes.contains(i))
      shape.push_back(input[i]);
    else if (keep)
      shape.push_back(1);
  }
  Value value = node.getValue(0);
  node.setResult(0, pi::ReduceMeanOp::create(node.getBuilder(), node.getLoc(),
                                             node.getType(shape), value,
                                             ArrayRef<int64_t>(sorted), keep));
  return success();
}

LogicalResult importSoftmax(Node &node) {
  if (failed(requireFloat(node, 0)))
    return failure();
  int64_t rank = node.getRank(0);
  // Before opset 13 the operator flattened its input to a matrix at `axis`,
  // which is the same function for the last axis only.
  bool flattens = node.getOpset() < 13;
  std::optional<int64_t> axis =
      normalizeAxis(node.getInt("axis", flattens ? 1 : -1), rank);
  if (node.hasFault())
    return failure();
  if (!axis)
    return node.invalid("its axis does not fit its input");
  if (flattens && *axis != rank - 1)
    return node.unsupported("before opset 13 it flattens its input; export "
                            "with opset_version=13 or later");
  Value input = node.getValue(0);
  node.setResult(0, pi::SoftmaxOp::create(node.getBuilder(), node.getLoc(),
                                          input.getType(), input, *axis));
  return success();
}

LogicalResult importLayerNorm(Node &node) {
  bool hasBeta = node.hasInput(2);
  for (unsigned i = 0; i < (hasBeta ? 3 : 2); ++i)
    if (failed(requireFloat(node, i)))
      return failure();
  int64_t rank = node.getRank(0);
  std::optional<int64_t> axis = normalizeAxis(node.getInt("axis", -1), rank);
  float epsilon = node.getFloat("epsilon", 1e-5f);
  if (node.hasFault())
    return failure();
  if (!axis)
    return node.invalid("its axis does not fit its input");
  if (*axis != rank - 1)
    return node.unsupported("it normalizes more than the last dimension");
  if (!(epsilon >= 0) || !std::isfinite(epsilon))
    return node.invalid("its epsilon is not a positive number");
  for (unsigned i = 1; i < (hasBeta ? 3 : 2); ++i)
    if (node.getRank(i) != 1 || node.getShape(i)[0] != node.getShape(0).back())
      return node.unsupported("its scale or shift is not one number a column");
  if (node.usesOutput(1) || node.usesOutput(2))
    return node.unsupported("its mean or deviation is read by another node");
  OpBuilder &builder = node.getBuilder();
  Value input = node.getValue(0), gamma = node.getValue(1);
  Value beta = hasBeta ? node.getValue(2) : Value();
  node.setResult(0, pi::LayerNormOp::create(builder, node.getLoc(),
                                            input.getType(), input, gamma, beta,
                                            builder.getF32FloatAttr(epsilon)));
  return success();
}

} // namespace

void aero::addMathOperators(llvm::StringMap<OperatorInfo> &operators) {
  operators["Add"] = {importBinary<pi::AddOp>, 2, 2};
  operators["Sub"] = {importBinary<pi::SubOp>, 2, 2};
  operators["Mul"] = {importBinary<pi::MulOp>, 2, 2};
  operators["Div"] = {importBinary<pi::DivOp>, 2, 2};
  operators["Pow"] = {importBinary<pi::PowOp>, 2, 2};
  operators["Sqrt"] = {importUnary<pi::SqrtOp>, 1, 1};
  operators["Erf"] = {importUnary<pi::ErfOp>, 1, 1};
  operators["Tanh"] = {importUnary<pi::TanhOp>, 1, 1};
  operators["Relu"] = {importUnary<pi::ReluOp>, 1, 1};
  operators["Neg"] = {importNeg, 1, 1};
  operators["Reciprocal"] = {importReciprocal, 1, 1};
  operators["LeakyRelu"] = {importLeakyRelu, 1, 1};
  operators["Where"] = {importWhere, 3, 3};
  operators["Cast"] = {importCast, 1, 1};
  operators["MatMul"] = {importMatMul, 2, 2};
  operators["Gemm"] = {importGemm, 2, 3};
  operators["ReduceMean"] = {importReduceMean, 1, 1};
  operators["Softmax"] = {importSoftmax, 1, 1};
  operators["LayerNormalization"] = {importLayerNorm, 2, 3};
}
