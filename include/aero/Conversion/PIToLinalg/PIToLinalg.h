//===- PIToLinalg.h - Lowering of pi to linalg ----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_CONVERSION_PITOLINALG_PITOLINALG_H
#define AERO_CONVERSION_PITOLINALG_PITOLINALG_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace aero {

#define GEN_PASS_DECL
#include "aero/Conversion/PIToLinalg/PIToLinalg.h.inc"

#define GEN_PASS_REGISTRATION
#include "aero/Conversion/PIToLinalg/PIToLinalg.h.inc"

} // namespace aero

#endif // AERO_CONVERSION_PITOLINALG_PITOLINALG_H
