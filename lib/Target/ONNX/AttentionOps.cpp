//===- AttentionOps.cpp - Attention and rotary embeddings as ONNX ---------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpExporter.h"

#include "mlir/IR/TypeUtilities.h"

#include "aero/Support/Elements.h"

#include <cmath>
#include <limits>

using namespace aero;

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

/// Every element of the constant is a number, so that adding it hides no key.
static bool isFinite(mlir::Value value) {
  auto constant = value.getDefiningOp<pi::ConstantOp>();
  if (!constant)
    return false;
  auto data = getFloatData(constant.getValue());
  if (!data) {
    llvm::consumeError(data.takeError());
    return false;
  }
  return llvm::all_of(*data, [](float x) { return std::isfinite(x); });
}

std::optional<std::string> OpExporter::getVisible(pi::AttentionOp op) {
  std::optional<std::string> visible;
  int64_t tokens = getShape(op.getQuery())[1], keys = getShape(op.getKey())[1];
  if (mlir::Value mask = op.getMask()) {
    visible = getName(mask);
    if (!mlir::getElementTypeOrSelf(mask.getType()).isInteger(1))
      visible =
          graph.add("Cast", {*visible},
                    GraphBuilder::Attribute(
                        "to", static_cast<int64_t>(onnx::TensorProto::BOOL)));
    visible = graph.reshape(*visible, {getShape(mask)[0], 1, 1, keys});
  }
  // One query behind all keys sees them all.
  if (!op.getCausal() || tokens == 1)
    return visible;
  std::vector<uint8_t> earlier(static_cast<size_t>(tokens * keys));
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t k = 0; k < keys; ++k)
      earlier[t * keys + k] = k <= keys - tokens + t;
  std::string causal = graph.bools({1, 1, tokens, keys}, earlier);
  return visible ? graph.add("And", {causal, *visible}) : causal;
}

std::string OpExporter::exportAttention(pi::AttentionOp op) {
  llvm::ArrayRef<int64_t> query = getShape(op.getQuery());
  int64_t batch = query[0], tokens = query[1], width = query[2];
  int64_t keys = getShape(op.getKey())[1], heads = op.getHeads();
  int64_t keyHeads = op.getKeyHeadCount(), headWidth = width / heads;
  int64_t group = heads / keyHeads;

  std::string q =
      graph.reshape(getName(op.getQuery()), {batch, tokens, heads, headWidth});
  q = graph.transpose(q, {0, 2, 1, 3});
  // Keys and values that several heads share are repeated for each.
  auto split = [&](mlir::Value value, GraphBuilder::Ints permutation,
                   int64_t rows, int64_t columns) {
    std::string x =
        graph.reshape(getName(value), {batch, keys, keyHeads, headWidth});
    x = graph.transpose(x, permutation);
    if (group == 1)
      return x;
    x = graph.add("Unsqueeze", {x, graph.ints(int64_t(2))});
    x = graph.add("Expand",
                  {x, graph.ints({batch, keyHeads, group, rows, columns})});
    return graph.reshape(x, {batch, heads, rows, columns});
  };
  std::string k = split(op.getKey(), {0, 2, 3, 1}, headWidth, keys);
  std::string v = split(op.getValue(), {0, 2, 1, 3}, keys, headWidth);

  std::string scores = graph.add("MatMul", {q, k});
  float scale = op.getScale().convertToFloat();
  if (scale != 1.0f)
    scores = graph.add("Mul", {scores, graph.scalar(scale)});
  // The parameter keeps its shape, (heads, queries) or (heads, 1).
  if (op.getTemperature())
    scores = graph.add(
        "Div", {scores, graph.reshape(
                            getName(op.getTemperature()),
                            {1, heads, getShape(op.getTemperature())[1], 1})});
  if (op.getBias())
    scores = graph.add("Add", {scores, getName(op.getBias())});
  // A query that sees no key has the result 0, which the arithmetic has to
  // say. Under a causal mask alone every query sees itself.
  bool guarded = op.getMask() || (op.getBias() && !isFinite(op.getBias()));
  if (std::optional<std::string> visible = getVisible(op)) {
    float hidden = guarded ? -std::numeric_limits<float>::infinity()
                           : std::numeric_limits<float>::lowest();
    scores = graph.add("Where", {*visible, scores, graph.scalar(hidden)});
  }
  std::string weights = graph.add("Softmax", {scores},
                                  GraphBuilder::Attribute("axis", int64_t(-1)));
  if (guarded)
    weights = graph.add(
        "Where", {graph.add("IsNaN", {weights}), graph.scalar(0), weights});
  std::string result = graph.add("MatMul", {weights, v});
  result = graph.transpose(result, {0, 2, 1, 3});
  return graph.reshape(result, query);
}

//===----------------------------------------------------------------------===//
// Rotary embeddings
//===----------------------------------------------------------------------===//

std::string OpExporter::exportRotary(pi::RotaryEmbeddingOp op) {
  llvm::ArrayRef<int64_t> shape = getShape(op.getInput());
  int64_t batch = shape[0], tokens = shape[1], heads = op.getHeads();
  int64_t width = shape[2] / heads;
  int64_t half = getShape(op.getCos()).back();

  std::string x =
      graph.reshape(getName(op.getInput()), {batch, tokens, heads, width});
  x = graph.transpose(x, {0, 2, 1, 3});
  std::string rest;
  if (2 * half < width) {
    rest = graph.slice(x, 3, 2 * half, width);
    x = graph.slice(x, 3, 0, 2 * half);
  }
  // One table for all heads.
  auto spread = [&](mlir::Value table) {
    llvm::ArrayRef<int64_t> from = getShape(table);
    int64_t rows = from.size() == 3 ? from[0] : 1;
    return graph.reshape(getName(table), {rows, 1, tokens, half});
  };
  std::string cos = spread(op.getCos()), sin = spread(op.getSin());
  std::string first, second;
  if (op.getInterleaved()) {
    auto every = [&](int64_t start) {
      return graph.add("Slice",
                       {x, graph.ints(start), graph.ints(2 * half),
                        graph.ints(int64_t(3)), graph.ints(int64_t(2))});
    };
    first = every(0);
    second = every(1);
  } else {
    first = graph.slice(x, 3, 0, half);
    second = graph.slice(x, 3, half, 2 * half);
  }
  auto product = [&](const std::string &a, const std::string &b) {
    return graph.add("Mul", {a, b});
  };
  std::string a = graph.add("Sub", {product(first, cos), product(second, sin)});
  std::string b = graph.add("Add", {product(second, cos), product(first, sin)});
  std::string rotated;
  if (op.getInterleaved()) {
    auto column = [&](const std::string &value) {
      return graph.add("Unsqueeze", {value, graph.ints(int64_t(4))});
    };
    rotated = graph.add("Concat", {column(a), column(b)},
                        GraphBuilder::Attribute("axis", int64_t(4)));
    rotated = graph.reshape(rotated, {batch, heads, tokens, 2 * half});
  } else {
    rotated = graph.add("Concat", {a, b},
                        GraphBuilder::Attribute("axis", int64_t(3)));
  }
  if (!rest.empty())
    rotated = graph.add("Concat", {rotated, rest},
                        GraphBuilder::Attribute("axis", int64_t(3)));
  rotated = graph.transpose(rotated, {0, 2, 1, 3});
  return graph.reshape(rotated, shape);
}
