//===- Rewrite.cpp - What each pass of a configuration does ---------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Driver/Rewrite.h"

#include "aero/Analysis/Census.h"
#include "aero/Analysis/CostReport.h"
#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Pipelines/Pipelines.h"
#include "aero/Reference/FloatInterpreter.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/STLExtras.h"

#include <cmath>

using namespace aero;
using mlir::func::FuncOp;
using Inputs = std::vector<reference::Tensor>;

FuncOp RewriteStage::getFunction() { return *module->getOps<FuncOp>().begin(); }

static std::map<std::string, int64_t> countOps(FuncOp function) {
  std::map<std::string, int64_t> ops;
  for (mlir::Operation &op : function.front().without_terminator())
    if (!llvm::isa<pi::WeightOp, pi::ConstantOp>(op))
      ++ops[op.getName().stripDialect().str()];
  return ops;
}

//===----------------------------------------------------------------------===//
// Recording
//===----------------------------------------------------------------------===//

namespace {

class Tracer : public mlir::PassInstrumentation {
public:
  explicit Tracer(RewriteTrace &trace) : trace(trace) {}

  void runBeforePass(mlir::Pass *, mlir::Operation *op) override {
    if (trace.empty())
      record("", op);
  }
  void runAfterPass(mlir::Pass *pass, mlir::Operation *op) override {
    record(pass->getArgument(), op);
  }

private:
  void record(llvm::StringRef pass, mlir::Operation *op) {
    auto function = llvm::dyn_cast<FuncOp>(op);
    if (!function)
      return;
    mlir::OperationFingerPrint now(op);
    if (last && now == *last)
      return;
    last = now;
    RewriteStage stage;
    stage.pass = pass.str();
    stage.module = mlir::ModuleOp::create(op->getLoc());
    FuncOp copy = function.clone();
    stage.module->push_back(copy);
    // Parameters that nothing reads any more are gone with what read them, not
    // with the clean-up at the end.
    for (mlir::Operation &dead : llvm::make_early_inc_range(
             llvm::reverse(copy.front().getOperations())))
      if (mlir::isOpTriviallyDead(&dead))
        dead.erase();
    // Clean-up that only joins equal constants is of no interest.
    std::map<std::string, int64_t> ops = countOps(copy);
    if (!stage.pass.empty() && !pass.starts_with("pi-") && ops == lastOps)
      return;
    lastOps = std::move(ops);
    trace.push_back(std::move(stage));
  }

  RewriteTrace &trace;
  std::map<std::string, int64_t> lastOps;
  std::optional<mlir::OperationFingerPrint> last;
};

/// The stage that the first step is about.
size_t getFirst(const RewriteTrace &trace) {
  return trace.size() > 1 && trace[1].pass == "pi-raise" ? 1 : 0;
}

} // namespace

std::unique_ptr<mlir::PassInstrumentation>
aero::traceRewrite(RewriteTrace &trace) {
  return std::make_unique<Tracer>(trace);
}

//===----------------------------------------------------------------------===//
// Counting
//===----------------------------------------------------------------------===//

std::vector<RewriteStep> aero::summarizeRewrite(RewriteTrace &trace) {
  std::vector<RewriteStep> steps;
  for (RewriteStage &stage : llvm::drop_begin(trace, getFirst(trace))) {
    RewriteStep &step = steps.emplace_back();
    step.pass = stage.pass;
    FuncOp function = stage.getFunction();
    step.ops = countOps(function);
    pi::Census census = pi::takeCensus(function);
    step.parameters = census.getAllParameters().elements;
    for (unsigned kind = 0; kind < pi::kProductKinds; ++kind)
      if (static_cast<pi::ProductKind>(kind) != pi::ProductKind::Embedding)
        step.flops += census.getFlops(static_cast<pi::ProductKind>(kind));
  }
  return steps;
}

std::string aero::describeChange(const RewriteStep &before,
                                 const RewriteStep &after) {
  std::vector<std::string> removed, added;
  for (const auto &[op, count] : before.ops) {
    auto left = after.ops.find(op);
    int64_t gone = count - (left == after.ops.end() ? 0 : left->second);
    if (gone > 0)
      removed.push_back(op + " " + std::to_string(gone));
  }
  for (const auto &[op, count] : after.ops) {
    auto earlier = before.ops.find(op);
    int64_t more = count - (earlier == before.ops.end() ? 0 : earlier->second);
    if (more > 0)
      added.push_back("+" + op + " " + std::to_string(more));
  }
  llvm::append_range(removed, added);
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(removed, os);
  return text.empty() ? "nothing" : text;
}

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

/// Widens `distance` by what lies between two outputs.
static void compare(OutputDistance &distance, const reference::Tensor &expected,
                    const reference::Tensor &actual) {
  if (expected.getKind() != reference::ElementKind::F32)
    return;
  double largest = 0, scale = 0;
  for (auto [e, a] :
       llvm::zip_equal(expected.getFloats(), actual.getFloats())) {
    scale = std::max(scale, std::abs(static_cast<double>(e)));
    double difference =
        e == a ? 0 : std::abs(static_cast<double>(e) - static_cast<double>(a));
    // A NaN is as far away as can be, and stays it.
    if (!(difference <= largest))
      largest = difference;
  }
  double relative = largest / (scale != 0 ? scale : 1);
  if (!(largest <= distance.largest))
    distance.largest = largest;
  if (!(relative <= distance.relative))
    distance.relative = relative;
}

llvm::Error aero::measureOutputs(RewriteTrace &trace,
                                 std::vector<RewriteStep> &steps,
                                 llvm::ArrayRef<Inputs> inputs) {
  for (const Inputs &one : inputs) {
    auto expected = reference::interpret(trace.front().getFunction(), one);
    if (!expected)
      return expected.takeError();
    for (auto [stage, step] :
         llvm::zip_equal(llvm::drop_begin(trace, getFirst(trace)), steps)) {
      auto actual = reference::interpret(stage.getFunction(), one);
      if (!actual)
        return actual.takeError();
      if (!step.distance)
        step.distance.emplace();
      for (auto [e, a] : llvm::zip_equal(*expected, *actual))
        compare(*step.distance, e, a);
    }
  }
  return llvm::Error::success();
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

static std::optional<SecureCost> predictCost(mlir::ModuleOp module) {
  mlir::OwningOpRef<mlir::ModuleOp> lowered = module.clone();
  mlir::MLIRContext &context = *module.getContext();
  // Why a stage in between cannot be lowered is not of interest.
  mlir::ScopedDiagnosticHandler silence(
      &context, [](mlir::Diagnostic &) { return mlir::success(); });
  mlir::PassManager manager(&context);
  buildLowerPipeline(manager, LowerOptions());
  if (mlir::failed(manager.run(*lowered)))
    return std::nullopt;
  auto report = computeCostReport(*lowered->getOps<FuncOp>().begin(),
                                  /*profiles=*/{});
  if (!report) {
    llvm::consumeError(report.takeError());
    return std::nullopt;
  }
  return SecureCost{report->total.cost.online(), report->total.cost.offline(),
                    report->criticalPath};
}

void aero::predictCosts(RewriteTrace &trace, std::vector<RewriteStep> &steps) {
  for (auto [stage, step] :
       llvm::zip_equal(llvm::drop_begin(trace, getFirst(trace)), steps))
    step.cost = predictCost(*stage.module);
}
