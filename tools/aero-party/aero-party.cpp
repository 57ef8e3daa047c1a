//===- aero-party.cpp - One party of a secure inference -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Runs a dealer, a server or a client. Talks to its caller in JSON lines on
/// stdin and stdout; an error is one line on stderr and exit code 1. Prompts
/// and results appear on the client's stdin and stdout only.
///
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Dealer.h"
#include "aero/Runtime/Party.h"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <thread>
#include <unistd.h>

using namespace aero;
using namespace aero::rt;
using nlohmann::json;

namespace {

struct Options {
  std::string program, weights, host = "127.0.0.1", dealer, server;
  uint16_t port = 0;
  double timeout = 60;
  unsigned threads = std::thread::hardware_concurrency();

  SessionOptions session() const {
    SessionOptions options;
    options.timeout = wait();
    return options;
  }
  std::chrono::milliseconds wait() const {
    return std::chrono::milliseconds(int64_t(timeout * 1000));
  }
};

struct Address {
  std::string host;
  uint16_t port;
};

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

} // namespace

static Result<Address> parseAddress(const std::string &text) {
  size_t colon = text.rfind(':');
  Address address;
  if (colon != std::string::npos) {
    const char *begin = text.data() + colon + 1,
               *end = text.data() + text.size();
    auto [stop, code] = std::from_chars(begin, end, address.port);
    address.host = text.substr(0, colon);
    if (address.host.starts_with('[') && address.host.ends_with(']'))
      address.host = address.host.substr(1, address.host.size() - 2);
    if (code == std::errc() && stop == end && address.port != 0 &&
        !address.host.empty())
      return address;
  }
  return Error{"'" + text + "' is not an address: expected HOST:PORT"};
}

static void emit(const json &event) {
  std::string line = event.dump() + "\n";
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

/// Peak resident memory in bytes (VmHWM), 0 if the system does not say.
static uint64_t peakMemory() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:"))
      return std::strtoull(line.c_str() + 6, nullptr, 10) * 1024;
  return 0;
}

static json bytesOf(const Cost &cost) {
  return {{"client_to_server", cost.clientToServer},
          {"server_to_client", cost.serverToClient},
          {"dealer_to_server", cost.dealerToServer},
          {"dealer_to_client", cost.dealerToClient},
          {"setup_server_to_client", cost.setupServerToClient},
          {"exchanges", cost.exchanges}};
}

static void emitStatistics(Role role, const program::Program &program,
                           const SessionStatistics &statistics) {
  json instructions = json::array();
  Cost total;
  for (int i = 0; i < program.instructions_size(); ++i) {
    const InstructionStatistics &one = statistics.instructions[i];
    const program::Instruction &op = program.instructions(i);
    total += one.bytes;
    instructions.push_back({{"instruction", i},
                            {"op", opName(op)},
                            {"node", op.node()},
                            {"layer", op.layer()},
                            {"bytes", bytesOf(one.bytes)},
                            {"offline_seconds", one.offlineSeconds},
                            {"compute_seconds", one.computeSeconds},
                            {"exchange_seconds", one.exchangeSeconds}});
  }
  json peers = json::object();
  for (const PeerStatistics &peer : statistics.peers)
    peers[roleName(peer.peer)] = {
        {"sent_bytes", peer.counters.sentBytes},
        {"received_bytes", peer.counters.receivedBytes},
        {"sent_frames", peer.counters.sentFrames},
        {"received_frames", peer.counters.receivedFrames}};
  emit({{"event", "statistics"},
        {"role", roleName(role)},
        {"inferences", statistics.inferences},
        {"exchanges", statistics.exchanges},
        {"instructions", std::move(instructions)},
        {"bytes", bytesOf(total)},
        {"payload_bytes", statistics.payloadBytes()},
        {"framing_bytes", statistics.framingBytes()},
        {"peers", std::move(peers)},
        {"setup_seconds", statistics.setupSeconds},
        {"offline_seconds", statistics.offlineSeconds},
        {"online_seconds", statistics.onlineSeconds},
        {"peak_memory_bytes", peakMemory()}});
}

static Status runDealer(const Options &options) {
  Result<LoadedProgram> program = readProgram(options.program);
  if (!program.ok())
    return program.takeError();
  Result<Listener> listener = Listener::open(options.host, options.port);
  if (!listener.ok())
    return listener.takeError();
  Result<Dealer> dealer = Dealer::create(*program, options.session());
  if (!dealer.ok())
    return dealer.takeError();
  emit({{"event", "listening"}, {"port", listener->port()}});
  AERO_RETURN_IF_ERROR(dealer->acceptParties(*listener));
  AERO_RETURN_IF_ERROR(dealer->serve());
  emitStatistics(Role::Dealer, program->program, dealer->statistics());
  return {};
}

/// Connects to the dealer; the error says how to start one.
static Result<Channel> connectDealer(const Options &options) {
  Result<Address> address = parseAddress(options.dealer);
  if (!address.ok())
    return address.takeError();
  Result<Channel> dealer =
      connectTo(address->host, address->port, "dealer", options.wait());
  if (!dealer.ok() && dealer.message().starts_with("cannot reach"))
    return Error{dealer.message() + " (aero-party dealer --program " +
                 options.program + " --port " + std::to_string(address->port) +
                 ")"};
  return dealer;
}

