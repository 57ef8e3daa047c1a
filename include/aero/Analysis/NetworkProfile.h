//===- NetworkProfile.h - Lines and machines to predict seconds for -------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What the time of a secure program depends on besides the program: the lines
/// between the parties, and how fast a party computes. Rates are those of one
/// thread; where they come from stands at the constants in NetworkProfile.cpp.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_ANALYSIS_NETWORKPROFILE_H
#define AERO_ANALYSIS_NETWORKPROFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace aero {

/// How fast a party works on one kind of instruction. The elements of an
/// instruction are those of its largest shared operand or result.
struct OperationRate {
  /// The slower one of client and server, in an inference.
  double onlineElementsPerSecond = 0;
  /// The dealer, for the correction; 0 for an instruction without one.
  double dealerElementsPerSecond = 0;
};

/// The multiply-adds of matrix products come on top of the elements.
struct ComputeRates {
  double multiplyAddsPerSecond = 0;
  /// Of the pseudo-random generator, for the masks of weights.
  double prgBytesPerSecond = 0;
  /// By mnemonic: "max_row".
  llvm::StringMap<OperationRate> operations;

  /// All rates times `factor`.
  void scale(double factor);
};

/// The rates of the machine that docs/benchmarks.md describes. Has every
/// instruction of the mpc dialect.
const ComputeRates &getMeasuredRates();

/// Lines between every two parties, equally fast in both directions.
struct NetworkProfile {
  std::string name;
  double bitsPerSecond = 0;
  /// Two messages, one after the other.
  double roundTripSeconds = 0;
  ComputeRates compute = getMeasuredRates();
};

/// loopback (30 Gbit/s, 52 us, as measured), lan (1 Gbit/s, 1 ms), wan
/// (100 Mbit/s, 80 ms).
llvm::ArrayRef<NetworkProfile> getNetworkProfiles();

/// Reads a profile: a JSON object whose keys docs/usage.md lists. `path` is for
/// errors, which name the key and say what is allowed; a key that is unknown or
/// given twice is one.
llvm::Expected<NetworkProfile> parseNetworkProfile(llvm::StringRef text,
                                                   llvm::StringRef path);
llvm::Expected<NetworkProfile> readNetworkProfile(llvm::StringRef path);

/// A built-in profile by its name, or the profile of a file.
llvm::Expected<NetworkProfile> findNetworkProfile(llvm::StringRef nameOrPath);

} // namespace aero

#endif // AERO_ANALYSIS_NETWORKPROFILE_H
