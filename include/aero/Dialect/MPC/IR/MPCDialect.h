//===- MPCDialect.h - The mpc dialect -------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_MPC_IR_MPCDIALECT_H
#define AERO_DIALECT_MPC_IR_MPCDIALECT_H

#include "aero/Runtime/Cost.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "aero/Dialect/MPC/IR/MPCDialect.h.inc"
#include "aero/Dialect/MPC/IR/MPCEnums.h.inc"

#define GET_TYPEDEF_CLASSES
#include "aero/Dialect/MPC/IR/MPCTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "aero/Dialect/MPC/IR/MPCAttributes.h.inc"

#include "aero/Dialect/MPC/IR/MPCInterfaces.h.inc"

#endif // AERO_DIALECT_MPC_IR_MPCDIALECT_H
