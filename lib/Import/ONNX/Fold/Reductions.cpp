//===- Reductions.cpp - Evaluating sums and products of constants ---------===//
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

//===----------------------------------------------------------------------===//
// Reductions over dimensions
//===----------------------------------------------------------------------===//

enum class Reduction { Max, Mean, Min, Prod, Sum };

template <typename T> T combine(Reduction kind, T a, T b) {
  switch (kind) {
  case Reduction::Max:
    return std::max(a, b);
  case Reduction::Min:
    return std::min(a, b);
  case Reduction::Prod:
    if constexpr (std::is_same_v<T, int64_t>)
      return wrapAround(uint64_t(a) * uint64_t(b));
    else
      return a * b;
  case Reduction::Mean:
  case Reduction::Sum:
    if constexpr (std::is_same_v<T, int64_t>)
      return wrapAround(uint64_t(a) + uint64_t(b));
    else
      return a + b;
  }
  llvm_unreachable("unknown reduction");
}

/// Axes are an input since opset 13 for sums and since 18 for the others.
template <Reduction kind> Folded evaluateReduce(Node &node) {
  const HostTensor &input = *node.getConstant(0);
  std::optional<Shape> axes =
      getReducedAxes(node, kind == Reduction::Sum ? 13 : 18);
  bool keepdims = node.getInt("keepdims", 1);
  if (!axes || node.hasFault())
    return std::nullopt;
  if (input.kind == ElementKind::Bool)
    return foldError(node, "it reduces truth values");
  if (axes->empty())
    return input;
  Shape kept = getReducedShape(input.shape, *axes, /*keepdims=*/true);
  // Without elements the input may have dimensions that no memory holds.
  if (!fitsFolding(node, kept) || failed(node.chargeWork(input.size())))
    return std::nullopt;
  HostTensor result = HostTensor::makeZeros(input.kind, kept);
  if (result.size() == 0)
    return foldError(node, "it reduces a tensor without elements");
  int64_t count = input.size() / result.size();
  if (count == 0 && kind != Reduction::Sum && kind != Reduction::Prod)
    return foldError(node, "it reduces a tensor without elements");
  if (count == 0 && kind == Reduction::Prod) {
    std::fill(result.floats.begin(), result.floats.end(), 1.0f);
    std::fill(result.ints.begin(), result.ints.end(), 1);
  }
  // Floats are summed in double precision.
  std::vector<double> sums(result.floats.size());
  std::vector<bool> started(result.size(), false);
  StridedIndex at(input.shape, getBroadcastStrides(kept, input.shape));
  for (int64_t i = 0; i < input.size(); ++i, at.next()) {
    int64_t k = at.get();
    if (input.kind == ElementKind::Float)
      sums[k] = started[k] ? combine<double>(kind, sums[k], input.floats[i])
                           : input.floats[i];
    else
      result.ints[k] = started[k] ? combine(kind, result.ints[k], input.ints[i])
                                  : input.ints[i];
    started[k] = true;
  }
  bool isMean = kind == Reduction::Mean;
  for (size_t k = 0; k < sums.size() && count; ++k)
    result.floats[k] = static_cast<float>(
        isMean ? sums[k] / static_cast<double>(count) : sums[k]);
  if (isMean)
    for (int64_t &value : result.ints)
      value /= count;
  result.shape = getReducedShape(input.shape, *axes, keepdims);
  return result;
}

