//===- DealerCommand.cpp - Deals for many sessions ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The two connections of a session meet in this process, so each connection
/// has a thread. The server's becomes the session's: it deals until the session
/// ends. The client's hands its connection over and is done. Nothing but the
/// table of sessions is shared.
///
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "aero/Runtime/Dealer.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <list>
#include <map>
#include <mutex>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

using namespace aero;
using namespace aero::rt;

namespace {

/// A descriptor that can be read after raise() until lower().
class Event {
public:
  Event() : fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}
  Event(const Event &) = delete;
  ~Event() {
    if (fd >= 0)
      ::close(fd);
  }
  bool valid() const { return fd >= 0; }
  int get() const { return fd; }
  void raise() const {
    uint64_t one = 1;
    (void)!::write(fd, &one, sizeof(one));
  }
  void lower() const {
    uint64_t count;
    (void)!::read(fd, &count, sizeof(count));
  }

private:
  int fd;
};

/// Where the clients of a session that has begun arrive.
struct Meeting {
  Event arrived;
  std::mutex mutex;
  std::vector<Caller> callers;

  std::vector<Caller> take() {
    std::lock_guard lock(mutex);
    arrived.lower();
    return std::exchange(callers, {});
  }
};

class DealerService {
public:
  explicit DealerService(Party &party) : party(party) {}
  Result<int> run();

private:
  void startThread(Connection connection);
  void reapThreads(bool all);
  void greet(Connection connection);
  void serveSession(Caller server);
  Status runSession(Dealer &dealer, Meeting &meeting, Caller server);
  void handOver(Caller client);
  void refuseCaller(Caller &caller, Refusal why, const char *reason);
  void drainSessions();

  Party &party;
  Event wake; ///< a thread has ended
  struct Thread {
    std::thread thread;
    std::atomic<bool> done = false;
  };
  std::list<Thread> threads; // of the main thread

  std::atomic<unsigned> greetings = 0;
  std::mutex mutex; // of what follows
  std::map<SessionId, std::shared_ptr<Meeting>> meetings;
  unsigned sessions = 0;
  /// The first session's outcome, for --once.
  bool ended = false;
  Status outcome;
  std::optional<SessionStatistics> statistics;
};

} // namespace

void DealerService::refuseCaller(Caller &caller, Refusal why,
                                 const char *reason) {
  (void)refuse(caller, party.program, Role::Dealer, why);
  party.log.write(Log::Level::Warning, "refused",
                  {{"peer", caller.channel.peer()}, {"reason", reason}});
}

Status DealerService::runSession(Dealer &dealer, Meeting &meeting,
                                 Caller server) {
  Result<bool> opened = dealer.admit(std::move(server));
  if (!opened.ok())
    return opened.takeError();
  for (bool joined = false; !joined;) {
    AERO_RETURN_IF_ERROR(dealer.awaitClient(meeting.arrived.get()));
    for (Caller &caller : meeting.take()) {
      Result<bool> admitted = dealer.admit(std::move(caller));
      if (!admitted.ok())
        return admitted.takeError();
      joined |= *admitted;
    }
  }
  return dealer.serve();
}

void DealerService::serveSession(Caller server) {
  auto meeting = std::make_shared<Meeting>();
  SessionOptions options = party.sessionOptions();
  nlohmann::json about = {{"server", server.channel.peer()}};
  if (party.secure())
    about["client_key"] = formatFingerprint(server.third);
  options.onInference = [&](const InferenceReport &report) {
    nlohmann::json fields = about;
    fields["inference"] = report.number;
    fields["seconds"] = report.offlineSeconds;
    party.log.write(Log::Level::Info, "correlations", std::move(fields));
  };
  Result<Dealer> dealer = Dealer::create(party.program, options);
  if (!dealer.ok() || !meeting->arrived.valid())
    return refuseCaller(server, Refusal::Busy, "no randomness or descriptors");
  {
    std::lock_guard lock(mutex);
    if (sessions >= (party.options.once ? 1 : party.options.sessions))
      return refuseCaller(server, Refusal::Busy, "as many sessions as may be");
    ++sessions;
    meetings[dealer->session()] = meeting;
  }
  about["session"] = sessionName(dealer->session());
  party.log.write(Log::Level::Info, "session_start", about);
  Status status = runSession(*dealer, *meeting, std::move(server));
  SessionStatistics counted = dealer->statistics();
  nlohmann::json fields = about;
  fields.update(summary(counted));
  if (status.ok()) {
    fields["end"] = sessionEndName(counted.end);
    party.log.write(Log::Level::Info, "session_end", std::move(fields));
  } else {
    party.log.failure("session_failed", status.takeError(), std::move(fields));
  }
  std::lock_guard lock(mutex);
  meetings.erase(dealer->session());
  --sessions;
  if (!ended) {
    ended = true;
    outcome = status;
    statistics = counted;
  }
}

/// Gives a client's connection to the thread of its session.
void DealerService::handOver(Caller client) {
  std::shared_ptr<Meeting> meeting;
  {
    std::lock_guard lock(mutex);
    auto found = meetings.find(client.session);
    if (found != meetings.end())
      meeting = found->second;
  }
  if (!meeting)
    return refuseCaller(client, Refusal::UnknownSession, "no such session");
  std::lock_guard lock(meeting->mutex);
  meeting->callers.push_back(std::move(client));
  meeting->arrived.raise();
}

