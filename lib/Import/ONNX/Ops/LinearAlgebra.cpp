//===- LinearAlgebra.cpp - Matrix products of ONNX ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Node.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "llvm/ADT/StringExtras.h"

using namespace aero;
using namespace mlir;

std::optional<Equation> aero::getEquation(Node &node) {
  auto fail = [&] {
    (void)node.invalid("its equation does not fit its inputs");
    return std::nullopt;
  };
  std::string text = node.getString("equation", "");
  if (node.hasFault())
    return std::nullopt;
  llvm::erase(text, ' ');
  bool explicitOutput = StringRef(text).contains("->");
  auto [left, right] = StringRef(text).split("->");
  SmallVector<StringRef> terms;
  left.split(terms, ',');
  if (terms.size() != node.getNumInputs() || llvm::any_of(text, llvm::isDigit))
    return fail();
  // An ellipsis stands for the same leading dimensions wherever it occurs;
  // digits are no letters of an equation.
  constexpr StringLiteral ellipsis = "...", digits = "0123456789";
  size_t hidden = 0;
  for (auto [i, term] : llvm::enumerate(terms)) {
    size_t rank = node.getShape(i).size(), named = term.size();
    if (!term.contains(ellipsis))
      continue;
    named -= ellipsis.size();
    if (rank < named || rank - named > digits.size())
      return fail();
    hidden = std::max(hidden, rank - named);
  }
  Equation equation;
  for (auto [i, term] : llvm::enumerate(terms)) {
    auto [before, after] = term.split(ellipsis);
    std::string letters = term.str();
    if (term.contains(ellipsis)) {
      size_t count = node.getShape(i).size() - before.size() - after.size();
      letters =
          (before + digits.take_front(hidden).take_back(count) + after).str();
    }
    if (letters.size() != node.getShape(i).size())
      return fail();
    for (auto [letter, size] : llvm::zip(letters, node.getShape(i))) {
      int64_t &known = equation.sizes.try_emplace(letter, size).first->second;
      if (!llvm::isAlnum(letter) || (known != size && known != 1 && size != 1))
        return fail();
      known = std::max(known, size);
    }
    equation.inputs.push_back(letters);
  }
  if (explicitOutput) {
    auto [before, after] = right.split(ellipsis);
    equation.output = right.contains(ellipsis)
                          ? (before + digits.take_front(hidden) + after).str()
                          : right.str();
  } else {
    // Without an arrow the result has the letters that occur once, sorted.
    equation.output = digits.take_front(hidden).str();
    for (char letter = 'A'; letter <= 'z'; ++letter)
      if (llvm::isAlpha(letter) && left.count(letter) == 1)
        equation.output += letter;
  }
  for (char letter : equation.output)
    if (!equation.sizes.count(letter) ||
        StringRef(equation.output).count(letter) > 1)
      return fail();
  return equation;
}

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

//===----------------------------------------------------------------------===//
// Einsum
//===----------------------------------------------------------------------===//

/// A value whose dimensions have letters.
struct Labelled {
  Value value;
  std::string letters;
};

int64_t getSize(const Labelled &term, char letter) {
  return cast<RankedTensorType>(term.value.getType())
      .getDimSize(term.letters.find(letter));
}

/// The dimensions of `term` in the order of `letters`.
void permute(Node &node, Labelled &term, const std::string &letters) {
  Shape permutation;
  for (char letter : letters)
    permutation.push_back(term.letters.find(letter));
  term.value = node.transpose(term.value, permutation);
  term.letters = letters;
}

/// A letter that occurs twice asks for the diagonal of the two dimensions.
void takeDiagonals(Node &node, Labelled &term) {
  for (size_t i = 0; i < term.letters.size(); ++i) {
    size_t k = term.letters.find(term.letters[i], i + 1);
    if (k == std::string::npos)
      continue;
    // Both to the end, then one dimension, of which each n + 1st is diagonal.
    Shape permutation, shape, indices;
    std::string letters;
    ArrayRef<int64_t> sizes =
        cast<RankedTensorType>(term.value.getType()).getShape();
    for (size_t d = 0; d < term.letters.size(); ++d)
      if (d != i && d != k) {
        permutation.push_back(d);
        shape.push_back(sizes[d]);
        letters += term.letters[d];
      }
    int64_t n = sizes[i];
    permutation.append({static_cast<int64_t>(i), static_cast<int64_t>(k)});
    letters += term.letters[i];
    shape.push_back(n * n);
    for (int64_t d = 0; d < n; ++d)
      indices.push_back(d * (n + 1));
    Value value = node.reshape(node.transpose(term.value, permutation), shape);
    term.value = node.create<pi::TakeOp>(value, shape.size() - 1,
                                         ArrayRef<int64_t>(indices));
    term.letters = letters;
    return takeDiagonals(node, term);
  }
}

