//===- FoldScaling.cpp - Folds constant factors into weights --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScaleRegion.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/MapVector.h"

#include <cmath>
#include <numbers>

namespace aero::pi {
#define GEN_PASS_DEF_FOLDSCALINGPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

constexpr StringLiteral kCategory = "pi-fold-scaling";

remark::RemarkOpts getOptions(StringRef name) {
  return remark::RemarkOpts::name(name).category(kCategory);
}

//===----------------------------------------------------------------------===//
// Changes that are due
//===----------------------------------------------------------------------===//

/// The parameters of an op times a factor, and what the factor was made of.
struct ScaleEdit {
  double factor = 1.0;
  SmallVector<Value> sources;
};

/// linear(x, W, b) becomes
/// linear(x, diag(input) W diag(output), (b + shift W) diag(output)).
struct LinearEdit {
  std::vector<double> input, output, shift;
  bool hasShift = false;
  /// What the factors were made of, for the names of matrix and bias.
  SmallVector<Value> matrixSources, biasSources;
};

/// Collects factors for each weight and applies them once, at the end: a factor
/// on a residual stream touches the weights of all layers, and blobs are not
/// freed before the context is.
class Edits {
public:
  LinearEdit &getLinear(LinearOp op) {
    LinearEdit &edit = linears[op];
    if (edit.input.empty()) {
      auto type = cast<RankedTensorType>(op.getWeight().getType());
      edit.input.assign(type.getDimSize(0), 1.0);
      edit.output.assign(type.getDimSize(1), 1.0);
      edit.shift.assign(type.getDimSize(0), 0.0);
    }
    return edit;
  }

  /// Divides the region by its factor. `sources` are the weights that the
  /// factor was made of.
  void apply(const ScaleRegion &region, ArrayRef<Value> sources) {
    for (const ScaleRegion::Absorber &absorber : region.getAbsorbers())
      apply(absorber, region.getFactor(), sources);
  }

  /// gamma and beta of `norm` go to the linear ops in `readers`.
  void foldNorm(Operation *norm, MutableOperandRange gamma, Value beta,
                ArrayRef<LinearOp> readers);

  /// Makes the new weights.
  void materialize();

private:
  void apply(const ScaleRegion::Absorber &absorber, double factor,
             ArrayRef<Value> sources);
  void addFactor(OpOperand &operand, double factor, ArrayRef<Value> sources) {
    ScaleEdit &edit = operands[&operand];
    edit.factor *= factor;
    edit.sources.append(sources.begin(), sources.end());
  }
  void materialize(LinearOp op, LinearEdit &edit);
  void materialize(OpOperand &operand, const ScaleEdit &edit);

