//===- HostilePeersTest.cpp - Peers that send anything --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FailureFixture.h"

#include <sys/socket.h>

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;

namespace {

class HostilePeersTest : public FailureTest {};

/// Sends what a hostile peer might: wrong kinds, sizes, orders, noise. The
/// socket is closed at the end.
void sendNonsense(Channel channel, Inputs &inputs) {
  auto raw = [&](const void *data, size_t size) {
    (void)::send(channel.descriptor(), data, size, MSG_NOSIGNAL | MSG_DONTWAIT);
  };
  for (int64_t frames = inputs.in(1, 6); frames > 0; --frames) {
    struct {
      uint32_t magic = 0x31464541;
      uint16_t kind = 0, zero = 0;
      uint64_t size = 0;
    } header;
    header.kind = uint16_t(inputs.in(0, 9));
    uint64_t sizes[] = {0,  1,   15,  16,  17,         64,
                        72, 128, 256, 512, UINT64_MAX, uint64_t(1) << 40};
    header.size = sizes[inputs.in(0, 11)];
    if (header.kind == uint16_t(FrameKind::End))
      header.size |= 1; // anything but an orderly end
    if (inputs.in(0, 9) == 0)
      header.magic ^= 1U << inputs.in(0, 31);
    if (inputs.in(0, 19) == 0)
      header.zero = 1;
    raw(&header,
        size_t(inputs.in(0, 9) == 0 ? inputs.in(1, 15) : sizeof(header)));
    std::vector<uint8_t> payload(std::min<uint64_t>(header.size, 600));
    for (uint8_t &byte : payload)
      byte = uint8_t(inputs.in(0, 3) ? inputs.word() : 0);
    raw(payload.data(), payload.size());
  }
}

TEST_F(HostilePeersTest, HostileMessagesEndInErrors) {
  Inputs inputs(12);
  for (int round = 0; round < 60; ++round) {
    SCOPED_TRACE(round);
    bool early = round % 3 == 0;
    // To the server from the client, then from the dealer.
    for (bool fromClient : {true, false}) {
      Pair dealer = channelPair(), client = channelPair();
      EXPECT_NE(
          errorOf([&] { return runServer(dealer->first, client->first); },
                  [&] {
                    if (early && !fromClient)
                      return sendNonsense(std::move(dealer->second), inputs);
                    answerAsDealer(dealer->second);
                    if (early)
                      return sendNonsense(std::move(client->second), inputs);
                    greetServer(client->second);
                    EXPECT_TRUE(sendBegin(client->second, 1, 0).ok());
                    sendNonsense(
                        std::move(fromClient ? client->second : dealer->second),
                        inputs);
                  }),
          "");
    }
    // To the client from the server.
    {
      Pair dealer = channelPair(), server = channelPair();
      EXPECT_NE(errorOf([&] { return runClient(dealer->first, server->first); },
                        [&] {
                          if (!early) {
                            answerAsServer(server->second);
                            answerAsDealer(dealer->second);
                          }
                          sendNonsense(std::move(server->second), inputs);
                        }),
                "");
    }
    // To the dealer from either party.
    for (bool fromClient : {true, false}) {
      Pair server = channelPair(), client = channelPair();
      EXPECT_NE(
          errorOf([&] { return runDealer(client->first, server->first); },
                  [&] {
                    if (early && !fromClient)
                      return sendNonsense(std::move(server->second), inputs);
                    greetDealer(server->second, Role::Server);
                    if (early)
                      return sendNonsense(std::move(client->second), inputs);
                    greetDealer(client->second, Role::Client);
                    sendNonsense(
                        std::move(fromClient ? client->second : server->second),
                        inputs);
                  }),
          "");
    }
  }
}

/// Frames of the right kinds and sizes with arbitrary contents: the result is
/// noise, but nothing breaks.
TEST_F(HostilePeersTest, ArbitraryContentsAreHarmless) {
  Inputs inputs(13);
  auto noise = [&](size_t n) {
    std::vector<uint8_t> bytes(n);
    for (uint8_t &byte : bytes)
      byte = uint8_t(inputs.word());
    return bytes;
  };
  for (int round = 0; round < 20; ++round) {
    Pair dealer = channelPair(), client = channelPair();
    std::string message = errorOf(
        [&] { return runServer(dealer->first, client->first); },
        [&] {
          answerAsDealer(dealer->second);
          greetServer(client->second);
          EXPECT_TRUE(sendBegin(client->second, 1, 0).ok());
          sendCorrections(dealer->second, noise);
          std::vector<uint8_t> ready(sizeof(Begin));
          EXPECT_TRUE(client->second.receive(FrameKind::Begin, ready).ok());
          // Sizes of the exchanges follow from the program alone.
          for (auto [sent, received] : exchangeSizes()) {
            std::vector<uint8_t> in(received);
            Status status = client->second.exchange(noise(sent), in);
            ASSERT_TRUE(status.ok()) << status.message();
          }
          EXPECT_TRUE(client->second.send(FrameKind::End, {}).ok());
        });
    EXPECT_EQ(message, "");
  }
}

} // namespace
