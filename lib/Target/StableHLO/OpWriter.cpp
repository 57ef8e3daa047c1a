//===- OpWriter.cpp - One pi op as StableHLO ------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OpWriter.h"

#include "aero/Support/Elements.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <cmath>

using namespace aero;
using Value = OpWriter::Value;

static llvm::ArrayRef<int64_t> getShape(mlir::Type type) {
  return llvm::cast<mlir::RankedTensorType>(type).getShape();
}

std::optional<Value> OpWriter::get(mlir::Value value) const {
  auto found = values.find(value);
  if (found == values.end())
    return std::nullopt;
  return found->second;
}

std::optional<Value> OpWriter::write(mlir::Operation *op) {
  // The prompt is no tensor of ids: only a lookup can use it.
  if (auto lookup = llvm::dyn_cast<pi::EmbeddingOp>(op)) {
    auto table = get(lookup.getTable());
    if (lookup.getIndices() != tokenIds || !table)
      return std::nullopt;
    // Whole numbers times fixed-point ones are truncated by nobody, which SPU
    // sees from a conversion beside the product.
    Value rows = hlo.convert(tokens, table->type.getElementType());
    return hlo.reshape(hlo.dot(rows, *table, /*batch=*/0),
                       getShape(lookup.getType()));
  }
  for (mlir::Value operand : op->getOperands())
    if (!get(operand))
      return std::nullopt;
  if (auto written = writeElementwise(op))
    return written;
  if (auto written = writeShape(op))
    return written;
  return writeNetwork(op);
}

//===----------------------------------------------------------------------===//
// Element by element
//===----------------------------------------------------------------------===//

Value OpWriter::broadcastBinary(llvm::StringRef op, const Value &x,
                                const Value &y, mlir::Type result) {
  return hlo.binary(op, hlo.broadcast(x, getShape(result)),
                    hlo.broadcast(y, getShape(result)));
}

Value OpWriter::scaled(const Value &x, float factor) {
  return factor == 1
             ? x
             : hlo.binary("multiply", x, hlo.splat(factor, x.getShape()));
}

/// x Phi(x) = x / 2 (1 + erf(x / sqrt 2)), or its approximation by tanh.
Value OpWriter::gelu(const Value &x, bool tanh) {
  Value inner;
  if (tanh) {
    Value cube = hlo.binary("multiply", hlo.binary("multiply", x, x), x);
    inner = hlo.binary("add", x, scaled(cube, 0.044715f));
    inner = hlo.unary("tanh", scaled(inner, std::sqrt(2 / 3.14159265358979f)));
  } else {
    // What SPU knows erf by.
    inner = hlo.call("mhlo.erf", scaled(x, std::sqrt(0.5f)));
  }
  inner = hlo.binary("add", inner, hlo.splat(1, x.getShape()));
  return hlo.binary("multiply", scaled(x, 0.5f), inner);
}

