//===- Backends.cpp - All engines that a model is emitted for ------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Target/Backend.h"
#include "aero/Target/MPSPDZ/MPSPDZ.h"
#include "aero/Target/StableHLO/StableHLO.h"

#include "llvm/ADT/STLExtras.h"

llvm::ArrayRef<const aero::Backend *> aero::getBackends() {
  static const Backend *const backends[] = {&getMPSPDZBackend(),
                                            &getSPUBackend()};
  return backends;
}

const aero::Backend *aero::findBackend(llvm::StringRef name) {
  auto found = llvm::find_if(getBackends(), [&](const Backend *backend) {
    return backend->getName() == name;
  });
  return found == getBackends().end() ? nullptr : *found;
}
