//===- MPSPDZOutput.h - What MP-SPDZ prints and writes --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DRIVER_MPSPDZOUTPUT_H
#define AERO_DRIVER_MPSPDZOUTPUT_H

#include "aero/Driver/Engines.h"

namespace aero {

/// What an inference took, from what the first party printed; what each party
/// sent is not in it. The text comes from another program: a line that is
/// missing or has no number is an error that says which.
llvm::Expected<EngineCost> parseMPSPDZCost(llvm::StringRef text);

/// What a party sent, from what it printed.
llvm::Expected<uint64_t> parseMPSPDZBytes(llvm::StringRef text);

/// Numbers of double precision, little-endian, cut into pieces of `sizes`. An
/// error unless they are as many as the sizes add up to.
llvm::Expected<std::vector<std::vector<double>>>
splitMPSPDZOutput(llvm::StringRef bytes, llvm::ArrayRef<size_t> sizes);

/// The last `count` lines, for messages, without control characters.
std::string getLastLines(llvm::StringRef text, size_t count);

} // namespace aero

#endif // AERO_DRIVER_MPSPDZOUTPUT_H
