//===- MPSPDZEngine.h - MP-SPDZ with all parties on this machine ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_DRIVER_MPSPDZENGINE_H
#define AERO_LIB_DRIVER_MPSPDZENGINE_H

#include "aero/Driver/Engines.h"

namespace aero {

bool isMPSPDZEngine(llvm::StringRef name);
/// "mpspdz:ring", "mpspdz:dealer-ring", ...
std::vector<std::string> getMPSPDZEngineNames();
/// Empty if the environment names a tree of MP-SPDZ, built or not.
std::string whyMPSPDZIsMissing();

/// Emits, compiles and runs a program that also reveals what is behind each
/// layer to the client, which is this process.
llvm::Expected<std::unique_ptr<Engine>>
startMPSPDZEngine(llvm::StringRef name, const LayeredModel &model,
                  const EngineOptions &options);

} // namespace aero

#endif // AERO_LIB_DRIVER_MPSPDZENGINE_H
