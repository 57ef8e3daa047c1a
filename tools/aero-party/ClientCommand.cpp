//===- ClientCommand.cpp - Asks a server ----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Reads requests from standard input, a JSON object a line, and answers on
/// standard output. A session that breaks is given up for good: the request
/// goes out again in a new one, with new seeds, so that no correlation is used
/// twice.
///
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <poll.h>
#include <unistd.h>

using namespace aero;
using namespace aero::rt;
using nlohmann::json;
using std::chrono::milliseconds;

namespace {

/// Lines of stdin, read without a buffer that poll() would not know of.
class LineReader {
public:
  /// A whole line is already here.
  bool hasLine() const { return buffer.find('\n') != std::string::npos; }
  /// Reads once; false at the end of the input.
  bool read() {
    char chunk[65536];
    ssize_t n;
    do
      n = ::read(STDIN_FILENO, chunk, sizeof(chunk));
    while (n < 0 && errno == EINTR);
    if (n <= 0)
      return false;
    buffer.append(chunk, size_t(n));
    return true;
  }
  std::string take() {
    size_t end = std::min(buffer.find('\n'), buffer.size());
    std::string line = buffer.substr(0, end);
    buffer.erase(0, end + 1);
    return line;
  }
  bool empty() const { return buffer.empty(); }

private:
  std::string buffer;
};

struct Request {
  std::vector<uint32_t> tokens;
  uint32_t position;
};

class ClientRunner {
public:
  ClientRunner(const Party &party, const Endpoint &server,
               const Endpoint &dealer)
      : party(party), server(server), dealer(dealer) {}

  Result<int> run();

private:
  Status openSession();
  Status openPrepared(Channel toServer, const SessionOptions &options);
  Result<Inference> tryRequest(const Request &request);
  /// Calls `attempt` until it does not fail for a passing reason.
  template <typename Attempt> auto retry(Attempt attempt);
  Status answer(const std::string &line);
  Status answerAll();
  Status waitForInput();
  void giveUpSession(const Error &error);
  Status pause(milliseconds time) const;

  const Party &party;
  const Endpoint &server, &dealer;
  std::optional<Client> client;
  /// A bad request was not sent, so that the session is still in order.
  bool refused = false;
};

} // namespace

static bool passes(ErrorKind kind) {
  return kind == ErrorKind::Connection || kind == ErrorKind::Busy;
}

Status ClientRunner::openSession() {
  milliseconds patience = fromSeconds(party.options.timeout);
  SessionOptions options = party.sessionOptions();
  options.onInference = [this](const InferenceReport &report) {
    party.log.write(Log::Level::Info, "inference",
                    {{"session", sessionName(client->session())},
                     {"inference", report.number},
                     {"offline_seconds", report.offlineSeconds},
                     {"online_seconds", report.onlineSeconds}});
  };
  Result<Channel> toServer = party.connect(server, Role::Server, patience);
  if (!toServer.ok())
    return toServer.takeError();
  if (!party.options.correlations.empty())
    return openPrepared(std::move(*toServer), options);
  Result<Client> joined =
      Client::join(party.program, std::move(*toServer), options);
  if (!joined.ok())
    return joined.takeError();
  Result<Channel> toDealer = party.connect(dealer, Role::Dealer, patience);
  if (!toDealer.ok())
    return toDealer.takeError();
  AERO_RETURN_IF_ERROR(joined->joinDealer(std::move(*toDealer)));
  party.log.write(Log::Level::Info, "session_start",
                  {{"session", sessionName(joined->session())}});
  client.emplace(std::move(*joined));
  return {};
}

/// A session with correlations on disk, of which each request takes its own.
Status ClientRunner::openPrepared(Channel toServer,
                                  const SessionOptions &options) {
  auto correlations =
      ClientCorrelations::open(party.options.correlations, party.program);
  if (!correlations.ok())
    return correlations.takeError();
  Result<Client> joined = Client::joinPrepared(
      party.program, std::move(toServer), std::move(*correlations), options);
  if (!joined.ok())
    return joined.takeError();
  party.log.write(Log::Level::Info, "session_start",
                  {{"session", sessionName(joined->session())}});
  client.emplace(std::move(*joined));
  return {};
}

Status ClientRunner::pause(milliseconds time) const {
  pollfd events[] = {{party.stop.drain(), POLLIN, 0}};
  if (::poll(events, 1, int(time.count())) > 0)
    return Error{"stopped by a signal", ErrorKind::Stopped};
  return {};
}

/// A session is of no use after an error; the next request opens another one.
void ClientRunner::giveUpSession(const Error &error) {
  if (!client)
    return;
  party.log.failure("session_failed", error,
                    {{"session", sessionName(client->session())}});
  client.reset();
}

template <typename Attempt> auto ClientRunner::retry(Attempt attempt) {
  const unsigned attempts = party.options.attempts;
  milliseconds wait{500};
  for (unsigned number = 1;; ++number) {
    auto result = attempt();
    if (result.ok())
      return result;
    Error error = result.takeError();
    giveUpSession(error);
    if (!passes(error.kind) || party.stop.draining() || attempts == 1)
      return decltype(result)(error);
    if (number >= attempts) {
      error.message = "gave up after " + std::to_string(attempts) +
                      " attempts; the last one: " + error.message;
      return decltype(result)(error);
    }
    std::fprintf(stderr,
                 "%s: warning: attempt %u of %u failed: %s; trying again in "
                 "%.1f s\n",
                 party.options.tool.c_str(), number, attempts,
                 error.message.c_str(), double(wait.count()) / 1000);
    party.log.failure("retry", error, {{"attempt", number}});
    if (Status stopped = pause(wait); !stopped.ok())
      return decltype(result)(stopped.takeError());
    wait = std::min(wait * 2, milliseconds(8000));
  }
}

