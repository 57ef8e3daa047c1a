//===- aero-translate.cpp - Into and out of MLIR --------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Import/ONNX/Import.h"
#include "aero/Target/MPSPDZ/MPSPDZ.h"
#include "aero/Target/ONNX/Export.h"
#include "aero/Target/Program/Program.h"
#include "aero/Target/StableHLO/StableHLO.h"

#include "mlir/Tools/mlir-translate/MlirTranslateMain.h"
#include "llvm/Support/LogicalResult.h"

int main(int argc, char **argv) {
  aero::registerExportONNXTranslation();
  aero::registerImportONNXTranslation();
  aero::registerMPSPDZTranslation();
  aero::registerProgramTranslations();
  aero::registerStableHLOTranslation();
  return failed(
      mlir::mlirTranslateMain(argc, argv, "AERO translation driver\n"));
}