std::optional<Value> OpWriter::writeElementwise(mlir::Operation *op) {
  using Result = std::optional<Value>;
  mlir::Type type = op->getResult(0).getType();
  auto operand = [&](unsigned i) { return *get(op->getOperand(i)); };
  auto unary = [&](llvm::StringRef name) {
    return Result(hlo.unary(name, operand(0)));
  };
  auto binary = [&](llvm::StringRef name) {
    return Result(broadcastBinary(name, operand(0), operand(1), type));
  };
  auto leaky = [&](const Value &x, const Value &slope) {
    Value zero = hlo.splat(0, x.getShape());
    return hlo.select(
        hlo.compare("GE", x, zero), x,
        hlo.binary("multiply", x, hlo.broadcast(slope, x.getShape())));
  };
  return llvm::TypeSwitch<mlir::Operation *, Result>(op)
      .Case([&](pi::AddOp) { return binary("add"); })
      .Case([&](pi::SubOp) { return binary("subtract"); })
      .Case([&](pi::MulOp) { return binary("multiply"); })
      .Case([&](pi::DivOp) { return binary("divide"); })
      .Case([&](pi::PowOp) { return binary("power"); })
      .Case([&](pi::MinOp) { return binary("minimum"); })
      .Case([&](pi::MaxOp) { return binary("maximum"); })
      .Case([&](pi::AndOp) { return binary("and"); })
      .Case([&](pi::OrOp) { return binary("or"); })
      .Case([&](pi::NotOp) { return unary("not"); })
      .Case([&](pi::ExpOp) { return unary("exponential"); })
      .Case([&](pi::SqrtOp) { return unary("sqrt"); })
      .Case([&](pi::TanhOp) { return unary("tanh"); })
      .Case([&](pi::SigmoidOp) { return unary("logistic"); })
      .Case([&](pi::SinOp) { return unary("sine"); })
      .Case([&](pi::CosOp) { return unary("cosine"); })
      .Case([&](pi::ErfOp) { return Result(hlo.call("mhlo.erf", operand(0))); })
      .Case([&](pi::SiluOp) {
        return Result(hlo.binary("multiply", operand(0),
                                 hlo.unary("logistic", operand(0))));
      })
      .Case([&](pi::GeluOp op) {
        return Result(gelu(operand(0), op.getApproximation() ==
                                           pi::GeluApproximation::Tanh));
      })
      .Case([&](pi::ReluOp) {
        return Result(hlo.binary("maximum", operand(0),
                                 hlo.splat(0, operand(0).getShape())));
      })
      .Case([&](pi::LeakyReluOp op) {
        return Result(
            leaky(operand(0), hlo.splat(op.getSlope().convertToFloat(), {})));
      })
      .Case([&](pi::PReluOp) {
        return Result(leaky(operand(0), hlo.reshape(operand(1), {})));
      })
      .Case([&](pi::CompareOp op) {
        llvm::StringRef direction =
            op.getPredicate() == pi::ComparePredicate::EQ   ? "EQ"
            : op.getPredicate() == pi::ComparePredicate::LT ? "LT"
                                                            : "LE";
        return Result(hlo.compare(direction,
                                  hlo.broadcast(operand(0), getShape(type)),
                                  hlo.broadcast(operand(1), getShape(type))));
      })
      .Case([&](pi::WhereOp) {
        return Result(hlo.select(hlo.broadcast(operand(0), getShape(type)),
                                 hlo.broadcast(operand(1), getShape(type)),
                                 hlo.broadcast(operand(2), getShape(type))));
      })
      .Default([](mlir::Operation *) { return std::nullopt; });
}

//===----------------------------------------------------------------------===//
// Shapes
//===----------------------------------------------------------------------===//

std::optional<Value> OpWriter::writeShape(mlir::Operation *op) {
  using Result = std::optional<Value>;
  llvm::ArrayRef<int64_t> shape = getShape(op->getResult(0).getType());
  auto operand = [&](unsigned i) { return *get(op->getOperand(i)); };
  return llvm::TypeSwitch<mlir::Operation *, Result>(op)
      .Case(
          [&](pi::ReshapeOp) { return Result(hlo.reshape(operand(0), shape)); })
      .Case([&](pi::BroadcastOp) {
        return Result(hlo.broadcast(operand(0), shape));
      })
      .Case([&](pi::TransposeOp op) {
        return Result(hlo.transpose(operand(0), op.getPermutation()));
      })
      .Case([&](pi::SliceOp op) {
        return Result(hlo.slice(operand(0), op.getAxis(), op.getOffset(),
                                shape[op.getAxis()]));
      })
      .Case([&](pi::TakeOp op) {
        // Neighbours are one slice.
        llvm::SmallVector<Value> parts;
        llvm::ArrayRef<int64_t> indices = op.getIndices();
        for (size_t i = 0, n; i < indices.size(); i += n) {
          for (n = 1; i + n < indices.size() &&
                      indices[i + n] == indices[i] + static_cast<int64_t>(n);)
            ++n;
          parts.push_back(hlo.slice(operand(0), op.getAxis(), indices[i],
                                    static_cast<int64_t>(n)));
        }
        return Result(hlo.concatenate(parts, op.getAxis()));
      })
      .Case([&](pi::ConcatOp op) {
        llvm::SmallVector<Value> parts;
        for (mlir::Value input : op.getInputs())
          parts.push_back(*get(input));
        return Result(hlo.concatenate(parts, op.getAxis()));
      })
      .Case([&](pi::SelectTokenOp) {
        return Result(hlo.dynamicSlice(operand(0), /*axis=*/1, operand(1),
                                       /*size=*/1));
      })
      .Case<pi::ReduceSumOp, pi::ReduceMeanOp>([&](auto op) {
        Value x = operand(0);
        Value sum = hlo.reshape(hlo.reduce("add", x, op.getAxes()), shape);
        if (llvm::isa<pi::ReduceSumOp>(op))
          return Result(sum);
        return Result(
            scaled(sum, static_cast<float>(sum.type.getNumElements()) /
                            x.type.getNumElements()));
      })
      .Default([](mlir::Operation *) { return std::nullopt; });
}

