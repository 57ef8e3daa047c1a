//===- Normalization.cpp - Reductions, softmax and norms of ONNX ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Node.h"

#include "aero/Dialect/PI/IR/PIOps.h"

#include <cmath>

using namespace aero;
using namespace mlir;

std::optional<Shape> aero::getReducedAxes(Node &node, int64_t inputSince) {
  int64_t rank = node.getRank(0);
  std::optional<Shape> listed;
  if (node.getOpset() < inputSince)
    listed = node.getInts("axes");
  else if (node.hasInput(1))
    listed = node.getConstantInts(1, "list of axes");
  if (node.hasFault())
    return std::nullopt;
  Shape axes;
  for (int64_t axis : listed.value_or(Shape())) {
    std::optional<int64_t> normal = normalizeAxis(axis, rank);
    if (!normal || llvm::is_contained(axes, *normal)) {
      (void)node.invalid("its axes do not fit its input");
      return std::nullopt;
    }
    axes.push_back(*normal);
  }
  llvm::sort(axes);
  bool none = node.getOpset() >= inputSince &&
              node.getInt("noop_with_empty_axes", 0) != 0;
  if (axes.empty() && !none)
    axes = llvm::to_vector<4>(llvm::seq<int64_t>(rank));
  return axes;
}

Shape aero::getReducedShape(ArrayRef<int64_t> shape, ArrayRef<int64_t> axes,
                            bool keepdims) {
  Shape result;
  for (auto [i, dim] : llvm::enumerate(shape)) {
    if (!llvm::is_contained(axes, static_cast<int64_t>(i)))
      result.push_back(dim);
    else if (keepdims)
      result.push_back(1);
  }
  return result;
}

