//===- SelectLastToken.cpp - Computes the logits of one token only --------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/TypeSwitch.h"

namespace aero::pi {
#define GEN_PASS_DEF_SELECTLASTTOKENPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

RankedTensorType getTensorType(Value value) {
  return dyn_cast<RankedTensorType>(value.getType());
}

/// `type` with one token.
RankedTensorType getRowType(RankedTensorType type) {
  return RankedTensorType::get({type.getDimSize(0), 1, type.getDimSize(2)},
                               type.getElementType());
}

/// How an element-wise op reads an operand.
enum class Reading { ByRow, SameForAllRows, Otherwise };

Reading getReading(Value operand, RankedTensorType result) {
  RankedTensorType type = getTensorType(operand);
  int64_t rank = type.getRank();
  if (rank == 3 && type.getDimSize(1) == result.getDimSize(1))
    return Reading::ByRow;
  if (rank < 2 || (rank <= 3 && type.getDimSize(rank - 2) == 1))
    return Reading::SameForAllRows;
  return Reading::Otherwise;
}

/// The operands that `op` reads row by row, token t of the result needing
/// nothing but token t of each. None if the op does not work row by row.
SmallVector<OpOperand *> getRowOperands(Operation *op) {
  if (op->getNumResults() != 1)
    return {};
  RankedTensorType result = getTensorType(op->getResult(0));
  if (!result || result.getRank() != 3)
    return {};
  return TypeSwitch<Operation *, SmallVector<OpOperand *>>(op)
      .Case<LinearOp, LayerNormOp, RMSNormOp, GeluOp, SiluOp, ReluOp,
            LeakyReluOp, PReluOp, TanhOp, ErfOp, SqrtOp>(
          [](auto op) -> SmallVector<OpOperand *> {
            return {&op.getInputMutable()};
          })
      .Case([](SliceOp slice) -> SmallVector<OpOperand *> {
        if (slice.getAxis() != 2)
          return {};
        return {&slice.getInputMutable()};
      })
      .Case<AddOp, SubOp, MulOp, DivOp, PowOp>(
          [&](auto) -> SmallVector<OpOperand *> {
            SmallVector<OpOperand *> operands;
            for (OpOperand &operand : op->getOpOperands()) {
              Reading reading = getReading(operand.get(), result);
              if (reading == Reading::Otherwise)
                return {};
              if (reading == Reading::ByRow)
                operands.push_back(&operand);
            }
            return operands;
          })
      .Default([](Operation *) { return SmallVector<OpOperand *>(); });
}

/// The ops that only the selected row of the result needs, last first.
SmallVector<Operation *> findRowOps(func::ReturnOp returnOp) {
  DenseSet<OpOperand *> rowReads = {&returnOp->getOpOperand(0)};
  SmallVector<Operation *> rowOps;
  for (Operation &op : llvm::reverse(*returnOp->getBlock())) {
    SmallVector<OpOperand *> operands = getRowOperands(&op);
    if (operands.empty())
      continue;
    // A reader of all rows needs all rows computed.
    if (op.use_empty() || llvm::any_of(op.getUses(), [&](OpOperand &use) {
          return !rowReads.contains(&use);
        }))
      continue;
    rowOps.push_back(&op);
    rowReads.insert_range(operands);
  }
  return rowOps;
}

struct SelectLastTokenPass
    : public impl::SelectLastTokenPassBase<SelectLastTokenPass> {
  using SelectLastTokenPassBase::SelectLastTokenPassBase;

  void runOnOperation() override {
    // Errors are of a location, not an op, which would print all of it.
    auto func = getOperation().lookupSymbol<func::FuncOp>(function.getValue());
    if (!func || func.isExternal()) {
      InFlightDiagnostic diag =
          emitError(getOperation().getLoc())
          << "pi-select-last-token: there is no function '" << function
          << "' with a body";
      diag.attachNote() << "name the model's function with function=NAME";
      return signalPassFailure();
    }
    auto returnOp = cast<func::ReturnOp>(func.getBody().back().getTerminator());
    RankedTensorType type = returnOp.getNumOperands() == 1
                                ? getTensorType(returnOp.getOperand(0))
                                : RankedTensorType();
    if (!type || type.getRank() != 3 || !type.getElementType().isF32()) {
      InFlightDiagnostic diag = emitError(func.getLoc())
                                << "pi-select-last-token: function '"
                                << function
                                << "' does not return one tensor (batch, "
                                   "tokens, width) of f32";
      diag.attachNote() << "the pass needs a decoder that returns its logits";
      return signalPassFailure();
    }
    if (failed(selectRow(func, returnOp)))
      return signalPassFailure();
  }

private:
  LogicalResult selectRow(func::FuncOp func, func::ReturnOp returnOp);
};

/// return f(%x)  ->  return f(select_token %x at %position)
LogicalResult SelectLastTokenPass::selectRow(func::FuncOp func,
                                             func::ReturnOp returnOp) {
  OpBuilder builder(func.getContext());
  auto positionType = RankedTensorType::get({}, builder.getI64Type());
  Location positionLoc = NameLoc::get(builder.getStringAttr("position"));
  if (failed(func.insertArgument(func.getNumArguments(), positionType, {},
                                 positionLoc)))
    return failure();
  Value position = func.getArguments().back();

  IRMapping rows;
  auto getRow = [&](Value value) {
    if (!rows.contains(value)) {
      Location loc = value.getLoc();
      rows.map(
          value,
          SelectTokenOp::create(builder, loc, value, position).getResult());
    }
    return rows.lookup(value);
  };

  SmallVector<Operation *> rowOps = findRowOps(returnOp);
  for (Operation *op : llvm::reverse(rowOps)) {
    builder.setInsertionPoint(op);
    SmallVector<std::pair<unsigned, Value>> operands;
    for (OpOperand *operand : getRowOperands(op))
      operands.emplace_back(operand->getOperandNumber(),
                            getRow(operand->get()));
    Operation *row = builder.clone(*op);
    for (auto [index, value] : operands)
      row->setOperand(index, value);
    row->getResult(0).setType(getRowType(getTensorType(op->getResult(0))));
    rows.map(op->getResult(0), row->getResult(0));
  }
  builder.setInsertionPoint(returnOp);
  returnOp.setOperand(0, getRow(returnOp.getOperand(0)));
  for (Operation *op : rowOps)
    op->erase();
  func.setType(builder.getFunctionType(func.getArgumentTypes(),
                                       returnOp.getOperandTypes()));
  return success();
}

} // namespace
} // namespace aero::pi
