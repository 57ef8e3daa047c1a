//===- Shape.cpp - ONNX operators that change shapes ----------------------===//
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
  if (failed(node.requireSize(Shape(rank, 1))))
    return std::nullopt;
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

std::optional<Shape> aero::getRepeats(Node &node) {
  std::optional<Shape> repeats = node.getConstantInts(1, "repeats");
  if (!repeats)
    return std::nullopt;
  const Shape &input = node.getShape(0);
  Shape shape;
  bool fits = repeats->size() == input.size();
  for (size_t i = 0; fits && i < input.size(); ++i) {
    int64_t dim = 0;
    fits =
        (*repeats)[i] >= 0 && !llvm::MulOverflow((*repeats)[i], input[i], dim);
    shape.push_back(dim);
  }
  if (fits && countElements(shape))
    return repeats;
  (void)node.invalid("its repeats do not fit its input");
  return std::nullopt;
}

//===----------------------------------------------------------------------===//
// Operators
//===----------------------------------------------------------------------===//

namespace {

LogicalResult importReshape(Node &node) {
  std::optional<Shape> shape = getReshapedShape(node);
  if (!shape)
    return failure();
  if (*shape == node.getShape(0))
    node.setAlias(0, node.getInput(0));
  else
    node.setResult(0, node.reshape(node.getValue(0), *shape));
  return success();
}

LogicalResult importTranspose(Node &node) {
  std::optional<Shape> permutation = getPermutation(node);
  if (!permutation)
    return failure();
  node.setResult(0, node.transpose(node.getValue(0), *permutation));
  return success();
}

LogicalResult importExpand(Node &node) {
  std::optional<Shape> target = node.getConstantInts(1, "shape");
  if (!target)
    return failure();
  std::optional<Shape> shape;
  if (countElements(*target))
    shape = broadcastShapes(node.getShape(0), *target);
  if (!shape)
    return node.invalid("its shape does not fit its input");
  if (failed(node.requireSize(*shape)))
    return failure();
  if (*shape == node.getShape(0)) {
    node.setAlias(0, node.getInput(0));
    return success();
  }
  node.setResult(0, node.broadcast(node.getValue(0), *shape));
  return success();
}

/// Tile(x : A x B, (m, n)) -> reshape(broadcast(x : 1 x A x 1 x B)), or only a
/// broadcast if what is repeated has size 1.
LogicalResult importTile(Node &node) {
  std::optional<Shape> repeats = getRepeats(node);
  if (!repeats)
    return failure();
  Shape from, to, shape;
  for (auto [dim, repeat] : llvm::zip(node.getShape(0), *repeats)) {
    from.append({1, dim});
    to.append({repeat, dim});
    shape.push_back(repeat * dim);
  }
  Value value = node.getValue(0);
  if (broadcastShapes(node.getShape(0), shape) == shape) {
    node.setResult(0, node.broadcast(value, shape));
    return success();
  }
  if (from != to) {
    value = node.reshape(value, from);
    value = node.broadcast(value, to);
  }
  node.setResult(0, node.reshape(value, shape));
  return success();
}

LogicalResult importIdentity(Node &node) {
  node.setAlias(0, node.getInput(0));
  return success();
}

/// At inference nothing is dropped, and the mask keeps everything.
LogicalResult importDropout(Node &node) {
  if (node.hasInput(2)) {
    const HostTensor *training = node.getConstant(2);
    const HostTensor *ratio = node.hasInput(1) ? node.getConstant(1) : nullptr;
    bool drops = !training || training->size() != 1 || training->at(0) != 0;
    bool keepsAll = ratio && ratio->size() == 1 && ratio->at(0) == 0;
    if (drops && !keepsAll)
      return node.unsupported("it drops values",
                              "export the model in evaluation mode "
                              "(model.eval())");
  }
  if (node.usesOutput(1)) {
    HostTensor mask =
        HostTensor::makeZeros(ElementKind::Bool, node.getShape(0));
    std::fill(mask.ints.begin(), mask.ints.end(), 1);
    node.setConstant(1, std::move(mask));
  }
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

} // namespace

ArrayRef<OperatorInfo> aero::getShapeOperators() {
  static const OperatorInfo operators[] = {
      {"Dropout", 7, 1, 3, importDropout},
      {"Expand", 8, 2, 2, importExpand},
      {"Flatten", 9, 1, 1, importReshape},
      {"Identity", 1, 1, 1, importIdentity},
      {"Reshape", 5, 2, 2, importReshape},
      {"Shape", 1, 1, 1, importShape},
      {"Size", 1, 1, 1, importSize},
      {"Squeeze", 1, 1, 2, importReshape},
      {"Tile", 6, 2, 2, importTile},
      {"Transpose", 1, 1, 1, importTranspose},
      {"Unsqueeze", 1, 1, 2, importReshape},
  };
  return operators;
}
