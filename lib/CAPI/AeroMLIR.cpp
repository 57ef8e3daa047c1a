//===- AeroMLIR.cpp - Modules that others hold in memory ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero-c/AeroMLIR.h"

#include "State.h"

#include "mlir/CAPI/IR.h"
#include "mlir/IR/Verifier.h"

using namespace mlir;

MlirContext aeroContextGetMlirContext(AeroContext *context) {
  return wrap(&context->state->context);
}

MlirModule aeroModuleGetMlirModule(AeroModule *module) {
  return wrap(module->op.get());
}

MlirModule aeroModuleRelease(AeroModule *module) {
  MlirModule released = wrap(module->op.release());
  delete module;
  return released;
}

AeroModule *aeroModuleAdopt(AeroContext *context, MlirModule module) {
  const aero::capi::State &state = *context->state;
  ModuleOp op = unwrap(module);
  if (!op) {
    state.fail("no module to adopt");
    return nullptr;
  }
  if (op->getContext() != &state.context) {
    state.fail("the module belongs to another context; make it in that of "
               "aeroContextGetMlirContext, or hand it over as bytecode");
    return nullptr;
  }
  if (op->getBlock()) {
    state.fail("the module is a part of another one");
    return nullptr;
  }
  // The verifier says what is wrong.
  if (failed(verify(op)))
    return nullptr;
  return new AeroModule{context->state, OwningOpRef<ModuleOp>(op)};
}
