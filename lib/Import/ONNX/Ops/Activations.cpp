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
      {"Relu", 6, 1, 1, importActivation<pi::ReluOp>},
      {"Sigmoid", 6, 1, 1, importActivation<pi::SigmoidOp>},
      {"Tanh", 6, 1, 1, importActivation<pi::TanhOp>},
  };
  return operators;
}
