//===- SimplifyBlock.cpp - Attention without value and output matrices ----===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "LayerSelection.h"
#include "ScaleRegion.h"
#include "Weights.h"
#include "aero/Analysis/Layers.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/IR/Remarks.h"

namespace aero::pi {
#define GEN_PASS_DEF_SIMPLIFYBLOCKPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

constexpr StringLiteral kPass = "pi-simplify-block";

remark::RemarkOpts getOptions() {
  return remark::RemarkOpts::name("attention").category(kPass);
}

/// The matrices around an attention.
struct Projections {
  LinearOp value, output;
  /// The columns of `value` that are the values; null if all of them are.
  SliceOp slice;
};

/// The elements of `known` (rows, columns) without the columns [begin, end).
Value dropColumns(OpBuilder &builder, Value known, int64_t rows,
                  int64_t columns, int64_t begin, int64_t end) {
  int64_t kept = columns - (end - begin);
  ElementsData<float> old = getElements(known);
  std::vector<float> values;
  values.reserve(rows * kept);
  for (int64_t k = 0; k < rows; ++k)
    for (int64_t i = 0; i < columns; ++i)
      if (i < begin || i >= end)
        values.push_back(old[k * columns + i]);
  Location loc = known.getLoc();
  if (cast<RankedTensorType>(known.getType()).getRank() == 1)
    return createKnown(builder, loc, {known}, {kept}, std::move(values));
  auto transpose = known.getDefiningOp<TransposeOp>();
  if (!transpose)
    return createKnown(builder, loc, {known}, {rows, kept}, std::move(values));
  // A matrix that the file holds the other way round stays so.
  std::vector<float> stored(values.size());
  transposeMatrix(values.data(), stored.data(), rows, kept);
  Value weight = createKnown(builder, loc, {transpose.getInput()}, {kept, rows},
                             std::move(stored));
  OpBuilder::InsertionGuard guard(builder);
  builder.setInsertionPoint(transpose);
  return TransposeOp::create(builder, loc, weight,
                             builder.getDenseI64ArrayAttr({1, 0}));
}

struct SimplifyBlockPass
    : public impl::SimplifyBlockPassBase<SimplifyBlockPass> {
  using SimplifyBlockPassBase::SimplifyBlockPassBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return;
    LayerAnalysis layers(func);
    FailureOr<LayerSelection> selection =
        LayerSelection::parse(func, kPass, layerList, layers.getNumLayers());
    // Columns of a fused projection are cut out.
    if (failed(selection) || failed(verifyWeightsReadable(func)))
      return signalPassFailure();

    SmallVector<AttentionOp> chosen;
    func.walk([&](AttentionOp op) {
      if (selection->contains(layers.getLayer(op)))
        chosen.push_back(op);
    });
    if (chosen.empty()) {
      if (!configuration.empty()) {
        emitError(func.getLoc()) << "configuration '" << configuration
                                 << "' simplifies attention, and the model '"
                                 << func.getSymName() << "' has none";
        return signalPassFailure();
      }
      remark::missed(func.getLoc(), getOptions())
          << remark::reason("there is no attention to simplify");
    }
    for (AttentionOp op : chosen) {
      Projections projections;
      std::string why = match(op, projections);
      if (why.empty()) {
        rewrite(op, projections);
        continue;
      }
      if (configuration.empty()) {
        remark::missed(op.getLoc(), getOptions()) << remark::reason(
            "{0} keeps its projections: {1}", describe(op), why);
        continue;
      }
      InFlightDiagnostic diag = emitError(op.getLoc())
                                << "configuration '" << configuration
                                << "' removes value and output projection, "
                                   "which "
                                << describe(op)
                                << " cannot do without: " << why;
      diag.attachNote() << "choose a configuration without SOTA";
      signalPassFailure();
    }
  }

private:
  std::string match(AttentionOp op, Projections &found);
  void rewrite(AttentionOp op, Projections &found);
  void cutColumns(LinearOp linear, int64_t begin, int64_t end);
};

/// Why not, or an empty string.
std::string SimplifyBlockPass::match(AttentionOp op, Projections &found) {
  Value value = op.getValue();
  found.slice = value.getDefiningOp<SliceOp>();
  if (found.slice) {
    if (!isColumnSlice(found.slice))
      return "its values are a part of the tokens";
    value = found.slice.getInput();
  }
  found.value = value.getDefiningOp<LinearOp>();
  if (!found.value)
    return "its values are not made by a linear map";
  if (found.value.getInput().getType() != op.getValue().getType())
    return "its values have another shape than what they are made of";
  if (found.slice) {
    if (!readsColumnsAlone(found.slice))
      return "its values have another reader";
    if (!isKnown(found.value.getWeight()) ||
        (found.value.getBias() && !isKnown(found.value.getBias())))
      return "the projection of its values is computed, not a weight";
  }
  if (!op->hasOneUse())
    return "its result has several readers";
  OpOperand &use = *op->use_begin();
  found.output = dyn_cast<LinearOp>(use.getOwner());
  if (!found.output || &use != &found.output.getInputMutable())
    return "its result is not read by a linear map";
  if (found.output.getType() != op.getType())
    return "its output projection changes the width";
  return {};
}

/// %v = pi.linear %x, %wv ; %a = pi.attention %q, %k, %v ; %o = pi.linear %a
///   ->
/// %o = pi.attention %q, %k, %x
void SimplifyBlockPass::rewrite(AttentionOp op, Projections &found) {
  remark::passed(op.getLoc(), getOptions()) << remark::add(
      "removed the value and the output projection of {0}", describe(op));
  // A key that is the value too keeps its projection.
  Value oldValue = op.getValue();
  op.getValueMutable().assign(found.value.getInput());
  found.output.replaceAllUsesWith(op.getResult());
  eraseUnused(found.output.getResult());
  if (!found.slice) {
    eraseUnused(oldValue);
    return;
  }
  if (!found.slice->use_empty())
    return;
  int64_t begin = found.slice.getOffset();
  int64_t end = begin + found.slice.getType().getShape().back();
  found.slice->erase();
  cutColumns(found.value, begin, end);
}

/// %p = pi.linear %x, %w (K, N)  ->  %p = pi.linear %x, %w' (K, N - n)
void SimplifyBlockPass::cutColumns(LinearOp linear, int64_t begin,
                                   int64_t end) {
  if (linear->use_empty())
    return eraseUnused(linear.getResult());
  OpBuilder builder(linear);
  auto type = cast<RankedTensorType>(linear.getWeight().getType());
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  Value weight =
      dropColumns(builder, linear.getWeight(), rows, columns, begin, end);
  Value bias = linear.getBias();
  if (bias)
    bias = dropColumns(builder, bias, 1, columns, begin, end);
  auto narrow = LinearOp::create(builder, linear.getLoc(), linear.getInput(),
                                 weight, bias);
  // All readers are slices beside these columns: readsColumnsAlone.
  for (Operation *user : llvm::make_early_inc_range(linear->getUsers())) {
    auto slice = cast<SliceOp>(user);
    int64_t offset = slice.getOffset();
    builder.setInsertionPoint(slice);
    Value part =
        SliceOp::create(builder, slice.getLoc(), narrow, slice.getAxis(),
                        offset < begin ? offset : offset - (end - begin),
                        slice.getType().getShape().back());
    slice.replaceAllUsesWith(part);
    slice->erase();
  }
  eraseUnused(linear.getResult());
}

} // namespace
} // namespace aero::pi
