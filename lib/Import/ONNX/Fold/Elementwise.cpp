//===- Elementwise.cpp - Evaluating functions of single elements ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fold.h"

#include "llvm/ADT/StringMap.h"

#include <cmath>

using namespace aero;
using namespace mlir;

namespace {

using FloatFunction = float (*)(float, float);
using IntFunction = int64_t (*)(int64_t, int64_t);
using Predicate = bool (*)(double, double);

int64_t divide(int64_t a, int64_t b) {
  // Division by zero is refused before.
  return b == -1 ? wrapAround(0 - static_cast<uint64_t>(a)) : a / b;
}

int64_t power(int64_t base, int64_t exponent) {
  if (exponent < 0)
    return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  uint64_t result = 1, square = base;
  for (; exponent; exponent >>= 1, square *= square)
    if (exponent & 1)
      result *= square;
  return wrapAround(result);
}

int64_t modulo(int64_t a, int64_t b) {
  // The sign of the divisor, as Python's.
  if (b == -1)
    return 0;
  int64_t r = a % b;
  return r != 0 && (r < 0) != (b < 0) ? r + b : r;
}

struct BinaryEvaluator {
  FloatFunction onFloat = nullptr;
  IntFunction onInt = nullptr;
  /// A comparison or a logical function instead.
  Predicate predicate = nullptr;
  bool divides = false;
};

std::optional<BinaryEvaluator> getBinary(StringRef name) {
  static const llvm::StringMap<BinaryEvaluator> evaluators = {
      {"Add",
       {[](float a, float b) { return a + b; },
        [](int64_t a, int64_t b) {
          return wrapAround(uint64_t(a) + uint64_t(b));
        }}},
      {"Sub",
       {[](float a, float b) { return a - b; },
        [](int64_t a, int64_t b) {
          return wrapAround(uint64_t(a) - uint64_t(b));
        }}},
      {"Mul",
       {[](float a, float b) { return a * b; },
        [](int64_t a, int64_t b) {
          return wrapAround(uint64_t(a) * uint64_t(b));
        }}},
      {"Div", {[](float a, float b) { return a / b; }, divide, nullptr, true}},
      {"Mod",
       {[](float a, float b) { return std::fmod(a, b); }, modulo, nullptr,
        true}},
      {"Pow", {[](float a, float b) { return std::pow(a, b); }, power}},
      {"Min",
       {[](float a, float b) { return std::fmin(a, b); },
        [](int64_t a, int64_t b) { return std::min(a, b); }}},
      {"Max",
       {[](float a, float b) { return std::fmax(a, b); },
        [](int64_t a, int64_t b) { return std::max(a, b); }}},
      {"Equal", {nullptr, nullptr, [](double a, double b) { return a == b; }}},
      {"Less", {nullptr, nullptr, [](double a, double b) { return a < b; }}},
      {"LessOrEqual",
       {nullptr, nullptr, [](double a, double b) { return a <= b; }}},
      {"Greater", {nullptr, nullptr, [](double a, double b) { return a > b; }}},
      {"GreaterOrEqual",
       {nullptr, nullptr, [](double a, double b) { return a >= b; }}},
      {"And", {nullptr, nullptr, [](double a, double b) { return a && b; }}},
      {"Or", {nullptr, nullptr, [](double a, double b) { return a || b; }}},
      {"Xor",
       {nullptr, nullptr,
        [](double a, double b) { return (a != 0) != (b != 0); }}},
  };
  auto found = evaluators.find(name);
  return found == evaluators.end() ? std::nullopt
                                   : std::optional(found->second);
}

Folded evaluateBinary(Node &node, const BinaryEvaluator &evaluator,
                      const HostTensor &a, const HostTensor &b) {
  std::optional<Shape> shape = broadcastShapes(a.shape, b.shape);
  if (!shape)
    return foldError(node, "the shapes of its inputs do not fit together");
  if (!fitsFolding(node, *shape) ||
      failed(node.chargeWork(*countElements(*shape))))
    return std::nullopt;
  // Pow may mix float and integer; nothing else may.
  if (a.kind != b.kind && node.getOperator() != "Pow")
    return foldError(node, "its inputs have different types");
  bool compares = evaluator.predicate;
  if (!compares && a.kind == ElementKind::Bool)
    return foldError(node, "it computes with truth values");
  bool isInt = a.kind == ElementKind::Int && b.kind == ElementKind::Int;
  HostTensor result = HostTensor::makeZeros(compares ? ElementKind::Bool
                                            : isInt  ? ElementKind::Int
                                                     : ElementKind::Float,
                                            *shape);
  StridedIndex ia(*shape, getBroadcastStrides(a.shape, *shape));
  StridedIndex ib(*shape, getBroadcastStrides(b.shape, *shape));
  for (int64_t i = 0, e = result.size(); i < e; ++i, ia.next(), ib.next()) {
    if (compares) {
      result.ints[i] = evaluator.predicate(a.at(ia.get()), b.at(ib.get()));
    } else if (isInt) {
      if (evaluator.divides && b.ints[ib.get()] == 0)
        return foldError(node, "it divides by zero");
      result.ints[i] = evaluator.onInt(a.ints[ia.get()], b.ints[ib.get()]);
    } else {
      result.floats[i] = evaluator.onFloat(static_cast<float>(a.at(ia.get())),
                                           static_cast<float>(b.at(ib.get())));
    }
  }
  return result;
}

Folded evaluateMinMax(Node &node, const BinaryEvaluator &evaluator) {
  if (!node.hasInput(0))
    return foldError(node, "its first input is missing");
  Folded result = *node.getConstant(0);
  for (unsigned i = 1; i < node.getNumInputs() && result; ++i)
    if (node.hasInput(i))
      result = evaluateBinary(node, evaluator, *result, *node.getConstant(i));
  return result;
}

/// A float that is not a number, or beyond the type, has no integer.
int64_t toInt(float value) {
  if (std::isnan(value))
    return 0;
  if (value >= 0x1p63f)
    return INT64_MAX;
  return value < -0x1p63f ? INT64_MIN : static_cast<int64_t>(value);
}

HostTensor castTo(const HostTensor &input, ElementKind kind) {
  if (kind == input.kind)
    return input;
  HostTensor result = HostTensor::makeZeros(kind, input.shape);
  for (int64_t i = 0; i < result.size(); ++i) {
    if (kind == ElementKind::Float)
      result.floats[i] = static_cast<float>(input.ints[i]);
    else if (kind == ElementKind::Bool)
      result.ints[i] = input.at(i) != 0;
    else
      result.ints[i] = input.kind == ElementKind::Float ? toInt(input.floats[i])
                                                        : input.ints[i];
  }
  return result;
}

Folded evaluateCast(Node &node) {
  std::optional<ElementKind> to = getTargetKind(node);
  if (!to)
    return std::nullopt;
  return castTo(*node.getConstant(0), *to);
}

Folded evaluateCastLike(Node &node) {
  return castTo(*node.getConstant(0), node.getKind(1));
}

Folded evaluateNot(Node &node) {
  HostTensor result = *node.getConstant(0);
  if (result.kind != ElementKind::Bool)
    return foldError(node, "its input is not a truth value");
  for (int64_t &value : result.ints)
    value = !value;
  return result;
}

Folded evaluateIsNaN(Node &node) {
  const HostTensor &input = *node.getConstant(0);
  HostTensor result = HostTensor::makeZeros(ElementKind::Bool, input.shape);
  for (int64_t i = 0; i < result.size(); ++i)
    result.ints[i] = std::isnan(input.at(i));
  return result;
}

/// Half to even, as the specification asks.
float roundEven(float x) { return std::nearbyint(x); }

float sigmoid(float x) { return 1.0f / (1.0f + std::exp(-x)); }

using UnaryFunction = float (*)(float);

UnaryFunction getUnary(StringRef name) {
  static const llvm::StringMap<UnaryFunction> functions = {
      {"Ceil", [](float x) { return std::ceil(x); }},
      {"Cos", [](float x) { return std::cos(x); }},
      {"Erf", [](float x) { return std::erf(x); }},
      {"Exp", [](float x) { return std::exp(x); }},
      {"Floor", [](float x) { return std::floor(x); }},
      {"Log", [](float x) { return std::log(x); }},
      {"Reciprocal", [](float x) { return 1.0f / x; }},
      {"Relu", [](float x) { return x < 0 ? 0.0f : x; }},
      {"Round", roundEven},
      {"Sigmoid", sigmoid},
      {"Sin", [](float x) { return std::sin(x); }},
      {"Sqrt", [](float x) { return std::sqrt(x); }},
      {"Tanh", [](float x) { return std::tanh(x); }},
  };
  return functions.lookup(name);
}

Folded evaluateUnary(Node &node) {
  HostTensor result = *node.getConstant(0);
  if (result.kind != ElementKind::Float)
    return foldError(node, "it computes with integers or truth values");
  UnaryFunction function = getUnary(node.getOperator());
  for (float &value : result.floats)
    value = function(value);
  return result;
}

/// Neg and Abs, of integers too.
Folded evaluateSign(Node &node) {
  HostTensor result = *node.getConstant(0);
  if (result.kind == ElementKind::Bool)
    return foldError(node, "it computes with truth values");
  bool negates = node.getOperator() == "Neg";
  for (float &value : result.floats)
    value = negates ? -value : std::fabs(value);
  for (int64_t &value : result.ints)
    if (negates || value < 0)
      value = wrapAround(0 - static_cast<uint64_t>(value));
  return result;
}

Folded evaluateClip(Node &node) {
  HostTensor result = *node.getConstant(0);
  for (unsigned bound = 1; bound < 3; ++bound) {
    if (!node.hasInput(bound))
      continue;
    const HostTensor &limit = *node.getConstant(bound);
    if (limit.kind != result.kind || limit.size() != 1)
      return foldError(node, "a bound is not one number");
    for (float &value : result.floats)
      value = bound == 1 ? std::max(value, limit.floats[0])
                         : std::min(value, limit.floats[0]);
    for (int64_t &value : result.ints)
      value = bound == 1 ? std::max(value, limit.ints[0])
                         : std::min(value, limit.ints[0]);
  }
  return result;
}

/// The sign of the dividend, as C has it.
int64_t remainder(int64_t a, int64_t b) { return b == -1 ? 0 : a % b; }

Folded evaluateMod(Node &node) {
  BinaryEvaluator evaluator = *getBinary("Mod");
  if (node.getInt("fmod", 0))
    evaluator.onInt = remainder;
  return evaluateBinary(node, evaluator, *node.getConstant(0),
                        *node.getConstant(1));
}

Folded evaluateArithmetic(Node &node) {
  return evaluateBinary(node, *getBinary(node.getOperator()),
                        *node.getConstant(0), *node.getConstant(1));
}

Folded evaluateVariadic(Node &node) {
  StringRef name = node.getOperator() == "Sum" ? "Add" : node.getOperator();
  return evaluateMinMax(node, *getBinary(name));
}

Folded evaluateWhere(Node &node) {
  const HostTensor &condition = *node.getConstant(0);
  const HostTensor &yes = *node.getConstant(1), &no = *node.getConstant(2);
  if (condition.kind != ElementKind::Bool || yes.kind != no.kind)
    return foldError(node, "its inputs have wrong types");
  std::optional<Shape> shape = broadcastShapes(yes.shape, no.shape);
  if (shape)
    shape = broadcastShapes(*shape, condition.shape);
  if (!shape)
    return foldError(node, "the shapes of its inputs do not fit together");
  if (!fitsFolding(node, *shape))
    return std::nullopt;
  HostTensor result;
  result.kind = yes.kind;
  result.shape = *shape;
  StridedIndex ic(*shape, getBroadcastStrides(condition.shape, *shape));
  StridedIndex iy(*shape, getBroadcastStrides(yes.shape, *shape));
  StridedIndex in(*shape, getBroadcastStrides(no.shape, *shape));
  for (int64_t i = 0, e = *countElements(*shape); i < e; ++i) {
    bool chosen = condition.ints[ic.get()];
    result.append(chosen ? yes : no, chosen ? iy.get() : in.get());
    ic.next(), iy.next(), in.next();
  }
  return result;
}

} // namespace

