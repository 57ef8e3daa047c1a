//===- Profile.h - Where the time of private inferences went ----*- C++ -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TOOLS_AERO_PROFILE_H
#define AERO_TOOLS_AERO_PROFILE_H

#include "aero/Driver/LocalParties.h"

#include "llvm/Support/raw_ostream.h"

namespace aero {

/// Seconds of one inference, by kind of instruction, the longest first.
struct ProfileRow {
  std::string op;
  /// Correlations: at the dealer, and the client's own part of them.
  double dealer = 0, clientOffline = 0;
  /// Online: on a party's own shares.
  double clientCompute = 0, serverCompute = 0;
  /// Online, as the client sees it: sending, and waiting for the server.
  double exchange = 0;

  double total() const {
    return dealer + clientOffline + clientCompute + serverCompute + exchange;
  }
};

std::vector<ProfileRow> profile(const PartyStatistics &statistics);

void printProfile(llvm::ArrayRef<ProfileRow> rows, llvm::raw_ostream &os);
nlohmann::json toJson(llvm::ArrayRef<ProfileRow> rows);

} // namespace aero

#endif // AERO_TOOLS_AERO_PROFILE_H
