//===- ONNX.cpp - Imports a model -----------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Import/ONNX/Import.h"

#include "llvm/Support/raw_ostream.h"

int main(int argc, char **argv) {
  mlir::MLIRContext context;
  auto module = aero::importONNX(argv[1], context);
  if (!module) {
    llvm::errs() << llvm::toString(module.takeError()) << "\n";
    return 1;
  }
  llvm::outs() << (*module)->getOperation()->getName() << "\n";
  return 0;
}
