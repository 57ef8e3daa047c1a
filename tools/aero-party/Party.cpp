//===- Party.cpp - What all roles prepare ---------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include <algorithm>
#include <charconv>
#include <ctime>

using namespace aero::rt;

Result<Endpoint> aero::rt::parseEndpoint(const std::string &text) {
  size_t colon = text.rfind(':');
  Endpoint endpoint;
  if (colon != std::string::npos) {
    const char *begin = text.data() + colon + 1,
               *end = text.data() + text.size();
    auto [stop, code] = std::from_chars(begin, end, endpoint.port);
    endpoint.host = text.substr(0, colon);
    if (endpoint.host.starts_with('[') && endpoint.host.ends_with(']'))
      endpoint.host = endpoint.host.substr(1, endpoint.host.size() - 2);
    if (code == std::errc() && stop == end && endpoint.port != 0 &&
        !endpoint.host.empty())
      return endpoint;
  }
  return Error{"'" + text + "' is not an address: expected HOST:PORT"};
}

/// NAME.crt for NAME.key.
static std::string certificateBeside(const std::string &key) {
  std::string base =
      key.ends_with(".key") ? key.substr(0, key.size() - 4) : key;
  return base + ".crt";
}

static Status checkDates(const std::string &path) {
  Result<Certificate> certificate = readCertificate(path);
  if (!certificate.ok())
    return certificate.takeError();
  int64_t now = std::time(nullptr);
  if (now >= certificate->notBefore && now <= certificate->notAfter)
    return {};
  return Error{
      "the certificate '" + path + "' " +
          (now < certificate->notBefore ? "is not valid yet" : "has expired") +
          ": check this machine's clock, or make a new key with 'aero "
          "keys new' and give its fingerprint to the other parties",
      ErrorKind::Authentication};
}

/// Reads one of the peers' keys.
static Status readKey(const std::string &option, const std::string &text,
                      KeyFingerprint &key) {
  if (text.empty())
    return Error{"with --key, " + option +
                 " is needed, too: the fingerprint or the certificate file of "
                 "that party"};
  Result<KeyFingerprint> read = readFingerprint(text);
  if (!read.ok())
    return Error{option + ": " + read.message()};
  key = *read;
  return {};
}

static Status readKeys(Party &party) {
  const PartyOptions &options = party.options;
  if (options.key.empty()) {
    if (!options.certificate.empty() || !options.serverKey.empty() ||
        !options.dealerKey.empty() || !options.clientKeys.empty())
      return Error{"the keys of other parties are of no use without this "
                   "party's --key"};
    return {};
  }
  IdentityFiles files = {options.key, options.certificate.empty()
                                          ? certificateBeside(options.key)
                                          : options.certificate};
  Result<TlsContext> context = TlsContext::create(files);
  if (!context.ok())
    return context.takeError();
  AERO_RETURN_IF_ERROR(checkDates(files.certificate));
  party.tls.emplace(*context);
  std::vector<KeyFingerprint> all = {context->ownKey()};
  if (party.role != Role::Server) {
    AERO_RETURN_IF_ERROR(
        readKey("--server-key", options.serverKey, party.serverKey));
    all.push_back(party.serverKey);
  }
  // Who has correlations on disk may do without a dealer.
  if (party.role != Role::Dealer &&
      !(options.dealer.empty() && options.dealerKey.empty())) {
    AERO_RETURN_IF_ERROR(
        readKey("--dealer-key", options.dealerKey, party.dealerKey));
    all.push_back(party.dealerKey);
  }
  if (party.role != Role::Client && options.clientKeys.empty())
    return Error{"with --key, --allow-client is needed, too: the fingerprint "
                 "or the certificate file of each client"};
  for (const std::string &text : options.clientKeys) {
    KeyFingerprint key;
    AERO_RETURN_IF_ERROR(readKey("--allow-client", text, key));
    party.clientKeys.push_back(key);
    all.push_back(key);
  }
  // Client keys may repeat; but two roles in one hand see everything.
  for (size_t i = 0; i < all.size(); ++i)
    for (size_t j = i + 1; j < all.size(); ++j) {
      bool clients = all.size() - party.clientKeys.size() <= i;
      if (!clients && all[i] == all[j])
        return Error{"two roles have the key " + formatFingerprint(all[i]) +
                     ": whoever is two of client, server and dealer knows "
                     "everything; make a key for each with 'aero keys new'"};
    }
  return {};
}

Result<Party> Party::prepare(const PartyOptions &options, Role role) {
  if (role != Role::Dealer && options.dealer.empty() &&
      options.correlations.empty())
    return Error{
        "where do the correlations come from? Give --dealer HOST:PORT, "
        "or --correlations FOLDER from 'aero dealer --prepare'"};
  Result<LoadedProgram> program = readProgram(options.program);
  if (!program.ok())
    return program.takeError();
  Result<Stop> stop = Stop::install();
  if (!stop.ok())
    return stop.takeError();
  Party party{options, role, *stop, {}, std::move(*program), {}, {}, {}, {}};
  if (!options.log.empty()) {
    Result<Log> log = Log::open(options.log, role);
    if (!log.ok())
      return log.takeError();
    party.log = *log;
  }
  AERO_RETURN_IF_ERROR(readKeys(party));
  return party;
}

std::optional<ChannelSecurity> Party::accepting() const {
  if (!tls)
    return std::nullopt;
  AcceptedKeys accepted{clientKeys, "--allow-client"};
  if (role == Role::Dealer) {
    accepted.keys.push_back(serverKey);
    accepted.option = "--server-key or --allow-client";
  }
  return ChannelSecurity{*tls, TlsSide::Accept, std::move(accepted),
                         stop.abort()};
}

std::optional<ChannelSecurity> Party::calling(Role peer) const {
  if (!tls)
    return std::nullopt;
  bool toServer = peer == Role::Server;
  return ChannelSecurity{
      *tls, TlsSide::Connect,
      AcceptedKeys{{toServer ? serverKey : dealerKey},
                   toServer ? "--server-key" : "--dealer-key"},
      stop.abort()};
}

Result<Channel> Party::connect(const Endpoint &endpoint, Role peer,
                               std::chrono::milliseconds timeout) const {
  std::optional<ChannelSecurity> security = calling(peer);
  Result<Channel> channel =
      connectTo(endpoint, roleName(peer), timeout,
                security ? &*security : nullptr, stop.abort());
  if (channel.ok() || !channel.message().starts_with("cannot reach"))
    return channel;
  const char *command = peer == Role::Server ? "serve" : "dealer";
  return Error{channel.message() + " (" + options.tool + " " + command +
                   " --program " + options.program + " --port " +
                   std::to_string(endpoint.port) + " ...)",
               channel.kind()};
}

SessionOptions Party::sessionOptions() const {
  SessionOptions session;
  session.timeout = fromSeconds(options.timeout);
  session.drain = stop.drain();
  session.abort = stop.abort();
  if (role == Role::Client || options.once)
    return session;
  session.idle = fromSeconds(options.idleTimeout);
  session.deadline =
      std::chrono::steady_clock::now() + fromSeconds(options.sessionTime);
  return session;
}

void Party::listening(const Listener &listener) const {
  emit({{"event", "listening"}, {"port", listener.port()}});
  log.write(Log::Level::Info, "listening",
            {{"host", options.host},
             {"port", listener.port()},
             {"tls", secure()},
             {"sessions", options.once ? 1 : options.sessions},
             {"program", options.program}});
}
