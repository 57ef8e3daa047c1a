//===- ShapeOps.cpp - Operators of ONNX that move elements ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "llvm/Support/MathExtras.h"

#include <onnx/onnx_pb.h>

using namespace aero;
using namespace mlir;

std::optional<int64_t> aero::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return std::nullopt;
  return axis < 0 ? axis + rank : axis;
}

//===----------------------------------------------------------------------===//
// Shapes, shared with folding
//===----------------------------------------------------------------------===//

std::optional<Shape> aero::resolveReshape(ArrayRef<int64_t> from,
                                          ArrayRef<int64_t> target,
                                          bool allowZero) {
  Shape shape;
  int64_t inferred = -1;
  for (size_t i = 0; i < target.size(); ++i) {
    int64_t dim = target[i];
    if (dim == 0 && !allowZero) {
      if (i >= from.size())
        return std::nullopt;
      dim = from[i];
    }
    if (dim == -1) {
      if (inferred >= 0)
        return std::nullopt;
      inferred = i;
      dim = 1;
    }
    if (dim < 0)
      return std::nullopt;
    shape.push_back(dim);
  }
  std::optional<int64_t> have = countElements(from),
                         want = countElements(shape);
  if (!have || !want)
    return std::nullopt;
  if (inferred >= 0) {
    if (*want == 0 || *have % *want != 0)
      return std::nullopt;
    shape[inferred] = *have / *want;
  } else if (*have != *want) {
    return std::nullopt;
  }
  return shape;
}

namespace {

/// The axes of Squeeze and Unsqueeze: an attribute before opset 13, an input
/// since. Nullopt if there are none, or with a recorded fault.
std::optional<Shape> getAxes(Node &node) {
  if (node.getOpset() < 13)
    return node.getInts("axes");
  if (!node.hasInput(1))
    return std::nullopt;
  return node.getConstantInts(1, "list of axes");
}

std::optional<Shape> getUnsqueezedShape(Node &node) {
  std::optional<Shape> axes = getAxes(node);
  if (!axes) {
    if (!node.hasFault())
      (void)node.invalid("it names no axes");
    return std::nullopt;
  }
  const Shape &input = node.getShape(0);
  int64_t rank = input.size() + axes->size();
  SmallVector<bool> added(rank, false);
  for (int64_t axis : *axes) {
    std::optional<int64_t> normal = normalizeAxis(axis, rank);
    if (!normal || added[*normal]) {
      (void)node.invalid("its axes do not fit its input");
      return std::nullopt;
    }
    added[*normal] = true;
  }
  Shape shape;
  for (int64_t i = 0, next = 0; i < rank; ++i)
    shape.push_back(added[i] ? 1 : input[next++]);
  return shape;
}

std::optional<Shape> getSqueezedShape(Node &node) {
  const Shape &input = node.getShape(0);
  std::optional<Shape> axes = getAxes(node);
  if (node.hasFault())
    return std::nullopt;
  SmallVector<bool> dropped(input.size(), false);
  if (!axes)
    for (size_t i = 0; i < input.size(); ++i)
      dropped[i] = input[i] == 1;
  else
    for (int64_t axis : *axes) {
      std::optional<int64_t> normal = normalizeAxis(axis, input.size());
      if (!normal || input[*normal] != 1) {
        (void)node.invalid("its axes do not fit its input");
        return std::nullopt;
      }
      dropped[*normal] = true;
    }
  Shape shape;
  for (size_t i = 0; i < input.size(); ++i)
    if (!dropped[i])
      shape.push_back(input[i]);
  return shape;
}

std::optional<Shape> getFlattenedShape(Node &node) {
  const Shape &input = node.getShape(0);
  int64_t rank = input.size(), axis = node.getInt("axis", 1);
  if (axis < -rank || axis > rank) {
    (void)node.invalid("its axis does not fit its input");
    return std::nullopt;
  }
  if (axis < 0)
    axis += rank;
  ArrayRef<int64_t> all = input;
  return Shape{countElements(all.take_front(axis)).value_or(0),
               countElements(all.drop_front(axis)).value_or(0)};
}

} // namespace