namespace {

/// ReduceMean takes its axes as an input since opset 18, ReduceSum since 13.
template <typename OpTy, int64_t inputSince>
LogicalResult importReduce(Node &node) {
  if (failed(node.requireFloat(0)))
    return failure();
  std::optional<Shape> axes = getReducedAxes(node, inputSince);
  bool keepdims = node.getInt("keepdims", 1);
  if (!axes || node.hasFault())
    return failure();
  if (axes->empty()) {
    node.setAlias(0, node.getInput(0));
    return success();
  }
  if (failed(node.requireElements(0)))
    return failure();
  Shape shape = getReducedShape(node.getShape(0), *axes, keepdims);
  Value value = node.getValue(0);
  node.setResult(0, node.create<OpTy>(node.getType(shape), value,
                                      ArrayRef<int64_t>(*axes), keepdims));
  return success();
}

/// ReduceL2(x) -> sqrt(reduce_sum(x * x)); how embeddings are normalized.
LogicalResult importReduceL2(Node &node) {
  if (failed(node.requireFloat(0)) || failed(node.requireElements(0)))
    return failure();
  std::optional<Shape> axes = getReducedAxes(node, /*inputSince=*/18);
  bool keepdims = node.getInt("keepdims", 1);
  if (!axes || node.hasFault())
    return failure();
  // Whether nothing happens then, or the sign is lost, engines do not agree.
  if (axes->empty())
    return node.unsupported("it reduces over no dimension");
  RankedTensorType type =
      node.getType(getReducedShape(node.getShape(0), *axes, keepdims));
  Value input = node.getValue(0);
  Value square = node.create<pi::MulOp>(input.getType(), input, input);
  Value sum = node.create<pi::ReduceSumOp>(type, square,
                                           ArrayRef<int64_t>(*axes), keepdims);
  node.setResult(0, node.create<pi::SqrtOp>(type, sum));
  return success();
}

LogicalResult importSoftmax(Node &node) {
  if (failed(node.requireFloat(0)))
    return failure();
  const Shape &shape = node.getShape(0);
  // Before opset 13 the operator flattened its input to a matrix at `axis`.
  bool flattens = node.getOpset() < 13;
  std::optional<int64_t> axis =
      node.getAxis("axis", flattens ? 1 : -1, node.getRank(0));
  if (!axis)
    return failure();
  Value input = node.getValue(0);
  int64_t last = node.getRank(0) - 1;
  if (!flattens || *axis == last) {
    node.setResult(0,
                   node.create<pi::SoftmaxOp>(input.getType(), input, *axis));
    return success();
  }
  int64_t columns = *countElements(ArrayRef<int64_t>(shape).drop_front(*axis));
  int64_t rows = *countElements(ArrayRef<int64_t>(shape).take_front(*axis));
  Value matrix = node.reshape(input, {rows, columns});
  matrix = node.create<pi::SoftmaxOp>(matrix.getType(), matrix, 1);
  node.setResult(0, node.reshape(matrix, shape));
  return success();
}

/// The rows that a norm works on: the dimensions from its axis on, as one.
struct NormShape {
  Shape rows;
  int64_t width = 0;
  int64_t axis = 0;
  float epsilon = 0;
};

/// Checks what LayerNormalization and RMSNormalization share.
std::optional<NormShape> getNormShape(Node &node) {
  for (unsigned i = 0; i < node.getNumInputs(); ++i)
    if (node.hasInput(i) && failed(node.requireFloat(i)))
      return std::nullopt;
  std::optional<int64_t> axis = node.getAxis("axis", -1, node.getRank(0));
  NormShape norm;
  norm.epsilon = node.getFloat("epsilon", 1e-5f);
  if (!axis || node.hasFault())
    return std::nullopt;
  if (!(norm.epsilon >= 0) || !std::isfinite(norm.epsilon)) {
    (void)node.invalid("its epsilon is not a positive number");
    return std::nullopt;
  }
  norm.axis = *axis;
  ArrayRef<int64_t> shape = node.getShape(0);
  norm.width = *countElements(shape.drop_front(*axis));
  norm.rows = Shape(shape.take_front(*axis));
  norm.rows.push_back(norm.width);
  for (unsigned i = 1; i < node.getNumInputs(); ++i)
    if (node.hasInput(i) && countElements(node.getShape(i)) != norm.width &&
        countElements(node.getShape(i)) != 1) {
      (void)node.unsupported("its scale or shift is not one number a column");
      return std::nullopt;
    }
  return norm;
}

/// Scale or shift as one number a column.
Value getColumns(Node &node, unsigned i, const NormShape &norm) {
  if (!node.hasInput(i))
    return {};
  Value value = node.getValue(i);
  if (countElements(node.getShape(i)) == norm.width)
    return node.reshape(value, norm.width);
  return node.broadcast(node.reshape(value, 1), norm.width);
}

/// Mean and 1 / deviation, which LayerNormalization can give as well.
void setMoments(Node &node, Value rows, const NormShape &norm) {
  if (!node.usesOutput(1) && !node.usesOutput(2))
    return;
  int64_t last = norm.rows.size() - 1;
  RankedTensorType type =
      node.getType(getReducedShape(norm.rows, last, /*keepdims=*/true));
  Shape shape = node.getShape(0);
  std::fill(shape.begin() + norm.axis, shape.end(), 1);
  Value mean = node.create<pi::ReduceMeanOp>(type, rows, last, true);
  Value centred = node.create<pi::SubOp>(rows.getType(), rows, mean);
  Value square = node.create<pi::MulOp>(rows.getType(), centred, centred);
  Value variance = node.create<pi::ReduceMeanOp>(type, square, last, true);
  variance =
      node.create<pi::AddOp>(type, variance, node.makeScalar(norm.epsilon));
  Value deviation = node.create<pi::SqrtOp>(type, variance);
  Value inverse =
      node.create<pi::DivOp>(type, node.makeScalar(1.0f), deviation);
  node.setResult(1, node.reshape(mean, shape));
  node.setResult(2, node.reshape(inverse, shape));
}

LogicalResult importLayerNorm(Node &node) {
  std::optional<NormShape> norm = getNormShape(node);
  if (!norm)
    return failure();
  Value rows = node.reshape(node.getValue(0), norm->rows);
  Value gamma = getColumns(node, 1, *norm), beta = getColumns(node, 2, *norm);
  Value result = node.create<pi::LayerNormOp>(
      rows.getType(), rows, gamma, beta,
      node.getBuilder().getF32FloatAttr(norm->epsilon));
  node.setResult(0, node.reshape(result, node.getShape(0)));
  setMoments(node, rows, *norm);
  return success();
}

LogicalResult importRMSNorm(Node &node) {
  std::optional<NormShape> norm = getNormShape(node);
  if (!norm)
    return failure();
  Value rows = node.reshape(node.getValue(0), norm->rows);
  Value gamma = getColumns(node, 1, *norm);
  Value result = node.create<pi::RMSNormOp>(
      rows.getType(), rows, gamma,
      node.getBuilder().getF32FloatAttr(norm->epsilon));
  node.setResult(0, node.reshape(result, node.getShape(0)));
  return success();
}

/// The dimension back to front.
Value reverse(Node &node, Value value, int64_t axis) {
  int64_t size = cast<RankedTensorType>(value.getType()).getDimSize(axis);
  Shape indices;
  for (int64_t i = size; i-- > 0;)
    indices.push_back(i);
  return node.create<pi::TakeOp>(value, axis, ArrayRef<int64_t>(indices));
}

/// Sums from the end are sums of what is reversed; those without the element
/// itself lack it.
LogicalResult importCumSum(Node &node) {
  if (node.getKind(0) == ElementKind::Bool)
    return node.invalid("it sums truth values");
  std::optional<Shape> axes = node.getConstantInts(1, "axis");
  if (!axes)
    return failure();
  std::optional<int64_t> axis;
  if (axes->size() == 1)
    axis = normalizeAxis((*axes)[0], node.getRank(0));
  if (!axis)
    return node.invalid("its axis does not fit its input");
  bool exclusive = node.getInt("exclusive", 0);
  bool reversed = node.getInt("reverse", 0);
  if (node.hasFault())
    return failure();
  Value input = node.getValue(0);
  Value value = reversed ? reverse(node, input, *axis) : input;
  value = node.create<pi::CumSumOp>(value.getType(), value, *axis);
  if (reversed)
    value = reverse(node, value, *axis);
  if (exclusive)
    value = node.create<pi::SubOp>(value.getType(), value, input);
  node.setResult(0, value);
  return success();
}

} // namespace

ArrayRef<OperatorInfo> aero::getNormalizationOperators() {
  static const OperatorInfo operators[] = {
      {"CumSum", 11, 2, 2, importCumSum},
      {"LayerNormalization", 17, 2, 3, importLayerNorm},
      {"RMSNormalization", 23, 2, 2, importRMSNorm},
      {"ReduceL2", 11, 1, 2, importReduceL2},
      {"ReduceMax", 11, 1, 2},
      {"ReduceMean", 11, 1, 2, importReduce<pi::ReduceMeanOp, 18>},
      {"ReduceMin", 11, 1, 2},
      {"ReduceProd", 11, 1, 2},
      {"ReduceSum", 11, 1, 2, importReduce<pi::ReduceSumOp, 13>},
      {"Softmax", 11, 1, 1, importSoftmax},
  };
  return operators;
}
