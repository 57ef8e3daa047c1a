//===- PIDialect.h - The pi dialect ---------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_PI_IR_PIDIALECT_H
#define AERO_DIALECT_PI_IR_PIDIALECT_H

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpDefinition.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "aero/Dialect/PI/IR/PIDialect.h.inc"
#include "aero/Dialect/PI/IR/PIEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "aero/Dialect/PI/IR/PIAttributes.h.inc"

#include "aero/Dialect/PI/IR/PIInterfaces.h.inc"

#endif // AERO_DIALECT_PI_IR_PIDIALECT_H