std::optional<Shape> aero::getReshapedShape(Node &node) {
  StringRef name = node.getOperator();
  if (name == "Unsqueeze")
    return getUnsqueezedShape(node);
  if (name == "Squeeze")
    return getSqueezedShape(node);
  if (name == "Flatten")
    return getFlattenedShape(node);
  std::optional<Shape> target = node.getConstantInts(1, "shape");
  if (!target)
    return std::nullopt;
  std::optional<Shape> shape =
      resolveReshape(node.getShape(0), *target, node.getInt("allowzero", 0));
  if (!shape)
    (void)node.invalid("the shape that it asks for does not fit its input");
  return shape;
}

std::optional<std::pair<int64_t, Shape>> aero::getSplit(Node &node) {
  std::optional<int64_t> axis =
      normalizeAxis(node.getInt("axis", 0), node.getRank(0));
  if (!axis) {
    (void)node.invalid("its axis does not fit its input");
    return std::nullopt;
  }
  int64_t size = node.getShape(0)[*axis];
  std::optional<Shape> pieces;
  if (node.getOpset() < 13)
    pieces = node.getInts("split");
  else if (node.hasInput(1))
    pieces = node.getConstantInts(1, "list of sizes");
  if (node.hasFault())
    return std::nullopt;
  if (!pieces && node.getNumOutputs() && size % node.getNumOutputs() == 0)
    pieces = Shape(node.getNumOutputs(), size / node.getNumOutputs());
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

std::optional<Shape> aero::getPermutation(Node &node) {
  int64_t rank = node.getRank(0);
  Shape permutation = llvm::to_vector<4>(llvm::reverse(llvm::seq(rank)));
  if (std::optional<Shape> given = node.getInts("perm"))
    permutation = *given;
  Shape sorted = permutation;
  llvm::sort(sorted);
  if (!llvm::equal(sorted, llvm::seq(rank))) {
    (void)node.invalid("its permutation does not fit its input");
    return std::nullopt;
  }
  return permutation;
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

LogicalResult importReshape(Node &node) {
  std::optional<Shape> shape = getReshapedShape(node);
  if (!shape)
    return failure();
  if (*shape == node.getShape(0)) {
    node.setAlias(0, node.getInput(0));
    return success();
  }
  Value input = node.getValue(0);
  node.setResult(0, pi::ReshapeOp::create(node.getBuilder(), node.getLoc(),
                                          node.getType(*shape, node.getKind(0)),
                                          input));
  return success();
}

LogicalResult importTranspose(Node &node) {
  std::optional<Shape> permutation = getPermutation(node);
  if (!permutation)
    return failure();
  Shape shape;
  for (int64_t axis : *permutation)
    shape.push_back(node.getShape(0)[axis]);
  Value input = node.getValue(0);
  node.setResult(
      0, pi::TransposeOp::create(node.getBuilder(), node.getLoc(),
                                 node.getType(shape, node.getKind(0)), input,
                                 ArrayRef<int64_t>(*permutation)));
  return success();
}

Value makeSlice(Node &node, Value input, int64_t axis, int64_t offset,
                int64_t size) {
  auto type = cast<RankedTensorType>(input.getType());
  if (offset == 0 && size == type.getDimSize(axis))
    return input;
  Shape shape(type.getShape());
  shape[axis] = size;
  return pi::SliceOp::create(node.getBuilder(), node.getLoc(),
                             type.clone(shape), input, axis, offset);
}

LogicalResult importSlice(Node &node) {
  auto ranges = getSliceRanges(node);
  if (!ranges)
    return failure();
  for (const SliceRange &range : *ranges) {
    if (range.step != 1)
      return node.unsupported("it slices with a step other than 1");
    if (range.size == 0)
      return node.unsupported("its result is empty");
  }
  Value value = node.getValue(0);
  for (const SliceRange &range : *ranges)
    value = makeSlice(node, value, range.axis, range.start, range.size);
  node.setResult(0, value);
  return success();
}

LogicalResult importSplit(Node &node) {
  auto split = getSplit(node);
  if (!split)
    return failure();
  auto &[axis, pieces] = *split;
  if (llvm::is_contained(pieces, 0))
    return node.unsupported("one of its results is empty");
  Value input = node.getValue(0);
  int64_t offset = 0;
  for (auto [i, size] : llvm::enumerate(pieces)) {
    node.setResult(i, makeSlice(node, input, axis, offset, size));
    offset += size;
  }
  return success();
}

LogicalResult importConcat(Node &node) {
  std::optional<int64_t> axis =
      normalizeAxis(node.getInt("axis", 0), node.getRank(0));
  if (!axis || !node.findAttribute("axis"))
    return node.invalid("its axis does not fit its inputs");
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
  }
  if (!countElements(shape))
    return node.invalid("its result is too large");
  for (unsigned i = 0; i < node.getNumInputs(); ++i)
    values.push_back(node.getValue(i));
  node.setResult(0, pi::ConcatOp::create(node.getBuilder(), node.getLoc(),
                                         node.getType(shape, node.getKind(0)),
                                         values, *axis));
  return success();
}

/// Gather of a float table's rows -> pi.embedding.
/// Gather of one constant position, or of a range -> pi.slice.
LogicalResult importGather(Node &node) {
  int64_t rank = node.getRank(0);
  std::optional<int64_t> axis = normalizeAxis(node.getInt("axis", 0), rank);
  if (node.hasFault())
    return failure();
  if (!axis)
    return node.invalid("its axis does not fit its input");
  if (node.getKind(1) != ElementKind::Int)
    return node.invalid("its indices are not integers");
  int64_t size = node.getShape(0)[*axis];
  const HostTensor *constant = node.getConstant(1);
  SmallVector<int64_t> indices;
  if (constant)
    for (int64_t index : constant->ints) {
      std::optional<int64_t> normal = normalizeAxis(index, size);
      if (!normal)
        return node.invalid("an index is out of range");
      indices.push_back(*normal);
    }
  Shape shape(node.getShape(0).begin(), node.getShape(0).begin() + *axis);
  llvm::append_range(shape, node.getShape(1));
  shape.append(node.getShape(0).begin() + *axis + 1, node.getShape(0).end());
  if (!countElements(shape))
    return node.invalid("its result is too large");

  bool isTable = node.getKind(0) == ElementKind::Float && rank == 2 &&
                 *axis == 0 && node.getInput(0).weight;
  if (isTable) {
    Value table = node.getValue(0), rows = node.getValue(1);
    if (constant) {
      HostTensor normal = *constant;
      normal.ints.assign(indices.begin(), indices.end());
      rows = pi::ConstantOp::create(node.getBuilder(), node.getLoc(),
                                    normal.getAttr(node.getContext()));
    }
    node.setResult(0,
                   pi::EmbeddingOp::create(node.getBuilder(), node.getLoc(),
                                           node.getType(shape), table, rows));
    return success();
  }
  if (!constant)
    return node.unsupported("its indices depend on an input, and its data is "
                            "not an embedding table");
  bool isRange = !indices.empty() && node.getRank(1) <= 1;
  for (size_t i = 1; i < indices.size(); ++i)
    isRange &= indices[i] == indices[i - 1] + 1;
  if (!isRange)
    return node.unsupported("its indices are not a range");
  Value value =
      makeSlice(node, node.getValue(0), *axis, indices[0], indices.size());
  if (node.getRank(1) == 0)
    value = pi::ReshapeOp::create(node.getBuilder(), node.getLoc(),
                                  node.getType(shape, node.getKind(0)), value);
  node.setResult(0, value);
  return success();
}

LogicalResult importIdentity(Node &node) {
  node.setAlias(0, node.getInput(0));
  return success();
}

LogicalResult importDropout(Node &node) {
  if (node.hasInput(2)) {
    const HostTensor *training = node.getConstant(2);
    if (!training || training->size() != 1 || training->at(0) != 0)
      return node.unsupported("it drops values; export the model in evaluation "
                              "mode (model.eval())");
  }
  if (node.usesOutput(1))
    return node.unsupported("its mask is read by another node");
  node.setAlias(0, node.getInput(0));
  return success();
}

LogicalResult importExpand(Node &node) {
  std::optional<Shape> target = node.getConstantInts(1, "shape");
  if (!target)
    return failure();
  if (broadcastShapes(node.getShape(0), *target) != node.getShape(0))
    return node.unsupported("it repeats a value that depends on an input");
  node.setAlias(0, node.getInput(0));
  return success();
}

/// Static shapes make every Shape a constant.
LogicalResult importShape(Node &node) {
  ArrayRef<int64_t> shape = node.getShape(0);
  int64_t rank = shape.size();
  auto bound = [&](int64_t value) {
    return std::clamp<int64_t>(
        value < 0 ? std::max(value, -rank) + rank : value, 0, rank);
  };
  // Start and end are attributes since opset 15.
  int64_t start = bound(node.getInt("start", 0));
  int64_t end = std::max(start, bound(node.getInt("end", rank)));
  node.setConstant(0,
                   HostTensor::makeInts(shape.slice(start, end - start).vec()));
  return success();
}

LogicalResult importSize(Node &node) {
  HostTensor size = HostTensor::makeZeros(ElementKind::Int, {});
  size.ints[0] = countElements(node.getShape(0)).value_or(0);
  node.setConstant(0, std::move(size));
  return success();
}

LogicalResult importConstant(Node &node) {
  HostTensor result;
  if (const onnx::AttributeProto *value = node.findAttribute("value")) {
    auto tensor = readTensor(value->t());
    if (!tensor)
      return node.unsupported("its value " +
                              llvm::toString(tensor.takeError()));
    result = std::move(*tensor);
  } else if (const auto *number = node.findAttribute("value_float")) {
    result = HostTensor::makeZeros(ElementKind::Float, {});
    result.floats[0] = number->f();
  } else if (const auto *number = node.findAttribute("value_int")) {
    result = HostTensor::makeZeros(ElementKind::Int, {});
    result.ints[0] = number->i();
  } else if (const auto *list = node.findAttribute("value_floats")) {
    result.floats.assign(list->floats().begin(), list->floats().end());
    result.shape = {static_cast<int64_t>(result.floats.size())};
  } else if (const auto *list = node.findAttribute("value_ints")) {
    result = HostTensor::makeInts(
        std::vector<int64_t>(list->ints().begin(), list->ints().end()));
  } else {
    return node.unsupported("it holds neither a tensor nor numbers");
  }
  node.setConstant(0, std::move(result));
  return success();
}

/// Operators that only folding knows: on anything but constants they compute
/// truth values or integers.
LogicalResult refuseRuntime(Node &node) {
  return node.unsupported("it depends on an input or a weight; only public "
                          "shapes and masks are evaluated");
}

} // namespace