Result<Inference> ClientRunner::tryRequest(const Request &request) {
  if (!client)
    AERO_RETURN_IF_ERROR(openSession());
  return client->infer(request.tokens, request.position);
}

/// {"tokens":[...],"position":p} with all tokens of the context, or without a
/// position just the prompt's.
static Result<Request> parseRequest(const std::string &line, size_t context) {
  json parsed = json::parse(line, nullptr, /*allow_exceptions=*/false);
  Request request;
  bool positioned = parsed.is_object() && parsed.contains("position");
  if (!parsed.is_object() || !parsed.contains("tokens") ||
      !parsed["tokens"].is_array() ||
      (positioned && (!parsed["position"].is_number_unsigned() ||
                      parsed["position"].get<uint64_t>() > UINT32_MAX)))
    return Error{"malformed request: expected {\"tokens\":[...]} with the "
                 "prompt, or {\"tokens\":[...],\"position\":p} with all tokens "
                 "and p at least 0"};
  for (const json &token : parsed["tokens"]) {
    if (!token.is_number_unsigned() || token.get<uint64_t>() > UINT32_MAX)
      return Error{"malformed request: tokens are integers of at least 0"};
    request.tokens.push_back(token.get<uint32_t>());
  }
  if (positioned) {
    request.position = parsed["position"].get<uint32_t>();
    return request;
  }
  if (request.tokens.empty() || request.tokens.size() > context)
    return Error{"malformed request: a prompt has from 1 to " +
                 std::to_string(context) + " tokens"};
  // What follows the prompt cannot be seen by it: attention is causal.
  request.position = uint32_t(request.tokens.size() - 1);
  request.tokens.resize(context, 0);
  return request;
}

Status ClientRunner::answer(const std::string &line) {
  refused = true;
  Result<Request> request = parseRequest(line, party.program.program.context());
  if (!request.ok())
    return request.takeError();
  AERO_RETURN_IF_ERROR(
      checkRequest(party.program.program, request->tokens, request->position));
  refused = false;
  Result<Inference> inference = retry([&] { return tryRequest(*request); });
  if (!inference.ok())
    return inference.takeError();
  json result = {{"event", "result"},
                 {"seconds", inference->onlineSeconds},
                 {"offline_seconds", inference->offlineSeconds}};
  if (party.program.program.reveals_token() && inference->values.size() == 1) {
    result["token"] = inference->values.front();
  } else {
    json logits = json::array();
    for (int64_t value : inference->values)
      logits.push_back(std::ldexp(double(value), -inference->frac));
    result["logits"] = std::move(logits);
  }
  emit(result);
  return {};
}

/// Waits for a request. That the session breaks meanwhile matters only if there
/// may not be another one.
Status ClientRunner::waitForInput() {
  if (client) {
    Status status = client->waitForInput(STDIN_FILENO);
    if (status.ok() || status.kind() != ErrorKind::Connection ||
        party.options.attempts == 1)
      return status;
    giveUpSession(status.takeError());
  }
  pollfd events[] = {{STDIN_FILENO, POLLIN, 0},
                     {party.stop.drain(), POLLIN, 0}};
  while (::poll(events, 2, -1) < 0 && errno == EINTR)
    ;
  if (events[1].revents != 0)
    return Error{"stopped by a signal", ErrorKind::Stopped};
  return {};
}

Status ClientRunner::answerAll() {
  LineReader reader;
  bool open = true;
  while (open || !reader.empty()) {
    if (party.stop.draining())
      return Error{"stopped by a signal", ErrorKind::Stopped};
    if (open && !reader.hasLine()) {
      AERO_RETURN_IF_ERROR(waitForInput());
      open = reader.read();
      continue;
    }
    std::string line = reader.take();
    if (line.find_first_not_of(" \t\r") != std::string::npos)
      AERO_RETURN_IF_ERROR(answer(line));
  }
  return {};
}

Result<int> ClientRunner::run() {
  AERO_RETURN_IF_ERROR(retry([&] { return openSession(); }));
  emit({{"event", "ready"}});
  Status status = answerAll();
  if (party.stop.aborting())
    return int(ExitAborted);
  bool stopped = !status.ok() && status.kind() == ErrorKind::Stopped;
  // After a bad request the peers still get an orderly end; after a failure the
  // closed connections tell them that it was none.
  Status ended;
  if (client && (status.ok() || refused || stopped))
    ended = client->end();
  if (!stopped)
    AERO_RETURN_IF_ERROR(status);
  AERO_RETURN_IF_ERROR(ended);
  if (client)
    emitStatistics(Role::Client, party.program.program, client->statistics());
  party.log.write(Log::Level::Info, "stopped");
  return int(ExitDone);
}

Result<int> aero::rt::runClient(const PartyOptions &options) {
  Result<Endpoint> server = parseEndpoint(options.server);
  if (!server.ok())
    return server.takeError();
  if (!options.dealer.empty() && !options.correlations.empty())
    return Error{"give --dealer or --correlations, not both"};
  Endpoint dealer;
  if (!options.dealer.empty()) {
    Result<Endpoint> parsed = parseEndpoint(options.dealer);
    if (!parsed.ok())
      return parsed.takeError();
    dealer = *parsed;
  }
  Result<Party> party = Party::prepare(options, Role::Client);
  if (!party.ok())
    return party.takeError();
  return ClientRunner(*party, *server, dealer).run();
}
