//===- Movement.cpp - Evaluating operators that move elements -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Fold.h"

using namespace aero;
using namespace mlir;

bool aero::fitsFolding(Node &node, ArrayRef<int64_t> shape) {
  std::optional<int64_t> count = countElements(shape);
  if (count && *count <= node.getOptions().maxFoldedElements)
    return true;
  (void)node.unsupported("it makes a constant of more than " +
                         Twine(node.getOptions().maxFoldedElements) +
                         " elements");
  return false;
}

HostTensor aero::gatherStrided(const HostTensor &input, ArrayRef<int64_t> shape,
                               ArrayRef<int64_t> strides, int64_t offset) {
  HostTensor result;
  result.kind = input.kind;
  result.shape = Shape(shape);
  StridedIndex index(shape, strides);
  for (int64_t i = 0, e = ShapedType::getNumElements(shape); i < e;
       ++i, index.next())
    result.append(input, offset + index.get());
  return result;
}

namespace {

Folded evaluateReshape(Node &node) {
  std::optional<Shape> shape = getReshapedShape(node);
  if (!shape)
    return std::nullopt;
  HostTensor result = *node.getConstant(0);
  result.shape = *shape;
  return result;
}

Folded evaluateTranspose(Node &node) {
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

Folded evaluateSlice(Node &node) {
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

Folded evaluateExpand(Node &node) {
  std::optional<Shape> target = node.getConstantInts(1, "shape");
  if (!target)
    return std::nullopt;
  const HostTensor &input = *node.getConstant(0);
  std::optional<Shape> shape;
  if (countElements(*target))
    shape = broadcastShapes(input.shape, *target);
  if (!shape)
    return foldError(node, "its shape does not fit its input");
  if (!fitsFolding(node, *shape))
    return std::nullopt;
  return gatherStrided(input, *shape, getBroadcastStrides(input.shape, *shape),
                       0);
}

Folded evaluateGather(Node &node) {
  const HostTensor &data = *node.getConstant(0), &rows = *node.getConstant(1);
  std::optional<int64_t> axis =
      normalizeAxis(node.getInt("axis", 0), node.getRank(0));
  if (node.hasFault())
    return std::nullopt;
  if (!axis || rows.kind != ElementKind::Int)
    return foldError(node, "its axis or indices do not fit its input");
  ArrayRef<int64_t> all = data.shape;
  Shape shape(all.take_front(*axis));
  llvm::append_range(shape, rows.shape);
  llvm::append_range(shape, all.drop_front(*axis + 1));
  if (!fitsFolding(node, shape))
    return std::nullopt;
  int64_t inner = *countElements(all.drop_front(*axis + 1));
  int64_t outer = *countElements(all.take_front(*axis)), size = all[*axis];
  HostTensor result;
  result.kind = data.kind;
  result.shape = shape;
  for (int64_t o = 0; o < outer && inner; ++o)
    for (int64_t row : rows.ints) {
      std::optional<int64_t> index = normalizeAxis(row, size);
      if (!index)
        return foldError(node, "an index is out of range");
      for (int64_t i = 0; i < inner; ++i)
        result.append(data, (o * size + *index) * inner + i);
    }
  return result;
}

Folded evaluateConcat(Node &node) {
  if (!node.hasInput(0))
    return foldError(node, "its first input is missing");
  const HostTensor &first = *node.getConstant(0);
  std::optional<int64_t> axis =
      normalizeAxis(node.getInt("axis", 0), first.shape.size());
  if (!axis || node.hasFault())
    return foldError(node, "its axis does not fit its inputs");
  HostTensor result;
  result.kind = first.kind;
  result.shape = first.shape;
  result.shape[*axis] = 0;
  for (unsigned i = 0; i < node.getNumInputs(); ++i) {
    if (!node.hasInput(i))
      return foldError(node, "its inputs do not fit together");
    const HostTensor &next = *node.getConstant(i);
    Shape expected = result.shape;
    if (next.kind != first.kind || next.shape.size() != expected.size())
      return foldError(node, "its inputs do not fit together");
    expected[*axis] = next.shape[*axis];
    if (next.shape != expected)
      return foldError(node, "its inputs do not fit together");
    result.shape[*axis] += next.shape[*axis];
    if (!fitsFolding(node, result.shape))
      return std::nullopt;
  }
  // A tensor without elements may have dimensions that no loop gets through.
  if (countElements(result.shape) == 0)
    return result;
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

Folded evaluateTile(Node &node) {
  std::optional<Shape> repeats = getRepeats(node);
  if (!repeats)
    return std::nullopt;
  const HostTensor &input = *node.getConstant(0);
  Shape own = getStrides(input.shape), view, strides, shape;
  for (auto [i, repeat] : llvm::enumerate(*repeats)) {
    view.append({repeat, input.shape[i]});
    strides.append({0, own[i]});
    shape.push_back(repeat * input.shape[i]);
  }
  if (!fitsFolding(node, shape))
    return std::nullopt;
  if (countElements(shape) == 0)
    return HostTensor::makeZeros(input.kind, shape);
  HostTensor result = gatherStrided(input, view, strides, 0);
  result.shape = shape;
  return result;
}

/// Result element (i, j) is input element (indices(i, j), j), for axis 0.
Folded evaluateGatherElements(Node &node) {
  const HostTensor &data = *node.getConstant(0), &rows = *node.getConstant(1);
  std::optional<int64_t> axis = node.getAxis("axis", 0, node.getRank(0));
  if (!axis)
    return std::nullopt;
  bool fits =
      rows.kind == ElementKind::Int && rows.shape.size() == data.shape.size();
  for (size_t i = 0; fits && i < data.shape.size(); ++i)
    fits = rows.shape[i] <= data.shape[i] || static_cast<int64_t>(i) == *axis;
  if (!fits)
    return foldError(node, "its indices do not fit its input");
  Shape strides = getStrides(data.shape);
  int64_t step = strides[*axis];
  strides[*axis] = 0;
  HostTensor result;
  result.kind = data.kind;
  result.shape = rows.shape;
  StridedIndex at(rows.shape, strides);
  for (int64_t row : rows.ints) {
    std::optional<int64_t> index = normalizeAxis(row, data.shape[*axis]);
    if (!index)
      return foldError(node, "an index is out of range");
    result.append(data, at.get() + *index * step);
    at.next();
  }
  return result;
}

/// The start of the slice that a row of indices names, or nothing.
std::optional<int64_t> getOffset(ArrayRef<int64_t> row,
                                 ArrayRef<int64_t> shape) {
  Shape strides = getStrides(shape);
  int64_t offset = 0;
  for (auto [i, value] : llvm::enumerate(row)) {
    std::optional<int64_t> index = normalizeAxis(value, shape[i]);
    if (!index)
      return std::nullopt;
    offset += *index * strides[i];
  }
  return offset;
}

/// Slices of the data, each named by a row of indices; the first `batch_dims`
/// dimensions of both go side by side.
Folded evaluateGatherND(Node &node) {
  const HostTensor &data = *node.getConstant(0), &rows = *node.getConstant(1);
  ArrayRef<int64_t> shape = data.shape, rowShape = rows.shape;
  int64_t batch = node.getInt("batch_dims", 0);
  int64_t depth = rowShape.empty() ? -1 : rowShape.back();
  bool fits = rows.kind == ElementKind::Int && batch >= 0 && depth >= 1 &&
              batch < static_cast<int64_t>(rowShape.size()) &&
              batch + depth <= static_cast<int64_t>(shape.size());
  if (!fits || shape.take_front(batch) != rowShape.take_front(batch))
    return foldError(node, "its indices do not fit its input");
  ArrayRef<int64_t> inner = shape.drop_front(batch + depth);
  HostTensor result;
  result.kind = data.kind;
  result.shape = Shape(rowShape.drop_back());
  llvm::append_range(result.shape, inner);
  if (!fitsFolding(node, result.shape))
    return std::nullopt;
  int64_t batches = *countElements(shape.take_front(batch));
  int64_t size = *countElements(shape.drop_front(batch));
  int64_t run = *countElements(inner);
  int64_t perBatch = batches ? rows.size() / batches : 0;
  for (int64_t b = 0; b < batches; ++b)
    for (int64_t i = 0; i < perBatch; i += depth) {
      std::optional<int64_t> offset =
          getOffset(ArrayRef<int64_t>(rows.ints).slice(b * perBatch + i, depth),
                    shape.drop_front(batch));
      if (!offset)
        return foldError(node, "an index is out of range");
      for (int64_t k = 0; k < run; ++k)
        result.append(data, b * size + *offset + k);
    }
  return result;
}

/// How ScatterND combines an element with what it writes there.
template <typename T> T scatter(StringRef reduction, T old, T update) {
  if (reduction == "add") {
    if constexpr (std::is_same_v<T, int64_t>)
      return wrapAround(uint64_t(old) + uint64_t(update));
    else
      return old + update;
  }
  if (reduction == "mul") {
    if constexpr (std::is_same_v<T, int64_t>)
      return wrapAround(uint64_t(old) * uint64_t(update));
    else
      return old * update;
  }
  if (reduction == "max")
    return std::max(old, update);
  return reduction == "min" ? std::min(old, update) : update;
}

Folded evaluateScatterND(Node &node) {
  HostTensor result = *node.getConstant(0);
  const HostTensor &rows = *node.getConstant(1);
  const HostTensor &updates = *node.getConstant(2);
  std::string reduction = node.getString("reduction", "none");
  if (!llvm::is_contained({"none", "add", "mul", "max", "min"}, reduction))
    return foldError(node, "its reduction is unknown");
  int64_t depth = rows.shape.empty() ? -1 : rows.shape.back();
  if (rows.kind != ElementKind::Int || updates.kind != result.kind ||
      depth < 1 || depth > static_cast<int64_t>(result.shape.size()))
    return foldError(node, "its inputs do not fit together");
  ArrayRef<int64_t> inner = ArrayRef<int64_t>(result.shape).drop_front(depth);
  int64_t size = *countElements(inner), count = rows.size() / depth;
  if (updates.size() != count * size)
    return foldError(node, "its inputs do not fit together");
  for (int64_t i = 0; i < count; ++i) {
    std::optional<int64_t> offset = getOffset(
        ArrayRef<int64_t>(rows.ints).slice(i * depth, depth), result.shape);
    if (!offset)
      return foldError(node, "an index is out of range");
    for (int64_t k = 0; k < size; ++k) {
      int64_t to = *offset + k, from = i * size + k;
      if (result.kind == ElementKind::Float)
        result.floats[to] =
            scatter(reduction, result.floats[to], updates.floats[from]);
      else
        result.ints[to] =
            scatter(reduction, result.ints[to], updates.ints[from]);
    }
  }
  return result;
}

AllFolded evaluateSplit(Node &node) {
  auto split = getSplit(node);
  if (!split)
    return std::nullopt;
  const HostTensor &input = *node.getConstant(0);
  auto &[axis, pieces] = *split;
  Shape strides = getStrides(input.shape), shape = input.shape;
  int64_t offset = 0;
  AllFolded results(std::in_place);
  for (int64_t size : pieces) {
    shape[axis] = size;
    results->push_back(gatherStrided(input, shape, strides, offset));
    offset += size * strides[axis];
  }
  return results;
}

} // namespace

ArrayRef<EvaluatorInfo> aero::getMovementEvaluators() {
  static const EvaluatorInfo evaluators[] = {
      {"Concat", foldOne<evaluateConcat>},
      {"Expand", foldOne<evaluateExpand>},
      {"Flatten", foldOne<evaluateReshape>},
      {"Gather", foldOne<evaluateGather>},
      {"GatherElements", foldOne<evaluateGatherElements>},
      {"GatherND", foldOne<evaluateGatherND>},
      {"Reshape", foldOne<evaluateReshape>},
      {"ScatterND", foldOne<evaluateScatterND>},
      {"Slice", foldOne<evaluateSlice>},
      {"Squeeze", foldOne<evaluateReshape>},
      {"Tile", foldOne<evaluateTile>},
      {"Transpose", foldOne<evaluateTranspose>},
      {"Unsqueeze", foldOne<evaluateReshape>},
      {"Split", evaluateSplit},
  };
  return evaluators;
}