//===----------------------------------------------------------------------===//
// Networks
//===----------------------------------------------------------------------===//

Value OpWriter::rowMeans(const Value &x) {
  llvm::SmallVector<int64_t> kept(x.getShape());
  kept.back() = 1;
  Value sum = hlo.reshape(hlo.reduce("add", x, x.getRank() - 1), kept);
  // A power of two first: 1 / 768 has few digits with 18 fractional bits.
  int64_t size = x.getShape().back(), power = size & -size;
  sum = scaled(sum, 1.0f / static_cast<float>(power));
  return scaled(sum, static_cast<float>(power) / static_cast<float>(size));
}

Value OpWriter::normalize(const Value &x, std::optional<Value> gamma,
                          std::optional<Value> beta, float epsilon,
                          bool center) {
  auto spread = [&](const Value &y) { return hlo.broadcast(y, x.getShape()); };
  Value result = x;
  if (center)
    result = hlo.binary("subtract", x, spread(rowMeans(x)));
  // One square root a row: the factor is spread afterwards.
  Value variance = rowMeans(hlo.binary("multiply", result, result));
  Value factor =
      hlo.unary("rsqrt", hlo.binary("add", variance,
                                    hlo.splat(epsilon, variance.getShape())));
  result = hlo.binary("multiply", result, spread(factor));
  if (gamma)
    result = hlo.binary("multiply", result, spread(*gamma));
  if (beta)
    result = hlo.binary("add", result, spread(*beta));
  return result;
}

/// Over the last dimension, with one division a row.
Value OpWriter::softmax(const Value &x) {
  llvm::SmallVector<int64_t> kept(x.getShape());
  kept.back() = 1;
  int64_t last = x.getRank() - 1;
  Value max = hlo.reshape(hlo.reduce("maximum", x, last), kept);
  Value weights =
      hlo.unary("exponential",
                hlo.binary("subtract", x, hlo.broadcast(max, x.getShape())));
  Value sum = hlo.reshape(hlo.reduce("add", weights, last), kept);
  Value inverse = hlo.binary("divide", hlo.splat(1, kept), sum);
  return hlo.binary("multiply", weights, hlo.broadcast(inverse, x.getShape()));
}

/// Of a known tensor: all its elements are far from hiding anything.
static bool isModest(mlir::Value value) {
  mlir::ElementsAttr elements;
  if (auto weight = value.getDefiningOp<pi::WeightOp>())
    elements = weight.getValue();
  else if (auto constant = value.getDefiningOp<pi::ConstantOp>())
    elements = constant.getValue();
  if (!elements)
    return false;
  auto data = getFloatData(elements);
  if (!data) {
    llvm::consumeError(data.takeError());
    return false;
  }
  return llvm::all_of(*data, [](float x) { return std::abs(x) <= 100; });
}

