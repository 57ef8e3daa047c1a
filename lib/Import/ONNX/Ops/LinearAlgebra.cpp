//===- LinearAlgebra.cpp - Matrix products of ONNX ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Node.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "llvm/ADT/StringMap.h"

using namespace aero;
using namespace mlir;

namespace {

/// The type of a matrix product, or null with a recorded fault.
RankedTensorType getProductType(Node &node, ArrayRef<int64_t> a,
                                ArrayRef<int64_t> b) {
  std::optional<Shape> shape = broadcastShapes(a.drop_back(2), b.drop_back(2));
  if (!shape || a.back() != b[b.size() - 2]) {
    (void)node.invalid("the shapes of its inputs do not fit together");
    return {};
  }
  shape->push_back(a[a.size() - 2]);
  shape->push_back(b.back());
  if (failed(node.requireSize(*shape)))
    return {};
  return node.getType(*shape);
}

/// A vector is a row on the left and a column on the right; the result loses
/// that dimension again.
LogicalResult importMatMul(Node &node) {
  if (failed(node.requireFloat(0)) || failed(node.requireFloat(1)))
    return failure();
  Shape a = node.getShape(0), b = node.getShape(1);
  if (a.empty() || b.empty())
    return node.invalid("it multiplies a scalar");
  bool isRow = a.size() == 1, isColumn = b.size() == 1;
  if (isRow)
    a.insert(a.begin(), 1);
  if (isColumn)
    b.push_back(1);
  RankedTensorType type = getProductType(node, a, b);
  if (!type)
    return failure();
  Value lhs = node.reshape(node.getValue(0), a);
  Value rhs = node.reshape(node.getValue(1), b);
  Value result = node.create<pi::MatMulOp>(type, lhs, rhs);
  Shape shape(type.getShape());
  if (isColumn)
    shape.pop_back();
  if (isRow)
    shape.erase(shape.end() - (isColumn ? 1 : 2));
  node.setResult(0, node.reshape(result, shape));
  return success();
}

/// Gemm(a, b, c) -> alpha * op(a) op(b) + beta * c
LogicalResult importGemm(Node &node) {
  bool hasBias = node.hasInput(2);
  for (unsigned i = 0; i < (hasBias ? 3 : 2); ++i)
    if (failed(node.requireFloat(i)))
      return failure();
  if (node.getRank(0) != 2 || node.getRank(1) != 2)
    return node.invalid("its factors are not matrices");
  float alpha = node.getFloat("alpha", 1.0f),
        beta = node.getFloat("beta", 1.0f);
  bool transA = node.getInt("transA", 0), transB = node.getInt("transB", 0);
  if (node.hasFault())
    return failure();
  Shape a = node.getShape(0), b = node.getShape(1);
  if (transA)
    std::swap(a[0], a[1]);
  if (transB)
    std::swap(b[0], b[1]);
  RankedTensorType type = getProductType(node, a, b);
  if (!type)
    return failure();
  if (hasBias) {
    std::optional<Shape> sum =
        broadcastShapes(type.getShape(), node.getShape(2));
    if (!sum || ArrayRef<int64_t>(*sum) != type.getShape())
      return node.invalid("the shape of its bias does not fit");
  }

  Value lhs = node.getValue(0), rhs = node.getValue(1);
  if (transA)
    lhs = node.transpose(lhs, {1, 0});
  if (transB)
    rhs = node.transpose(rhs, {1, 0});
  Value result = node.create<pi::MatMulOp>(type, lhs, rhs);
  if (alpha != 1.0f)
    result = node.create<pi::MulOp>(type, result, node.makeScalar(alpha));
  if (hasBias && beta != 0.0f) {
    Value bias = node.getValue(2);
    if (beta != 1.0f)
      bias =
          node.create<pi::MulOp>(bias.getType(), bias, node.makeScalar(beta));
    // One number a column, however many rows of one the file gives it.
    if (node.getRank(2) == 2 && node.getShape(2)[0] == 1)
      bias = node.reshape(bias, node.getShape(2)[1]);
    result = node.create<pi::AddOp>(type, result, bias);
  }
  node.setResult(0, result);
  return success();
}

/// The letters of a product in Einstein's notation by where they occur.
struct Einsum {
  std::string batch, rows, columns, inner;
};

std::optional<Einsum> classify(StringRef left, StringRef right,
                               StringRef output) {
  Einsum letters;
  for (char letter : left) {
    bool shared = right.contains(letter), kept = output.contains(letter);
    if (!shared && !kept)
      return std::nullopt;
    (shared ? (kept ? letters.batch : letters.inner) : letters.rows) += letter;
  }
  for (char letter : right)
    if (!left.contains(letter)) {
      if (!output.contains(letter))
        return std::nullopt;
      letters.columns += letter;
    }
  return letters;
}

bool hasRepeats(StringRef letters) {
  return llvm::any_of(letters,
                      [&](char letter) { return letters.count(letter) > 1; });
}

/// The dimensions of `have` in the order of `want`.
Value permute(Node &node, Value value, StringRef have, StringRef want) {
  Shape permutation;
  for (char letter : want)
    permutation.push_back(have.find(letter));
  return node.transpose(value, permutation);
}

/// Einsum of two operands -> a matrix product between transpositions.
LogicalResult importEinsum(Node &node) {
  constexpr StringLiteral known =
      "only products of two tensors over distinct indices are known";
  std::string equation = node.getString("equation", "");
  if (node.hasFault())
    return failure();
  llvm::erase(equation, ' ');
  auto [inputs, output] = StringRef(equation).split("->");
  auto [left, right] = inputs.split(',');
  if (node.getNumInputs() != 2 || !StringRef(equation).contains("->") ||
      StringRef(equation).count(',') != 1 || StringRef(equation).contains('.'))
    return node.unsupported(known);
  if (!node.hasInput(1))
    return node.invalid("its input 1 is missing");
  for (unsigned i = 0; i < 2; ++i)
    if (failed(node.requireFloat(i)))
      return failure();
  std::optional<Einsum> letters = classify(left, right, output);
  if (!letters || hasRepeats(left) || hasRepeats(right) || hasRepeats(output))
    return node.unsupported(known);
  llvm::StringMap<int64_t> sizes;
  for (unsigned i = 0; i < 2; ++i) {
    StringRef term = i == 0 ? left : right;
    if (term.size() != node.getShape(i).size())
      return node.invalid("its equation does not fit its inputs");
    for (auto [k, size] : llvm::enumerate(node.getShape(i))) {
      auto [entry, isNew] = sizes.try_emplace(term.substr(k, 1), size);
      if (!isNew && entry->second != size)
        return node.invalid("its equation does not fit its inputs");
    }
  }
  auto count = [&](StringRef term) {
    int64_t product = 1;
    for (size_t k = 0; k < term.size(); ++k)
      product *= sizes.lookup(term.substr(k, 1));
    return product;
  };
  std::string order = letters->batch + letters->rows + letters->columns;
  if (order.size() != output.size() || llvm::any_of(output, [&](char letter) {
        return !StringRef(order).contains(letter);
      }))
    return node.invalid("its equation does not fit its inputs");
  Shape shape;
  for (size_t k = 0; k < order.size(); ++k)
    shape.push_back(sizes.lookup(StringRef(order).substr(k, 1)));
  if (failed(node.requireSize(shape)))
    return failure();

  int64_t batch = count(letters->batch), rows = count(letters->rows),
          columns = count(letters->columns), inner = count(letters->inner);
  Value lhs = permute(node, node.getValue(0), left,
                      letters->batch + letters->rows + letters->inner);
  Value rhs = permute(node, node.getValue(1), right,
                      letters->batch + letters->inner + letters->columns);
  lhs = node.reshape(lhs, {batch, rows, inner});
  rhs = node.reshape(rhs, {batch, inner, columns});
  Value result =
      node.create<pi::MatMulOp>(node.getType({batch, rows, columns}), lhs, rhs);
  result = node.reshape(result, shape);
  node.setResult(0, permute(node, result, order, output));
  return success();
}

} // namespace

ArrayRef<OperatorInfo> aero::getLinearAlgebraOperators() {
  static const OperatorInfo operators[] = {
      {"Einsum", 12, 1, kManyInputs, importEinsum},
      {"Gemm", 7, 2, 3, importGemm},
      {"MatMul", 1, 2, 2, importMatMul},
  };
  return operators;
}
