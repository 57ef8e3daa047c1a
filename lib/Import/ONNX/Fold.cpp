//===- Fold.cpp - Evaluating public constants at import -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "llvm/ADT/STLFunctionalExtras.h"

#include <cmath>

#include <onnx/onnx_pb.h>

using namespace aero;
using namespace mlir;

namespace {

using Result = std::optional<HostTensor>;

/// Whether a result of `shape` may be made. Records a fault if not.
bool fits(Node &node, ArrayRef<int64_t> shape) {
  std::optional<int64_t> count = countElements(shape);
  if (count && *count <= node.getOptions().maxFoldedElements)
    return true;
  (void)node.unsupported("it makes a constant of more than " +
                         Twine(node.getOptions().maxFoldedElements) +
                         " elements");
  return false;
}

Result invalid(Node &node, const Twine &why) {
  (void)node.invalid(why);
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Element-wise
//===----------------------------------------------------------------------===//

using FloatFunction = float (*)(float, float);
using IntFunction = int64_t (*)(int64_t, int64_t);
using Predicate = bool (*)(double, double);

/// Integer arithmetic wraps around, as hardware does; a hostile file must not
/// reach undefined behaviour.
int64_t wrap(uint64_t value) { return static_cast<int64_t>(value); }

int64_t divide(int64_t a, int64_t b) {
  // Division by zero is refused before.
  return b == -1 ? wrap(0 - static_cast<uint64_t>(a)) : a / b;
}

int64_t power(int64_t base, int64_t exponent) {
  if (exponent < 0)
    return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  uint64_t result = 1, square = base;
  for (; exponent; exponent >>= 1, square *= square)
    if (exponent & 1)
      result *= square;
  return wrap(result);
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
        [](int64_t a, int64_t b) { return wrap(uint64_t(a) + uint64_t(b)); }}},
      {"Sub",
       {[](float a, float b) { return a - b; },
        [](int64_t a, int64_t b) { return wrap(uint64_t(a) - uint64_t(b)); }}},
      {"Mul",
       {[](float a, float b) { return a * b; },
        [](int64_t a, int64_t b) { return wrap(uint64_t(a) * uint64_t(b)); }}},
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
  };
  auto found = evaluators.find(name);
  return found == evaluators.end() ? std::nullopt
                                   : std::optional(found->second);
}

Result evaluateBinary(Node &node, const BinaryEvaluator &evaluator,
                      const HostTensor &a, const HostTensor &b) {
  std::optional<Shape> shape = broadcastShapes(a.shape, b.shape);
  if (!shape)
    return invalid(node, "the shapes of its inputs do not fit together");
  if (!fits(node, *shape))
    return std::nullopt;
  // Pow may mix float and integer; nothing else may.
  if (a.kind != b.kind && node.getOperator() != "Pow")
    return invalid(node, "its inputs have different types");
  bool compares = evaluator.predicate;
  if (!compares && a.kind == ElementKind::Bool)
    return invalid(node, "it computes with truth values");
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
        return invalid(node, "it divides by zero");
      result.ints[i] = evaluator.onInt(a.ints[ia.get()], b.ints[ib.get()]);
    } else {
      result.floats[i] = evaluator.onFloat(static_cast<float>(a.at(ia.get())),
                                           static_cast<float>(b.at(ib.get())));
    }
  }
  return result;
}

