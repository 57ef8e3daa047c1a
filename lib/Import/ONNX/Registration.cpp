//===- Registration.cpp - ONNX import as a translation --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Import/ONNX/Import.h"

#include "aero/Dialect/PI/IR/PIDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

void aero::registerImportONNXTranslation() {
  static TranslateToMLIRRegistration registration(
      "import-onnx", "import an ONNX model into the pi dialect",
      [](llvm::SourceMgr &sources,
         MLIRContext *context) -> OwningOpRef<Operation *> {
        const llvm::MemoryBuffer *buffer =
            sources.getMemoryBuffer(sources.getMainFileID());
        auto module = importONNX(buffer->getMemBufferRef(), *context);
        if (module)
          return OwningOpRef<Operation *>(module->release());
        llvm::handleAllErrors(
            module.takeError(), [&](const ImportError &error) {
              for (const std::string &message : error.getMessages())
                emitError(UnknownLoc::get(context), message);
            });
        return {};
      },
      [](DialectRegistry &registry) {
        registry.insert<pi::PIDialect, func::FuncDialect>();
      });
}
