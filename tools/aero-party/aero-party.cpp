//===- aero-party.cpp - One party of a secure inference -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Runs a dealer, a server or a client, and makes their keys. Talks to its
/// caller in JSON lines on stdin and stdout; an error is one line on stderr and
/// exit code 1. Prompts and results appear on the client's stdin and stdout
/// only. The tool aero hands its commands of the same names over to this one.
///
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include <CLI/CLI.hpp>

#include <cstdio>

using namespace aero::rt;

namespace {

/// The options of the three roles.
class RoleOptions {
public:
  RoleOptions(CLI::App *command, PartyOptions &options)
      : command(command), options(options) {
    add("--program", options.program, "Program file")->required();
    add("--timeout", options.timeout,
        "Seconds that a peer may owe a message or stay unreachable")
        ->check(CLI::Range(0.1, 1e6));
    add("--threads", options.threads, "Threads to compute with")
        ->check(CLI::Range(1, 1024));
    add("--key", options.key, "This party's private key; turns TLS on");
    add("--cert", options.certificate,
        "Its certificate (default: NAME.crt for NAME.key)");
    add("--log", options.log,
        "File to append JSON lines to, - for standard error");
  }
  void listens() {
    add("--host", options.host,
        "Address to listen on; without --key a loopback address");
    add("--port", options.port, "Port to listen on, 0 for any");
    add("--allow-client", options.clientKeys,
        "Fingerprint or certificate of a client; repeatable")
        ->allow_extra_args(false);
    command->add_flag("--once", options.once,
                      "End after one session, with its outcome and statistics");
    add("--sessions", options.sessions, "Sessions at once")
        ->check(CLI::Range(1, 4096));
    add("--session-time", options.sessionTime, "Seconds of a session")
        ->check(CLI::Range(1.0, 1e7));
    add("--idle-timeout", options.idleTimeout,
        "Seconds that a session may pause between inferences")
        ->check(CLI::Range(0.1, 1e7));
    add("--grace", options.grace,
        "Seconds that running inferences get after the first signal")
        ->check(CLI::Range(0.0, 1e6));
  }
  void queues() {
    add("--sessions-per-client", options.sessionsPerClient,
        "Sessions and places in the queue of one client's key")
        ->check(CLI::Range(1, 4096));
    add("--queue", options.queue, "Clients that may wait for a session")
        ->check(CLI::Range(0, 4096));
    add("--queue-timeout", options.queueTimeout, "Seconds that they may wait")
        ->check(CLI::Range(0.1, 1e6));
    add("--session-memory", options.sessionMemory,
        "MiB of memory a session, 0 for no limit");
  }
  void hasServer() {
    add("--server-key", options.serverKey,
        "Fingerprint or certificate of the server");
  }
  void hasDealer() {
    add("--dealer", options.dealer, "The dealer's HOST:PORT");
    add("--dealer-key", options.dealerKey,
        "Fingerprint or certificate of the dealer");
    add("--correlations", options.correlations,
        "Folder of correlations from a dealer that has prepared them");
  }
  template <typename T>
  CLI::Option *add(const char *name, T &value, const char *text) {
    CLI::Option *option = command->add_option(name, value, text);
    if constexpr (std::is_arithmetic_v<T>)
      option->capture_default_str();
    return option;
  }

private:
  CLI::App *command;
  PartyOptions &options;
};

} // namespace

int main(int argc, char **argv) {
  PartyOptions options;
  options.tool = argv[0];
  options.tool.erase(0, options.tool.rfind('/') + 1);
  CLI::App app("The parties of a secure inference. The dealer, the server and "
               "the client of a session run the same program file.",
               options.tool);
  app.require_subcommand(1);

  CLI::App *dealer =
      app.add_subcommand("dealer", "Deal correlated randomness; sees no data");
  RoleOptions dealerOptions(dealer, options);
  dealerOptions.listens();
  dealerOptions.hasServer();
  CLI::Option *prepare = dealerOptions.add(
      "--prepare", options.prepare,
      "Write the correlations of so many inferences of one client, and end");
  dealerOptions.add("--out", options.out, "Folder to write them to")
      ->needs(prepare);

  CLI::App *serve = app.add_subcommand("serve", "Own the weights");
  RoleOptions serveOptions(serve, options);
  serveOptions.add("--weights", options.weights, "Weights file")->required();
  serveOptions.listens();
  serveOptions.queues();
  serveOptions.hasDealer();

  CLI::App *client = app.add_subcommand(
      "client", "Own the prompt; requests on stdin, results on stdout");
  RoleOptions clientOptions(client, options);
  clientOptions.add("--server", options.server, "The server's HOST:PORT")
      ->required();
  clientOptions.hasServer();
  clientOptions.hasDealer();
  clientOptions
      .add("--attempts", options.attempts,
           "How often to try a request, each time in a new session")
      ->check(CLI::Range(1, 100));

  CLI::App *keys = app.add_subcommand("keys", "Make and show keys");
  keys->require_subcommand(1);
  std::string keyName, keyFolder = ".";
  CLI::App *keysNew =
      keys->add_subcommand("new", "Make a private key and its certificate");
  keysNew->add_option("name", keyName, "Writes NAME.key and NAME.crt")
      ->required();
  keysNew->add_option("--out", keyFolder, "Folder to write them to")
      ->capture_default_str();
  std::vector<std::string> keyFiles;
  CLI::App *keysShow =
      keys->add_subcommand("show", "Print the fingerprints of keys");
  keysShow->add_option("file", keyFiles, "Certificates or private keys")
      ->required();

  auto fail = [&](const std::string &message) {
    std::fprintf(stderr, "%s: error: %s\n", options.tool.c_str(),
                 message.c_str());
    return int(ExitError);
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error); // --help
    return fail(std::string(error.what()) + "; see " + options.tool +
                " --help");
  }

  if (*keys) {
    Status status = *keysNew ? newKey(keyName, keyFolder) : showKeys(keyFiles);
    return status.ok() ? int(ExitDone) : fail(status.message());
  }
  // A service says what it does; one that serves once has a caller that does.
  if (options.log.empty() && !options.once && !*client && !options.prepare)
    options.log = "-";
  setThreads(std::max(options.threads, 1U));
  Result<int> code = options.prepare > 0 ? runPrepare(options)
                     : *dealer           ? runDealer(options)
                     : *serve            ? runServe(options)
                                         : runClient(options);
  return code.ok() ? *code : fail(code.message());
}
