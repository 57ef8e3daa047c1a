//===- ServeCommand.cpp - Serves many clients -----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The process that listens holds no session: each connection gets a process of
/// its own (SessionProcess.cpp), so that whatever a client does, it does to
/// itself, and a limit can be enforced by killing. All map the same weights. A
/// process that has authenticated its client asks here for a place.
///
//===----------------------------------------------------------------------===//

#include "SessionProcess.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <list>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace aero;
using namespace aero::rt;
using std::chrono::steady_clock;

namespace {

class ServerService {
public:
  ServerService(Party &party, const Weights &weights, const Endpoint &dealer)
      : party(party), weights(weights), dealer(dealer) {}
  Result<int> run();

private:
  /// A process and what it is at.
  struct Child {
    pid_t pid;
    int control;
    std::string address;
    enum { Greeting, Queued, Running } stage = Greeting;
    /// Of its client, from Queued on; zeros without TLS.
    KeyFingerprint key = {};
    /// When it is killed.
    std::optional<steady_clock::time_point> end;
  };

  Status serveOnce(Listener &listener);
  void acceptClient(Listener &listener);
  void startChild(Connection connection, Listener &listener);
  /// Reads what a child wants; false once it has ended.
  bool attend(Child &child);
  void reap(const Child &child);
  void grantPlaces();
  void killOverdue();
  void waitForEvents(Listener *listener);
  unsigned count(int stage) const;
  unsigned countOfClient(const KeyFingerprint &key) const;
  void drainSessions();

  Party &party;
  const Weights &weights;
  const Endpoint &dealer;
  std::list<Child> children; // in order of arrival
};

} // namespace

unsigned ServerService::count(int stage) const {
  return unsigned(
      std::count_if(children.begin(), children.end(),
                    [&](const Child &child) { return child.stage == stage; }));
}

/// Places that a client has, in sessions and in the queue.
unsigned ServerService::countOfClient(const KeyFingerprint &key) const {
  return unsigned(
      std::count_if(children.begin(), children.end(), [&](const Child &child) {
        return child.stage != Child::Greeting && child.key == key;
      }));
}

/// One session in this process, for callers that start it for just that.
Status ServerService::serveOnce(Listener &listener) {
  pollfd events[] = {{listener.descriptor(), POLLIN, 0},
                     {party.stop.drain(), POLLIN, 0}};
  while (::poll(events, 2, -1) < 0 && errno == EINTR)
    ;
  if (party.stop.draining())
    return {};
  Result<Connection> connection =
      listener.acceptConnection("client", greetingTime);
  if (!connection.ok())
    return connection.takeError();
  SessionProcess session(party, weights, dealer, /*control=*/-1);
  AERO_RETURN_IF_ERROR(session.run(std::move(*connection)));
  emitStatistics(Role::Server, party.program.program, session.statistics());
  return {};
}

void ServerService::startChild(Connection connection, Listener &listener) {
  int control[2];
  pid_t pid = -1;
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, control) == 0) {
    pid = ::fork();
    if (pid < 0) {
      ::close(control[0]);
      ::close(control[1]);
    }
  }
  if (pid == 0) {
    ::close(control[0]);
    ::close(listener.descriptor());
    for (const Child &other : children)
      ::close(other.control);
    ::_exit(SessionProcess(party, weights, dealer, control[1])
                .runAsChild(std::move(connection)));
  }
  const std::string address = connection.address;
  int code = errno;
  ::close(connection.fd);
  if (pid < 0)
    return party.log.failure(
        "accept_failed",
        Error{std::string("cannot start a process: ") + std::strerror(code)},
        {{"address", address}});
  ::close(control[1]);
  children.push_back({pid,
                      control[0],
                      address,
                      Child::Greeting,
                      {},
                      steady_clock::now() + 3 * greetingTime});
}