static Status runServer(const Options &options) {
  Result<LoadedProgram> program = readProgram(options.program);
  if (!program.ok())
    return program.takeError();
  Result<Weights> weights = Weights::map(options.weights, *program);
  if (!weights.ok())
    return weights.takeError();
  Result<Listener> listener = Listener::open(options.host, options.port);
  if (!listener.ok())
    return listener.takeError();
  Result<Channel> dealer = connectDealer(options);
  if (!dealer.ok())
    return dealer.takeError();
  Result<Server> server =
      Server::join(*program, *weights, std::move(*dealer), options.session());
  if (!server.ok())
    return server.takeError();
  emit({{"event", "listening"}, {"port", listener->port()}});
  AERO_RETURN_IF_ERROR(server->acceptClient(*listener));
  AERO_RETURN_IF_ERROR(server->serve());
  emitStatistics(Role::Server, program->program, server->statistics());
  return {};
}

/// One request: {"tokens":[...],"position":p}. `refused` if nothing was sent.
static Status answerRequest(Client &client, const std::string &line,
                            bool &refused) {
  refused = true;
  json request = json::parse(line, nullptr, /*allow_exceptions=*/false);
  std::vector<uint32_t> tokens;
  if (!request.is_object() || !request.contains("tokens") ||
      !request["tokens"].is_array() || !request.contains("position") ||
      !request["position"].is_number_unsigned() ||
      request["position"].get<uint64_t>() > UINT32_MAX)
    return Error{"malformed request: expected {\"tokens\":[...],"
                 "\"position\":p} with p at least 0"};
  for (const json &token : request["tokens"]) {
    if (!token.is_number_unsigned() || token.get<uint64_t>() > UINT32_MAX)
      return Error{"malformed request: tokens are integers of at least 0"};
    tokens.push_back(token.get<uint32_t>());
  }
  uint32_t position = request["position"].get<uint32_t>();
  AERO_RETURN_IF_ERROR(client.check(tokens, position));
  refused = false;
  Result<Inference> inference = client.infer(tokens, position);
  if (!inference.ok())
    return inference.takeError();
  json logits = json::array();
  for (int64_t value : inference->values)
    logits.push_back(std::ldexp(double(value), -inference->frac));
  emit({{"event", "result"},
        {"logits", std::move(logits)},
        {"seconds", inference->onlineSeconds},
        {"offline_seconds", inference->offlineSeconds}});
  return {};
}

static Status serveRequests(Client &client, bool &refused) {
  LineReader reader;
  bool open = true;
  while (open || !reader.empty()) {
    if (open && !reader.hasLine()) {
      AERO_RETURN_IF_ERROR(client.waitForInput(STDIN_FILENO));
      open = reader.read();
      continue;
    }
    std::string line = reader.take();
    if (line.find_first_not_of(" \t\r") != std::string::npos)
      AERO_RETURN_IF_ERROR(answerRequest(client, line, refused));
  }
  return {};
}

static Status runClient(const Options &options) {
  Result<LoadedProgram> program = readProgram(options.program);
  if (!program.ok())
    return program.takeError();
  Result<Address> address = parseAddress(options.server);
  if (!address.ok())
    return address.takeError();
  Result<Channel> dealer = connectDealer(options);
  if (!dealer.ok())
    return dealer.takeError();
  Result<Client> client =
      Client::join(*program, std::move(*dealer), options.session());
  if (!client.ok())
    return client.takeError();
  Result<Channel> server =
      connectTo(address->host, address->port, "server", options.wait());
  if (!server.ok())
    return server.takeError();
  AERO_RETURN_IF_ERROR(client->joinServer(std::move(*server)));
  emit({{"event", "ready"}});
  // After a bad request the peers still get an orderly end; after a failure the
  // closed connections tell them that it was none.
  bool refused = false;
  Status status = serveRequests(*client, refused);
  Status ended = status.ok() || refused ? client->end() : Status();
  AERO_RETURN_IF_ERROR(status);
  AERO_RETURN_IF_ERROR(ended);
  emitStatistics(Role::Client, program->program, client->statistics());
  return {};
}

int main(int argc, char **argv) {
  CLI::App app(
      "One party of a secure inference. The dealer, the server and the "
      "client of a session run the same program file.");
  app.require_subcommand(1);
  Options options;
  auto common = [&](CLI::App *role) {
    role->add_option("--program", options.program, "Program file")->required();
    role->add_option("--timeout", options.timeout,
                     "Seconds that a peer may owe a message or stay "
                     "unreachable")
        ->check(CLI::Range(0.1, 1e6))
        ->capture_default_str();
    role->add_option("--threads", options.threads, "Threads to compute with")
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
  };
  auto listening = [&](CLI::App *role) {
    role->add_option("--host", options.host, "Loopback address to listen on")
        ->capture_default_str();
    role->add_option("--port", options.port, "Port to listen on, 0 for any")
        ->capture_default_str();
  };
  auto dealing = [&](CLI::App *role) {
    role->add_option("--dealer", options.dealer, "The dealer's HOST:PORT")
        ->required();
  };
  CLI::App *dealer =
      app.add_subcommand("dealer", "Deal correlated randomness; sees no data");
  CLI::App *server = app.add_subcommand("server", "Own the weights");
  CLI::App *client = app.add_subcommand(
      "client", "Own the prompt; requests on stdin, results on stdout");
  for (CLI::App *role : {dealer, server, client})
    common(role);
  listening(dealer);
  listening(server);
  server->add_option("--weights", options.weights, "Weights file")->required();
  dealing(server);
  client->add_option("--server", options.server, "The server's HOST:PORT")
      ->required();
  dealing(client);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error); // --help
    std::fprintf(stderr, "aero-party: error: %s; see aero-party --help\n",
                 error.what());
    return 1;
  }

  setThreads(std::max(options.threads, 1U));
  Status status = *dealer   ? runDealer(options)
                  : *server ? runServer(options)
                            : runClient(options);
  if (status.ok())
    return 0;
  std::fprintf(stderr, "aero-party: error: %s\n", status.message().c_str());
  return 1;
}
