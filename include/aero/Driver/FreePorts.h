//===- FreePorts.h - Ports that nothing listens on ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DRIVER_FREEPORTS_H
#define AERO_DRIVER_FREEPORTS_H

#include "llvm/Support/Error.h"

namespace aero {

/// The first of `count` TCP ports in a row that are free on this machine, from
/// `begin` to before `end`, for a program that cannot choose its own. The
/// default is below those that systems give to connections. Another program can
/// still take one before it is used.
llvm::Expected<unsigned> findFreePorts(unsigned count, unsigned begin = 10000,
                                       unsigned end = 30000);

} // namespace aero

#endif // AERO_DRIVER_FREEPORTS_H
