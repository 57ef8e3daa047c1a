//===- ScaleRegion.cpp - Where a constant factor can go -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ScaleRegion.h"

#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace aero::pi {
namespace {

bool hasKnownParameters(LinearOp op) {
  return isKnown(op.getWeight()) && (!op.getBias() || isKnown(op.getBias()));
}

std::pair<int64_t, int64_t> getColumnRange(Operation *columnSlice) {
  auto slice = cast<SliceOp>(columnSlice);
  int64_t begin = slice.getOffset();
  return {begin, begin + slice.getType().getShape().back()};
}

/// The operand that `op` multiplies or divides by a known tensor, a scalar or
/// not, or null: a factor of that operand is one of the result.
OpOperand *getScaledOperand(Operation *op) {
  if (!isa<MulOp, DivOp>(op))
    return nullptr;
  OpOperand &lhs = op->getOpOperand(0), &rhs = op->getOpOperand(1);
  Type type = op->getResult(0).getType();
  if (isKnown(rhs.get()) && lhs.get().getType() == type)
    return &lhs;
  if (isa<MulOp>(op) && isKnown(lhs.get()) && rhs.get().getType() == type)
    return &rhs;
  return nullptr;
}

} // namespace

bool isColumnSlice(Operation *op) {
  auto slice = dyn_cast<SliceOp>(op);
  return slice && static_cast<int64_t>(slice.getAxis()) ==
                      slice.getInput().getType().getRank() - 1;
}

bool readsColumnsAlone(Operation *columnSlice) {
  auto [begin, end] = getColumnRange(columnSlice);
  for (Operation *other : columnSlice->getOperand(0).getUsers()) {
    if (other == columnSlice)
      continue;
    if (!isColumnSlice(other))
      return false;
    auto [otherBegin, otherEnd] = getColumnRange(other);
    if (begin < otherEnd && otherBegin < end)
      return false;
  }
  return true;
}

LogicalResult ScaleRegion::fail(Operation *op, const Twine &why) {
  obstacle = {op, why.str()};
  return failure();
}

LogicalResult ScaleRegion::growFromProduct(Value product) {
  skippedProducer = product;
  return grow(product);
}

LogicalResult ScaleRegion::growFromMultiplicand(Value multiplicand,
                                                OpOperand &exempt) {
  this->exempt = &exempt;
  return grow(multiplicand);
}

LogicalResult ScaleRegion::grow(Value first) {
  seed = first;
  values.insert(first);
  // `values` is the worklist as well: members are appended while it is walked.
  for (size_t i = 0; i < values.size(); ++i) {
    Value value = values[i];
    if (value != skippedProducer && failed(visitProducer(value)))
      return failure();
    for (OpOperand &use : value.getUses())
      if (&use != exempt && failed(visitUse(use)))
        return failure();
  }
  return absorbColumns();
}

/// The operand has to be divided by c for its owner's result to be.
LogicalResult ScaleRegion::includeOperand(OpOperand &operand) {
  if (isKnown(operand.get()))
    absorbers.push_back(
        {Absorber::KnownOperand, operand.getOwner(), 0, 0, &operand});
  else
    values.insert(operand.get());
  return success();
}

LogicalResult ScaleRegion::includeSliceInput(OpOperand &operand) {
  // Of a fused projection, only the columns of this slice are scaled.
  auto linear = operand.get().getDefiningOp<LinearOp>();
  if (linear && isColumnSlice(operand.getOwner()) &&
      hasKnownParameters(linear) && readsColumnsAlone(operand.getOwner())) {
    columnSlices.push_back(operand.getOwner());
    return success();
  }
  return includeOperand(operand);
}

/// Decided at the end: when the whole result of the linear map is in the
/// region, its columns are divided once, not once more for the slice.
LogicalResult ScaleRegion::absorbColumns() {
  for (Operation *slice : columnSlices) {
    if (values.contains(slice->getOperand(0)))
      continue;
    auto [begin, end] = getColumnRange(slice);
    absorbers.push_back({Absorber::LinearOutput,
                         slice->getOperand(0).getDefiningOp(), begin, end});
  }
  return success();
}

