//===- FreePortsTest.cpp - Ports that nothing listens on ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Driver/FreePorts.h"

#include "gtest/gtest.h"

#include <netinet/in.h>
#include <string>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

using namespace aero;

namespace {

/// A socket that listens on a port, or -1.
int listenOn(unsigned port) {
  int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(descriptor, reinterpret_cast<const sockaddr *>(&address),
             sizeof(address)) == 0 &&
      ::listen(descriptor, 1) == 0)
    return descriptor;
  ::close(descriptor);
  return -1;
}

TEST(FreePorts, CanBeListenedOn) {
  auto first = findFreePorts(3);
  ASSERT_TRUE(static_cast<bool>(first)) << llvm::toString(first.takeError());
  std::vector<int> sockets;
  for (unsigned port = *first; port < *first + 3; ++port) {
    sockets.push_back(listenOn(port));
    EXPECT_GE(sockets.back(), 0) << port;
  }
  for (int descriptor : sockets)
    ::close(descriptor);
}

TEST(FreePorts, AreNotThoseInUse) {
  // Of eight ports every third one is taken.
  auto begin = findFreePorts(8);
  ASSERT_TRUE(static_cast<bool>(begin)) << llvm::toString(begin.takeError());
  int sockets[] = {listenOn(*begin + 2), listenOn(*begin + 5)};
  EXPECT_GE(sockets[0], 0);
  EXPECT_GE(sockets[1], 0);
  auto two = findFreePorts(2, *begin, *begin + 8);
  ASSERT_TRUE(static_cast<bool>(two)) << llvm::toString(two.takeError());
  EXPECT_EQ((*two - *begin) % 3, 0u);
  auto three = findFreePorts(3, *begin, *begin + 8);
  EXPECT_FALSE(static_cast<bool>(three));
  EXPECT_EQ(llvm::toString(three.takeError()),
            "no 3 free ports in a row between " + std::to_string(*begin) +
                " and " + std::to_string(*begin + 7));
  for (int descriptor : sockets)
    ::close(descriptor);
}

} // namespace
