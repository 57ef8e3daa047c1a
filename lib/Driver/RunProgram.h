//===- RunProgram.h - Runs a program with a time limit --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_DRIVER_RUNPROGRAM_H
#define AERO_LIB_DRIVER_RUNPROGRAM_H

#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace aero {

/// Runs a program in `folder`, its output (both streams) in the file `log`.
/// An error, which ends with the last lines of the output, if it cannot be
/// started, fails, runs longer than the limit, or a signal asks us to end; then
/// it and all that it started are killed. The signal is an error instead of our
/// end, so that the caller can clean up.
llvm::Error runProgram(const std::vector<std::string> &command,
                       const std::string &folder, const std::string &log,
                       unsigned timeLimitSeconds);

} // namespace aero

#endif // AERO_LIB_DRIVER_RUNPROGRAM_H
