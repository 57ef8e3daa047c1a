//===- Handshake.cpp - Who is there and what it runs ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Session.h"

#include <algorithm>
#include <cstring>

using namespace aero;
using namespace aero::rt;

static constexpr char helloMagic[8] = {'A', 'E', 'R', 'O', 'H', 'E', 'L', 'O'};
static constexpr uint32_t protocolVersion = 2;

const char *aero::rt::roleName(Role role) {
  switch (role) {
  case Role::Client:
    return "client";
  case Role::Server:
    return "server";
  case Role::Dealer:
    return "dealer";
  }
  return "unknown";
}

static Hello makeHello(const Channel &peer, const LoadedProgram &program,
                       Role own, const Greeting &said) {
  Hello hello = {};
  std::memcpy(hello.magic, helloMagic, sizeof(helloMagic));
  hello.version = protocolVersion;
  hello.role = uint16_t(own);
  hello.security = uint16_t(program.program.security());
  hello.program = program.hash;
  hello.session = said.session;
  hello.binding = peer.binding(uint8_t(own));
  hello.third = said.third;
  return hello;
}

/// Reads a hello of any version.
static Result<std::vector<uint8_t>> receiveHello(Channel &peer) {
  return peer.receiveUpTo(FrameKind::Hello, maxHelloBytes);
}

/// Checks everything but role and session.
static Result<Hello> checkHello(const std::vector<uint8_t> &bytes,
                                const LoadedProgram &program, Role own,
                                Channel &peer) {
  auto fail = [](std::string message) {
    return Error{std::move(message), ErrorKind::Protocol};
  };
  Hello hello = {};
  std::copy_n(bytes.begin(), std::min(bytes.size(), sizeof(hello)),
              reinterpret_cast<uint8_t *>(&hello));
  if (bytes.size() < helloVersionEnd ||
      std::memcmp(hello.magic, helloMagic, sizeof(helloMagic)) != 0)
    return fail("the " + peer.peer() + " sent a malformed hello");
  if (hello.version != protocolVersion)
    return fail("the " + peer.peer() + " speaks protocol version " +
                std::to_string(hello.version) + ", this build version " +
                std::to_string(protocolVersion) +
                ": install the same release on both sides");
  if (bytes.size() != sizeof(hello) || hello.zero != 0 ||
      hello.role < uint16_t(Role::Client) ||
      hello.role > uint16_t(Role::Dealer))
    return fail("the " + peer.peer() + " sent a malformed hello");
  peer.setPeerName(roleName(Role(hello.role)));
  if (hello.binding != peer.binding(uint8_t(hello.role)))
    return Error{"the " + peer.peer() +
                     " sent a hello that was made for another connection: "
                     "somebody is in between",
                 ErrorKind::Authentication};
  if (hello.program != program.hash)
    return fail(std::string(roleName(own)) + " and " + peer.peer() +
                " run different programs: compile once and copy the file");
  if (hello.security != uint16_t(program.program.security()))
    return fail(std::string(roleName(own)) + " and " + peer.peer() +
                " use different security modes");
  return hello;
}

/// What the caller makes of a refusal.
static Error describe(uint32_t refusal, const std::string &peer, Role own) {
  const std::string self = roleName(own);
  switch (Refusal(refusal)) {
  case Refusal::RoleTaken:
    return {"the " + peer + " already has a " + self + " for this session",
            ErrorKind::Protocol};
  case Refusal::Busy:
    return {"the " + peer +
                " serves as many sessions as it may (of all clients, or of "
                "this one): try "
                "again later, or raise its --sessions or --sessions-per-client",
            ErrorKind::Busy};
  case Refusal::UnknownSession:
    return {"the " + peer +
                " knows no such session: it has ended already, client and "
                "server have different dealers (give both the same address), "
                "or the server lacks the correlations that the client has",
            ErrorKind::Connection};
  case Refusal::WrongKey:
    return {"the " + peer + " does not accept this key as that of the " + self +
                ": compare the fingerprints that each party was given",
            ErrorKind::Authentication};
  case Refusal::NoDealer:
    return {"the " + peer +
                " could not open a session at its dealer: see its log",
            ErrorKind::Connection};
  case Refusal::Stopping:
    return {"the " + peer + " is about to stop", ErrorKind::Busy};
  case Refusal::None:
    break;
  }
  return {"the " + peer + " refused the connection", ErrorKind::Protocol};
}

Result<Greeting> aero::rt::greet(Channel &peer, const LoadedProgram &program,
                                 Role own, Role expected,
                                 const Greeting &said) {
  peer.setPeerName(roleName(expected));
  Hello hello = makeHello(peer, program, own, said);
  AERO_RETURN_IF_ERROR(peer.send(FrameKind::Hello, viewBytes(hello)));
  Result<std::vector<uint8_t>> bytes = receiveHello(peer);
  if (!bytes.ok())
    return bytes.takeError();
  Result<Hello> reply = checkHello(*bytes, program, own, peer);
  if (!reply.ok())
    return reply.takeError();
  if (reply->role != uint16_t(expected))
    return Error{std::string("expected the ") + roleName(expected) +
                 " at this address, found the " + peer.peer() +
                 ": check the addresses"};
  if (reply->refusal != uint32_t(Refusal::None))
    return describe(reply->refusal, peer.peer(), own);
  return Greeting{reply->session, reply->third};
}

Result<Caller> aero::rt::hearHello(Channel channel,
                                   const LoadedProgram &program, Role own) {
  Result<std::vector<uint8_t>> bytes = receiveHello(channel);
  if (!bytes.ok())
    return bytes.takeError();
  Result<Hello> hello = checkHello(*bytes, program, own, channel);
  if (!hello.ok()) {
    // Answered all the same, so that the peer can say what is wrong, too.
    Hello reply = makeHello(channel, program, own, {});
    (void)channel.send(FrameKind::Hello, viewBytes(reply));
    return hello.takeError();
  }
  return Caller{std::move(channel), Role(hello->role), hello->session,
                hello->third};
}

Status aero::rt::refuse(Caller &caller, const LoadedProgram &program, Role own,
                        Refusal why) {
  Hello reply = makeHello(caller.channel, program, own, {});
  reply.refusal = uint32_t(why);
  return caller.channel.send(FrameKind::Hello, viewBytes(reply));
}

Status aero::rt::welcome(Caller &caller, const LoadedProgram &program, Role own,
                         const Greeting &said) {
  Hello reply = makeHello(caller.channel, program, own, said);
  return caller.channel.send(FrameKind::Hello, viewBytes(reply));
}
