//===- AeroPlugin.cpp - AERO in a stock mlir-opt --------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The entry points by which a tool that links the same libMLIR takes in AERO's
/// dialects, passes and pipelines:
///
///   mlir-opt --load-dialect-plugin=AeroPlugin.so --pass-pipeline='...'
///
/// A tool that registers AERO itself (aero-opt) must not load it.
///
//===----------------------------------------------------------------------===//

#include "aero/InitAll.h"

#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/Plugins/DialectPlugin.h"
#include "mlir/Tools/Plugins/PassPlugin.h"

/// Once, whichever of the two options named the plugin, and if both did.
static void registerPasses() {
  static const bool done = (aero::registerAllPasses(), true);
  (void)done;
}

extern "C" LLVM_ATTRIBUTE_WEAK mlir::DialectPluginLibraryInfo
mlirGetDialectPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "AERO", AERO_VERSION,
          [](mlir::DialectRegistry *registry) {
            aero::registerAllDialects(*registry);
            // Passes on a dialect without the dialect are of no use, nor the
            // other way round: one option gives both.
            registerPasses();
          }};
}

extern "C" LLVM_ATTRIBUTE_WEAK mlir::PassPluginLibraryInfo
mlirGetPassPluginInfo() {
  return {MLIR_PLUGIN_API_VERSION, "AERO", AERO_VERSION, registerPasses};
}
