//===- RaiseLinear.cpp - Linear layers, and rearranged weights ------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Raise.h"

using namespace mlir;

namespace aero::pi {
namespace {

RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

/// pi.matmul %x, %w -> pi.linear %x, %w
/// where %w is a weight matrix or the transpose of one
struct RaiseMatMul : OpRewritePattern<MatMulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MatMulOp op,
                                PatternRewriter &rewriter) const override {
    if (!getWeightMatrix(op.getRhs()))
      return rewriter.notifyMatchFailure(op, "the right factor is no weight");
    if (getWeightMatrix(op.getLhs()))
      return rewriter.notifyMatchFailure(op, "both factors are weights");
    if (getTensorType(op.getRhs()).getRank() != 2)
      return rewriter.notifyMatchFailure(op, "the weight is no matrix");
    rewriter.replaceOpWithNewOp<LinearOp>(op, op.getType(), op.getLhs(),
                                          op.getRhs(), Value());
    return success();
  }
};

/// pi.add (pi.linear %x, %w), %b -> pi.linear %x, %w bias %b
struct RaiseBias : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AddOp op,
                                PatternRewriter &rewriter) const override {
    for (unsigned i = 0; i < 2; ++i) {
      auto linear = op->getOperand(i).getDefiningOp<LinearOp>();
      Value bias = op->getOperand(1 - i);
      if (!linear || !linear->hasOneUse() || linear.getBias())
        continue;
      if (!isVector(bias, getWidth(linear)))
        return rewriter.notifyMatchFailure(
            op, "the term is not one known number a column");
      auto biased =
          LinearOp::create(rewriter, fuseLocations({linear, op}), op.getType(),
                           linear.getInput(), linear.getWeight(), bias);
      rewriter.replaceOp(op, biased);
      return success();
    }
    return rewriter.notifyMatchFailure(
        op, "no term is a linear layer without bias, used once");
  }
};

/// pi.linear (pi.reshape %x : 1xTxK -> TxK), %w
///   -> pi.reshape (pi.linear %x, %w) : 1xTxN -> TxN
/// Exporters flatten the batch for Gemm, and only then.
struct LinearOfReshape : OpRewritePattern<LinearOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(LinearOp op,
                                PatternRewriter &rewriter) const override {
    auto reshape = op.getInput().getDefiningOp<ReshapeOp>();
    if (!reshape)
      return rewriter.notifyMatchFailure(op, "the input is not reshaped");
    RankedTensorType from = getTensorType(reshape.getInput());
    RankedTensorType to = getTensorType(reshape);
    if (from.getRank() <= to.getRank() || to.getRank() != 2 ||
        from.getShape().back() != to.getShape().back())
      return rewriter.notifyMatchFailure(
          op, "the reshape does not flatten the rows of a batch");
    SmallVector<int64_t> shape(from.getShape());
    shape.back() = getWidth(op);
    auto linear =
        LinearOp::create(rewriter, op.getLoc(), from.clone(shape),
                         reshape.getInput(), op.getWeight(), op.getBias());
    rewriter.replaceOpWithNewOp<ReshapeOp>(op, op.getType(), linear);
    return success();
  }
};

//===----------------------------------------------------------------------===//
// Rearranged weights
//
// A computed weight must not carry the plain name of its initializer unless its
// elements are the initializer's in the same order: trained values are put back
// by that name. Transposed matrices are not computed: `pi.linear` reads them
// through their `pi.transpose`.
//===----------------------------------------------------------------------===//

/// The rows that constant indices choose; nothing if they are not constant.
std::optional<ElementsData<int64_t>> readRows(EmbeddingOp op) {
  auto constant = op.getIndices().getDefiningOp<ConstantOp>();
  if (!constant)
    return std::nullopt;
  auto rows = getInt64Data(constant.getValue());
  if (rows)
    return *rows;
  llvm::consumeError(rows.takeError());
  return std::nullopt;
}

/// pi.embedding (pi.weight "wpe")[constant] -> pi.weight "wpe[0:16]"
/// Position rows: which ones is public and the same for every prompt. All rows
/// in order keep the plain name.
struct EmbeddingOfConstant : OpRewritePattern<EmbeddingOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(EmbeddingOp op,
                                PatternRewriter &rewriter) const override {
    auto table = op.getTable().getDefiningOp<WeightOp>();
    if (!table)
      return rewriter.notifyMatchFailure(op, "the table is no weight");
    std::optional<ElementsData<int64_t>> rows = readRows(op);
    if (!rows)
      return rewriter.notifyMatchFailure(op, "the indices are not constant");
    std::optional<ElementsData<float>> data = readFloats(table);
    if (!data)
      return rewriter.notifyMatchFailure(op, "the table holds no data");
    int64_t count = getTensorType(table).getDimSize(0);
    int64_t width = getTensorType(table).getDimSize(1);
    std::vector<float> values;
    values.reserve(rows->size() * width);
    bool isRange = true;
    for (size_t i = 0; i < rows->size(); ++i) {
      int64_t row = (*rows)[i];
      if (row < 0 || row >= count)
        return rewriter.notifyMatchFailure(op, "an index is out of range");
      isRange &= row == (*rows)[0] + static_cast<int64_t>(i);
      values.insert(values.end(), data->begin() + row * width,
                    data->begin() + (row + 1) * width);
    }
    std::string name = table.getName().str();
    if (!isRange || rows->size() == 0)
      name += "[rows]";
    else if (static_cast<int64_t>(rows->size()) != count)
      name += "[" + std::to_string((*rows)[0]) + ":" +
              std::to_string((*rows)[0] + rows->size()) + "]";
    auto attr = makeFloatResource(getTensorType(op), std::move(values), name);
    rewriter.replaceOpWithNewOp<WeightOp>(op, name, attr);
    return success();
  }
};

} // namespace

void populateRaiseLinearPatterns(RewritePatternSet &patterns) {
  patterns.add<RaiseMatMul, RaiseBias, LinearOfReshape, EmbeddingOfConstant>(
      patterns.getContext());
}

} // namespace aero::pi
