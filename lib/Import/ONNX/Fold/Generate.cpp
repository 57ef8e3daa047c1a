//===- Generate.cpp - Evaluating operators that make elements -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fold.h"

#include "../TensorReader.h"

#include <cmath>

#include <onnx/onnx_pb.h>

using namespace aero;
using namespace mlir;

namespace {

Folded evaluateConstantOfShape(Node &node) {
  std::optional<Shape> shape = node.getConstantInts(0, "shape");
  if (!shape || !fitsFolding(node, *shape))
    return std::nullopt;
  HostTensor fill = HostTensor::makeZeros(ElementKind::Float, {1});
  if (const onnx::AttributeProto *value = node.findAttribute("value")) {
    auto tensor = TensorReader("").read(value->t());
    if (!tensor)
      return foldError(node, "its value " + llvm::toString(tensor.takeError()));
    if (tensor->size() != 1)
      return foldError(node, "its value is not one number");
    fill = std::move(*tensor);
  }
  return gatherStrided(fill, *shape, Shape(shape->size(), 0), 0);
}

Folded evaluateRange(Node &node) {
  const HostTensor *bounds[3];
  for (unsigned i = 0; i < 3; ++i) {
    bounds[i] = node.getConstant(i);
    if (bounds[i]->size() != 1 || bounds[i]->kind != bounds[0]->kind ||
        bounds[i]->kind == ElementKind::Bool)
      return foldError(node, "its bounds are not single numbers of one type");
  }
  double start = bounds[0]->at(0), limit = bounds[1]->at(0),
         step = bounds[2]->at(0);
  double count = std::max(0.0, std::ceil((limit - start) / step));
  if (step == 0 || !std::isfinite(count))
    return foldError(node, "its step or its bounds make no range");
  if (count > 0x1p40 || !fitsFolding(node, {static_cast<int64_t>(count)}))
    return foldError(node, "it makes too many elements");
  HostTensor result =
      HostTensor::makeZeros(bounds[0]->kind, {static_cast<int64_t>(count)});
  for (int64_t i = 0; i < result.size(); ++i) {
    if (result.kind == ElementKind::Float)
      result.floats[i] = static_cast<float>(start + i * step);
    else
      result.ints[i] = wrapAround(uint64_t(bounds[0]->ints[0]) +
                                  uint64_t(i) * uint64_t(bounds[2]->ints[0]));
  }
  return result;
}

/// Keeps the upper or the lower triangle of each matrix: causal masks.
Folded evaluateTrilu(Node &node) {
  HostTensor result = *node.getConstant(0);
  if (result.shape.size() < 2)
    return foldError(node, "its input is not a matrix");
  bool upper = node.getInt("upper", 1);
  int64_t k = 0;
  if (node.hasInput(1)) {
    const HostTensor &diagonal = *node.getConstant(1);
    if (diagonal.size() != 1 || diagonal.kind != ElementKind::Int)
      return foldError(node, "its diagonal is not one integer");
    k = diagonal.ints[0];
  }
  int64_t columns = result.shape.back();
  int64_t rows = result.shape[result.shape.size() - 2];
  k = std::clamp(k, -rows - 1, columns + 1);
  for (int64_t i = 0; i < result.size(); ++i) {
    int64_t row = i / columns % rows, column = i % columns;
    if (upper ? column >= row + k : column <= row + k)
      continue;
    if (result.kind == ElementKind::Float)
      result.floats[i] = 0;
    else
      result.ints[i] = 0;
  }
  return result;
}

} // namespace

ArrayRef<EvaluatorInfo> aero::getGeneratorEvaluators() {
  static const EvaluatorInfo evaluators[] = {
      {"ConstantOfShape", foldOne<evaluateConstantOfShape>},
      {"Range", foldOne<evaluateRange>},
      {"Trilu", foldOne<evaluateTrilu>},
  };
  return evaluators;
}
