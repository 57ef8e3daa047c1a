//===- Party.h - Client and server of a secure inference ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A session joins one client, one server and one dealer, and runs any number
/// of inferences of one program (docs/secure-engine.md). Every call ends with a
/// result or with an error; after an error the session is over, and the peers
/// notice because the connections close.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_PARTY_H
#define AERO_RUNTIME_PARTY_H

#include "aero/Runtime/Channel.h"
#include "aero/Runtime/Program.h"

#include <chrono>
#include <memory>
#include <span>
#include <vector>

namespace aero::rt {

enum class Role : uint16_t { Client = 1, Server = 2, Dealer = 3 };
const char *roleName(Role role);

/// Threads of the loops and matrix products of this process.
void setThreads(unsigned threads);

/// Sees a party's shares and messages. For tests: an observer of both parties
/// knows every secret.
class Observer {
public:
  virtual ~Observer() = default;
  /// The party's share of an instruction's result.
  virtual void onResult(uint32_t instruction, std::span<const uint64_t> share) {
  }
  /// A message that the party received for an instruction.
  virtual void onMessage(FrameKind kind, uint32_t instruction,
                         std::span<const uint8_t> bytes) {}
};

struct SessionOptions {
  /// Longest silence of a peer that owes a message.
  std::chrono::milliseconds timeout{60000};
  Observer *observer = nullptr;
};

/// What one instruction took, over all inferences of the session. A party fills
/// in the directions that it sends or receives itself.
struct InstructionStatistics {
  Cost bytes;
  double offlineSeconds = 0;
  double computeSeconds = 0;
  /// Wall time of the exchanges, divided among the active instructions in
  /// proportion to their bytes.
  double exchangeSeconds = 0;
};

struct PeerStatistics {
  Role peer;
  ChannelCounters counters;
};

struct SessionStatistics {
  uint64_t inferences = 0;
  /// Sequential message steps of all inferences; 0 for the dealer.
  uint64_t exchanges = 0;
  std::vector<InstructionStatistics> instructions;
  std::vector<PeerStatistics> peers;
  double setupSeconds = 0, offlineSeconds = 0, onlineSeconds = 0;

  /// Payload of all instructions, both directions, set-up included.
  uint64_t payloadBytes() const;
  /// What else crossed the sockets: headers, handshake, seeds, begin and end.
  uint64_t framingBytes() const;
};

/// The revealed result.
struct Inference {
  std::vector<int64_t> values;
  /// values stand for value / 2^frac.
  int frac = 0;
  double offlineSeconds = 0, onlineSeconds = 0;
};

/// The owner of the prompt.
class Client {
public:
  /// Joins the dealer. `program` must outlive the client.
  static Result<Client> join(const LoadedProgram &program, Channel dealer,
                             const SessionOptions &options);
  ~Client();
  Client(Client &&) noexcept;

  /// Handshake and set-up with the server, before any inference.
  Status joinServer(Channel server);
  /// Whether infer() would accept the input: `context` tokens, each below the
  /// vocabulary, and the index of the last token of the prompt.
  Status check(std::span<const uint32_t> tokens, uint32_t position) const;
  Result<Inference> infer(std::span<const uint32_t> tokens, uint32_t position);
  /// Waits until `fd` can be read, and notices when a peer goes away meanwhile.
  Status waitForInput(int fd);
  Status end();
  SessionStatistics statistics() const;

private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// The owner of the weights.
class Server {
public:
  /// Joins the dealer. `program` and `weights` must outlive the server.
  static Result<Server> join(const LoadedProgram &program,
                             const Weights &weights, Channel dealer,
                             const SessionOptions &options);
  ~Server();
  Server(Server &&) noexcept;

  /// Waits for the client, without limit, while the dealer is there.
  Status acceptClient(Listener &listener);
  /// Handshake and set-up with a connected client.
  Status joinClient(Channel client);
  /// Serves inferences until the client ends the session.
  Status serve();
  SessionStatistics statistics() const;

private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace aero::rt

#endif // AERO_RUNTIME_PARTY_H
