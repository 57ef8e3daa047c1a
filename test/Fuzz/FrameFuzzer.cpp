//===- FrameFuzzer.cpp - Hostile peers ------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The first byte picks the call, the rest is what the peer sends before it
/// closes the connection.
///
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Channel.h"
#include "aero/Runtime/Wire.h"

#include <cstdlib>
#include <sys/socket.h>
#include <unistd.h>

using namespace aero::rt;

/// More than fits into a socket's buffer is of no use: nobody reads it yet.
static constexpr size_t maxInput = 4096;

static void require(bool ok) {
  if (!ok)
    std::abort();
}

/// Decodes what came as elements, packed values and planes of every width.
static void decode(std::span<const uint8_t> bytes) {
  for (unsigned bits = 1; bits <= 64; ++bits) {
    std::vector<uint64_t> values(bytes.size() / elementBytes(bits));
    readElements(bytes.first(values.size() * elementBytes(bits)), values, bits);
    std::vector<uint64_t> packed(bytes.size() * 8 / bits);
    readPacked(bytes.first(packedBytes(packed.size(), bits)), packed, bits);
    for (uint64_t value : values)
      require(value <= ringMask(bits));
    for (uint64_t value : packed)
      require(value <= ringMask(bits));
  }
  size_t words = bytes.size() / 8;
  if (words > 0)
    (void)readPlane(bytes.first(words * 8), words * 64 - words % 64);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  int fds[2];
  if (size < 2 || size > maxInput ||
      ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
    return 0;
  require(::write(fds[1], data + 2, size - 2) == ssize_t(size - 2));
  // Some peers stay silent instead of closing.
  bool silent = data[0] & 0x80;
  if (silent)
    ::shutdown(fds[1], SHUT_RD);
  else
    ::close(fds[1]);
  {
    Channel channel(fds[0], "peer");
    channel.setTimeout(std::chrono::milliseconds(1));
    uint64_t limit = data[1];
    FrameKind kind = static_cast<FrameKind>((data[0] >> 3 & 7) + 1);
    // Until the first error, which every input has: its bytes end.
    for (unsigned frames = 0;; ++frames) {
      require(frames <= maxInput / frameHeaderBytes);
      std::vector<uint8_t> got;
      bool ok = false;
      switch (data[0] & 3) {
      case 0: {
        got.resize(limit);
        ok = channel.receive(kind, got).ok();
        break;
      }
      case 1: {
        auto result = channel.receiveUpTo(kind, limit);
        if ((ok = result.ok()))
          got = std::move(*result);
        break;
      }
      case 2: {
        const FrameKind kinds[] = {kind, FrameKind::Begin, FrameKind::End};
        auto result = channel.receiveAny(kinds, limit);
        if ((ok = result.ok()))
          got = std::move(result->second);
        break;
      }
      case 3: {
        got.resize(limit + 1);
        const uint8_t out[5] = {};
        ok = channel.exchange(silent ? std::span(out) : std::span(out, 0), got)
                 .ok();
        break;
      }
      }
      if (!ok)
        break;
      require(got.size() <= limit + 1);
      decode(got);
    }
    require(channel.counters().receivedBytes <= size - 2);
  }
  if (silent)
    ::close(fds[1]);
  return 0;
}
