//===- Schedule.cpp - Which exchange an instruction starts at -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/MPC/IR/MPCOps.h"
#include "aero/Dialect/MPC/Transforms/Passes.h"

#include "llvm/ADT/DenseMap.h"

namespace aero::mpc {
#define GEN_PASS_DEF_MPCSCHEDULE
#define GEN_PASS_DEF_MPCVERIFYSCHEDULE
#include "aero/Dialect/MPC/Transforms/Passes.h.inc"
} // namespace aero::mpc

using namespace mlir;
using namespace aero::mpc;

/// A schedule is a property of straight-line code.
static LogicalResult verifyStraightLine(func::FuncOp func) {
  if (func.isExternal() || !func.getBody().hasOneBlock())
    return func.emitOpError()
           << "cannot be scheduled: expected a body of one block";
  for (Operation &op : func.getBody().front())
    if (!isInstruction(&op) && !isa<WeightOp, func::ReturnOp>(op)) {
      InFlightDiagnostic diag = op.emitOpError()
                                << "is not an instruction of the secure engine";
      diag.attachNote() << "run convert-pi-to-mpc before scheduling";
      return diag;
    }
  return success();
}

static uint64_t getFinish(Operation &op) {
  return uint64_t(*cast<ScheduledOpInterface>(op).getStart()) +
         cast<CostOpInterface>(op).getCost().exchanges;
}

uint32_t aero::mpc::countExchanges(func::FuncOp func) {
  uint64_t last = 0;
  for (Operation &op : func.getBody().front())
    if (isInstruction(&op))
      last = std::max(last, getFinish(op));
  return uint32_t(last);
}

LogicalResult aero::mpc::verifySchedule(func::FuncOp func) {
  if (failed(verifyStraightLine(func)))
    return failure();

  llvm::DenseMap<Value, uint64_t> ready;
  SmallVector<std::pair<uint64_t, uint64_t>> active;
  for (Operation &op : func.getBody().front()) {
    if (!isInstruction(&op))
      continue;
    // (S1)
    std::optional<uint32_t> start = cast<ScheduledOpInterface>(op).getStart();
    if (!start) {
      InFlightDiagnostic diag = op.emitOpError() << "has no start";
      diag.attachNote() << "run mpc-schedule after the last pass that makes or "
                           "changes instructions";
      return diag;
    }
    // (S2)
    for (Value operand : op.getOperands()) {
      uint64_t at = ready.lookup(operand);
      if (at <= *start)
        continue;
      InFlightDiagnostic diag = op.emitOpError()
                                << "starts at exchange " << *start
                                << ", but an operand is only there at exchange "
                                << at;
      diag.attachNote(operand.getLoc()) << "the operand";
      return diag;
    }
    uint64_t finish = getFinish(op);
    ready[op.getResult(0)] = finish;
    if (finish > *start)
      active.emplace_back(*start, finish);
  }

  // (S3): sweep over the intervals from the left.
  llvm::sort(active);
  uint64_t covered = 0;
  for (auto [start, finish] : active) {
    if (start > covered)
      return func.emitOpError() << "has no active instruction in exchange "
                                << covered << ", but in exchange " << start;
    covered = std::max(covered, finish);
  }
  // Local instructions finish when they start.
  if (uint64_t last = countExchanges(func); last > covered)
    return func.emitOpError()
           << "ends at exchange " << last
           << ", but no message is sent after exchange " << covered;
  return success();
}

namespace {

struct MPCSchedulePass
    : public aero::mpc::impl::MPCScheduleBase<MPCSchedulePass> {
  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (failed(verifyStraightLine(func)))
      return signalPassFailure();
    llvm::DenseMap<Value, uint32_t> ready;
    for (Operation &op : func.getBody().front()) {
      if (!isInstruction(&op))
        continue;
      uint32_t start = 0;
      for (Value operand : op.getOperands())
        start = std::max(start, ready.lookup(operand));
      cast<ScheduledOpInterface>(op).setStart(start);
      ready[op.getResult(0)] =
          start + cast<CostOpInterface>(op).getCost().exchanges;
    }
    numExchanges += countExchanges(func);
  }
};

struct MPCVerifySchedulePass
    : public aero::mpc::impl::MPCVerifyScheduleBase<MPCVerifySchedulePass> {
  void runOnOperation() override {
    if (failed(verifySchedule(getOperation())))
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
