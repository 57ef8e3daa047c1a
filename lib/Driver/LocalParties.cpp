//===- LocalParties.cpp - All parties on this machine ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Driver/LocalParties.h"

#include "ChildProcess.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"

using namespace aero;

/// How long the other parties get to notice that one has died.
static constexpr int stopMilliseconds = 6000;

LocalParties::LocalParties() = default;
LocalParties::~LocalParties() = default;

static std::string address(int64_t port) {
  return "127.0.0.1:" + std::to_string(port);
}

/// The port in the "listening" line of a child.
static std::optional<int64_t> readPort(ChildProcess &child) {
  std::optional<nlohmann::json> object = child.readObject();
  if (!object || object->value("event", "") != "listening")
    return std::nullopt;
  return object->value("port", int64_t(0));
}

llvm::Error LocalParties::failure() {
  // A party that hangs says nothing, and waiting for its end is no use.
  for (auto [name, child] :
       {std::pair("dealer", dealer.get()), std::pair("server", server.get()),
        std::pair("client", client.get())})
    if (child && child->isLate())
      return llvm::createStringError(
          llvm::Twine("the ") + name + " had no answer within " +
          llvm::Twine(timeLimitSeconds) + " s (--time-limit)");
  // One death brings the others down with "connection closed" errors. The
  // process with another complaint is the cause.
  std::string cause, consequence;
  for (auto [name, child] :
       {std::pair("dealer", dealer.get()), std::pair("server", server.get()),
        std::pair("client", client.get())}) {
    if (!child)
      continue;
    std::optional<int> code = child->wait(stopMilliseconds);
    std::string text = child->errorText();
    llvm::StringRef message = llvm::StringRef(text).split('\n').first;
    message.consume_front("aero-party: ");
    message.consume_front("error: ");
    std::string line = (llvm::Twine(name) + ": " + message).str();
    if (message.empty()) {
      if (!code || *code <= 128)
        continue;
      line =
          (llvm::Twine(name) + ": killed by signal " + llvm::Twine(*code - 128))
              .str();
      cause = line;
      break;
    }
    if (message.contains("closed the connection"))
      consequence = line;
    else if (cause.empty())
      cause = line;
  }
  if (cause.empty())
    cause = consequence.empty() ? "the parties stopped without a message"
                                : consequence;
  return llvm::createStringError(cause);
}

llvm::Expected<std::unique_ptr<LocalParties>>
LocalParties::start(const LocalPartiesOptions &options) {
  std::unique_ptr<LocalParties> parties(new LocalParties());
  parties->timeLimitSeconds = options.timeLimitSeconds;
  auto launch = [&](std::unique_ptr<ChildProcess> &child,
                    std::vector<std::string> arguments) -> llvm::Error {
    arguments.insert(arguments.end(), {"--program", options.program});
    if (options.threads)
      arguments.insert(arguments.end(),
                       {"--threads", std::to_string(options.threads)});
    auto started = ChildProcess::start(options.partyTool, std::move(arguments));
    if (!started)
      return started.takeError();
    child = std::move(*started);
    if (options.timeLimitSeconds)
      child->setTimeLimit(std::chrono::seconds(options.timeLimitSeconds));
    return llvm::Error::success();
  };

  if (llvm::Error error =
          launch(parties->dealer, {"dealer", "--once", "--port",
                                   std::to_string(options.dealerPort)}))
    return error;
  std::optional<int64_t> dealerPort = readPort(*parties->dealer);
  if (!dealerPort)
    return parties->failure();

  if (llvm::Error error = launch(
          parties->server, {"serve", "--once", "--weights", options.weights,
                            "--port", std::to_string(options.serverPort),
                            "--dealer", address(*dealerPort)}))
    return error;
  std::optional<int64_t> serverPort = readPort(*parties->server);
  if (!serverPort)
    return parties->failure();

  if (llvm::Error error =
          launch(parties->client,
                 {"client", "--server", address(*serverPort), "--dealer",
                  address(*dealerPort), "--attempts", "1"}))
    return error;
  std::optional<nlohmann::json> ready = parties->client->readObject();
  if (!ready || ready->value("event", "") != "ready")
    return parties->failure();
  return parties;
}

llvm::Expected<PrivateResult>
LocalParties::infer(llvm::ArrayRef<int64_t> tokens, int64_t position) {
  nlohmann::json request{{"tokens", std::vector<int64_t>(tokens)},
                         {"position", position}};
  if (!client->writeLine(request.dump()))
    return failure();
  std::optional<nlohmann::json> reply = client->readObject();
  if (!reply || reply->value("event", "") != "result")
    return failure();
  std::optional<int64_t> token;
  if (auto found = reply->find("token"); found != reply->end())
    token = found->get<int64_t>();
  return PrivateResult{
      reply->value("logits", std::vector<double>()),
      token,
      reply->value("seconds", 0.0),
      reply->value("offline_seconds", 0.0),
  };
}

llvm::Expected<PartyStatistics> LocalParties::finish() {
  client->closeInput();
  PartyStatistics statistics;
  for (auto [child, object] : {std::pair(client.get(), &statistics.client),
                               std::pair(server.get(), &statistics.server),
                               std::pair(dealer.get(), &statistics.dealer)}) {
    std::optional<nlohmann::json> line = child->readObject();
    if (!line || line->value("event", "") != "statistics")
      return failure();
    *object = std::move(*line);
  }
  for (ChildProcess *child : {client.get(), server.get(), dealer.get()})
    if (child->wait(stopMilliseconds) != 0)
      return failure();
  return statistics;
}
