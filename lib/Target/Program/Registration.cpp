//===- Registration.cpp - Translations to the program file ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/MPC/IR/MPCDialect.h"
#include "aero/Target/Program/Program.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/raw_ostream.h"

#include <google/protobuf/text_format.h>

using namespace mlir;
using namespace aero;

void aero::registerProgramTranslations() {
  static TranslateFromMLIRRegistration toText(
      "mpc-to-program-text",
      "a scheduled mpc module as the text form of its program file",
      [](ModuleOp module, raw_ostream &os) -> LogicalResult {
        llvm::Expected<program::Program> program =
            buildProgram(module, ProgramOptions());
        if (!program)
          return emitError(module.getLoc())
                 << llvm::toString(program.takeError());
        std::string text;
        google::protobuf::TextFormat::PrintToString(*program, &text);
        os << text;
        return success();
      },
      [](DialectRegistry &registry) {
        registry.insert<mpc::MPCDialect, func::FuncDialect>();
      });
}
