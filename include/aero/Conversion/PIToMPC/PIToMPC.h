//===- PIToMPC.h - Lowering of pi to mpc ----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_CONVERSION_PITOMPC_PITOMPC_H
#define AERO_CONVERSION_PITOMPC_PITOMPC_H

#include "aero/Dialect/MPC/IR/MPCDialect.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

namespace aero {

#define GEN_PASS_DECL
#include "aero/Conversion/PIToMPC/PIToMPC.h.inc"

#define GEN_PASS_REGISTRATION
#include "aero/Conversion/PIToMPC/PIToMPC.h.inc"

} // namespace aero

#endif // AERO_CONVERSION_PITOMPC_PITOMPC_H