std::optional<Value> OpWriter::attention(pi::AttentionOp op) {
  // With padding a query may see no key. A bias that hides keys would need the
  // exponential of numbers that are far below 0, which engines get wrong.
  if (op.getMask() || (op.getBias() && !isModest(op.getBias())))
    return std::nullopt;
  llvm::ArrayRef<int64_t> shape = getShape(op.getType());
  int64_t batch = shape[0], queries = shape[1], heads = op.getHeads();
  int64_t keys = getShape(op.getKey().getType())[1], width = shape[2] / heads;
  int64_t keyHeads = op.getKeyHeadCount(), group = heads / keyHeads;
  auto split = [&](mlir::Value value, int64_t rows, int64_t parts) {
    Value x = hlo.reshape(*get(value), {batch, rows, parts, width});
    x = hlo.transpose(x, {0, 2, 1, 3});
    if (parts == heads)
      return x;
    // Keys and values that several heads share are repeated for each.
    x = hlo.reshape(x, {batch, parts, 1, rows, width});
    x = hlo.broadcast(x, {batch, parts, group, rows, width});
    return hlo.reshape(x, {batch, heads, rows, width});
  };
  Value q = split(op.getQuery(), queries, heads);
  if (op.getTemperature()) {
    // One division for each head and position; there are fewer queries than
    // scores.
    Value t = *get(op.getTemperature());
    t = hlo.binary("divide", hlo.splat(1, t.getShape()), t);
    t = hlo.reshape(t, {1, heads, t.getShape()[1], 1});
    q = hlo.binary("multiply", q, hlo.broadcast(t, q.getShape()));
  }
  Value k = split(op.getKey(), keys, keyHeads);
  Value v = split(op.getValue(), keys, keyHeads);

  Value scores = scaled(hlo.dot(q, k, /*batch=*/2, /*transposed=*/true),
                        op.getScale().convertToFloat());
  llvm::SmallVector<int64_t> all{batch, heads, queries, keys};
  if (op.getBias())
    scores = hlo.binary("add", scores, hlo.broadcast(*get(op.getBias()), all));
  std::optional<Value> visible;
  if (op.getCausal() && queries > 1) {
    mlir::Builder builder(op.getContext());
    Value key = hlo.iota({queries, keys}, 1),
          query = hlo.iota({queries, keys}, 0);
    Value last = hlo.constant(mlir::DenseElementsAttr::get(
        mlir::RankedTensorType::get({queries, keys}, builder.getI64Type()),
        keys - queries));
    visible = hlo.broadcast(
        hlo.compare("LE", key, hlo.binary("add", query, last)), all);
    // Below every score, and within the range of fixed-point numbers.
    scores = hlo.select(*visible, scores, hlo.splat(-10000, all));
  }
  llvm::SmallVector<int64_t> rows{batch, heads, queries, 1};
  Value max = hlo.reshape(hlo.reduce("maximum", scores, 3), rows);
  Value weights = hlo.unary(
      "exponential", hlo.binary("subtract", scores, hlo.broadcast(max, all)));
  // Exactly 0, whatever an engine makes of e^-10000.
  if (visible)
    weights = hlo.select(*visible, weights, hlo.splat(0, all));
  // Normalised after the product with the values: fewer products.
  Value sum = hlo.reshape(hlo.reduce("add", weights, 3), rows);
  Value inverse = hlo.binary("divide", hlo.splat(1, rows), sum);
  Value context = hlo.dot(weights, v, /*batch=*/2);
  context = hlo.binary("multiply", context,
                       hlo.broadcast(inverse, context.getShape()));
  return hlo.reshape(hlo.transpose(context, {0, 2, 1, 3}), shape);
}