Result evaluateMinMax(Node &node, const BinaryEvaluator &evaluator) {
  if (!node.hasInput(0))
    return invalid(node, "its first input is missing");
  Result result = *node.getConstant(0);
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

Result evaluateCast(Node &node) {
  const HostTensor &input = *node.getConstant(0);
  std::optional<ElementKind> to = getElementKind(node.getInt("to", 0));
  if (node.hasFault())
    return std::nullopt;
  if (!to) {
    (void)node.unsupported("the type that it casts to is not supported");
    return std::nullopt;
  }
  if (*to == input.kind)
    return input;
  HostTensor result = HostTensor::makeZeros(*to, input.shape);
  for (int64_t i = 0; i < result.size(); ++i) {
    if (*to == ElementKind::Float)
      result.floats[i] = static_cast<float>(input.ints[i]);
    else if (*to == ElementKind::Bool)
      result.ints[i] = input.at(i) != 0;
    else
      result.ints[i] = input.kind == ElementKind::Float ? toInt(input.floats[i])
                                                        : input.ints[i];
  }
  return result;
}

Result evaluateUnary(Node &node) {
  HostTensor result = *node.getConstant(0);
  StringRef name = node.getOperator();
  if (name == "Not") {
    if (result.kind != ElementKind::Bool)
      return invalid(node, "its input is not a truth value");
    for (int64_t &value : result.ints)
      value = !value;
    return result;
  }
  if (result.kind == ElementKind::Bool)
    return invalid(node, "it computes with truth values");
  for (float &value : result.floats)
    value = name == "Neg"     ? -value
            : name == "Abs"   ? std::fabs(value)
            : name == "Floor" ? std::floor(value)
            : name == "Ceil"  ? std::ceil(value)
            : name == "Sqrt"  ? std::sqrt(value)
                              : 1.0f / value; // Reciprocal
  if (name == "Neg" || name == "Abs") {
    for (int64_t &value : result.ints)
      if (name == "Neg" || value < 0)
        value = wrap(0 - static_cast<uint64_t>(value));
  } else if (result.kind == ElementKind::Int) {
    return invalid(node, "it computes with integers");
  }
  return result;
}

Result evaluateWhere(Node &node) {
  const HostTensor &condition = *node.getConstant(0);
  const HostTensor &yes = *node.getConstant(1), &no = *node.getConstant(2);
  if (condition.kind != ElementKind::Bool || yes.kind != no.kind)
    return invalid(node, "its inputs have wrong types");
  std::optional<Shape> shape = broadcastShapes(yes.shape, no.shape);
  if (shape)
    shape = broadcastShapes(*shape, condition.shape);
  if (!shape)
    return invalid(node, "the shapes of its inputs do not fit together");
  if (!fits(node, *shape))
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

//===----------------------------------------------------------------------===//
// Moving elements
//===----------------------------------------------------------------------===//

/// Result element i is input element offset + (i through strides).
HostTensor gatherStrided(const HostTensor &input, ArrayRef<int64_t> shape,
                         ArrayRef<int64_t> strides, int64_t offset) {
  HostTensor result;
  result.kind = input.kind;
  result.shape = Shape(shape);
  StridedIndex index(shape, strides);
  for (int64_t i = 0, e = *countElements(shape); i < e; ++i, index.next())
    result.append(input, offset + index.get());
  return result;
}

Result evaluateReshape(Node &node) {
  std::optional<Shape> shape = getReshapedShape(node);
  if (!shape)
    return std::nullopt;
  HostTensor result = *node.getConstant(0);
  result.shape = *shape;
  return result;
}

Result evaluateTranspose(Node &node) {
  std::optional<Shape> permutation = getPermutation(node);
  if (!permutation)
    return std::nullopt;
  const HostTensor &input = *node.getConstant(0);
  Shape own = getStrides(input.shape), shape, strides;
  for (int64_t axis : *permutation) {
    shape.push_back(input.shape[axis]);
    strides.push_back(own[axis]);
  }
  return gatherStrided(input, shape, strides, 0);
}

Result evaluateSlice(Node &node) {
  auto ranges = getSliceRanges(node);
  if (!ranges)
    return std::nullopt;
  const HostTensor &input = *node.getConstant(0);
  Shape shape = input.shape, own = getStrides(input.shape), strides = own;
  int64_t offset = 0;
  for (const SliceRange &range : *ranges) {
    shape[range.axis] = range.size;
    if (range.size == 0)
      continue;
    offset += range.start * own[range.axis];
    // One element needs no step, and a step may be as large as it likes.
    strides[range.axis] = range.size == 1 ? 0 : own[range.axis] * range.step;
  }
  return gatherStrided(input, shape, strides, offset);
}

Result evaluateExpand(Node &node) {
  std::optional<Shape> target = node.getConstantInts(1, "shape");
  if (!target)
    return std::nullopt;
  const HostTensor &input = *node.getConstant(0);
  std::optional<Shape> shape;
  if (countElements(*target))
    shape = broadcastShapes(input.shape, *target);
  if (!shape)
    return invalid(node, "its shape does not fit its input");
  if (!fits(node, *shape))
    return std::nullopt;
  return gatherStrided(input, *shape, getBroadcastStrides(input.shape, *shape),
                       0);
}

Result evaluateGather(Node &node) {
  const HostTensor &data = *node.getConstant(0), &rows = *node.getConstant(1);
  std::optional<int64_t> axis =
      normalizeAxis(node.getInt("axis", 0), node.getRank(0));
  if (node.hasFault())
    return std::nullopt;
  if (!axis || rows.kind != ElementKind::Int)
    return invalid(node, "its axis or indices do not fit its input");
  ArrayRef<int64_t> all = data.shape;
  Shape shape(all.take_front(*axis));
  llvm::append_range(shape, rows.shape);
  llvm::append_range(shape, all.drop_front(*axis + 1));
  if (!fits(node, shape))
    return std::nullopt;
  int64_t inner = *countElements(all.drop_front(*axis + 1));
  int64_t outer = *countElements(all.take_front(*axis)), size = all[*axis];
  HostTensor result;
  result.kind = data.kind;
  result.shape = shape;
  for (int64_t o = 0; o < outer; ++o)
    for (int64_t row : rows.ints) {
      std::optional<int64_t> index = normalizeAxis(row, size);
      if (!index)
        return invalid(node, "an index is out of range");
      for (int64_t i = 0; i < inner; ++i)
        result.append(data, (o * size + *index) * inner + i);
    }
  return result;
}

Result evaluateConcat(Node &node) {
  if (!node.hasInput(0))
    return invalid(node, "its first input is missing");
  const HostTensor &first = *node.getConstant(0);
  std::optional<int64_t> axis =
      normalizeAxis(node.getInt("axis", 0), first.shape.size());
  if (!axis || node.hasFault())
    return invalid(node, "its axis does not fit its inputs");
  HostTensor result;
  result.kind = first.kind;
  result.shape = first.shape;
  result.shape[*axis] = 0;
  for (unsigned i = 0; i < node.getNumInputs(); ++i) {
    if (!node.hasInput(i))
      return invalid(node, "its inputs do not fit together");
    const HostTensor &next = *node.getConstant(i);
    Shape expected = result.shape;
    if (next.kind != first.kind || next.shape.size() != expected.size())
      return invalid(node, "its inputs do not fit together");
    expected[*axis] = next.shape[*axis];
    if (next.shape != expected)
      return invalid(node, "its inputs do not fit together");
    result.shape[*axis] += next.shape[*axis];
  }
  if (!fits(node, result.shape))
    return std::nullopt;
  ArrayRef<int64_t> all = first.shape;
  int64_t outer = *countElements(all.take_front(*axis));
  int64_t inner = *countElements(all.drop_front(*axis + 1));
  for (int64_t o = 0; o < outer; ++o)
    for (unsigned i = 0; i < node.getNumInputs(); ++i) {
      const HostTensor &next = *node.getConstant(i);
      int64_t run = next.shape[*axis] * inner;
      for (int64_t k = 0; k < run; ++k)
        result.append(next, o * run + k);
    }
  return result;
}

//===----------------------------------------------------------------------===//
// Making elements
//===----------------------------------------------------------------------===//

Result evaluateConstantOfShape(Node &node) {
  std::optional<Shape> shape = node.getConstantInts(0, "shape");
  if (!shape || !fits(node, *shape))
    return std::nullopt;
  HostTensor fill = HostTensor::makeZeros(ElementKind::Float, {1});
  if (const onnx::AttributeProto *value = node.findAttribute("value")) {
    auto tensor = readTensor(value->t());
    if (!tensor)
      return invalid(node, "its value " + llvm::toString(tensor.takeError()));
    if (tensor->size() != 1)
      return invalid(node, "its value is not one number");
    fill = std::move(*tensor);
  }
  return gatherStrided(fill, *shape, Shape(shape->size(), 0), 0);
}

Result evaluateRange(Node &node) {
  const HostTensor *bounds[3];
  for (unsigned i = 0; i < 3; ++i) {
    bounds[i] = node.getConstant(i);
    if (bounds[i]->size() != 1 || bounds[i]->kind != ElementKind::Int) {
      (void)node.unsupported("its bounds are not single integers");
      return std::nullopt;
    }
  }
  double start = bounds[0]->at(0), limit = bounds[1]->at(0),
         step = bounds[2]->at(0);
  if (step == 0)
    return invalid(node, "its step is zero");
  double count = std::max(0.0, std::ceil((limit - start) / step));
  if (count > 0x1p40 || !fits(node, {static_cast<int64_t>(count)}))
    return invalid(node, "it makes too many elements");
  HostTensor result =
      HostTensor::makeZeros(ElementKind::Int, {static_cast<int64_t>(count)});
  for (int64_t i = 0; i < result.size(); ++i)
    result.ints[i] = wrap(uint64_t(bounds[0]->ints[0]) +
                          uint64_t(i) * uint64_t(bounds[2]->ints[0]));
  return result;
}

/// Keeps the upper or the lower triangle of each matrix: causal masks.
Result evaluateTrilu(Node &node) {
  HostTensor result = *node.getConstant(0);
  if (result.shape.size() < 2)
    return invalid(node, "its input is not a matrix");
  bool upper = node.getInt("upper", 1);
  int64_t k = 0;
  if (node.hasInput(1)) {
    const HostTensor &diagonal = *node.getConstant(1);
    if (diagonal.size() != 1 || diagonal.kind != ElementKind::Int)
      return invalid(node, "its diagonal is not one integer");
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

using Evaluator = Result (*)(Node &);

Evaluator getEvaluator(StringRef name) {
  static const llvm::StringMap<Evaluator> evaluators = {
      {"Cast", evaluateCast},
      {"Where", evaluateWhere},
      {"Not", evaluateUnary},
      {"Neg", evaluateUnary},
      {"Abs", evaluateUnary},
      {"Floor", evaluateUnary},
      {"Ceil", evaluateUnary},
      {"Sqrt", evaluateUnary},
      {"Reciprocal", evaluateUnary},
      {"Reshape", evaluateReshape},
      {"Flatten", evaluateReshape},
      {"Squeeze", evaluateReshape},
      {"Unsqueeze", evaluateReshape},
      {"Transpose", evaluateTranspose},
      {"Slice", evaluateSlice},
      {"Expand", evaluateExpand},
      {"Gather", evaluateGather},
      {"Concat", evaluateConcat},
      {"ConstantOfShape", evaluateConstantOfShape},
      {"Range", evaluateRange},
      {"Trilu", evaluateTrilu},
  };
  return evaluators.lookup(name);
}

bool foldSplit(Node &node) {
  auto split = getSplit(node);
  if (!split)
    return true;
  const HostTensor &input = *node.getConstant(0);
  auto &[axis, pieces] = *split;
  Shape strides = getStrides(input.shape), shape = input.shape;
  int64_t offset = 0;
  for (auto [i, size] : llvm::enumerate(pieces)) {
    shape[axis] = size;
    node.setConstant(i, gatherStrided(input, shape, strides, offset));
    offset += size * strides[axis];
  }
  return true;
}

} // namespace

bool aero::foldNode(Node &node) {
  StringRef name = node.getOperator();
  if (name == "Split")
    return foldSplit(node);
  Result result;
  if (std::optional<BinaryEvaluator> binary = getBinary(name)) {
    result = name == "Min" || name == "Max"
                 ? evaluateMinMax(node, *binary)
                 : evaluateBinary(node, *binary, *node.getConstant(0),
                                  *node.getConstant(1));
  } else if (Evaluator evaluator = getEvaluator(name)) {
    result = evaluator(node);
  } else {
    return false;
  }
  if (result && !node.hasFault())
    node.setConstant(0, std::move(*result));
  return true;
}