  llvm::MapVector<LinearOp, LinearEdit> linears;
  llvm::MapVector<OpOperand *, ScaleEdit> operands;
};

template <typename NormOp> void divideEpsilon(NormOp op, double by) {
  double epsilon = op.getEpsilon().convertToDouble() / by;
  op.setEpsilon(llvm::APFloat(static_cast<float>(epsilon)));
}

void Edits::apply(const ScaleRegion::Absorber &absorber, double factor,
                  ArrayRef<Value> sources) {
  using Absorber = ScaleRegion::Absorber;
  Operation *op = absorber.op;
  switch (absorber.kind) {
  case Absorber::LinearInput: {
    LinearEdit &edit = getLinear(cast<LinearOp>(op));
    for (double &value : edit.input)
      value *= factor;
    edit.matrixSources.append(sources.begin(), sources.end());
    return;
  }
  case Absorber::LinearOutput: {
    LinearEdit &edit = getLinear(cast<LinearOp>(op));
    for (int64_t i = absorber.begin; i < absorber.end; ++i)
      edit.output[i] /= factor;
    edit.matrixSources.append(sources.begin(), sources.end());
    edit.biasSources.append(sources.begin(), sources.end());
    return;
  }
  case Absorber::Table:
    return addFactor(cast<EmbeddingOp>(op).getTableMutable(), 1 / factor,
                     sources);
  case Absorber::NormInput:
    if (auto norm = dyn_cast<LayerNormOp>(op))
      return divideEpsilon(norm, factor * factor);
    return divideEpsilon(cast<RMSNormOp>(op), factor * factor);
  case Absorber::NormOutput: {
    // The operands after the input: gamma and, perhaps, beta.
    for (OpOperand &operand : op->getOpOperands().drop_front())
      addFactor(operand, 1 / factor, sources);
    return;
  }
  case Absorber::AttentionScale: {
    auto attention = cast<AttentionOp>(op);
    double scale = attention.getScale().convertToDouble() * factor;
    attention.setScale(llvm::APFloat(static_cast<float>(scale)));
    return;
  }
  case Absorber::KnownOperand:
    return addFactor(*absorber.operand, 1 / factor, sources);
  }
  llvm_unreachable("unknown absorber");
}

void Edits::foldNorm(Operation *norm, MutableOperandRange gamma, Value beta,
                     ArrayRef<LinearOp> readers) {
  auto getFactor = [&](unsigned operand) {
    auto it = operands.find(&norm->getOpOperand(operand));
    return it == operands.end() ? ScaleEdit() : it->second;
  };
  for (LinearOp reader : readers) {
    LinearEdit &edit = getLinear(reader);
    // Beta first: it is read through the factors that the input has so far.
    if (beta) {
      unsigned index = norm->getNumOperands() - 1;
      ScaleEdit pending = getFactor(index);
      ElementsData<float> values = getElements(beta);
      for (size_t i = 0; i < values.size(); ++i)
        edit.shift[i] += edit.input[i] * values[i] * pending.factor;
      edit.hasShift = true;
      edit.biasSources.push_back(beta);
      edit.biasSources.append(pending.sources);
    }
    if (!gamma.empty()) {
      ScaleEdit pending = getFactor(1);
      Value value = norm->getOperand(1);
      ElementsData<float> values = getElements(value);
      for (size_t i = 0; i < values.size(); ++i)
        edit.input[i] *= values[i] * pending.factor;
      edit.matrixSources.push_back(value);
      edit.matrixSources.append(pending.sources);
    }
  }
  for (OpOperand &operand : norm->getOpOperands().drop_front())
    operands.erase(&operand);
}

void Edits::materialize(LinearOp op, LinearEdit &edit) {
  OpBuilder builder(op);
  int64_t rows = edit.input.size(), columns = edit.output.size();
  ElementsData<float> matrix = getElements(op.getWeight());

  if (edit.hasShift || op.getBias()) {
    std::vector<double> sum(columns, 0.0);
    SmallVector<Value> parts;
    if (Value bias = op.getBias()) {
      ElementsData<float> values = getElements(bias);
      sum.assign(values.begin(), values.end());
      parts.push_back(bias);
    }
    if (edit.hasShift) {
      for (int64_t k = 0; k < rows; ++k)
        for (int64_t i = 0; i < columns; ++i)
          sum[i] += edit.shift[k] * matrix[k * columns + i];
      parts.push_back(op.getWeight());
    }
    parts.append(edit.biasSources);
    std::vector<float> rounded(columns);
    for (int64_t i = 0; i < columns; ++i)
      rounded[i] = static_cast<float>(sum[i] * edit.output[i]);
    bool isScaled = llvm::any_of(edit.output, [](double v) { return v != 1; });
    if (edit.hasShift || isScaled)
      op.getBiasMutable().assign(createKnown(builder, op.getLoc(), parts,
                                             {columns}, std::move(rounded)));
  }

  SmallVector<Value> parts = {op.getWeight()};
  parts.append(edit.matrixSources);
  std::vector<float> values(rows * columns);
  for (int64_t k = 0; k < rows; ++k)
    for (int64_t i = 0; i < columns; ++i)
      values[k * columns + i] = static_cast<float>(
          matrix[k * columns + i] * edit.input[k] * edit.output[i]);
  op.getWeightMutable().assign(createKnown(builder, op.getLoc(), parts,
                                           {rows, columns}, std::move(values)));
}

void Edits::materialize(OpOperand &operand, const ScaleEdit &edit) {
  OpBuilder builder(operand.getOwner());
  SmallVector<Value> parts = {operand.get()};
  parts.append(edit.sources);
  ElementsData<float> old = getElements(operand.get());
  std::vector<float> values(old.size());
  for (size_t i = 0; i < old.size(); ++i)
    values[i] = static_cast<float>(old[i] * edit.factor);
  operand.set(
      createKnown(builder, operand.getOwner()->getLoc(), parts,
                  cast<RankedTensorType>(operand.get().getType()).getShape(),
                  std::move(values)));
}

void Edits::materialize() {
  for (auto &[op, edit] : linears)
    materialize(op, edit);
  for (auto &[operand, edit] : operands)
    materialize(*operand, edit);
}

//===----------------------------------------------------------------------===//
// The pass
//===----------------------------------------------------------------------===//

struct FoldScalingPass : public impl::FoldScalingPassBase<FoldScalingPass> {
  using FoldScalingPassBase::FoldScalingPassBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (failed(verifyWeightsReadable(func)))
      return signalPassFailure();
    Edits edits;
    // Factors first: they may change epsilon, gamma and the scale of an
    // attention, which the other steps then read.
    foldScalings(edits);
    func.walk([&](AttentionOp op) { foldAttentionScale(op, edits); });
    func.walk([&](LayerNormOp op) {
      foldNorm(op, op.getGammaMutable(), op.getBeta(), edits);
    });
    func.walk(
        [&](RMSNormOp op) { foldNorm(op, op.getGammaMutable(), {}, edits); });
    edits.materialize();
    eraseUnusedWeights();
  }

private:
  void foldScalings(Edits &edits);
  std::string foldScaling(Operation *op, Edits &edits);
  void foldAttentionScale(AttentionOp op, Edits &edits);
  template <typename NormOp>
  void foldNorm(NormOp op, MutableOperandRange gamma, Value beta, Edits &edits);
  void eraseUnusedWeights();
};

