//===- MutationTest.cpp - Ten thousand sessions on a bad line -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Whole sessions between three parties whose connections lead through a relay
/// that changes one frame: cut, too long, twice, missing, late, in another
/// order, of another kind, or with other contents. Every party must end in
/// time, with a result or with a typed error, and nothing may be left behind.
///
//===----------------------------------------------------------------------===//

#include "ProtocolHarness.h"
#include "Session/Session.h"

#include <atomic>
#include <filesystem>
#include <mutex>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;

namespace {

using Bytes = std::vector<uint8_t>;

enum class Mutation {
  None,
  HeaderBit,
  PayloadBit,
  Kind,
  Cut,         // the payload ends early, the next frame follows
  CutAndClose, // the connection ends within the frame
  Longer,      // the header promises more than there is
  Huge,        // the header promises 2^60 bytes
  Twice,
  Missing,
  Swapped, // with the frame behind it
  Noise,   // bytes between two frames
  Late,
  Count
};

/// Which frame of which direction of which connection is changed, and how.
struct Plan {
  Mutation mutation;
  unsigned direction; // of the six
  unsigned frame;
  uint64_t random;
};

/// One direction of a connection, frame by frame.
struct Direction {
  int from, to;
  Bytes buffer, held;
  unsigned frame = 0;
  bool open = true;
};

void sendAll(int fd, const Bytes &bytes) {
  // The receiver may be gone; then its side says so.
  for (size_t done = 0; done < bytes.size();) {
    ssize_t n =
        ::send(fd, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
    if (n <= 0)
      return;
    done += size_t(n);
  }
}

void store(Bytes &frame, size_t at, uint64_t value, size_t size) {
  std::memcpy(frame.data() + at, &value, size);
}

/// The changed frame; false if the connection ends with it.
bool mutate(const Plan &plan, Direction &line, Bytes frame) {
  size_t payload = frame.size() - frameHeaderBytes;
  size_t inPayload = payload ? plan.random % payload : 0;
  switch (plan.mutation) {
  case Mutation::HeaderBit:
    frame[plan.random % frameHeaderBytes] ^=
        uint8_t(1 << (plan.random >> 8) % 8);
    break;
  case Mutation::PayloadBit:
    if (payload)
      frame[frameHeaderBytes + inPayload] ^=
          uint8_t(1 << (plan.random >> 32) % 8);
    break;
  case Mutation::Kind:
    store(frame, 4, plan.random % 12, 2);
    break;
  case Mutation::Cut:
    frame.resize(frame.size() - (payload ? 1 + inPayload : 1));
    break;
  case Mutation::CutAndClose:
    frame.resize(plan.random % frame.size());
    sendAll(line.to, frame);
    return false;
  case Mutation::Longer:
    store(frame, 8, payload + 1 + plan.random % 100000, 8);
    break;
  case Mutation::Huge:
    store(frame, 8, uint64_t(1) << 60, 8);
    break;
  case Mutation::Twice:
    sendAll(line.to, frame);
    break;
  case Mutation::Missing:
    return true;
  case Mutation::Swapped:
    line.held = std::move(frame);
    return true;
  case Mutation::Noise:
    frame.insert(frame.begin(), 1 + plan.random % 40,
                 uint8_t(plan.random >> 8));
    break;
  case Mutation::Late:
    std::this_thread::sleep_for(std::chrono::milliseconds(plan.random % 8));
    break;
  case Mutation::None:
  case Mutation::Count:
    break;
  }
  sendAll(line.to, frame);
  return true;
}

/// Passes on what is whole; false if the connection ends.
bool pass(const Plan &plan, unsigned index, Direction &line) {
  while (line.buffer.size() >= frameHeaderBytes) {
    uint64_t size;
    std::memcpy(&size, line.buffer.data() + 8, 8);
    if (line.buffer.size() - frameHeaderBytes < size)
      return true;
    auto end = line.buffer.begin() + ptrdiff_t(frameHeaderBytes + size);
    Bytes frame(line.buffer.begin(), end);
    line.buffer.erase(line.buffer.begin(), end);
    bool chosen = line.frame++ == plan.frame && index == plan.direction &&
                  plan.mutation != Mutation::None;
    if (chosen) {
      if (!mutate(plan, line, std::move(frame)))
        return false;
      continue;
    }
    sendAll(line.to, frame);
    sendAll(line.to, std::exchange(line.held, {}));
  }
  return true;
}

/// Moves frames until all connections are closed.
void relay(const Plan &plan, std::array<Direction, 6> &lines) {
  // The other direction of a connection is next to it.
  auto close = [&](unsigned index) {
    for (unsigned i : {index, index ^ 1}) {
      lines[i].open = false;
      ::shutdown(lines[i].from, SHUT_RDWR);
    }
  };
  for (;;) {
    std::vector<pollfd> waits;
    std::vector<unsigned> indices;
    for (unsigned i = 0; i < lines.size(); ++i)
      if (lines[i].open) {
        waits.push_back({lines[i].from, POLLIN, 0});
        indices.push_back(i);
      }
    if (waits.empty())
      return;
    ::poll(waits.data(), waits.size(), 1000);
    for (size_t w = 0; w < waits.size(); ++w) {
      unsigned index = indices[w];
      Direction &line = lines[index];
      if (!waits[w].revents || !line.open)
        continue;
      uint8_t chunk[65536];
      ssize_t n = ::recv(line.from, chunk, sizeof(chunk), MSG_DONTWAIT);
      if (n > 0)
        line.buffer.insert(line.buffer.end(), chunk, chunk + n);
      if (n == 0 || (n < 0 && errno != EAGAIN) || !pass(plan, index, line)) {
        sendAll(line.to, std::exchange(line.held, {}));
        close(index);
      }
    }
  }
}

/// A connection through the relay: what one party and what the other holds.
struct Line {
  int first[2], second[2];

  Line() {
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, first), 0);
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, second), 0);
  }
  ~Line() {
    ::close(first[1]);
    ::close(second[1]);
  }
  Channel one(const char *peer) { return Channel(first[0], peer); }
  Channel other(const char *peer) { return Channel(second[0], peer); }
};

