//===- LinalgToPI.h - The way back from linalg to pi ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_CONVERSION_LINALGTOPI_LINALGTOPI_H
#define AERO_CONVERSION_LINALGTOPI_LINALGTOPI_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace aero {

#define GEN_PASS_DECL
#include "aero/Conversion/LinalgToPI/LinalgToPI.h.inc"

#define GEN_PASS_REGISTRATION
#include "aero/Conversion/LinalgToPI/LinalgToPI.h.inc"

} // namespace aero

#endif // AERO_CONVERSION_LINALGTOPI_LINALGTOPI_H