/// %p = pi.mul %x, %c  ->  %x, with c absorbed after the product or 1/c before.
/// Why not, or an empty string if it was folded.
std::string FoldScalingPass::foldScaling(Operation *op, Edits &edits) {
  Scaling scaling = *matchScaling(op);
  Value product = op->getResult(0);
  if (!std::isfinite(scaling.factor) || !std::isfinite(1 / scaling.factor))
    return "it is zero or not finite";

  // Both directions are tried, and the one that changes less is taken. The
  // choice never depends on the value of a weight.
  ScaleRegion forward(scaling.factor, /*allowAttentionScale=*/true);
  bool canForward = succeeded(forward.growFromProduct(product)) &&
                    !forward.contains(scaling.base);
  ScaleRegion backward(1 / scaling.factor, /*allowAttentionScale=*/true);
  OpOperand *exempt = nullptr;
  for (OpOperand &operand : op->getOpOperands())
    if (operand.get() == scaling.base)
      exempt = &operand;
  bool canBackward =
      succeeded(backward.growFromMultiplicand(scaling.base, *exempt)) &&
      !backward.contains(product);

  if (!canForward && !canBackward) {
    auto explain = [](const ScaleRegion &region) {
      const ScaleRegion::Obstacle &obstacle = region.getObstacle();
      if (obstacle.why.empty())
        return std::string("it comes back to where it started");
      return (obstacle.op ? describe(obstacle.op) + ": " : "") + obstacle.why;
    };
    return "forwards: " + explain(forward) +
           "; backwards: " + explain(backward);
  }

  bool takeForward =
      canForward && (!canBackward || forward.getSize() < backward.getSize());
  remark::passed(op->getLoc(), getOptions("factor"))
      << remark::add("folded the factor of {0} {1}", describe(op),
                     takeForward ? "forwards" : "backwards");
  edits.apply(takeForward ? forward : backward, scaling.scalar);
  product.replaceAllUsesWith(scaling.base);
  op->erase();
  return {};
}

void FoldScalingPass::foldScalings(Edits &edits) {
  llvm::MapVector<Operation *, std::string> obstacles;
  getOperation().walk([&](Operation *op) {
    std::optional<Scaling> scaling = matchScaling(op);
    // A product of two known values is a weight in itself.
    if (scaling && !isKnown(scaling->base))
      obstacles[op] = "";
  });
  // One that is folded can open the way for an earlier one.
  bool changed = true;
  while (changed) {
    size_t before = obstacles.size();
    obstacles.remove_if([&](auto &entry) {
      entry.second = foldScaling(entry.first, edits);
      return entry.second.empty();
    });
    changed = obstacles.size() != before;
  }
  for (auto &[op, why] : obstacles)
    remark::missed(op->getLoc(), getOptions("factor"))
        << remark::reason("the factor of {0} stays: {1}", describe(op), why);
}

