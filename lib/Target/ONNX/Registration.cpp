//===- Registration.cpp - ONNX export as a translation --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Target/ONNX/Export.h"

#include "aero/Dialect/PI/IR/PIDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/CommandLine.h"

using namespace mlir;

void aero::registerExportONNXTranslation() {
  static llvm::cl::opt<int64_t> opset(
      "export-opset", llvm::cl::desc("The operator set that is written"),
      llvm::cl::init(kFirstExportOpset));
  static TranslateFromMLIRRegistration registration(
      "export-onnx", "write a module of pi as an ONNX model",
      [](ModuleOp module, raw_ostream &os) -> LogicalResult {
        ExportOptions options;
        options.opset = opset;
        auto summary = exportONNX(module, os, options);
        if (!summary)
          return emitError(module.getLoc())
                 << llvm::toString(summary.takeError());
        return success();
      },
      [](DialectRegistry &registry) {
        registry.insert<pi::PIDialect, func::FuncDialect>();
      });
}
