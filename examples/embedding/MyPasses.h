//===- MyPasses.h - The passes of the example -----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef MYPASSES_H
#define MYPASSES_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Pass/Pass.h"

namespace my {

#define GEN_PASS_DECL
#include "MyPasses.h.inc"

#define GEN_PASS_REGISTRATION
#include "MyPasses.h.inc"

} // namespace my

#endif // MYPASSES_H
