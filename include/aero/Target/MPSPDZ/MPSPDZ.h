//===- MPSPDZ.h - Programs for MP-SPDZ ------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Emits folded `pi` as a program for MP-SPDZ, whose protocols range from two
/// parties with a dealer to three parties one of whom may be malicious. What is
/// written, and with which error each function is computed, is in
/// docs/mpspdz.md.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_TARGET_MPSPDZ_MPSPDZ_H
#define AERO_TARGET_MPSPDZ_MPSPDZ_H

#include "aero/Target/Backend.h"

namespace aero {

/// The target "mpspdz": program, the server's weights, the client's script and
/// a README.
const Backend &getMPSPDZBackend();

/// As the backend, but the program also reveals the results of `insecure`, ops
/// of the module, to the client, in their order before the logits. For
/// diagnosis on sample inputs, with all parties on one machine: never for a
/// private prompt.
llvm::Error emitInsecureMPSPDZ(mlir::ModuleOp module,
                               const EmitOptions &options, OutputFolder &folder,
                               llvm::ArrayRef<mlir::Operation *> insecure);

/// Registers `aero-translate --pi-to-mpspdz`, which prints the program.
void registerMPSPDZTranslation();

} // namespace aero

#endif // AERO_TARGET_MPSPDZ_MPSPDZ_H
