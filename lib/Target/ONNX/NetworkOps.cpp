//===- NetworkOps.cpp - Layers of networks as ONNX ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Where the operator set has no operator for a layer, it is written in the
/// arithmetic that exporters write, which other programs recognise.
///
//===----------------------------------------------------------------------===//

#include "OpExporter.h"

#include "llvm/ADT/TypeSwitch.h"

#include <numbers>

using namespace aero;
using Attribute = GraphBuilder::Attribute;
using Result = std::optional<std::string>;

std::string OpExporter::getParameter(mlir::Value value) {
  std::string name = getName(value);
  auto constant = value.getDefiningOp<pi::ConstantOp>();
  if (!constant || getShape(value).empty())
    return name;
  return graph.reshape(name, getShape(value));
}

/// Since opset 18 the axes are an input.
std::string OpExporter::reduceMean(const std::string &value,
                                   llvm::ArrayRef<int64_t> axes,
                                   bool keepdims) {
  Attribute keep("keepdims", int64_t(keepdims));
  if (graph.getOpset() < 18)
    return graph.add("ReduceMean", {value}, {Attribute("axes", axes), keep});
  return graph.add("ReduceMean", {value, graph.ints(axes)}, keep);
}

std::string OpExporter::exportLinear(pi::LinearOp op) {
  std::string result = graph.add(
      "MatMul", {getName(op.getInput()), getParameter(op.getWeight())});
  if (op.getBias())
    result = graph.add("Add", {result, getName(op.getBias())});
  return result;
}

std::string OpExporter::exportGelu(pi::GeluOp op) {
  std::string x = getName(op.getInput());
  bool byTanh = op.getApproximation() == pi::GeluApproximation::Tanh;
  if (graph.getOpset() >= 20)
    return graph.add(
        "Gelu", {x},
        Attribute("approximate", llvm::StringRef(byTanh ? "tanh" : "none")));
  std::string inner;
  if (byTanh) {
    // 0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))
    std::string cube = graph.add("Pow", {x, graph.scalar(3)});
    cube = graph.add("Mul", {cube, graph.scalar(0.044715f)});
    inner = graph.add("Add", {x, cube});
    inner = graph.add(
        "Mul", {inner, graph.scalar(static_cast<float>(
                           std::numbers::sqrt2 * std::numbers::inv_sqrtpi))});
    inner = graph.add("Tanh", {inner});
  } else {
    // 0.5 x (1 + erf(x / sqrt(2)))
    inner = graph.add("Div", {x, graph.scalar(std::numbers::sqrt2_v<float>)});
    inner = graph.add("Erf", {inner});
  }
  inner = graph.add("Add", {inner, graph.scalar(1)});
  inner = graph.add("Mul", {x, inner});
  return graph.add("Mul", {inner, graph.scalar(0.5f)});
}

std::string OpExporter::exportLayerNorm(pi::LayerNormOp op) {
  std::string x = getName(op.getInput());
  int64_t width = getShape(op.getInput()).back();
  // The operator has to have a scale. Expanded ones stay public.
  std::string gamma =
      op.getGamma() ? getParameter(op.getGamma())
                    : graph.add("Expand", {graph.scalar(1), graph.ints(width)});
  llvm::SmallVector<std::string> inputs = {x, gamma};
  if (op.getBeta())
    inputs.push_back(getParameter(op.getBeta()));
  return graph.add("LayerNormalization", inputs,
                   {Attribute("axis", int64_t(-1)),
                    Attribute("epsilon", op.getEpsilon().convertToFloat())});
}

std::string OpExporter::exportRMSNorm(pi::RMSNormOp op) {
  std::string x = getName(op.getInput());
  float epsilon = op.getEpsilon().convertToFloat();
  int64_t rank = getShape(op.getInput()).size();
  if (graph.getOpset() >= 23) {
    std::string gamma =
        op.getGamma()
            ? getParameter(op.getGamma())
            : graph.add("Expand", {graph.scalar(1),
                                   graph.ints(getShape(op.getInput()).back())});
    return graph.add(
        "RMSNormalization", {x, gamma},
        {Attribute("axis", int64_t(-1)), Attribute("epsilon", epsilon)});
  }
  std::string mean = graph.add("Pow", {x, graph.scalar(2)});
  mean = reduceMean(mean, rank - 1, /*keepdims=*/true);
  mean = graph.add("Add", {mean, graph.scalar(epsilon)});
  std::string root = graph.add("Sqrt", {mean});
  std::string result = graph.add("Div", {x, root});
  if (op.getGamma())
    result = graph.add("Mul", {result, getName(op.getGamma())});
  return result;
}

Result OpExporter::exportOp(mlir::Operation &op) {
  if (Result result = exportElementwise(op))
    return result;
  if (Result result = exportShape(op))
    return result;
  return llvm::TypeSwitch<mlir::Operation *, Result>(&op)
      .Case([&](pi::LinearOp op) { return exportLinear(op); })
      .Case([&](pi::GeluOp op) { return exportGelu(op); })
      .Case([&](pi::SiluOp op) {
        std::string x = getName(op.getInput());
        return graph.add("Mul", {x, graph.add("Sigmoid", {x})});
      })
      .Case([&](pi::LeakyReluOp op) {
        return graph.add("LeakyRelu", {getName(op.getInput())},
                         Attribute("alpha", op.getSlope().convertToFloat()));
      })
      .Case([&](pi::PReluOp op) {
        return graph.add("PRelu",
                         {getName(op.getInput()), getName(op.getSlope())});
      })
      .Case([&](pi::SoftmaxOp op) {
        return graph.add("Softmax", {getName(op.getInput())},
                         Attribute("axis", static_cast<int64_t>(op.getAxis())));
      })
      .Case([&](pi::LayerNormOp op) { return exportLayerNorm(op); })
      .Case([&](pi::RMSNormOp op) { return exportRMSNorm(op); })
      .Case([&](pi::AttentionOp op) { return exportAttention(op); })
      .Case([&](pi::RotaryEmbeddingOp op) { return exportRotary(op); })
      .Default(Result());
}
