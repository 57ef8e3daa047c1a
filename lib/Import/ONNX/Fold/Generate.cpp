//===- Generate.cpp - Evaluating operators that make elements -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fold.h"

#include <cmath>

using namespace aero;
using namespace mlir;

namespace {

Folded evaluateConstantOfShape(Node &node) {
  std::optional<Shape> shape = node.getConstantInts(0, "shape");
  if (!shape || !fitsFolding(node, *shape))
    return std::nullopt;
  HostTensor fill = HostTensor::makeZeros(ElementKind::Float, {1});
  if (std::optional<HostTensor> value = node.getTensor("value")) {
    if (value->size() != 1)
      return foldError(node, "its value is not one number");
    fill = std::move(*value);
  }
  if (node.hasFault())
    return std::nullopt;
  return gatherStrided(fill, *shape, Shape(shape->size(), 0), 0);
}

/// The numbers from `start` to before `limit`. Far from zero, a double cannot
/// tell them apart.
uint64_t countSteps(int64_t start, int64_t limit, int64_t step) {
  if (step > 0 ? start >= limit : start <= limit)
    return 0;
  uint64_t distance = step > 0 ? uint64_t(limit) - uint64_t(start)
                               : uint64_t(start) - uint64_t(limit);
  uint64_t width = step > 0 ? uint64_t(step) : 0 - uint64_t(step);
  return (distance - 1) / width + 1;
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
  if (step == 0 || !std::isfinite(start) || !std::isfinite(limit) ||
      !std::isfinite(step))
    return foldError(node, "its step or its bounds make no range");
  double count = std::max(0.0, std::ceil((limit - start) / step));
  if (bounds[0]->kind == ElementKind::Int)
    count = static_cast<double>(
        countSteps(bounds[0]->ints[0], bounds[1]->ints[0], bounds[2]->ints[0]));
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
