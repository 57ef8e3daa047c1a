//===- Activations.cpp - Activation functions of ONNX ---------------------===//
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

namespace {

template <typename OpTy> LogicalResult importActivation(Node &node) {
  if (failed(node.requireFloat(0)))
    return failure();
  Value input = node.getValue(0);
  node.setResult(0, node.create<OpTy>(input.getType(), input));
  return success();
}

LogicalResult importLeakyRelu(Node &node) {
  if (failed(node.requireFloat(0)))
    return failure();
  float slope = node.getFloat("alpha", 0.01f);
  if (!std::isfinite(slope))
    return node.invalid("its slope is not finite");
  Value input = node.getValue(0);
  node.setResult(
      0, node.create<pi::LeakyReluOp>(
             input.getType(), input, node.getBuilder().getF32FloatAttr(slope)));
  return success();
}

/// PRelu(x, slope) -> pi.prelu for one slope, max(x, 0) + slope min(x, 0) for
/// several.
LogicalResult importPRelu(Node &node) {
  if (failed(node.requireFloat(0)) || failed(node.requireFloat(1)))
    return failure();
  std::optional<Shape> shape =
      broadcastShapes(node.getShape(0), node.getShape(1));
  if (!shape || *shape != node.getShape(0))
    return node.invalid("its slope does not broadcast to its input");
  Value input = node.getValue(0), slope = node.getValue(1);
  Type type = input.getType();
  if (countElements(node.getShape(1)) == 1) {
    node.setResult(0, node.create<pi::PReluOp>(type, input, slope));
    return success();
  }
  Value zero = node.makeScalar(0.0f);
  Value above = node.create<pi::MaxOp>(type, input, zero);
  Value below = node.create<pi::MinOp>(type, input, zero);
  below = node.create<pi::MulOp>(type, below, slope);
  node.setResult(0, node.create<pi::AddOp>(type, above, below));
  return success();
}

LogicalResult importGelu(Node &node) {
  if (failed(node.requireFloat(0)))
    return failure();
  std::string name = node.getString("approximate", "none");
  std::optional<pi::GeluApproximation> approximation =
      pi::symbolizeGeluApproximation(name);
  if (node.hasFault())
    return failure();
  if (!approximation)
    return node.invalid("its approximation is neither none nor tanh");
  Value input = node.getValue(0);
  node.setResult(
      0, node.create<pi::GeluOp>(input.getType(), input, *approximation));
  return success();
}

} // namespace

ArrayRef<OperatorInfo> aero::getActivationOperators() {
  static const OperatorInfo operators[] = {
      {"Gelu", 20, 1, 1, importGelu},
      {"LeakyRelu", 6, 1, 1, importLeakyRelu},
      {"PRelu", 9, 2, 2, importPRelu},
      {"Relu", 6, 1, 1, importActivation<pi::ReluOp>},
      {"Sigmoid", 6, 1, 1, importActivation<pi::SigmoidOp>},
      {"Tanh", 6, 1, 1, importActivation<pi::TanhOp>},
  };
  return operators;
}