/// Sums over letters that neither `other` nor `output` has.
void sumLonely(Node &node, Labelled &term, StringRef other, StringRef output) {
  Shape axes;
  std::string kept;
  for (auto [i, letter] : llvm::enumerate(term.letters)) {
    if (other.contains(letter) || output.contains(letter))
      kept += letter;
    else
      axes.push_back(i);
  }
  if (axes.empty())
    return;
  Shape shape = getReducedShape(
      cast<RankedTensorType>(term.value.getType()).getShape(), axes, false);
  term.value = node.create<pi::ReduceSumOp>(node.getType(shape), term.value,
                                            ArrayRef<int64_t>(axes), false);
  term.letters = kept;
}

/// One product for all: batch letters are in both operands and the result, rows
/// in the left, columns in the right, and what is summed over in both only.
Labelled multiply(Node &node, Labelled a, Labelled b, StringRef output) {
  std::string batch, rows, columns, inner;
  int64_t batchSize = 1, rowCount = 1, columnCount = 1, innerSize = 1;
  Shape shape, columnShape;
  for (char letter : a.letters) {
    int64_t size = getSize(a, letter);
    if (!StringRef(b.letters).contains(letter)) {
      rows += letter;
      rowCount *= size;
    } else if (output.contains(letter)) {
      batch += letter;
      batchSize *= size;
    } else {
      inner += letter;
      innerSize *= size;
    }
  }
  for (char letter : b.letters)
    if (!StringRef(a.letters).contains(letter)) {
      columns += letter;
      columnShape.push_back(getSize(b, letter));
      columnCount *= columnShape.back();
    }
  for (char letter : batch + rows)
    shape.push_back(getSize(a, letter));
  llvm::append_range(shape, columnShape);
  permute(node, a, batch + rows + inner);
  permute(node, b, batch + inner + columns);
  Value lhs = node.reshape(a.value, {batchSize, rowCount, innerSize});
  Value rhs = node.reshape(b.value, {batchSize, innerSize, columnCount});
  Value product = node.create<pi::MatMulOp>(
      node.getType({batchSize, rowCount, columnCount}), lhs, rhs);
  return {node.reshape(product, shape), batch + rows + columns};
}

/// Einsum of one or two operands -> sums, a matrix product, transpositions.
LogicalResult importEinsum(Node &node) {
  for (unsigned i = 0; i < node.getNumInputs(); ++i) {
    if (!node.hasInput(i))
      return node.invalid("its input " + Twine(i) + " is missing");
    if (failed(node.requireFloat(i)))
      return failure();
  }
  if (node.getNumInputs() > 2)
    return node.unsupported("it multiplies more than two tensors");
  std::optional<Equation> equation = getEquation(node);
  if (!equation)
    return failure();
  llvm::SmallVector<Labelled, 2> terms;
  Shape result;
  for (char letter : equation->output)
    result.push_back(equation->sizes[letter]);
  if (failed(node.requireSize(result)))
    return failure();
  for (auto [i, letters] : llvm::enumerate(equation->inputs)) {
    Labelled &term = terms.emplace_back(Labelled{node.getValue(i), letters});
    // Sizes of 1 that broadcast.
    Shape shape;
    for (char letter : letters)
      shape.push_back(equation->sizes[letter]);
    term.value = node.broadcast(term.value, shape);
    takeDiagonals(node, term);
  }
  for (auto [i, term] : llvm::enumerate(terms))
    sumLonely(node, term, terms.size() > 1 ? terms[1 - i].letters : "",
              equation->output);
  Labelled value = terms.size() == 1
                       ? terms[0]
                       : multiply(node, terms[0], terms[1], equation->output);
  permute(node, value, equation->output);
  node.setResult(0, value.value);
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