void ServerService::acceptClient(Listener &listener) {
  Result<Connection> connection =
      listener.acceptConnection("client", std::chrono::milliseconds(0));
  if (connection.ok() && count(Child::Greeting) < maxGreetings)
    return startChild(std::move(*connection), listener);
  if (connection.ok()) {
    party.log.write(Log::Level::Warning, "refused",
                    {{"address", connection->address},
                     {"reason", "too many connections that say nothing"}});
    ::close(connection->fd);
    return;
  }
  // Out of descriptors, say: what runs goes on, and may free some.
  if (connection.kind() != ErrorKind::Connection) {
    party.log.failure("accept_failed", connection.takeError());
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

void ServerService::reap(const Child &child) {
  ::close(child.control);
  int status = 0;
  while (::waitpid(child.pid, &status, 0) < 0 && errno == EINTR)
    ;
  // A process that ended by itself has logged why.
  if (WIFSIGNALED(status))
    party.log.write(Log::Level::Error, "session_killed",
                    {{"address", child.address},
                     {"session_pid", child.pid},
                     {"signal", WTERMSIG(status)}});
}

bool ServerService::attend(Child &child) {
  // The processes are of this program: a request comes whole.
  KeyFingerprint key;
  ssize_t n = ::recv(child.control, key.data(), key.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  if (n != ssize_t(key.size()))
    return false;
  child.key = key;
  child.stage = Child::Queued;
  child.end.reset();
  char answer = SessionProcess::Granted;
  if (party.stop.draining())
    answer = SessionProcess::Stopping;
  else if (countOfClient(key) > party.options.sessionsPerClient ||
           (count(Child::Running) >= party.options.sessions &&
            count(Child::Queued) > party.options.queue))
    answer = SessionProcess::Busy;
  if (answer != SessionProcess::Granted) {
    child.stage = Child::Greeting; // it takes its leave
    child.end = steady_clock::now() + greetingTime;
    (void)::send(child.control, &answer, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  return true;
}

/// Those who came first go first.
void ServerService::grantPlaces() {
  unsigned running = count(Child::Running);
  for (Child &child : children) {
    if (running >= party.options.sessions)
      return;
    if (child.stage != Child::Queued)
      continue;
    char answer = SessionProcess::Granted;
    (void)::send(child.control, &answer, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    child.stage = Child::Running;
    // The process keeps to its time by itself, unless something is wrong.
    child.end = steady_clock::now() + fromSeconds(party.options.sessionTime) +
                fromSeconds(party.options.grace);
    ++running;
  }
}

void ServerService::killOverdue() {
  auto now = steady_clock::now();
  for (Child &child : children)
    if (child.end && *child.end <= now) {
      ::kill(child.pid, SIGKILL);
      child.end.reset();
    }
}

void ServerService::waitForEvents(Listener *listener) {
  std::vector<pollfd> events = {
      {party.stop.abort(), POLLIN, 0},
      {listener ? party.stop.drain() : -1, POLLIN, 0},
      {listener ? listener->descriptor() : -1, POLLIN, 0}};
  for (const Child &child : children)
    events.push_back({child.control, POLLIN, 0});
  ::poll(events.data(), events.size(), children.empty() ? -1 : 200);
  size_t at = 3;
  for (auto child = children.begin(); child != children.end(); ++at) {
    if (events[at].revents == 0 || attend(*child)) {
      ++child;
      continue;
    }
    reap(*child);
    child = children.erase(child);
  }
  if (events[2].revents != 0)
    acceptClient(*listener);
  grantPlaces();
  killOverdue();
}

/// The processes notice the signal by themselves; what does not end in time is
/// cut, what does not notice that is killed.
void ServerService::drainSessions() {
  party.log.write(Log::Level::Info, "stopping",
                  {{"grace_seconds", party.options.grace},
                   {"sessions", count(Child::Running)}});
  auto deadline = steady_clock::now() + fromSeconds(party.options.grace);
  std::optional<steady_clock::time_point> killTime;
  while (!children.empty()) {
    auto now = steady_clock::now();
    if (now >= deadline && !party.stop.aborting())
      party.stop.abortNow();
    if (party.stop.aborting() && !killTime)
      killTime = now + std::chrono::seconds(2);
    for (Child &child : children)
      if (killTime && now >= *killTime)
        ::kill(child.pid, SIGKILL);
    if (party.stop.aborting()) // which would end every wait at once
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    waitForEvents(nullptr);
  }
}

Result<int> ServerService::run() {
  Result<Listener> listener =
      Listener::open(party.options.host, party.options.port, party.secure());
  if (!listener.ok())
    return listener.takeError();
  party.listening(*listener);
  if (party.options.once) {
    AERO_RETURN_IF_ERROR(serveOnce(*listener));
  } else {
    while (!party.stop.draining())
      waitForEvents(&*listener);
    {
      Listener closed = std::move(*listener); // nobody waits in vain
    }
    drainSessions();
  }
  party.log.write(Log::Level::Info, "stopped");
  return int(party.stop.aborting() ? ExitAborted : ExitDone);
}

Result<int> aero::rt::runServe(const PartyOptions &options) {
  Result<Party> party = Party::prepare(options, Role::Server);
  if (!party.ok())
    return party.takeError();
  Endpoint dealer;
  if (!options.dealer.empty()) {
    Result<Endpoint> parsed = parseEndpoint(options.dealer);
    if (!parsed.ok())
      return parsed.takeError();
    dealer = *parsed;
  }
  Result<Weights> weights = Weights::map(options.weights, party->program);
  if (!weights.ok())
    return weights.takeError();
  return ServerService(*party, *weights, dealer).run();
}
