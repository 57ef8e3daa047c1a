//===- FreePorts.cpp - Ports that nothing listens on ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Driver/FreePorts.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/Sequence.h"

#include <cassert>
#include <netinet/in.h>
#include <random>
#include <sys/socket.h>
#include <unistd.h>

using namespace aero;

static bool isFree(unsigned port) {
  int descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0)
    return false;
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_ANY);
  bool bound = ::bind(descriptor, reinterpret_cast<const sockaddr *>(&address),
                      sizeof(address)) == 0;
  ::close(descriptor);
  return bound;
}

llvm::Expected<unsigned> aero::findFreePorts(unsigned count, unsigned begin,
                                             unsigned end) {
  assert(begin + count <= end && "no room for the ports");
  // Two who look at the same time should not begin at the same place.
  unsigned starts = end - begin - count + 1;
  unsigned offset = std::random_device()() % starts;
  for (unsigned i = 0; i < starts; ++i)
    if (unsigned port = begin + (offset + i) % starts;
        llvm::all_of(llvm::seq(port, port + count), isFree))
      return port;
  return llvm::createStringError(
      "no " + llvm::Twine(count) + " free ports in a row between " +
      llvm::Twine(begin) + " and " + llvm::Twine(end - 1));
}
