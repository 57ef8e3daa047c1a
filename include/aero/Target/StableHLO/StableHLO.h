//===- StableHLO.h - StableHLO modules for SecretFlow SPU -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Emits folded `pi` as a StableHLO module that SPU's front end takes: static
/// shapes, only ops that it converts, and everything that is anybody's as an
/// argument, because constants are public there. docs/stablehlo.md has the ops
/// and the arguments.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_TARGET_STABLEHLO_STABLEHLO_H
#define AERO_TARGET_STABLEHLO_STABLEHLO_H

#include "aero/Target/Backend.h"

namespace aero {

/// The target "spu": the module, what its arguments are, the server's weights,
/// and a driver in Python.
const Backend &getSPUBackend();

/// Registers `aero-translate --pi-to-stablehlo`, which prints the module.
void registerStableHLOTranslation();

} // namespace aero

#endif // AERO_TARGET_STABLEHLO_STABLEHLO_H