Value OpWriter::rotary(pi::RotaryEmbeddingOp op) {
  llvm::ArrayRef<int64_t> shape = getShape(op.getType());
  int64_t batch = shape[0], tokens = shape[1], heads = op.getHeads();
  int64_t width = shape[2] / heads,
          half = getShape(op.getCos().getType()).back();
  Value x = hlo.reshape(*get(op.getInput()), {batch, tokens, heads, width});
  Value rotated = hlo.slice(x, 3, 0, 2 * half);
  llvm::SmallVector<int64_t> part{batch, tokens, heads, half};
  Value first, second;
  if (op.getInterleaved()) {
    Value pairs = hlo.reshape(rotated, {batch, tokens, heads, half, 2});
    first = hlo.reshape(hlo.slice(pairs, 4, 0, 1), part);
    second = hlo.reshape(hlo.slice(pairs, 4, 1, 1), part);
  } else {
    first = hlo.slice(rotated, 3, 0, half);
    second = hlo.slice(rotated, 3, half, half);
  }
  // One table for all heads.
  auto spread = [&](mlir::Value table) {
    Value t = *get(table);
    int64_t rows = t.getRank() == 3 ? t.getShape()[0] : 1;
    return hlo.broadcast(hlo.reshape(t, {rows, tokens, 1, half}), part);
  };
  Value cos = spread(op.getCos()), sin = spread(op.getSin());
  auto product = [&](const Value &a, const Value &b) {
    return hlo.binary("multiply", a, b);
  };
  Value a = hlo.binary("subtract", product(first, cos), product(second, sin));
  Value b = hlo.binary("add", product(second, cos), product(first, sin));
  if (op.getInterleaved()) {
    llvm::SmallVector<int64_t> column{batch, tokens, heads, half, 1};
    rotated =
        hlo.concatenate({hlo.reshape(a, column), hlo.reshape(b, column)}, 4);
    rotated = hlo.reshape(rotated, {batch, tokens, heads, 2 * half});
  } else {
    rotated = hlo.concatenate({a, b}, 3);
  }
  if (2 * half < width)
    rotated = hlo.concatenate(
        {rotated, hlo.slice(x, 3, 2 * half, width - 2 * half)}, 3);
  return hlo.reshape(rotated, shape);
}

std::optional<Value> OpWriter::writeNetwork(mlir::Operation *op) {
  using Result = std::optional<Value>;
  auto optional = [&](mlir::Value value) {
    return value ? get(value) : Result();
  };
  return llvm::TypeSwitch<mlir::Operation *, Result>(op)
      .Case([&](pi::LinearOp op) {
        Value result = hlo.dot(*get(op.getInput()), *get(op.getWeight()), 0);
        if (op.getBias())
          result =
              hlo.binary("add", result,
                         hlo.broadcast(*get(op.getBias()), result.getShape()));
        return Result(result);
      })
      .Case([&](pi::MatMulOp op) {
        llvm::ArrayRef<int64_t> shape = getShape(op.getType());
        auto batch = static_cast<int64_t>(shape.size()) - 2;
        auto spread = [&](mlir::Value value) {
          Value x = *get(value);
          llvm::SmallVector<int64_t> to(shape.drop_back(2));
          llvm::append_range(to, x.getShape().take_back(2));
          return hlo.broadcast(x, to);
        };
        return Result(hlo.dot(spread(op.getLhs()), spread(op.getRhs()), batch));
      })
      .Case([&](pi::LayerNormOp op) {
        return Result(normalize(*get(op.getInput()), optional(op.getGamma()),
                                optional(op.getBeta()),
                                op.getEpsilon().convertToFloat(),
                                /*center=*/true));
      })
      .Case([&](pi::RMSNormOp op) {
        return Result(normalize(*get(op.getInput()), optional(op.getGamma()),
                                std::nullopt, op.getEpsilon().convertToFloat(),
                                /*center=*/false));
      })
      .Case([&](pi::SoftmaxOp op) -> Result {
        Value x = *get(op.getInput());
        if (static_cast<int64_t>(op.getAxis()) != x.getRank() - 1)
          return std::nullopt;
        return softmax(x);
      })
      .Case([&](pi::AttentionOp op) { return attention(op); })
      .Case([&](pi::RotaryEmbeddingOp op) { return Result(rotary(op)); })
      .Default([](mlir::Operation *) { return std::nullopt; });
}