void aero::addShapeOperators(llvm::StringMap<OperatorInfo> &operators) {
  constexpr unsigned many = 1u << 20;
  operators["Reshape"] = {importReshape, 2, 2};
  operators["Flatten"] = {importReshape, 1, 1};
  operators["Squeeze"] = {importReshape, 1, 2};
  operators["Unsqueeze"] = {importReshape, 1, 2};
  operators["Transpose"] = {importTranspose, 1, 1};
  operators["Slice"] = {importSlice, 3, 5};
  operators["Split"] = {importSplit, 1, 2};
  operators["Concat"] = {importConcat, 1, many};
  operators["Gather"] = {importGather, 2, 2};
  operators["Identity"] = {importIdentity, 1, 1};
  operators["Dropout"] = {importDropout, 1, 3};
  operators["Expand"] = {importExpand, 2, 2};
  operators["Shape"] = {importShape, 1, 1};
  operators["Size"] = {importSize, 1, 1};
  operators["Constant"] = {importConstant, 0, 0};
  operators["ConstantOfShape"] = {refuseRuntime, 1, 1};
  operators["Range"] = {refuseRuntime, 3, 3};
  operators["Trilu"] = {refuseRuntime, 1, 2};
  for (const char *name : {"Equal", "Less", "LessOrEqual", "Greater",
                           "GreaterOrEqual", "And", "Or", "Mod"})
    operators[name] = {refuseRuntime, 2, 2};
  for (const char *name : {"Not", "Abs", "Floor", "Ceil"})
    operators[name] = {refuseRuntime, 1, 1};
  for (const char *name : {"Min", "Max"})
    operators[name] = {refuseRuntime, 1, many};
}
