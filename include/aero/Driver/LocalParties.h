//===- LocalParties.h - All parties on this machine -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Starts client, server and dealer as three processes on loopback and speaks
/// with the client over its standard streams, one JSON object a line.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_DRIVER_LOCALPARTIES_H
#define AERO_DRIVER_LOCALPARTIES_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace aero {

class ChildProcess;

struct LocalPartiesOptions {
  /// The aero-party executable.
  std::string partyTool;
  std::string program;
  std::string weights;
  /// 0 picks free ports.
  unsigned serverPort = 0, dealerPort = 0;
  /// 0 leaves the choice to the parties.
  unsigned threads = 0;
  /// For each answer of a party, its start included; 0: none.
  unsigned timeLimitSeconds = 0;
};

/// What the client got from one private inference.
struct PrivateResult {
  /// One row of logits, or one row a token; empty if the program reveals the
  /// next token alone.
  std::vector<double> logits;
  std::optional<int64_t> token;
  /// Online wall time, and the wall time of the correlations before it.
  double seconds = 0, offlineSeconds = 0;
};

/// What the parties counted in a session, as they printed it.
struct PartyStatistics {
  nlohmann::json client, server, dealer;
};

class LocalParties {
public:
  /// Starts the processes and waits until they are connected. The error is
  /// the first failing process's own message.
  static llvm::Expected<std::unique_ptr<LocalParties>>
  start(const LocalPartiesOptions &options);
  /// Kills whatever still runs.
  ~LocalParties();

  /// One inference over `tokens`; `position` is the row of the last prompt
  /// token.
  llvm::Expected<PrivateResult> infer(llvm::ArrayRef<int64_t> tokens,
                                      int64_t position);

  /// Ends the session in order and collects what each party counted.
  llvm::Expected<PartyStatistics> finish();

private:
  LocalParties();
  llvm::Error failure();

  std::unique_ptr<ChildProcess> dealer, server, client;
  unsigned timeLimitSeconds = 0;
};

} // namespace aero

#endif // AERO_DRIVER_LOCALPARTIES_H
