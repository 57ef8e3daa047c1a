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

  /// The linear ops in `readers` multiply their inputs by gamma and add beta,
  /// vectors which may be null.
  void foldAffine(OpOperand *gamma, OpOperand *beta,
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

void Edits::foldAffine(OpOperand *gamma, OpOperand *beta,
                       ArrayRef<LinearOp> readers) {
  auto getFactor = [&](OpOperand *operand) {
    auto it = operands.find(operand);
    return it == operands.end() ? ScaleEdit() : it->second;
  };
  for (LinearOp reader : readers) {
    LinearEdit &edit = getLinear(reader);
    // Beta first: it is read through the factors that the input has so far.
    if (beta) {
      ScaleEdit pending = getFactor(beta);
      ElementsData<float> values = getElements(beta->get());
      for (size_t i = 0; i < values.size(); ++i)
        edit.shift[i] += edit.input[i] * values[i] * pending.factor;
      edit.hasShift = true;
      edit.biasSources.push_back(beta->get());
      edit.biasSources.append(pending.sources);
    }
    if (gamma) {
      ScaleEdit pending = getFactor(gamma);
      ElementsData<float> values = getElements(gamma->get());
      for (size_t i = 0; i < values.size(); ++i)
        edit.input[i] *= values[i] * pending.factor;
      edit.matrixSources.push_back(gamma->get());
      edit.matrixSources.append(pending.sources);
    }
  }
  operands.erase(gamma);
  operands.erase(beta);
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
    func.walk([&](AttentionOp op) {
      foldTemperature(op, edits);
      foldAttentionScale(op, edits);
    });
    func.walk([&](LayerNormOp op) {
      foldNorm(op, op.getGammaMutable(), op.getBeta(), edits);
    });
    func.walk(
        [&](RMSNormOp op) { foldNorm(op, op.getGammaMutable(), {}, edits); });
    SmallVector<MulOp> products;
    func.walk([&](MulOp op) { products.push_back(op); });
    for (MulOp op : products)
      foldVector(op, edits);
    edits.materialize();
    eraseUnusedWeights();
  }

private:
  void foldScalings(Edits &edits);
  std::string foldScaling(Operation *op, Edits &edits);
  void foldTemperature(AttentionOp op, Edits &edits);
  void foldAttentionScale(AttentionOp op, Edits &edits);
  template <typename NormOp>
  void foldNorm(NormOp op, MutableOperandRange gamma, Value beta, Edits &edits);
  void foldVector(MulOp op, Edits &edits);
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

/// %q = pi.linear %x, %w bias %b ; %a = pi.attention %q, ... temperature %t
///   ->
/// %q = pi.linear %x, %w / t bias %b / t ; %a = pi.attention %q, ...
/// where the columns of head h are divided by t[h].
void FoldScalingPass::foldTemperature(AttentionOp op, Edits &edits) {
  Value temperature = op.getTemperature();
  if (!temperature)
    return;
  auto miss = [&](const std::string &why) {
    remark::missed(op.getLoc(), getOptions("temperature")) << remark::reason(
        "the temperature of {0} stays: {1}", describe(op), why);
  };
  if (auto reshape = temperature.getDefiningOp<ReshapeOp>())
    temperature = reshape.getInput();
  if (!isKnown(temperature))
    return miss("it is computed, not a weight");
  ElementsData<float> values = getElements(temperature);
  int64_t heads = op.getHeads(), width = op.getHeadWidth();
  int64_t positions = values.size() / heads;
  // A matrix is the same for all positions. (That there is a program at all
  // then tells that the temperature does not depend on them; the program itself
  // is the same for every temperature.)
  for (int64_t i = 0; i < heads * positions; ++i) {
    if (values[i] != values[i / positions * positions])
      return miss("it differs between the positions of a head");
    if (!std::isfinite(values[i]) || values[i] == 0)
      return miss("it is zero or not finite");
  }

  // Rotating a head scales with it.
  Value query = op.getQuery();
  while (auto rotary = query.getDefiningOp<RotaryEmbeddingOp>()) {
    if (!query.hasOneUse())
      return miss("the query has another reader");
    query = rotary.getInput();
  }
  if (!query.hasOneUse())
    return miss("the query has another reader");
  int64_t offset = 0;
  if (auto slice = query.getDefiningOp<SliceOp>();
      slice && isColumnSlice(slice)) {
    if (!readsColumnsAlone(slice))
      return miss("the query has another reader");
    offset = slice.getOffset();
    query = slice.getInput();
  }
  auto linear = query.getDefiningOp<LinearOp>();
  if (!linear || !isKnown(linear.getWeight()) ||
      (linear.getBias() && !isKnown(linear.getBias())))
    return miss("the query is not made by a weight");

  LinearEdit &edit = edits.getLinear(linear);
  for (int64_t head = 0; head < heads; ++head)
    for (int64_t i = 0; i < width; ++i)
      edit.output[offset + head * width + i] /= values[head * positions];
  edit.matrixSources.push_back(temperature);
  edit.biasSources.push_back(temperature);
  op.getTemperatureMutable().clear();
  remark::passed(op.getLoc(), getOptions("temperature")) << remark::add(
      "folded the temperature of {0} into {1}", describe(op), describe(linear));
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

/// The linear maps that read `value`, and why that is not all of its readers,
/// or an empty string. One reader that is none would need the vector all the
/// same.
std::string collectReaders(Value value, SmallVectorImpl<LinearOp> &readers) {
  SmallVector<Value> values = {value};
  while (!values.empty()) {
    for (OpOperand &use : values.pop_back_val().getUses()) {
      Operation *user = use.getOwner();
      if (auto select = dyn_cast<SelectTokenOp>(user)) {
        values.push_back(select.getResult());
        continue;
      }
      auto linear = dyn_cast<LinearOp>(user);
      if (!linear || &use != &linear.getInputMutable())
        return describe(user) + " reads it and is no linear map";
      if (!isKnown(linear.getWeight()) ||
          (linear.getBias() && !isKnown(linear.getBias())))
        return "the matrix or bias of " + describe(linear) + " is not a weight";
      readers.push_back(linear);
    }
  }
  return readers.empty() ? "nothing reads it" : "";
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
  SmallVector<LinearOp> readers;
  if (std::string why = collectReaders(op.getResult(), readers); !why.empty())
    return miss(why);

  // The operands after the input.
  edits.foldAffine(gamma.empty() ? nullptr : &op->getOpOperand(1),
                   beta ? &op->getOpOperand(op->getNumOperands() - 1) : nullptr,
                   readers);
  remark::passed(op.getLoc(), getOptions("norm"))
      << remark::add("folded gamma and beta of {0} into {1} linear maps",
                     describe(op), readers.size());
  gamma.clear();
  if constexpr (std::is_same_v<NormOp, LayerNormOp>)
    op.getBetaMutable().clear();
}

/// %m = pi.mul %x, %g ; %n = pi.add %m, %b ; %y = pi.linear %n, %w bias %c
///   ->
/// %y = pi.linear %x, diag(g) w bias c + b w
/// for vectors g and b (or without b): what is left of a norm.
void FoldScalingPass::foldVector(MulOp op, Edits &edits) {
  auto getVector = [](Operation *op) -> OpOperand * {
    for (OpOperand &operand : op->getOpOperands()) {
      auto type = cast<RankedTensorType>(operand.get().getType());
      Value other = op->getOperand(1 - operand.getOperandNumber());
      if (type.getRank() == 1 && isKnown(operand.get()) && !isKnown(other) &&
          other.getType() == op->getResult(0).getType() &&
          cast<RankedTensorType>(other.getType()).getShape().back() ==
              type.getDimSize(0))
        return &operand;
    }
    return nullptr;
  };
  OpOperand *gamma = getVector(op), *beta = nullptr;
  if (!gamma)
    return;
  Value base = op->getOperand(1 - gamma->getOperandNumber());
  Operation *last = op;
  if (op->hasOneUse())
    if (auto add = dyn_cast<AddOp>(*op->user_begin()))
      if ((beta = getVector(add)))
        last = add;
  SmallVector<LinearOp> readers;
  if (std::string why = collectReaders(last->getResult(0), readers);
      !why.empty()) {
    remark::missed(op.getLoc(), getOptions("vector"))
        << remark::reason("the vector of {0} stays: {1}", describe(op), why);
    return;
  }
  edits.foldAffine(gamma, beta, readers);
  remark::passed(op.getLoc(), getOptions("vector"))
      << remark::add("folded the vector of {0} into {1} linear maps",
                     describe(op), readers.size());
  last->getResult(0).replaceAllUsesWith(base);
  if (last != op)
    last->erase();
  op->erase();
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
