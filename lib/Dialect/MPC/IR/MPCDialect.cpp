//===- MPCDialect.cpp - The mpc dialect -----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/MPC/IR/MPCDialect.h"
#include "aero/Dialect/MPC/IR/MPCOps.h"

#include "aero/Dialect/MPC/IR/MPCDialect.cpp.inc"

#include "aero/Dialect/MPC/IR/MPCInterfaces.cpp.inc"

using namespace aero::mpc;

void MPCDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "aero/Dialect/MPC/IR/MPCOps.cpp.inc"
      >();
  registerTypes();
  registerAttributes();
}
