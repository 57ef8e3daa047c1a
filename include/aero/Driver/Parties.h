//===- Parties.h - Private inference of a model on this machine -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DRIVER_PARTIES_H
#define AERO_DRIVER_PARTIES_H

#include "aero/Driver/LocalParties.h"
#include "aero/Driver/Model.h"

#include <memory>
#include <string>

namespace aero {

struct PartiesOptions {
  /// 0 picks free ports.
  unsigned serverPort = 0, dealerPort = 0;
  /// Threads a party; 0: one for every core.
  unsigned threads = 0;
  /// For each answer of a party; 0: none.
  unsigned timeLimitSeconds = 0;
};

/// The path of aero-party, which is installed beside the running executable.
std::string partyTool();

/// Writes the program of a lowered model and the server's weights.
llvm::Error writeProgramFiles(Model &model, const std::string &programPath,
                              const std::string &weightsPath);

/// Three processes that answer for one lowered model. Its program and weights
/// live in a temporary folder, which goes with the session.
class PrivateSession {
public:
  static llvm::Expected<std::unique_ptr<PrivateSession>>
  start(Model &model, const PartiesOptions &options);
  ~PrivateSession();

  llvm::Expected<PrivateResult> infer(llvm::ArrayRef<int64_t> tokens);
  llvm::Expected<PartyStatistics> finish() { return parties->finish(); }

private:
  PrivateSession() = default;

  int64_t context = 0;
  std::string folder;
  std::unique_ptr<LocalParties> parties;
};

} // namespace aero

#endif // AERO_DRIVER_PARTIES_H
