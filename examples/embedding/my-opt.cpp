//===- my-opt.cpp - A tool with AERO's passes and its own -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "MyPasses.h"

#include "aero/InitAll.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  aero::registerAllDialects(registry);
  aero::registerAllPasses();
  my::registerMyPasses();
  // What a network meets between AERO's way out and its way back.
  mlir::registerLinalgPasses();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "My compiler\n", registry));
}
