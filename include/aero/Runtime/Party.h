//===- Party.h - Client and server of a secure inference ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A session joins one client, one server and one dealer, and runs any number
/// of inferences of one program (docs/secure-engine.md). The client connects to
/// the server, the server opens a session at the dealer, and the client joins
/// it there. Every call ends with a result or with an error; after an error the
/// session is over, and the peers notice because the connections close.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_PARTY_H
#define AERO_RUNTIME_PARTY_H

#include "aero/Runtime/Channel.h"
#include "aero/Runtime/Program.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
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

/// An inference that is done, as its party saw it.
struct InferenceReport {
  uint64_t number;
  double offlineSeconds, onlineSeconds;
};

struct SessionOptions {
  /// Longest silence of a peer that owes a message.
  std::chrono::milliseconds timeout{60000};
  /// Longest pause between inferences; the server and the dealer end the
  /// session after it.
  std::optional<std::chrono::milliseconds> idle;
  /// When the session ends, in the middle of an inference if need be.
  std::optional<std::chrono::steady_clock::time_point> deadline;
  /// A descriptor that can be read once no further inference may start, and
  /// one that ends the running one, too. -1: none.
  int drain = -1, abort = -1;
  std::function<void(const InferenceReport &)> onInference;
  Observer *observer = nullptr;
};

/// Names a session. Public: it says nothing about the seeds.
using SessionId = std::array<uint8_t, 16>;

/// Why whoever was called does not go on.
enum class Refusal : uint32_t {
  None = 0,
  RoleTaken = 1,      ///< the session has a party of this role
  Busy = 2,           ///< as many sessions as may be
  UnknownSession = 3, ///< the dealer knows no session of this name
  WrongKey = 4,       ///< another key than this role's, or this session's
  NoDealer = 5,       ///< the server cannot open a session at its dealer
  Stopping = 6,       ///< about to shut down
};

/// Somebody who called, said hello and waits for the answer.
struct Caller {
  Channel channel;
  Role role;
  /// Zero unless a client joins a dealer.
  SessionId session;
  /// The key of the third party of the session as the caller knows it; zeros
  /// without TLS, and from a client to a server.
  KeyFingerprint third;
};
/// Reads a caller's hello. If its program, security mode or protocol version is
/// another one, it is told so and this is an error.
Result<Caller> hearHello(Channel channel, const LoadedProgram &program,
                         Role own);
/// Answers that the session does not come about.
Status refuse(Caller &caller, const LoadedProgram &program, Role own,
              Refusal why);

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

/// Who or what ended a session in order.
enum class SessionEnd { Client, Idle, TimeLimit, Stopped };
const char *sessionEndName(SessionEnd end);

struct SessionStatistics {
  uint64_t inferences = 0;
  /// Sequential message steps of all inferences; 0 for the dealer.
  uint64_t exchanges = 0;
  std::vector<InstructionStatistics> instructions;
  std::vector<PeerStatistics> peers;
  double setupSeconds = 0, offlineSeconds = 0, onlineSeconds = 0;
  SessionEnd end = SessionEnd::Client;

  /// Payload of all instructions, both directions, set-up included.
  uint64_t payloadBytes() const;
  /// What else the frames carried: headers, handshake, seeds, begin and end.
  uint64_t framingBytes() const;
  /// What TLS added on the sockets; 0 without it.
  uint64_t tlsBytes() const;
};

/// The revealed result.
struct Inference {
  std::vector<int64_t> values;
  /// values stand for value / 2^frac.
  int frac = 0;
  double offlineSeconds = 0, onlineSeconds = 0;
};

class ClientCorrelations;
class ServerCorrelations;

/// The owner of the prompt.
class Client {
public:
  /// Greets the server. `program` must outlive the client.
  static Result<Client> join(const LoadedProgram &program, Channel server,
                             const SessionOptions &options);
  ~Client();
  Client(Client &&) noexcept;

  /// Joins the server's session at the dealer and takes the server's masked
  /// weights, before any inference.
  Status joinDealer(Channel dealer);
  /// Instead of both: a session with correlations on disk and no dealer.
  static Result<Client> joinPrepared(const LoadedProgram &program,
                                     Channel server,
                                     ClientCorrelations correlations,
                                     const SessionOptions &options);
  const SessionId &session() const;
  Result<Inference> infer(std::span<const uint32_t> tokens, uint32_t position);
  /// Waits until `fd` can be read, and notices when a peer goes away or the
  /// process is to stop meanwhile.
  Status waitForInput(int fd);
  Status end();
  SessionStatistics statistics() const;

private:
  struct State;
  explicit Client(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// Whether Client::infer would accept the input: `context` tokens, each below
/// the vocabulary, and the index of the last token of the prompt.
Status checkRequest(const program::Program &program,
                    std::span<const uint32_t> tokens, uint32_t position);

/// The owner of the weights.
class Server {
public:
  /// Opens a session at the dealer for the client with this key (zeros without
  /// TLS). `program` and `weights` must outlive the server.
  static Result<Server> join(const LoadedProgram &program,
                             const Weights &weights, Channel dealer,
                             const SessionOptions &options,
                             const KeyFingerprint &clientKey = {});
  ~Server();
  Server(Server &&) noexcept;

  /// A session with correlations on disk and no dealer.
  static Result<Server> openPrepared(const LoadedProgram &program,
                                     const Weights &weights,
                                     ServerCorrelations correlations,
                                     const SessionOptions &options);
  const SessionId &session() const;
  /// Answers a client, and sends it the masked weights.
  Status joinClient(Caller client);
  /// Serves inferences until the client or a limit ends the session;
  /// statistics().end says which.
  Status serve();
  SessionStatistics statistics() const;

private:
  struct State;
  explicit Server(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

} // namespace aero::rt

#endif // AERO_RUNTIME_PARTY_H