class MutationTest : public FileTest {
protected:
  void SetUp() override {
    FileTest::SetUp();
    test.emplace(makeTestProgram(), directory,
                 [](int, size_t i) { return int64_t(i % 1000); });
    options.timeout = std::chrono::milliseconds(150);
  }

  struct Outcome {
    Status client, server, dealer;
    double seconds = 0;
    /// That the relay passed on or changed, by direction.
    std::array<unsigned, 6> frames;
  };

  Outcome run(const Plan &plan) {
    Outcome outcome;
    Stopwatch watch;
    Line clientDealer, serverDealer, clientServer;
    std::array<Direction, 6> lines;
    Line *all[] = {&clientDealer, &serverDealer, &clientServer};
    for (unsigned i = 0; i < 3; ++i) {
      lines[2 * i] = {all[i]->first[1], all[i]->second[1], {}, {}};
      lines[2 * i + 1] = {all[i]->second[1], all[i]->first[1], {}, {}};
    }
    std::thread relayThread([&] { relay(plan, lines); });
    std::thread dealerThread([&, server = serverDealer.other("server"),
                              client = clientDealer.other("client")]() mutable {
      Result<Dealer> dealer = Dealer::create(test->loaded, options);
      outcome.dealer = admit(*dealer, test->loaded, std::move(server));
      if (outcome.dealer.ok())
        outcome.dealer = admit(*dealer, test->loaded, std::move(client));
      if (outcome.dealer.ok())
        outcome.dealer = dealer->serve();
    });
    std::thread serverThread([&, dealer = serverDealer.one("dealer"),
                              client = clientServer.other("client")]() mutable {
      Result<Server> server = Server::join(test->loaded, *test->weights,
                                           std::move(dealer), options);
      outcome.server =
          server.ok() ? joinClient(*server, test->loaded, std::move(client))
                      : Status(server.takeError());
      if (outcome.server.ok())
        outcome.server = server->serve();
    });
    outcome.client =
        runClient(clientServer.one("server"), clientDealer.one("dealer"));
    serverThread.join();
    dealerThread.join();
    relayThread.join();
    outcome.seconds = watch.lap();
    for (unsigned i = 0; i < 6; ++i)
      outcome.frames[i] = lines[i].frame;
    return outcome;
  }