/// %a = pi.attention %q, ... scale s  ->  scale ln 2 (or 1), and the producer
/// of %q, or else of %k, absorbs s / ln 2 (or s).
void FoldScalingPass::foldAttentionScale(AttentionOp op, Edits &edits) {
  float target = base2 ? std::numbers::ln2_v<float> : 1.0f;
  double scale = op.getScale().convertToDouble();
  if (static_cast<float>(scale) == target)
    return;
  if (scale == 0) {
    remark::missed(op.getLoc(), getOptions("attention"))
        << remark::reason("the scale of {0} is zero", describe(op));
    return;
  }
  std::string obstacle;
  for (OpOperand *operand : {&op.getQueryMutable(), &op.getKeyMutable()}) {
    // Scales that were folded before must not change again.
    ScaleRegion region(target / scale, /*allowAttentionScale=*/false);
    if (failed(region.growFromMultiplicand(operand->get(), *operand))) {
      const ScaleRegion::Obstacle &found = region.getObstacle();
      obstacle += operand->getOperandNumber() == 0 ? "query: " : "; key: ";
      obstacle += (found.op ? describe(found.op) + ": " : "") + found.why;
      continue;
    }
    edits.apply(region, {});
    op.setScale(llvm::APFloat(target));
    remark::passed(op.getLoc(), getOptions("attention"))
        << remark::add("folded the scale of {0} into its {1}", describe(op),
                       operand->getOperandNumber() == 0 ? "query" : "key");
    return;
  }
  remark::missed(op.getLoc(), getOptions("attention"))
      << remark::reason("the scale of {0} stays; {1}", describe(op), obstacle);
}

/// %n = pi.layer_norm %x gamma %g beta %b ; %y = pi.linear %n, %w bias %c
///   ->
/// %n = pi.layer_norm %x ; %y = pi.linear %n, diag(g) w bias c + b w
template <typename NormOp>
void FoldScalingPass::foldNorm(NormOp op, MutableOperandRange gamma, Value beta,
                               Edits &edits) {
  if (gamma.empty() && !beta)
    return;
  auto miss = [&](const std::string &why) {
    remark::missed(op.getLoc(), getOptions("norm"))
        << remark::reason("gamma and beta of {0} stay: {1}", describe(op), why);
  };
  if ((!gamma.empty() && !isKnown(gamma[0].get())) || (beta && !isKnown(beta)))
    return miss("they are computed, not weights");

  // Only if every reader can: otherwise gamma would be needed all the same.
  SmallVector<LinearOp> readers;
  SmallVector<Value> values = {op.getResult()};
  while (!values.empty()) {
    for (OpOperand &use : values.pop_back_val().getUses()) {
      Operation *user = use.getOwner();
      if (auto select = dyn_cast<SelectTokenOp>(user)) {
        values.push_back(select.getResult());
        continue;
      }
      auto linear = dyn_cast<LinearOp>(user);
      if (!linear || &use != &linear.getInputMutable())
        return miss(describe(user) + " reads the norm and is no linear map");
      if (!isKnown(linear.getWeight()) ||
          (linear.getBias() && !isKnown(linear.getBias())))
        return miss("the matrix or bias of " + describe(user) +
                    " is not a weight");
      readers.push_back(linear);
    }
  }
  if (readers.empty())
    return miss("nothing reads the norm");

  edits.foldNorm(op, gamma, beta, readers);
  remark::passed(op.getLoc(), getOptions("norm"))
      << remark::add("folded gamma and beta of {0} into {1} linear maps",
                     describe(op), readers.size());
  gamma.clear();
  if constexpr (std::is_same_v<NormOp, LayerNormOp>)
    op.getBetaMutable().clear();
}

/// Weights whose last reader took a new one. Last first: a transpose comes
/// before the weight that it reads.
void FoldScalingPass::eraseUnusedWeights() {
  for (Block &block : getOperation().getBody())
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block)))
      if (op.use_empty() &&
          (isa<WeightOp, ConstantOp>(op) ||
           (isa<TransposeOp>(op) && getWeightMatrix(op.getResult(0)))))
        op.erase();
}

} // namespace
} // namespace aero::pi