ArrayRef<EvaluatorInfo> aero::getElementwiseEvaluators() {
  static const EvaluatorInfo evaluators[] = {
      {"Abs", foldOne<evaluateSign>},
      {"Add", foldOne<evaluateArithmetic>},
      {"And", foldOne<evaluateArithmetic>},
      {"Cast", foldOne<evaluateCast>},
      {"CastLike", foldOne<evaluateCastLike>},
      {"Ceil", foldOne<evaluateUnary>},
      {"Clip", foldOne<evaluateClip>},
      {"Cos", foldOne<evaluateUnary>},
      {"Div", foldOne<evaluateArithmetic>},
      {"Equal", foldOne<evaluateArithmetic>},
      {"Erf", foldOne<evaluateUnary>},
      {"Exp", foldOne<evaluateUnary>},
      {"Floor", foldOne<evaluateUnary>},
      {"Greater", foldOne<evaluateArithmetic>},
      {"GreaterOrEqual", foldOne<evaluateArithmetic>},
      {"IsNaN", foldOne<evaluateIsNaN>},
      {"Less", foldOne<evaluateArithmetic>},
      {"LessOrEqual", foldOne<evaluateArithmetic>},
      {"Log", foldOne<evaluateUnary>},
      {"Max", foldOne<evaluateVariadic>},
      {"Min", foldOne<evaluateVariadic>},
      {"Mod", foldOne<evaluateMod>},
      {"Mul", foldOne<evaluateArithmetic>},
      {"Neg", foldOne<evaluateSign>},
      {"Not", foldOne<evaluateNot>},
      {"Or", foldOne<evaluateArithmetic>},
      {"Pow", foldOne<evaluateArithmetic>},
      {"Reciprocal", foldOne<evaluateUnary>},
      {"Relu", foldOne<evaluateUnary>},
      {"Round", foldOne<evaluateUnary>},
      {"Sigmoid", foldOne<evaluateUnary>},
      {"Sin", foldOne<evaluateUnary>},
      {"Sqrt", foldOne<evaluateUnary>},
      {"Sub", foldOne<evaluateArithmetic>},
      {"Sum", foldOne<evaluateVariadic>},
      {"Tanh", foldOne<evaluateUnary>},
      {"Where", foldOne<evaluateWhere>},
      {"Xor", foldOne<evaluateArithmetic>},
  };
  return evaluators;
}