  Status runClient(Channel server, Channel dealer) {
    Result<Client> client =
        Client::join(test->loaded, std::move(server), options);
    if (!client.ok())
      return client.takeError();
    AERO_RETURN_IF_ERROR(client->joinDealer(std::move(dealer)));
    std::vector<uint32_t> tokens = {1, 2, 3, 4};
    for (int i = 0; i < 2; ++i) {
      Result<Inference> inference = client->infer(tokens, 3);
      if (!inference.ok())
        return inference.takeError();
    }
    return client->end();
  }

  static size_t openFiles() {
    auto files = std::filesystem::directory_iterator("/proc/self/fd");
    return size_t(std::distance(begin(files), end(files)));
  }

  std::optional<TestWeights> test;
  SessionOptions options;
};

TEST_F(MutationTest, AnUnchangedSessionSucceeds) {
  options.timeout = std::chrono::seconds(10);
  Outcome outcome = run({Mutation::None, 0, 0, 0});
  EXPECT_TRUE(outcome.client.ok());
  EXPECT_TRUE(outcome.server.ok());
  EXPECT_TRUE(outcome.dealer.ok());
}

TEST_F(MutationTest, TenThousandChangedSessionsEndInTime) {
  constexpr unsigned sessions = 10000, workers = 12;
  // Long after the timeout, but far from forever; the machine may be busy.
  constexpr double deadline = 20;
  size_t filesBefore = openFiles();
  options.timeout = std::chrono::seconds(10);
  const std::array<unsigned, 6> frames = run({Mutation::None, 0, 0, 0}).frames;
  options.timeout = std::chrono::milliseconds(150);
  std::atomic<unsigned> next = 0, failures = 0;
  std::mutex mutex;
  std::vector<std::string> problems;
  auto work = [&] {
    for (unsigned i; (i = next++) < sessions;) {
      Inputs inputs(i);
      Plan plan;
      plan.mutation = Mutation(1 + i % (unsigned(Mutation::Count) - 1));
      plan.direction = unsigned(inputs.word() % 6);
      ASSERT_GT(frames[plan.direction], 0U);
      plan.frame = unsigned(inputs.word() % frames[plan.direction]);
      plan.random = inputs.word();
      Outcome outcome = run(plan);
      std::string problem;
      if (outcome.frames[plan.direction] <= plan.frame)
        problem = "ended before its frame was changed";
      if (outcome.seconds > deadline)
        problem = "took " + std::to_string(outcome.seconds) + " s";
      for (const Status *status :
           {&outcome.client, &outcome.server, &outcome.dealer}) {
        if (status->ok())
          continue;
        ++failures;
        if (status->message().empty() || status->kind() == ErrorKind::Other)
          problem += " untyped error '" + status->message() + "'";
      }
      if (problem.empty())
        continue;
      std::lock_guard lock(mutex);
      problems.push_back("session " + std::to_string(i) + ", mutation " +
                         std::to_string(unsigned(plan.mutation)) + ":" +
                         problem);
    }
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < workers; ++i)
    threads.emplace_back(work);
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_TRUE(problems.empty()) << testing::PrintToString(problems);
  // Most changes are noticed by somebody.
  EXPECT_GT(failures, sessions / 2);
  EXPECT_EQ(openFiles(), filesBefore);
}

} // namespace
