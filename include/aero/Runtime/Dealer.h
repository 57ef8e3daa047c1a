//===- Dealer.h - The source of correlated randomness ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_DEALER_H
#define AERO_RUNTIME_DEALER_H

#include "aero/Runtime/Party.h"

namespace aero::rt {

/// One session: hands a seed to one server and one client and sends the server
/// a correction for every instruction of an inference. It sees no data. It
/// holds one instruction's correlation at a time; masks of weights are expanded
/// from the seed again for every inference.
class Dealer {
public:
  /// `program` must outlive the dealer.
  static Result<Dealer> create(const LoadedProgram &program,
                               const SessionOptions &options);
  ~Dealer();
  Dealer(Dealer &&) noexcept;

  const SessionId &session() const;
  /// Answers a caller: first the server, which opens the session and says whose
  /// it is, then that client. False if it was refused, which it has been told.
  Result<bool> admit(Caller caller);
  /// Waits until `descriptor` can be read, because the client has come; an
  /// error if the server leaves or the client does not come in time.
  Status awaitClient(int descriptor);
  /// Deals until both parties have ended the session or a limit has. An
  /// inference number must be larger than all before it.
  Status serve();
  SessionStatistics statistics() const;

private:
  struct State;
  explicit Dealer(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace aero::rt

#endif // AERO_RUNTIME_DEALER_H