Folded evaluateCumSum(Node &node) {
  HostTensor result = *node.getConstant(0);
  std::optional<Shape> axes = node.getConstantInts(1, "axis");
  bool exclusive = node.getInt("exclusive", 0);
  bool reverse = node.getInt("reverse", 0);
  if (!axes || node.hasFault())
    return std::nullopt;
  std::optional<int64_t> axis;
  if (axes->size() == 1)
    axis = normalizeAxis((*axes)[0], node.getRank(0));
  if (!axis || result.kind == ElementKind::Bool)
    return foldError(node, "its axis or type does not fit its input");
  int64_t n = result.shape[*axis];
  int64_t inner =
      *countElements(ArrayRef<int64_t>(result.shape).drop_front(*axis + 1));
  auto run = [&](auto &values) {
    using T = std::decay_t<decltype(values[0])>;
    for (int64_t first = 0; first < result.size(); first += n * inner)
      for (int64_t i = 0; i < inner; ++i) {
        T sum = 0;
        for (int64_t step = 0; step < n; ++step) {
          int64_t k = reverse ? n - 1 - step : step;
          T &value = values[first + k * inner + i], own = value;
          T next = combine(Reduction::Sum, sum, own);
          value = exclusive ? sum : next;
          sum = next;
        }
      }
  };
  if (result.kind == ElementKind::Float)
    run(result.floats);
  else
    run(result.ints);
  return result;
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

/// Sums of products in Einstein's notation: the sum over all values of the
/// indices, of which `sizes` has the extents.
HostTensor contract(ArrayRef<const HostTensor *> inputs,
                    ArrayRef<SmallVector<unsigned>> terms,
                    ArrayRef<unsigned> output, ArrayRef<int64_t> sizes) {
  // The result's indices first, so that each of its elements is one run.
  SmallVector<unsigned> order(output);
  for (unsigned i = 0; i < sizes.size(); ++i)
    if (!llvm::is_contained(order, i))
      order.push_back(i);
  Shape shape, all;
  for (unsigned i : output)
    shape.push_back(sizes[i]);
  for (unsigned i : order)
    all.push_back(sizes[i]);
  SmallVector<StridedIndex> at;
  for (auto [input, term] : llvm::zip(inputs, terms)) {
    Shape own = getStrides(input->shape), strides(order.size(), 0);
    for (auto [k, index] : llvm::enumerate(term))
      if (input->shape[k] != 1)
        strides[llvm::find(order, index) - order.begin()] += own[k];
    at.emplace_back(all, strides);
  }
  HostTensor result = HostTensor::makeZeros(ElementKind::Float, shape);
  int64_t run = result.size() ? *countElements(all) / result.size() : 0;
  for (float &element : result.floats) {
    double sum = 0;
    for (int64_t i = 0; i < run; ++i) {
      double product = 1;
      for (auto [input, index] : llvm::zip(inputs, at)) {
        product *= input->floats[index.get()];
        index.next();
      }
      sum += product;
    }
    element = static_cast<float>(sum);
  }
  return result;
}

/// How many products a constant may take, over all values of the indices.
bool fitsContraction(Node &node, ArrayRef<unsigned> output,
                     ArrayRef<int64_t> sizes) {
  int64_t factors = node.getNumInputs();
  Shape shape;
  for (unsigned i : output)
    shape.push_back(sizes[i]);
  std::optional<int64_t> count = countElements(sizes);
  if (count && *count <= 16 * node.getOptions().maxFoldedElements)
    return fitsFolding(node, shape) &&
           succeeded(node.chargeWork(*count * factors));
  (void)node.unsupported("it multiplies constants of too many elements");
  return false;
}

Folded evaluateMatMul(Node &node) {
  const HostTensor &a = *node.getConstant(0), &b = *node.getConstant(1);
  if (a.kind != ElementKind::Float || b.kind != ElementKind::Float) {
    (void)node.unsupported("it multiplies matrices of integers");
    return std::nullopt;
  }
  if (a.shape.size() < 2 || b.shape.size() < 2) {
    (void)node.unsupported("it multiplies constant vectors");
    return std::nullopt;
  }
  ArrayRef<int64_t> left = a.shape, right = b.shape;
  std::optional<Shape> batch =
      broadcastShapes(left.drop_back(2), right.drop_back(2));
  if (!batch || left.back() != right[right.size() - 2])
    return foldError(node, "the shapes of its inputs do not fit together");
  // Indices: the batch's, then row, column, and what is summed over.
  unsigned rank = batch->size();
  Shape sizes = *batch;
  sizes.append({left[left.size() - 2], right.back(), left.back()});
  SmallVector<unsigned> output = llvm::to_vector(llvm::seq<unsigned>(rank + 2));
  if (!fitsContraction(node, output, sizes))
    return std::nullopt;
  auto getTerm = [&](ArrayRef<int64_t> shape, unsigned row, unsigned column) {
    SmallVector<unsigned> term;
    for (unsigned i = rank + 2 - shape.size(); i < rank; ++i)
      term.push_back(i);
    term.append({row, column});
    return term;
  };
  return contract(
      {&a, &b},
      {getTerm(left, rank, rank + 2), getTerm(right, rank + 2, rank + 1)},
      output, sizes);
}

Folded evaluateEinsum(Node &node) {
  SmallVector<const HostTensor *> inputs;
  for (unsigned i = 0; i < node.getNumInputs(); ++i) {
    if (!node.hasInput(i) || node.getKind(i) != ElementKind::Float)
      return foldError(node, "its inputs are no floats");
    inputs.push_back(node.getConstant(i));
  }
  std::optional<Equation> equation = getEquation(node);
  if (!equation)
    return std::nullopt;
  Shape sizes;
  std::string letters;
  for (auto [letter, size] : equation->sizes) {
    letters += letter;
    sizes.push_back(size);
  }
  auto getTerm = [&](const std::string &text) {
    SmallVector<unsigned> term;
    for (char letter : text)
      term.push_back(letters.find(letter));
    return term;
  };
  SmallVector<unsigned> output = getTerm(equation->output);
  if (!fitsContraction(node, output, sizes))
    return std::nullopt;
  SmallVector<SmallVector<unsigned>> terms;
  for (const std::string &text : equation->inputs)
    terms.push_back(getTerm(text));
  return contract(inputs, terms, output, sizes);
}

} // namespace

ArrayRef<EvaluatorInfo> aero::getReductionEvaluators() {
  static const EvaluatorInfo evaluators[] = {
      {"CumSum", foldOne<evaluateCumSum>},
      {"Einsum", foldOne<evaluateEinsum>},
      {"MatMul", foldOne<evaluateMatMul>},
      {"ReduceMax", foldOne<evaluateReduce<Reduction::Max>>},
      {"ReduceMean", foldOne<evaluateReduce<Reduction::Mean>>},
      {"ReduceMin", foldOne<evaluateReduce<Reduction::Min>>},
      {"ReduceProd", foldOne<evaluateReduce<Reduction::Prod>>},
      {"ReduceSum", foldOne<evaluateReduce<Reduction::Sum>>},
  };
  return evaluators;
}
