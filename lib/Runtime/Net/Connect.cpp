//===- Connect.cpp - Finding and accepting peers --------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Channel.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

using namespace aero::rt;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

/// How long a peer that answers may take for the TLS handshake.
static constexpr milliseconds handshakeTimeout{10000};

namespace {

/// A socket address of either family.
struct Address {
  sockaddr_storage storage = {};
  socklen_t size = 0;

  int family() const { return storage.ss_family; }
  const sockaddr *get() const {
    return reinterpret_cast<const sockaddr *>(&storage);
  }
};

/// Closes a descriptor unless it was handed on.
class Descriptor {
public:
  explicit Descriptor(int fd) : fd(fd) {}
  Descriptor(const Descriptor &) = delete;
  ~Descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
  int get() const { return fd; }
  int release() { return std::exchange(fd, -1); }

private:
  int fd;
};

} // namespace

/// Names are not looked up: a resolver could point any of them elsewhere.
static Result<Address> loopbackAddress(const std::string &host, uint16_t port) {
  Address address;
  in_addr v4;
  in6_addr v6;
  const std::string numeric = host == "localhost" ? "127.0.0.1" : host;
  if (inet_pton(AF_INET, numeric.c_str(), &v4) == 1 &&
      (ntohl(v4.s_addr) >> 24) == 127) {
    sockaddr_in in = {};
    in.sin_family = AF_INET;
    in.sin_port = htons(port);
    in.sin_addr = v4;
    std::memcpy(&address.storage, &in, sizeof(in));
    address.size = sizeof(in);
    return address;
  }
  if (inet_pton(AF_INET6, numeric.c_str(), &v6) == 1 &&
      IN6_IS_ADDR_LOOPBACK(&v6)) {
    sockaddr_in6 in = {};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(port);
    in.sin6_addr = v6;
    std::memcpy(&address.storage, &in, sizeof(in));
    address.size = sizeof(in);
    return address;
  }
  return Error{"refusing address '" + host +
               "': without TLS a party speaks to loopback only (127.0.0.0/8, "
               "::1 or localhost); across machines start every party with its "
               "--key, see docs/hosts.md"};
}

/// All addresses of a host, which may be a name: with TLS the key says who
/// answers, not the address.
static Result<std::vector<Address>> resolve(const std::string &host,
                                            uint16_t port) {
  addrinfo hints = {};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo *found = nullptr;
  int code =
      ::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found);
  if (code != 0)
    return Error{"cannot find the address of '" + host +
                     "': " + ::gai_strerror(code),
                 ErrorKind::Connection};
  std::vector<Address> addresses;
  for (const addrinfo *entry = found; entry; entry = entry->ai_next) {
    Address address;
    if (entry->ai_addrlen > sizeof(address.storage))
      continue;
    std::memcpy(&address.storage, entry->ai_addr, entry->ai_addrlen);
    address.size = entry->ai_addrlen;
    addresses.push_back(address);
  }
  ::freeaddrinfo(found);
  if (addresses.empty())
    return Error{"'" + host + "' has no address", ErrorKind::Connection};
  return addresses;
}

static Result<std::vector<Address>> addressesOf(const std::string &host,
                                                uint16_t port, bool secure) {
  if (secure)
    return resolve(host, port);
  Result<Address> address = loopbackAddress(host, port);
  if (!address.ok())
    return address.takeError();
  return std::vector<Address>{*address};
}

static std::string describe(const std::string &host, uint16_t port) {
  if (host.find(':') != std::string::npos)
    return "[" + host + "]:" + std::to_string(port);
  return host + ":" + std::to_string(port);
}