/// A connection's thread.
void DealerService::greet(Connection connection) {
  const std::string address = connection.address;
  std::optional<ChannelSecurity> security = party.accepting();
  Result<Channel> channel = Channel::open(
      std::move(connection), security ? &*security : nullptr, greetingTime);
  if (channel.ok()) {
    channel->setTimeout(greetingTime);
    channel->setDeadline(std::chrono::steady_clock::now() + greetingTime);
    channel->setAbort(party.stop.abort());
  }
  Result<Caller> caller =
      channel.ok() ? hearHello(std::move(*channel), party.program, Role::Dealer)
                   : Result<Caller>(channel.takeError());
  --greetings;
  if (!caller.ok())
    return party.log.failure("greeting_failed", caller.takeError(),
                             {{"address", address}});
  KeyFingerprint key = caller->channel.peerKey();
  const std::vector<KeyFingerprint> &clients = party.clientKeys;
  bool right =
      !party.secure() ||
      (caller->role == Role::Server
           ? key == party.serverKey
           : std::find(clients.begin(), clients.end(), key) != clients.end());
  if (!right)
    return refuseCaller(*caller, Refusal::WrongKey,
                        "the key belongs to another role");
  if (party.stop.draining())
    return refuseCaller(*caller, Refusal::Stopping, "about to stop");
  if (caller->role == Role::Server)
    return serveSession(std::move(*caller));
  if (caller->role == Role::Client)
    return handOver(std::move(*caller));
  refuseCaller(*caller, Refusal::RoleTaken, "a second dealer");
}

void DealerService::startThread(Connection connection) {
  if (greetings >= maxGreetings) {
    party.log.write(Log::Level::Warning, "refused",
                    {{"address", connection.address},
                     {"reason", "too many connections that say nothing"}});
    ::close(connection.fd);
    return;
  }
  ++greetings;
  Thread &thread = threads.emplace_back();
  thread.thread = std::thread(
      [this, &thread, connection = std::move(connection)]() mutable {
        greet(std::move(connection));
        thread.done = true;
        wake.raise();
      });
}

void DealerService::reapThreads(bool all) {
  for (auto thread = threads.begin(); thread != threads.end();) {
    if (!all && !thread->done) {
      ++thread;
      continue;
    }
    thread->thread.join();
    thread = threads.erase(thread);
  }
}

/// Sessions notice the signal by themselves; what does not end in time is cut.
void DealerService::drainSessions() {
  auto deadline =
      std::chrono::steady_clock::now() + fromSeconds(party.options.grace);
  party.log.write(Log::Level::Info, "stopping",
                  {{"grace_seconds", party.options.grace}});
  while (!threads.empty() && !party.stop.aborting()) {
    if (std::chrono::steady_clock::now() >= deadline)
      party.stop.abortNow();
    pollfd events[] = {{wake.get(), POLLIN, 0},
                       {party.stop.abort(), POLLIN, 0}};
    ::poll(events, 2, 100);
    wake.lower();
    reapThreads(false);
  }
}

Result<int> DealerService::run() {
  Result<Listener> listener =
      Listener::open(party.options.host, party.options.port, party.secure());
  if (!listener.ok())
    return listener.takeError();
  if (!wake.valid())
    return Error{std::string("cannot make an event descriptor: ") +
                 std::strerror(errno)};
  party.listening(*listener);
  while (!party.stop.draining()) {
    {
      std::lock_guard lock(mutex);
      if (party.options.once && ended)
        break;
    }
    pollfd events[] = {{listener->descriptor(), POLLIN, 0},
                       {wake.get(), POLLIN, 0},
                       {party.stop.drain(), POLLIN, 0}};
    ::poll(events, 3, -1);
    wake.lower();
    reapThreads(false);
    if (events[0].revents == 0)
      continue;
    Result<Connection> connection = listener->acceptConnection(
        "client or server", std::chrono::milliseconds(0));
    if (connection.ok()) {
      startThread(std::move(*connection));
      continue;
    }
    // Out of descriptors, say: what runs goes on, and may free some.
    if (connection.kind() != ErrorKind::Connection) {
      party.log.failure("accept_failed", connection.takeError());
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  if (party.stop.draining())
    drainSessions();
  reapThreads(true);
  if (party.options.once && ended) {
    AERO_RETURN_IF_ERROR(outcome);
    emitStatistics(Role::Dealer, party.program.program, *statistics);
  }
  party.log.write(Log::Level::Info, "stopped");
  return int(party.stop.aborting() ? ExitAborted : ExitDone);
}

Result<int> aero::rt::runPrepare(const PartyOptions &options) {
  if (options.out.empty())
    return Error{"--prepare needs --out, the folder to write to"};
  if (options.clientKeys.size() > 1)
    return Error{
        "--prepare is for one client: give at most one --allow-client"};
  Result<LoadedProgram> program = readProgram(options.program);
  if (!program.ok())
    return program.takeError();
  KeyFingerprint client = {};
  if (!options.clientKeys.empty()) {
    Result<KeyFingerprint> key = readFingerprint(options.clientKeys.front());
    if (!key.ok())
      return Error{"--allow-client: " + key.message()};
    client = *key;
  }
  Result<PreparedCorrelations> prepared =
      prepareCorrelations(*program, options.prepare, options.out, client);
  if (!prepared.ok())
    return prepared.takeError();
  emit({{"event", "prepared"},
        {"session", sessionName(prepared->session)},
        {"inferences", options.prepare},
        {"client_folder", prepared->client},
        {"client_bytes", prepared->clientBytes},
        {"server_folder", prepared->server},
        {"server_bytes", prepared->serverBytes}});
  return int(ExitDone);
}

Result<int> aero::rt::runDealer(const PartyOptions &options) {
  Result<Party> party = Party::prepare(options, Role::Dealer);
  if (!party.ok())
    return party.takeError();
  return DealerService(*party).run();
}
