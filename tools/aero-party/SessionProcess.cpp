//===- SessionProcess.cpp - One client's session at the server ------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SessionProcess.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <new>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace aero;
using namespace aero::rt;
using std::chrono::steady_clock;

Result<Caller> SessionProcess::greet(Connection connection) {
  about["address"] = connection.address;
  std::optional<ChannelSecurity> security = party.accepting();
  Result<Channel> channel = Channel::open(
      std::move(connection), security ? &*security : nullptr, greetingTime);
  if (!channel.ok())
    return channel.takeError();
  if (party.secure())
    about["client_key"] = formatFingerprint(channel->peerKey());
  channel->setTimeout(greetingTime);
  channel->setAbort(party.stop.abort());
  return hearHello(std::move(*channel), party.program, Role::Server);
}

Status SessionProcess::giveUp(Caller &client, Refusal why, Error error) {
  (void)refuse(client, party.program, Role::Server, why);
  return error;
}

/// Waits in the queue, as long as the client does.
Status SessionProcess::awaitPlace(Caller &client) {
  if (control < 0)
    return {};
  auto deadline = steady_clock::now() + fromSeconds(party.options.queueTimeout);
  const KeyFingerprint key = client.channel.peerKey();
  if (::send(control, key.data(), key.size(), MSG_NOSIGNAL) !=
      ssize_t(key.size()))
    return Error{"the listening process is gone"};
  while (true) {
    auto left = std::chrono::ceil<std::chrono::milliseconds>(
                    deadline - steady_clock::now())
                    .count();
    if (left <= 0)
      return giveUp(client, Refusal::Busy,
                    {"no place became free within " +
                         std::to_string(int(party.options.queueTimeout)) +
                         " s of --queue-timeout",
                     ErrorKind::Busy});
    pollfd events[] = {{control, POLLIN, 0},
                       {client.channel.descriptor(), POLLRDHUP, 0},
                       {party.stop.drain(), POLLIN, 0}};
    int n = ::poll(events, 3, int(std::min<int64_t>(left, 1 << 30)));
    if (n <= 0)
      continue;
    if (events[2].revents != 0)
      return giveUp(client, Refusal::Stopping,
                    {"stopped by a signal", ErrorKind::Stopped});
    if (events[1].revents != 0)
      return Error{"the " + client.channel.peer() + " left the queue",
                   ErrorKind::Connection};
    char message = 0;
    if (::recv(control, &message, 1, 0) != 1)
      return Error{"the listening process is gone"};
    if (message == Granted)
      return {};
    if (message == Stopping)
      return giveUp(client, Refusal::Stopping,
                    {"stopped by a signal", ErrorKind::Stopped});
    return giveUp(client, Refusal::Busy,
                  {"all sessions and places in the queue, or all of this "
                   "client, are taken",
                   ErrorKind::Busy});
  }
}

Result<Server> SessionProcess::openSession(Caller &client) {
  SessionOptions options = party.sessionOptions();
  options.onInference = [this](const InferenceReport &report) {
    nlohmann::json fields = about;
    fields["inference"] = report.number;
    fields["offline_seconds"] = report.offlineSeconds;
    fields["online_seconds"] = report.onlineSeconds;
    party.log.write(Log::Level::Info, "inference", std::move(fields));
  };
  if (client.session != SessionId{}) {
    const std::string &folder = party.options.correlations;
    if (folder.empty())
      return Error{"the " + client.channel.peer() +
                   " wants to use correlations on disk, and this server has no "
                   "--correlations"};
    auto correlations = ServerCorrelations::open(
        folder, client.session, party.program, client.channel.peerKey());
    if (!correlations.ok())
      return correlations.takeError();
    return Server::openPrepared(party.program, weights,
                                std::move(*correlations), options);
  }
  if (party.options.dealer.empty())
    return Error{"the " + client.channel.peer() +
                 " wants a session with a dealer, and this server has no "
                 "--dealer"};
  // The client waits meanwhile, so not for longer than it does by default.
  auto patience = std::min(fromSeconds(party.options.timeout),
                           std::chrono::milliseconds(10000));
  Result<Channel> channel = party.connect(dealer, Role::Dealer, patience);
  if (!channel.ok())
    return channel.takeError();
  return Server::join(party.program, weights, std::move(*channel), options,
                      client.channel.peerKey());
}

Status SessionProcess::run(Connection connection) {
  Result<Caller> client = greet(std::move(connection));
  if (!client.ok())
    return client.takeError();
  AERO_RETURN_IF_ERROR(awaitPlace(*client));
  Result<Server> server = openSession(*client);
  if (!server.ok()) {
    Refusal why = server.kind() == ErrorKind::Busy ? Refusal::Busy
                  : client->session == SessionId{} ? Refusal::NoDealer
                                                   : Refusal::UnknownSession;
    return giveUp(*client, why, server.takeError());
  }
  about["session"] = sessionName(server->session());
  party.log.write(Log::Level::Info, "session_start", about);
  Status status = server->joinClient(std::move(*client));
  if (status.ok())
    status = server->serve();
  counted = server->statistics();
  if (status.ok()) {
    nlohmann::json fields = about;
    fields.update(summary(counted));
    fields["end"] = sessionEndName(counted.end);
    party.log.write(Log::Level::Info, "session_end", std::move(fields));
  }
  return status;
}

/// For the handler of a failed allocation, which may not allocate.
static const char *memoryLine = nullptr;
static int memoryLog = -1;

static void outOfMemory() {
  (void)!::write(memoryLog, memoryLine,
                 std::char_traits<char>::length(memoryLine));
  ::_exit(ExitNoMemory);
}

int SessionProcess::runAsChild(Connection connection) {
  // If the listening process is killed, so is this one.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (party.options.sessionMemory > 0) {
    rlim_t bytes = rlim_t(party.options.sessionMemory) << 20;
    rlimit limit = {bytes, bytes};
    ::setrlimit(RLIMIT_DATA, &limit);
  }
  // A core file would hold the session's secrets.
  rlimit none = {0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  const std::string line = party.log.line(
      Log::Level::Error, "session_failed",
      {{"address", connection.address},
       {"kind", "memory"},
       {"error", "the session needs more than --session-memory " +
                     std::to_string(party.options.sessionMemory)}});
  memoryLine = line.c_str();
  memoryLog = party.log.descriptor();
  std::set_new_handler(outOfMemory);
  Status status = run(std::move(connection));
  if (status.ok())
    return ExitDone;
  const bool begun = about.contains("session");
  nlohmann::json fields = about;
  if (begun)
    fields.update(summary(counted));
  party.log.failure(begun ? "session_failed" : "greeting_failed",
                    status.takeError(), std::move(fields));
  return status.kind() == ErrorKind::Stopped ? ExitAborted : ExitError;
}
