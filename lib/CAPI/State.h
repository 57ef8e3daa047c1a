//===- State.h - What the objects of the C interface are ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_CAPI_STATE_H
#define AERO_LIB_CAPI_STATE_H

#include "aero-c/Aero.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <string>

namespace aero::capi {

/// The context and where its messages go.
struct State {
  State(AeroMessageHandler handler, void *userData);

  void tell(AeroSeverity severity, const std::string &message) const;
  /// Tells why, one line at a time. Always false.
  bool fail(llvm::StringRef messages) const;
  bool fail(llvm::Error error) const;

  AeroMessageHandler handler;
  void *userData;
  mlir::MLIRContext context;
};

} // namespace aero::capi

struct AeroContext {
  std::shared_ptr<aero::capi::State> state;
};

struct AeroModule {
  // The module goes first.
  std::shared_ptr<aero::capi::State> state;
  mlir::OwningOpRef<mlir::ModuleOp> op;
};

#endif // AERO_LIB_CAPI_STATE_H
