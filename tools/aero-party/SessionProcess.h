//===- SessionProcess.h - One client's session at the server --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TOOLS_AERO_PARTY_SESSIONPROCESS_H
#define AERO_TOOLS_AERO_PARTY_SESSIONPROCESS_H

#include "Commands.h"

namespace aero::rt {

/// A client's connection, from its handshake to its end.
class SessionProcess {
public:
  /// A request for a place is the client's key, sent over `control` (-1: no
  /// need to ask); the listening process answers with one of these bytes.
  static constexpr char Granted = 'G', Busy = 'B', Stopping = 'S';

  SessionProcess(const Party &party, const Weights &weights,
                 const Endpoint &dealer, int control)
      : party(party), weights(weights), dealer(dealer), control(control) {}

  Status run(Connection connection);
  /// In a process of its own: sets its limits, logs its end, and returns its
  /// exit code.
  int runAsChild(Connection connection);
  const SessionStatistics &statistics() const { return counted; }

private:
  Result<Caller> greet(Connection connection);
  Status awaitPlace(Caller &client);
  Result<Server> openSession(Caller &client);
  Status giveUp(Caller &client, Refusal why, Error error);

  const Party &party;
  const Weights &weights;
  const Endpoint &dealer;
  int control;
  nlohmann::json about = nlohmann::json::object();
  SessionStatistics counted;
};

} // namespace aero::rt

#endif // AERO_TOOLS_AERO_PARTY_SESSIONPROCESS_H
