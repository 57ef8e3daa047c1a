//===- StaticNorm.cpp - Weight and spectral normalisation -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerSelection.h"
#include "WeightMath.h"
#include "Weights.h"
#include "aero/Analysis/Layers.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"

#include <cmath>

namespace aero::pi {
#define GEN_PASS_DEF_STATICNORMPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

constexpr StringLiteral kPass = "pi-static-norm";

remark::RemarkOpts getOptions() {
  return remark::RemarkOpts::name("matrix").category(kPass);
}

/// The factor of each column that gives it the length `gain`; 1 for a column of
/// zeros, which no factor can help.
std::vector<double> getColumnFactors(ArrayRef<float> matrix, int64_t rows,
                                     int64_t columns, double gain) {
  std::vector<double> factors(columns, 0.0);
  for (int64_t k = 0; k < rows; ++k)
    for (int64_t i = 0; i < columns; ++i)
      factors[i] += double(matrix[k * columns + i]) * matrix[k * columns + i];
  for (double &factor : factors)
    factor = factor > 0 ? gain / std::sqrt(factor) : 1.0;
  return factors;
}

double normalize(MutableArrayRef<double> vector) {
  double sum = 0;
  for (double value : vector)
    sum += value * value;
  double length = std::sqrt(sum);
  if (length > 0)
    for (double &value : vector)
      value /= length;
  return length;
}

/// The largest singular value, by power iteration on W^T W. It starts from a
/// fixed vector without symmetries (no column of an ordinary matrix is
/// orthogonal to it), so that the result is the same on every machine.
double getLargestSingularValue(ArrayRef<float> matrix, int64_t rows,
                               int64_t columns) {
  constexpr int kMaxIterations = 1000;
  constexpr double kTolerance = 1e-12;
  std::vector<double> right(columns), left(rows);
  for (int64_t i = 0; i < columns; ++i)
    right[i] = 1.0 + std::fmod(0.6180339887498949 * double(i + 1), 1.0);
  normalize(right);
  double sigma = 0;
  for (int iteration = 0; iteration < kMaxIterations; ++iteration) {
    for (int64_t k = 0; k < rows; ++k) {
      double sum = 0;
      for (int64_t i = 0; i < columns; ++i)
        sum += matrix[k * columns + i] * right[i];
      left[k] = sum;
    }
    double length = normalize(left);
    std::fill(right.begin(), right.end(), 0.0);
    for (int64_t k = 0; k < rows; ++k)
      for (int64_t i = 0; i < columns; ++i)
        right[i] += matrix[k * columns + i] * left[k];
    normalize(right);
    bool isDone = std::abs(length - sigma) <= kTolerance * length;
    sigma = length;
    if (isDone)
      break;
  }
  return sigma;
}

struct StaticNormPass : public impl::StaticNormPassBase<StaticNormPass> {
  using StaticNormPassBase::StaticNormPassBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    if (!std::isfinite(gain.getValue()) || gain <= 0) {
      emitError(func.getLoc())
          << kPass << ": expected a gain above 0, got gain="
          << std::to_string(gain.getValue());
      return signalPassFailure();
    }
    LayerAnalysis layers(func);
    FailureOr<LayerSelection> selection =
        LayerSelection::parse(func, kPass, layerList, layers.getNumLayers());
    if (failed(selection) || failed(verifyWeightsReadable(func)))
      return signalPassFailure();

    // A matrix of several layers is normalised once.
    llvm::MapVector<Value, SmallVector<LinearOp>> matrices;
    func.walk([&](LinearOp op) {
      if (isChosen(layers.getPart(op)) &&
          selection->contains(layers.getLayer(op)))
        matrices[op.getWeight()].push_back(op);
    });
    if (matrices.empty())
      remark::missed(func.getLoc(), getOptions())
          << remark::reason("there is no matrix to normalise");
    for (auto &[matrix, readers] : matrices)
      normalizeMatrix(matrix, readers);
  }

private:
  bool isChosen(BlockPart part) const {
    switch (part) {
    case BlockPart::None:
      return false;
    case BlockPart::Attention:
      return which != StaticNormWhich::FeedForward;
    case BlockPart::FeedForward:
      return which != StaticNormWhich::Attention;
    }
    llvm_unreachable("unknown part");
  }

  void normalizeMatrix(Value matrix, ArrayRef<LinearOp> readers);
};

/// %w = pi.weight "w" ; pi.linear %x, %w
///   ->
/// %w = pi.weight "w" w g / ||w|| (or w g / sigma) ; pi.linear %x, %w
void StaticNormPass::normalizeMatrix(Value matrix, ArrayRef<LinearOp> readers) {
  LinearOp first = readers.front();
  auto miss = [&](const std::string &why) {
    remark::missed(first.getLoc(), getOptions()) << remark::reason(
        "the matrix of {0} is not normalised: {1}", describe(first), why);
  };
  if (!isKnown(matrix))
    return miss("it is computed, not a weight");
  // An embedding table reads rows, which are not what is normalised.
  Value stored = matrix;
  if (auto transpose = matrix.getDefiningOp<TransposeOp>())
    stored = transpose.getInput();
  auto isReader = [&](Operation *user) {
    return llvm::any_of(readers,
                        [&](LinearOp reader) { return reader == user; });
  };
  if (!llvm::all_of(matrix.getUsers(), isReader) ||
      (stored != matrix && !stored.hasOneUse()))
    return miss("the weight has readers that are not chosen");

  auto type = cast<RankedTensorType>(matrix.getType());
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  ElementsData<float> old = getElements(matrix);
  std::vector<double> factors;
  if (method == StaticNormMethod::Weight) {
    factors = getColumnFactors(old, rows, columns, gain);
  } else {
    double sigma = getLargestSingularValue(old, rows, columns);
    if (!(sigma > 0) || !std::isfinite(sigma))
      return miss("its largest singular value is not a number above 0");
    factors.assign(columns, gain / sigma);
  }
  std::vector<float> values(rows * columns);
  for (int64_t k = 0; k < rows; ++k)
    for (int64_t i = 0; i < columns; ++i)
      values[k * columns + i] =
          static_cast<float>(old[k * columns + i] * factors[i]);

  // A matrix that the file holds the other way round stays so: trained values
  // are put back by name.
  ArrayRef<int64_t> shape = cast<RankedTensorType>(stored.getType()).getShape();
  if (stored != matrix) {
    std::vector<float> transposed(values.size());
    transposeMatrix(values.data(), transposed.data(), rows, columns);
    values = std::move(transposed);
  }
  OpBuilder builder(first);
  Value weight =
      createKnown(builder, stored.getLoc(), {stored}, shape, std::move(values));
  stored.replaceAllUsesWith(weight);
  eraseUnused(stored);
  remark::passed(first.getLoc(), getOptions()) << remark::add(
      "normalised the {0}x{1} matrix of {2}", rows, columns, describe(first));
}

} // namespace
} // namespace aero::pi
