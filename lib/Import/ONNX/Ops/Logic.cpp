//===- Logic.cpp - ONNX operators on truth values and types ---------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Node.h"

#include "aero/Dialect/PI/IR/PIOps.h"

#include <onnx/onnx_pb.h>

using namespace aero;
using namespace mlir;

std::optional<ElementKind> aero::getTargetKind(Node &node) {
  int64_t to = node.getInt("to", 0);
  std::optional<ElementKind> kind;
  if (to == static_cast<int32_t>(to))
    kind = getElementKind(static_cast<int32_t>(to));
  if (!kind && !node.hasFault())
    (void)node.unsupported("the type that it casts to is not supported");
  return kind;
}

namespace {

LogicalResult requireBool(Node &node, unsigned i) {
  if (node.getKind(i) == ElementKind::Bool)
    return success();
  return node.invalid("it computes with truth values, but reads numbers");
}

/// Fault-checks two broadcast inputs; the shape of the result.
std::optional<Shape> getBroadcastShape(Node &node) {
  std::optional<Shape> shape =
      broadcastShapes(node.getShape(0), node.getShape(1));
  if (!shape)
    (void)node.invalid("the shapes of its inputs do not fit together");
  else if (failed(node.requireSize(*shape)))
    return std::nullopt;
  return shape;
}

/// compare(a, b), or compare(b, a) if `swapped`.
template <pi::ComparePredicate predicate, bool swapped = false>
LogicalResult importCompare(Node &node) {
  if (node.getKind(0) != node.getKind(1))
    return node.invalid("its inputs have different types");
  if (node.getKind(0) == ElementKind::Bool)
    return node.unsupported("it compares truth values that depend on an input");
  std::optional<Shape> shape = getBroadcastShape(node);
  if (!shape)
    return failure();
  Value lhs = node.getValue(0), rhs = node.getValue(1);
  if (swapped)
    std::swap(lhs, rhs);
  node.setResult(
      0, node.create<pi::CompareOp>(node.getType(*shape, ElementKind::Bool),
                                    predicate, lhs, rhs));
  return success();
}

template <typename OpTy> LogicalResult importLogical(Node &node) {
  if (failed(requireBool(node, 0)) || failed(requireBool(node, 1)))
    return failure();
  std::optional<Shape> shape = getBroadcastShape(node);
  if (!shape)
    return failure();
  Value lhs = node.getValue(0), rhs = node.getValue(1);
  node.setResult(
      0, node.create<OpTy>(node.getType(*shape, ElementKind::Bool), lhs, rhs));
  return success();
}

LogicalResult importNot(Node &node) {
  if (failed(requireBool(node, 0)))
    return failure();
  Value input = node.getValue(0);
  node.setResult(0, node.create<pi::NotOp>(input.getType(), input));
  return success();
}

/// IsNaN(x) -> not (x == x)
LogicalResult importIsNaN(Node &node) {
  if (failed(node.requireFloat(0)))
    return failure();
  Value input = node.getValue(0);
  Type type = node.getType(node.getShape(0), ElementKind::Bool);
  Value same =
      node.create<pi::CompareOp>(type, pi::ComparePredicate::EQ, input, input);
  node.setResult(0, node.create<pi::NotOp>(type, same));
  return success();
}

LogicalResult importWhere(Node &node) {
  if (node.getKind(0) != ElementKind::Bool)
    return node.invalid("its condition is not a truth value");
  if (failed(node.requireFloat(1)) || failed(node.requireFloat(2)))
    return failure();
  std::optional<Shape> shape =
      broadcastShapes(node.getShape(1), node.getShape(2));
  if (shape)
    shape = broadcastShapes(node.getShape(0), *shape);
  if (!shape)
    return node.invalid("the shapes of its inputs do not fit together");
  if (failed(node.requireSize(*shape)))
    return failure();
  // A public condition that is the same everywhere chooses one side.
  const HostTensor *condition = node.getConstant(0);
  if (condition && failed(node.chargeWork(condition->size())))
    return failure();
  if (condition && condition->size() && llvm::all_equal(condition->ints)) {
    unsigned side = condition->ints[0] ? 1 : 2;
    if (node.getShape(side) == *shape) {
      node.setAlias(0, node.getInput(side));
      return success();
    }
  }
  Value mask = node.getValue(0), yes = node.getValue(1), no = node.getValue(2);
  node.setResult(0,
                 node.create<pi::WhereOp>(node.getType(*shape), mask, yes, no));
  return success();
}

LogicalResult castTo(Node &node, ElementKind kind) {
  // All floats are f32 here and all integers i64, so that only a change of kind
  // computes anything.
  if (kind == node.getKind(0)) {
    node.setAlias(0, node.getInput(0));
    return success();
  }
  Value input = node.getValue(0);
  node.setResult(
      0, node.create<pi::CastOp>(node.getType(node.getShape(0), kind), input));
  return success();
}

LogicalResult importCast(Node &node) {
  std::optional<ElementKind> to = getTargetKind(node);
  if (!to)
    return failure();
  return castTo(node, *to);
}

LogicalResult importCastLike(Node &node) {
  return castTo(node, node.getKind(1));
}

} // namespace

ArrayRef<OperatorInfo> aero::getLogicOperators() {
  using Predicate = pi::ComparePredicate;
  static const OperatorInfo operators[] = {
      {"And", 7, 2, 2, importLogical<pi::AndOp>},
      {"Cast", 9, 1, 1, importCast},
      {"CastLike", 15, 2, 2, importCastLike},
      {"Equal", 7, 2, 2, importCompare<Predicate::EQ>},
      {"Greater", 7, 2, 2, importCompare<Predicate::LT, /*swapped=*/true>},
      {"GreaterOrEqual", 12, 2, 2,
       importCompare<Predicate::LE, /*swapped=*/true>},
      {"IsNaN", 9, 1, 1, importIsNaN},
      {"Less", 7, 2, 2, importCompare<Predicate::LT>},
      {"LessOrEqual", 12, 2, 2, importCompare<Predicate::LE>},
      {"Not", 1, 1, 1, importNot},
      {"Or", 7, 2, 2, importLogical<pi::OrOp>},
      {"Where", 9, 3, 3, importWhere},
      {"Xor", 7, 2, 2},
  };
  return operators;
}
