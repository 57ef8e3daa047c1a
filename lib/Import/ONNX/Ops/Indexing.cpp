//===- Indexing.cpp - ONNX operators that pick and join elements ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Node.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "llvm/Support/MathExtras.h"

using namespace aero;
using namespace mlir;

//===----------------------------------------------------------------------===//
// Ranges, shared with folding
//===----------------------------------------------------------------------===//

std::optional<std::pair<int64_t, Shape>> aero::getSplit(Node &node) {
  std::optional<int64_t> axis = node.getAxis("axis", 0, node.getRank(0));
  if (!axis)
    return std::nullopt;
  int64_t size = node.getShape(0)[*axis];
  std::optional<Shape> pieces;
  if (node.getOpset() < 13)
    pieces = node.getInts("split");
  else if (node.hasInput(1))
    pieces = node.getConstantInts(1, "list of sizes");
  if (node.hasFault())
    return std::nullopt;
  // Equal pieces; since opset 18 the last may be smaller.
  int64_t count = node.getNumOutputs();
  if (!pieces && count && node.getInt("num_outputs", count) == count) {
    int64_t piece = (size + count - 1) / count;
    if (size % count == 0 || node.getOpset() >= 18) {
      pieces = Shape(count, piece);
      pieces->back() = size - piece * (count - 1);
    }
  }
  int64_t sum = 0;
  bool fits = pieces && pieces->size() == node.getNumOutputs();
  for (size_t i = 0; fits && i < pieces->size(); ++i)
    fits = (*pieces)[i] >= 0 && !llvm::AddOverflow(sum, (*pieces)[i], sum);
  if (!fits || sum != size) {
    (void)node.invalid("its sizes do not fit its input");
    return std::nullopt;
  }
  return std::make_pair(*axis, *pieces);
}