static std::string describe(const sockaddr_storage &address, socklen_t size) {
  char host[64] = {}, port[16] = {};
  if (::getnameinfo(reinterpret_cast<const sockaddr *>(&address), size, host,
                    sizeof(host), port, sizeof(port),
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
    return "an unknown address";
  return std::string(host).find(':') == std::string::npos
             ? std::string(host) + ":" + port
             : "[" + std::string(host) + "]:" + port;
}

static Error systemError(const std::string &what, int code) {
  return Error{what + ": " + std::strerror(code)};
}

/// Waits until `fd` has one of `events`; false if the deadline comes first.
/// Whether `abort` can be read ends the wait, too.
static Result<bool> waitFor(int fd, short events,
                            steady_clock::time_point deadline, int abort = -1) {
  while (true) {
    auto left =
        std::chrono::ceil<milliseconds>(deadline - steady_clock::now()).count();
    pollfd polled[2] = {{fd, events, 0}, {abort, POLLIN, 0}};
    int wait = static_cast<int>(std::clamp<int64_t>(left, 0, 1 << 30));
    int n = ::poll(polled, 2, wait);
    if (n > 0 && polled[1].revents != 0)
      return Error{"stopped by a signal", ErrorKind::Stopped};
    if (n > 0)
      return true;
    if (n < 0 && errno != EINTR)
      return systemError("poll", errno);
    if (left <= 0)
      return false;
  }
}

Result<Listener> Listener::open(const std::string &host, uint16_t port,
                                bool secure) {
  Result<std::vector<Address>> addresses = addressesOf(host, port, secure);
  if (!addresses.ok())
    return addresses.takeError();
  const Address *address = &addresses->front();
  const std::string where = describe(host, port);
  Descriptor fd(::socket(address->family(),
                         SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0)
    return systemError("cannot listen on " + where, errno);
  // A port whose last connections are still in TIME_WAIT may be taken again.
  int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (::bind(fd.get(), address->get(), address->size) < 0 ||
      ::listen(fd.get(), 64) < 0) {
    int code = errno;
    if (code == EADDRINUSE)
      return Error{
          "cannot listen on " + where + ": port " + std::to_string(port) +
          " is in use; stop the process that uses it or choose another "
          "port"};
    if (code == EACCES)
      return Error{"cannot listen on " + where + ": port " +
                   std::to_string(port) +
                   " needs privileges; choose one above 1023"};
    return systemError("cannot listen on " + where, code);
  }
  sockaddr_storage bound = {};
  socklen_t size = sizeof(bound);
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr *>(&bound), &size) < 0)
    return systemError("cannot listen on " + where, errno);
  // The port stands at the same place in both families' addresses.
  sockaddr_in in;
  std::memcpy(&in, &bound, sizeof(in));
  return Listener(fd.release(), ntohs(in.sin_port));
}

Listener::~Listener() {
  if (fd >= 0)
    ::close(fd);
}

Listener::Listener(Listener &&other) noexcept
    : fd(std::exchange(other.fd, -1)), boundPort(other.boundPort) {}

Listener &Listener::operator=(Listener &&other) noexcept {
  std::swap(fd, other.fd);
  std::swap(boundPort, other.boundPort);
  return *this;
}

uint16_t Listener::port() const { return boundPort; }

Result<Connection> Listener::acceptConnection(const std::string &peerName,
                                              milliseconds timeout) {
  auto deadline = steady_clock::now() + timeout;
  while (true) {
    Result<bool> ready = waitFor(fd, POLLIN, deadline);
    if (!ready.ok())
      return ready.takeError();
    if (!*ready)
      return Error{"the " + peerName + " did not connect to port " +
                       std::to_string(boundPort) + " within " +
                       std::to_string(timeout.count()) + " ms; start it",
                   ErrorKind::Connection};
    sockaddr_storage from = {};
    socklen_t size = sizeof(from);
    int connection = ::accept4(fd, reinterpret_cast<sockaddr *>(&from), &size,
                               SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (connection >= 0)
      return Connection{connection, peerName, describe(from, size)};
    // A connection may vanish between poll and accept.
    if (errno != EINTR && errno != EAGAIN && errno != EWOULDBLOCK &&
        errno != ECONNABORTED)
      return systemError("cannot accept the " + peerName, errno);
  }
}

Result<Channel> Listener::accept(const std::string &peerName,
                                 milliseconds timeout) {
  Result<Connection> connection = acceptConnection(peerName, timeout);
  if (!connection.ok())
    return connection.takeError();
  return Channel::open(std::move(*connection), nullptr, timeout);
}

/// Tries once; an error number if nobody answers.
static Result<int> connectOnce(const Address &address,
                               steady_clock::time_point deadline, int abort,
                               int &code) {
  Descriptor fd(::socket(address.family(),
                         SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (fd.get() < 0)
    return systemError("cannot make a socket", errno);
  code = 0;
  if (::connect(fd.get(), address.get(), address.size) < 0) {
    code = errno;
    if (code == EINPROGRESS || code == EINTR) {
      Result<bool> ready = waitFor(fd.get(), POLLOUT, deadline, abort);
      if (!ready.ok())
        return ready.takeError();
      socklen_t size = sizeof(code);
      code = ETIMEDOUT;
      if (*ready)
        ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &code, &size);
    }
  }
  if (code != 0)
    return -1;
  // Retrying on a free port of the ephemeral range can connect a socket to
  // itself, which would then keep the peer from listening there.
  sockaddr_storage local = {};
  socklen_t size = sizeof(local);
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr *>(&local), &size) ==
          0 &&
      size == address.size &&
      std::memcmp(&local, &address.storage, size) == 0) {
    code = ECONNREFUSED;
    return -1;
  }
  return fd.release();
}

static Error nobodyAnswers(const std::string &peer, const Endpoint &endpoint,
                           milliseconds timeout, int code, bool secure) {
  std::string message = "cannot reach the " + peer;
  message += " at " + describe(endpoint.host, endpoint.port);
  message += " within " + std::to_string(timeout.count()) + " ms: ";
  message += std::strerror(code);
  message += "; start the " + peer;
  message += " first and check that it listens on port " +
             std::to_string(endpoint.port);
  if (secure)
    message += " and that no firewall is between";
  return Error{std::move(message), ErrorKind::Connection};
}

Result<Channel> aero::rt::connectTo(const Endpoint &endpoint,
                                    const std::string &peerName,
                                    milliseconds timeout,
                                    const ChannelSecurity *tls, int abort) {
  const auto &[host, port] = endpoint;
  const std::string where = describe(host, port);
  auto deadline = steady_clock::now() + timeout;
  while (true) {
    Result<std::vector<Address>> addresses =
        addressesOf(host, port, tls != nullptr);
    if (!addresses.ok())
      return addresses.takeError();
    int code = 0;
    for (const Address &address : *addresses) {
      Result<int> fd = connectOnce(address, deadline, abort, code);
      if (!fd.ok())
        return fd.takeError();
      if (*fd >= 0)
        return Channel::open({*fd, peerName, where}, tls,
                             std::min(timeout, handshakeTimeout));
    }
    if (steady_clock::now() >= deadline)
      return nobodyAnswers(peerName, endpoint, timeout, code, tls != nullptr);
    pollfd stop = {abort, POLLIN, 0};
    if (::poll(&stop, 1, 20) > 0)
      return Error{"stopped by a signal", ErrorKind::Stopped};
  }
}

Result<std::pair<Channel, Channel>> aero::rt::channelPair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    return systemError("cannot make a pair of sockets", errno);
  return std::pair(Channel(fds[0], "peer"), Channel(fds[1], "peer"));
}