LogicalResult ScaleRegion::visitProducer(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return fail(nullptr, "it is an argument of the function");
  if (OpOperand *base = getScaledOperand(op))
    return includeOperand(*base);
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](LinearOp linear) {
        if (!hasKnownParameters(linear))
          return fail(op, "its matrix or bias is not a weight");
        absorbers.push_back({Absorber::LinearOutput, op, 0,
                             linear.getType().getShape().back()});
        return success();
      })
      .Case([&](EmbeddingOp embedding) {
        if (!isKnown(embedding.getTable()))
          return fail(op, "its table is not a weight");
        absorbers.push_back({Absorber::Table, op});
        return success();
      })
      .Case([&](LayerNormOp norm) {
        if (!norm.getGamma() || !isKnown(norm.getGamma()) ||
            (norm.getBeta() && !isKnown(norm.getBeta())))
          return fail(op, "it has no gamma to absorb the factor");
        absorbers.push_back({Absorber::NormOutput, op});
        return success();
      })
      .Case([&](RMSNormOp norm) {
        if (!norm.getGamma() || !isKnown(norm.getGamma()))
          return fail(op, "it has no gamma to absorb the factor");
        absorbers.push_back({Absorber::NormOutput, op});
        return success();
      })
      .Case([&](AttentionOp attention) {
        return includeOperand(attention.getValueMutable());
      })
      .Case([&](RotaryEmbeddingOp rotary) {
        return includeOperand(rotary.getInputMutable());
      })
      .Case([&](SliceOp slice) {
        return includeSliceInput(slice.getInputMutable());
      })
      .Case([&](SelectTokenOp select) {
        return includeOperand(select.getInputMutable());
      })
      .Case<AddOp, SubOp, ReshapeOp, TransposeOp, ConcatOp>([&](auto) {
        for (OpOperand &operand : op->getOpOperands())
          if (failed(includeOperand(operand)))
            return failure();
        return success();
      })
      .Case<ReluOp, LeakyReluOp, PReluOp>([&](auto) {
        if (factor < 0)
          return fail(op, "a negative factor does not pass through it");
        return includeOperand(op->getOpOperand(0));
      })
      .Default([&](Operation *) {
        return fail(op, "a factor does not pass through it");
      });
}

LogicalResult ScaleRegion::visitUse(OpOperand &use) {
  Operation *op = use.getOwner();
  auto follow = [&](Operation *op) {
    values.insert(op->getResult(0));
    return success();
  };
  if (getScaledOperand(op) == &use)
    return follow(op);
  return TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](LinearOp linear) {
        if (&use != &linear.getInputMutable())
          return fail(op, "it reads the value as a matrix or a bias");
        if (!isKnown(linear.getWeight()))
          return fail(op, "its matrix is not a weight");
        absorbers.push_back({Absorber::LinearInput, op});
        return success();
      })
      .Case<LayerNormOp, RMSNormOp>([&](auto norm) {
        if (&use != &norm.getInputMutable())
          return fail(op, "it reads the value as gamma or beta");
        if (factor < 0)
          return fail(op, "a normalisation does not undo a negative factor");
        absorbers.push_back({Absorber::NormInput, op});
        return success();
      })
      .Case([&](AttentionOp attention) {
        if (&use == &attention.getValueMutable())
          return follow(op);
        if (&use != &attention.getQueryMutable() &&
            &use != &attention.getKeyMutable())
          return fail(op, "it reads the value as a mask or a bias");
        if (!allowAttentionScale)
          return fail(op, "its scale would change");
        absorbers.push_back({Absorber::AttentionScale, op});
        return success();
      })
      .Case([&](RotaryEmbeddingOp rotary) {
        if (&use != &rotary.getInputMutable())
          return fail(op, "it reads the value as an angle");
        return follow(op);
      })
      .Case([&](SelectTokenOp) { return follow(op); })
      .Case<AddOp, SubOp, ReshapeOp, TransposeOp, ConcatOp, SliceOp>(
          [&](auto) { return follow(op); })
      .Case<ReluOp, LeakyReluOp, PReluOp>([&](auto) {
        if (use.getOperandNumber() != 0)
          return fail(op, "it reads the value as a slope");
        if (factor < 0)
          return fail(op, "a negative factor does not pass through it");
        return follow(op);
      })
      .Default([&](Operation *) {
        if (op->hasTrait<OpTrait::ReturnLike>())
          return fail(op, "it is a result of the function");
        return fail(op, "a factor does not pass through it");
      });
}

} // namespace aero::pi