std::optional<SmallVector<SliceRange>> aero::getSliceRanges(Node &node) {
  auto read = [&](unsigned i, StringRef what) -> std::optional<Shape> {
    return node.hasInput(i) ? node.getConstantInts(i, what) : std::nullopt;
  };
  std::optional<Shape> starts = read(1, "start"), ends = read(2, "end"),
                       axes = read(3, "list of axes"), steps = read(4, "step");
  if (node.hasFault())
    return std::nullopt;
  if (!axes && starts)
    axes = llvm::to_vector<4>(llvm::seq<int64_t>(starts->size()));
  if (!steps && starts)
    steps = Shape(starts->size(), 1);
  if (!starts || !ends || starts->size() != ends->size() ||
      axes->size() != starts->size() || steps->size() != starts->size()) {
    (void)node.invalid("its starts, ends, axes and steps differ in number");
    return std::nullopt;
  }
  SmallVector<SliceRange> ranges;
  const Shape &shape = node.getShape(0);
  for (size_t i = 0; i < starts->size(); ++i) {
    std::optional<int64_t> axis = normalizeAxis((*axes)[i], shape.size());
    int64_t step = (*steps)[i];
    bool again = llvm::any_of(ranges, [&](const SliceRange &range) {
      return axis && range.axis == *axis;
    });
    if (!axis || again || step == 0) {
      (void)node.invalid("its axes or steps do not fit its input");
      return std::nullopt;
    }
    int64_t size = shape[*axis];
    // Out-of-range bounds are cut as the specification says.
    auto clamp = [&](int64_t bound, int64_t low, int64_t high) {
      return std::clamp(bound < 0 ? std::max(bound, -size - 1) + size : bound,
                        low, high);
    };
    int64_t start, count;
    if (step > 0) {
      start = clamp((*starts)[i], 0, size);
      int64_t end = clamp((*ends)[i], 0, size);
      count = end > start ? (end - start - 1) / step + 1 : 0;
    } else {
      start = clamp((*starts)[i], 0, std::max<int64_t>(size - 1, 0));
      int64_t end = clamp((*ends)[i], -1, std::max<int64_t>(size - 1, -1));
      // The most negative step has no negation.
      step = std::max(step, -size - 1);
      count = size && start > end ? (start - end - 1) / -step + 1 : 0;
    }
    ranges.push_back({*axis, start, step, count});
  }
  return ranges;
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

namespace {

LogicalResult importSlice(Node &node) {
  auto ranges = getSliceRanges(node);
  if (!ranges)
    return failure();
  Shape shape = node.getShape(0);
  for (const SliceRange &range : *ranges)
    shape[range.axis] = range.size;
  if (countElements(shape) == 0) {
    // The part of a cache before the first token.
    node.setConstant(0, HostTensor::makeZeros(node.getKind(0), shape));
    return success();
  }
  Value value = node.getValue(0);
  for (const SliceRange &range : *ranges) {
    if (range.step == 1) {
      value = node.slice(value, range.axis, range.start, range.size);
      continue;
    }
    if (range.size > node.getOptions().maxFoldedElements)
      return node.unsupported("it picks more than " +
                              Twine(node.getOptions().maxFoldedElements) +
                              " elements one by one");
    Shape indices;
    for (int64_t i = 0; i < range.size; ++i)
      indices.push_back(range.start + i * range.step);
    value =
        node.create<pi::TakeOp>(value, range.axis, ArrayRef<int64_t>(indices));
  }
  node.setResult(0, value);
  return success();
}

LogicalResult importSplit(Node &node) {
  auto split = getSplit(node);
  if (!split)
    return failure();
  auto &[axis, pieces] = *split;
  Value input = node.getValue(0);
  Shape shape = node.getShape(0);
  int64_t offset = 0;
  for (auto [i, size] : llvm::enumerate(pieces)) {
    shape[axis] = size;
    if (countElements(shape) == 0)
      node.setConstant(i, HostTensor::makeZeros(node.getKind(0), shape));
    else
      node.setResult(i, node.slice(input, axis, offset, size));
    offset += size;
  }
  return success();
}

LogicalResult importConcat(Node &node) {
  std::optional<int64_t> axis = node.getAxis("axis", 0, node.getRank(0));
  if (!axis)
    return failure();
  Shape shape = node.getShape(0);
  SmallVector<Value> values;
  shape[*axis] = 0;
  for (unsigned i = 0; i < node.getNumInputs(); ++i) {
    if (!node.hasInput(i) || node.getRank(i) != node.getRank(0) ||
        node.getKind(i) != node.getKind(0))
      return node.invalid("its inputs do not fit together");
    Shape expected = node.getShape(i);
    shape[*axis] += expected[*axis];
    expected[*axis] = shape[*axis];
    if (expected != shape)
      return node.invalid("its inputs do not fit together");
    if (failed(node.requireSize(shape)))
      return failure();
  }
  // An empty cache adds nothing.
  for (unsigned i = 0; i < node.getNumInputs(); ++i)
    if (countElements(node.getShape(i)) != 0)
      values.push_back(node.getValue(i));
  if (values.empty())
    node.setConstant(0, HostTensor::makeZeros(node.getKind(0), shape));
  else if (values.size() == 1)
    node.setResult(0, values.front());
  else
    node.setResult(0, node.create<pi::ConcatOp>(
                          node.getType(shape, node.getKind(0)), values, *axis));
  return success();
}

/// The indices of a Gather in [0, size), or nothing with a recorded fault.
std::optional<Shape> getIndices(Node &node, const HostTensor &constant,
                                int64_t size) {
  Shape indices;
  for (int64_t index : constant.ints) {
    std::optional<int64_t> normal = normalizeAxis(index, size);
    if (!normal) {
      (void)node.invalid("an index is out of range");
      return std::nullopt;
    }
    indices.push_back(*normal);
  }
  return indices;
}

/// Gather of rows of a float matrix -> pi.embedding.
/// Gather at public indices -> pi.take, or pi.slice if they are a range.
LogicalResult importGather(Node &node) {
  std::optional<int64_t> axis = node.getAxis("axis", 0, node.getRank(0));
  if (!axis)
    return failure();
  if (node.getKind(1) != ElementKind::Int)
    return node.invalid("its indices are not integers");
  ArrayRef<int64_t> input = node.getShape(0);
  Shape shape(input.take_front(*axis));
  llvm::append_range(shape, node.getShape(1));
  llvm::append_range(shape, input.drop_front(*axis + 1));
  if (!countElements(shape))
    return node.invalid("its result is too large");
  if (input[*axis] == 0 && countElements(node.getShape(1)) != 0)
    return node.invalid("it picks from a dimension of size 0");
  const HostTensor *constant = node.getConstant(1);
  std::optional<Shape> indices;
  if (constant) {
    if (failed(node.chargeWork(constant->size())))
      return failure();
    indices = getIndices(node, *constant, input[*axis]);
    if (!indices)
      return failure();
    if (countElements(shape) == 0) {
      node.setConstant(0, HostTensor::makeZeros(node.getKind(0), shape));
      return success();
    }
  }

  bool isTable = node.getKind(0) == ElementKind::Float && input.size() == 2 &&
                 *axis == 0 && (!constant || node.getInput(0).weight);
  if (isTable) {
    Value table = node.getValue(0), rows = node.getValue(1);
    if (constant) {
      HostTensor normal = *constant;
      normal.ints.assign(indices->begin(), indices->end());
      rows = node.create<pi::ConstantOp>(normal.getAttr(node.getContext()));
    }
    node.setResult(
        0, node.create<pi::EmbeddingOp>(node.getType(shape), table, rows));
    return success();
  }
  if (!constant)
    return node.unsupported("its indices depend on an input, and its data is "
                            "not an embedding table",
                            "fix a public input with --fix");
  Value value = node.getValue(0);
  bool isRange = true;
  for (size_t i = 1; i < indices->size(); ++i)
    isRange &= (*indices)[i] == (*indices)[i - 1] + 1;
  if (isRange)
    value = node.slice(value, *axis, (*indices)[0], indices->size());
  else
    value = node.create<pi::TakeOp>(value, *axis, ArrayRef<int64_t>(*indices));
  node.setResult(0, node.reshape(value, shape));
  return success();
}

/// What a repeated value repeats.
Value stripBroadcast(Value value) {
  auto broadcast = value.getDefiningOp<pi::BroadcastOp>();
  bool sameRank = broadcast && broadcast.getInput().getType().getRank() ==
                                   broadcast.getType().getRank();
  return sameRank ? Value(broadcast.getInput()) : value;
}

bool isOnes(ArrayRef<int64_t> shape) {
  return llvm::all_of(shape, [](int64_t size) { return size == 1; });
}

/// Result element (i, j) is input element (rows(i, j), j), for axis 0.
LogicalResult takeElements(Node &node, const HostTensor &rows, int64_t axis) {
  const Shape &shape = node.getShape(0);
  for (auto [i, size] : llvm::enumerate(rows.shape))
    if (size > shape[i] && static_cast<int64_t>(i) != axis)
      return node.invalid("its indices do not fit its input");
  Shape strides = getStrides(shape), indices;
  int64_t step = strides[axis];
  strides[axis] = 0;
  StridedIndex at(rows.shape, strides);
  for (int64_t row : rows.ints) {
    std::optional<int64_t> index = normalizeAxis(row, shape[axis]);
    if (!index)
      return node.invalid("an index is out of range");
    indices.push_back(at.get() + *index * step);
    at.next();
  }
  if (indices.empty()) {
    node.setConstant(0, HostTensor::makeZeros(node.getKind(0), rows.shape));
    return success();
  }
  Value flat = node.reshape(node.getValue(0), *countElements(shape));
  flat = node.create<pi::TakeOp>(flat, 0, ArrayRef<int64_t>(indices));
  node.setResult(0, node.reshape(flat, rows.shape));
  return success();
}

/// GatherElements(table : (1.., S, r), rows : (.., T, 1 repeated to r)) over
/// the last dimension but one picks whole rows -> pi.embedding. This is how
/// angles are looked up by position.
LogicalResult importGatherElements(Node &node) {
  int64_t rank = node.getRank(0);
  std::optional<int64_t> axis = node.getAxis("axis", 0, rank);
  if (!axis)
    return failure();
  if (node.getKind(1) != ElementKind::Int || node.getRank(1) != rank)
    return node.invalid("its indices do not fit its input");
  if (const HostTensor *indices = node.getConstant(1))
    return takeElements(node, *indices, *axis);
  if (failed(node.requireFloat(0)))
    return failure();
  Value table = stripBroadcast(node.getValue(0));
  Value rows = stripBroadcast(node.getValue(1));
  auto tableShape = cast<RankedTensorType>(table.getType()).getShape();
  ArrayRef<int64_t> rowShape =
      cast<RankedTensorType>(rows.getType()).getShape();
  if (rank < 2 || *axis != rank - 2 || !isOnes(tableShape.drop_back(2)) ||
      rowShape.back() != 1 || node.getShape(1).back() != tableShape.back())
    return node.unsupported(
        "it picks single elements by indices that depend on "
        "an input; only whole rows of a table are known",
        "fix a public input with --fix");
  table = node.reshape(table, tableShape.take_back(2));
  rows = node.reshape(rows, rowShape.drop_back());
  Shape shape(rowShape.drop_back());
  shape.push_back(tableShape.back());
  Value result = node.create<pi::EmbeddingOp>(node.getType(shape), table, rows);
  node.setResult(0, node.broadcast(result, node.getShape(1)));
  return success();
}

} // namespace

ArrayRef<OperatorInfo> aero::getIndexingOperators() {
  static const OperatorInfo operators[] = {
      {"Concat", 4, 1, kManyInputs, importConcat},
      {"Gather", 1, 2, 2, importGather},
      {"GatherElements", 11, 2, 2, importGatherElements},
      {"GatherND", 11, 2, 2},
      {"ScatterND", 11, 3, 3},
      {"Slice", 10, 3, 5, importSlice},
      {"Split", 2, 1, 2, importSplit},
      {"Trilu", 14, 1, 2},
  };
  return operators;
}
