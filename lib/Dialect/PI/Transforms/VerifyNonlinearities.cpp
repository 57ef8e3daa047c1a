//===- VerifyNonlinearities.cpp - Checks a configuration's promise --------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Dialect/PI/Transforms/Passes.h"

namespace aero::pi {
#define GEN_PASS_DEF_VERIFYNONLINEARITIESPASS
#include "aero/Dialect/PI/Transforms/Passes.h.inc"
} // namespace aero::pi

using namespace mlir;

namespace aero::pi {
namespace {

/// Whether `op` is an activation that `promised` leaves out.
bool isUnpromised(Operation *op, PromisedActivation promised) {
  switch (promised) {
  case PromisedActivation::Any:
    return false;
  case PromisedActivation::None:
    return isa<GeluOp, SiluOp, ReluOp, LeakyReluOp, PReluOp>(op);
  case PromisedActivation::Gelu:
    return isa<ReluOp, LeakyReluOp, PReluOp>(op);
  case PromisedActivation::Relu:
    return isa<GeluOp, SiluOp, LeakyReluOp, PReluOp>(op);
  case PromisedActivation::LeakyRelu:
    return isa<GeluOp, SiluOp, ReluOp>(op);
  }
  llvm_unreachable("unknown activation");
}

/// Whether `op` is an activation that `promised` needs.
bool isPromised(Operation *op, PromisedActivation promised) {
  switch (promised) {
  case PromisedActivation::Gelu:
    return isa<GeluOp, SiluOp>(op);
  case PromisedActivation::LeakyRelu:
    return isa<LeakyReluOp, PReluOp>(op);
  default:
    return isa<ReluOp>(op);
  }
}

struct VerifyNonlinearitiesPass
    : public impl::VerifyNonlinearitiesPassBase<VerifyNonlinearitiesPass> {
  using VerifyNonlinearitiesPassBase::VerifyNonlinearitiesPassBase;

  void runOnOperation() override {
    func::FuncOp func = getOperation();
    if (func.isExternal())
      return markAllAnalysesPreserved();
    bool hasNorm = false, hasActivation = false;
    WalkResult result = func.walk([&](Operation *op) {
      bool isNorm = isa<LayerNormOp, RMSNormOp>(op);
      if ((isNorm && norm == Presence::Absent) || isUnpromised(op, activation))
        return reportUnpromised(op);
      hasNorm |= isNorm;
      hasActivation |= isPromised(op, activation);
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    if (norm == Presence::Required && !hasNorm)
      return reportMissing("LayerNorm", "no pass can add a norm to a network");
    if (activation == PromisedActivation::Gelu && !hasActivation)
      return reportMissing("GELU", "no pass can add a GELU to a network");
    if ((activation == PromisedActivation::Relu ||
         activation == PromisedActivation::LeakyRelu) &&
        !hasActivation)
      return reportMissing("ReLU",
                           "only an activation of the model can become a ReLU");
    markAllAnalysesPreserved();
  }

private:
  WalkResult reportUnpromised(Operation *op) {
    InFlightDiagnostic diag = op->emitOpError()
                              << "is not part of configuration '"
                              << configuration << "'";
    std::string node = getNodeName(op->getLoc());
    if (!node.empty())
      diag << " (ONNX node '" << node << "')";
    diag.attachNote() << "choose the configuration that has it, or put "
                         "pi-strip-layernorm or pi-replace-activation before "
                         "this check";
    return WalkResult::interrupt();
  }

  void reportMissing(StringRef what, StringRef why) {
    // Of the location, not the op, which would print the whole function.
    InFlightDiagnostic diag = emitError(getOperation().getLoc())
                              << "configuration '" << configuration
                              << "' needs " << what << ", and the model '"
                              << getOperation().getSymName() << "' has none";
    diag.attachNote() << why << "; choose a configuration without it, or as-is";
    signalPassFailure();
  }
};

} // namespace
} // namespace aero::pi
