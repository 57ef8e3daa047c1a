//===- HandshakeFuzzer.cpp - Hostile greetings ----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The first byte picks who is greeted: a dealer or a server without TLS, a
/// client that has said hello, or a party that expects a TLS handshake. The
/// rest is what the peer sends before it closes the connection.
///
//===----------------------------------------------------------------------===//

#include "Session/Session.h"

#include <cstdlib>
#include <filesystem>
#include <sys/socket.h>
#include <unistd.h>

using namespace aero;
using namespace aero::rt;

/// More than fits into a socket's buffer is of no use: nobody reads it yet.
static constexpr size_t maxInput = 4096;

static void require(bool ok) {
  if (!ok)
    std::abort();
}

static const LoadedProgram &loaded() {
  static const LoadedProgram made = [] {
    LoadedProgram empty;
    empty.program.set_security(program::SECURITY_MODE_DEALER);
    empty.hash = {};
    return empty;
  }();
  return made;
}

static const ChannelSecurity &security() {
  static const ChannelSecurity made = [] {
    char folder[] = "/tmp/aero-fuzz-XXXXXX";
    require(::mkdtemp(folder));
    Result<IdentityFiles> files = createIdentity(folder, {"fuzzed"});
    require(files.ok());
    Result<TlsContext> context = TlsContext::create(*files);
    require(context.ok());
    std::filesystem::remove_all(folder);
    return ChannelSecurity{*context, TlsSide::Accept, {{}, "--allow-client"}};
  }();
  return made;
}

static void greetPlain(int fd, bool caller) {
  Channel channel(fd, "peer");
  channel.setTimeout(std::chrono::milliseconds(1));
  if (caller) {
    Result<Greeting> reply =
        greet(channel, loaded(), Role::Client, Role::Dealer, {});
    require(reply.ok() || !reply.message().empty());
    return;
  }
  Result<Caller> heard = hearHello(std::move(channel), loaded(), Role::Dealer);
  if (!heard.ok())
    return;
  // Nothing gets this far that says another program, version or connection.
  require(heard->role >= Role::Client && heard->role <= Role::Dealer);
  (void)refuse(*heard, loaded(), Role::Dealer, Refusal::Busy);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int fds[2];
  if (size < 1 || size > maxInput ||
      ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    return 0;
  require(::write(fds[1], data + 1, size - 1) == ssize_t(size - 1));
  ::shutdown(fds[1], SHUT_WR);
  if (data[0] % 3 == 2) {
    Result<Channel> channel =
        Channel::open({fds[0], "peer", "10.0.0.1:1"}, &security(),
                      std::chrono::milliseconds(50));
    require(!channel.ok()); // nobody's key is accepted
    require(channel.message().starts_with("the peer at 10.0.0.1:1 "));
  } else {
    greetPlain(fds[0], data[0] % 3 == 1);
  }
  ::close(fds[1]);
  return 0;
}
