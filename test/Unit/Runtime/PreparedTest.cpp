//===- PreparedTest.cpp - Correlations on disk are used once --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProtocolHarness.h"
#include "aero/Runtime/Correlations.h"

#include <algorithm>
#include <cmath>
#include <fcntl.h>
#include <mutex>
#include <set>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;
using testing::HasSubstr;

namespace {

class PreparedTest : public FileTest {
protected:
  void SetUp() override {
    FileTest::SetUp();
    test.emplace(makeTestProgram(), directory, [](int weight, size_t index) {
      return int64_t((index * 7919 + size_t(weight)) % 2001) - 1000;
    });
  }
  PreparedCorrelations prepare(uint64_t count) {
    auto prepared = prepareCorrelations(test->loaded, count, path("all"), {});
    EXPECT_TRUE(prepared.ok()) << prepared.message();
    return *prepared;
  }
  Result<ClientCorrelations> client() {
    return ClientCorrelations::open(path("all/client"), test->loaded);
  }
  Result<ServerCorrelations> server(const PreparedCorrelations &prepared,
                                    const KeyFingerprint &key = {}) {
    return ServerCorrelations::open(path("all/server"), prepared.session,
                                    test->loaded, key);
  }
  uint64_t correctionBytes() const {
    uint64_t bytes = 0;
    for (const program::Instruction &op : test->loaded.program.instructions())
      bytes += op.cost().dealer_to_server();
    return bytes;
  }
  static void change(const std::string &file, size_t at) {
    auto bytes = readAll(file);
    bytes.at(at) ^= 1;
    writeAll(file, bytes);
  }

  std::optional<TestWeights> test;
};

TEST_F(PreparedTest, SessionFromDisk) {
  PreparedCorrelations prepared = prepare(3);
  EXPECT_EQ(prepared.clientBytes, 136u + 32);
  EXPECT_EQ(prepared.serverBytes, 136 + 32 + 3 * (64 + correctionBytes()));
  const Request request = {{1, 7, 0, 3}, 3};
  SessionRun dealt = runSession(test->loaded, *test->weights, {request});
  ASSERT_EQ(dealt.inferences.size(), 1u);

  auto link = channelPair();
  SessionOptions options;
  options.timeout = std::chrono::seconds(5);
  SessionStatistics served;
  std::thread other([&] {
    auto caller =
        hearHello(std::move(link->second), test->loaded, Role::Server);
    ASSERT_TRUE(caller.ok());
    EXPECT_EQ(caller->session, prepared.session);
    auto server = Server::openPrepared(test->loaded, *test->weights,
                                       *this->server(prepared), options);
    ASSERT_TRUE(server.ok());
    EXPECT_TRUE(server->joinClient(std::move(*caller)).ok());
    EXPECT_TRUE(server->serve().ok());
    served = server->statistics();
  });
  auto client = Client::joinPrepared(test->loaded, std::move(link->first),
                                     *this->client(), options);
  ASSERT_TRUE(client.ok()) << client.message();
  for (int i = 0; i < 3; ++i) {
    Result<Inference> inference = client->infer(request.tokens, 3);
    ASSERT_TRUE(inference.ok()) << inference.message();
    for (size_t j = 0; j < inference->values.size(); ++j)
      EXPECT_NEAR(std::ldexp(double(inference->values[j]), -36),
                  std::ldexp(double(dealt.inferences[0].values[j]), -36), 1e-2);
  }
  Result<Inference> more = client->infer(request.tokens, 3);
  ASSERT_FALSE(more.ok());
  EXPECT_THAT(more.message(), HasSubstr("are used up"));
  EXPECT_TRUE(client->end().ok());
  other.join();
  EXPECT_EQ(served.inferences, 3u);
  // What came from the disk was on no socket.
  uint64_t wire = 0;
  for (const PeerStatistics &peer : served.peers)
    wire += peer.counters.sentBytes + peer.counters.receivedBytes;
  EXPECT_EQ(served.payloadBytes() + served.framingBytes(), wire);
  EXPECT_LT(served.framingBytes(), 100000u);
  EXPECT_THAT(this->client().message(), HasSubstr("not used up"));
  prepare(1);
  EXPECT_TRUE(this->client().ok()) << "the next session";
}

TEST_F(PreparedTest, NumbersAreTakenOnce) {
  PreparedCorrelations prepared = prepare(5);
  auto server = this->server(prepared);
  ASSERT_TRUE(server.ok()) << server.message();
  ASSERT_TRUE(server->take(2).ok());
  for (uint64_t number : {0, 1, 2, 6}) {
    auto again = this->server(prepared)->take(number);
    ASSERT_FALSE(again.ok()) << number;
    EXPECT_THAT(again.message(), HasSubstr("used already, or never prepared"));
  }
  EXPECT_TRUE(this->server(prepared)->take(5).ok());
  EXPECT_FALSE(server->take(3).ok()) << "below one that was taken";
  for (uint64_t number = 1; number <= 5; ++number)
    EXPECT_EQ(*client()->take(), number);
  EXPECT_FALSE(client().ok());
}

TEST_F(PreparedTest, ProcessesShareAFolder) {
  PreparedCorrelations prepared = prepare(40);
  std::mutex mutex;
  std::multiset<uint64_t> numbers, served;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      auto mine = client();
      while (mine.ok()) {
        Result<uint64_t> number = mine->take();
        if (number.ok()) {
          std::lock_guard lock(mutex);
          numbers.insert(*number);
        } else if (number.message().find("used up") != std::string::npos) {
          return;
        }
      }
    });
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      auto mine = server(prepared);
      for (uint64_t number = 1; number <= 40; ++number)
        if (mine->take(number).ok()) {
          std::lock_guard lock(mutex);
          served.insert(number);
        }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(numbers.size(), 40u);
  for (uint64_t number = 1; number <= 40; ++number) {
    EXPECT_EQ(numbers.count(number), 1u);
    EXPECT_LE(served.count(number), 1u);
  }
}

TEST_F(PreparedTest, FilesOfOthersAndDamagedOnes) {
  KeyFingerprint key = {1, 2, 3};
  auto prepared = prepareCorrelations(test->loaded, 2, path("all"), key);
  ASSERT_TRUE(prepared.ok());
  auto wrongClient = server(*prepared);
  ASSERT_FALSE(wrongClient.ok());
  EXPECT_THAT(wrongClient.message(), HasSubstr("was prepared for the client"));
  EXPECT_EQ(wrongClient.kind(), ErrorKind::Authentication);

  LoadedProgram other = test->loaded;
  other.hash[3] ^= 1;
  EXPECT_THAT(ClientCorrelations::open(path("all/client"), other).message(),
              HasSubstr("of another program"));
  // Each party's folder at the other one.
  EXPECT_THAT(
      ClientCorrelations::open(path("all/server"), test->loaded).message(),
      HasSubstr("belongs to the server"));

  change(prepared->server + "/1", 100);
  auto mine = server(*prepared, key);
  ASSERT_TRUE(mine.ok());
  EXPECT_THAT(mine->take(1).message(), HasSubstr("is damaged"));
  EXPECT_FALSE(mine->take(1).ok()) << "even a damaged one is used once";
  std::filesystem::resize_file(prepared->server + "/2", 1000);
  EXPECT_THAT(mine->take(2).message(), HasSubstr("is damaged"));
  for (size_t at : {0, 9, 13, 20, 70, 100, 130, 160}) {
    change(prepared->client + "/seed", at);
    EXPECT_THAT(client().message(), HasSubstr("is damaged")) << at;
    change(prepared->client + "/seed", at);
  }
  EXPECT_TRUE(client().ok());
  std::filesystem::remove(prepared->client + "/next-1");
  EXPECT_THAT(client().message(), HasSubstr("does not say which"));
}

TEST_F(PreparedTest, OnlyTheOwnerCanRead) {
  PreparedCorrelations prepared = prepare(1);
  for (const std::string &file :
       {prepared.client, prepared.server, prepared.client + "/seed",
        prepared.server + "/seed", prepared.server + "/1"}) {
    auto mode = std::filesystem::status(file).permissions();
    EXPECT_EQ(mode & std::filesystem::perms(077), std::filesystem::perms::none)
        << file;
  }
}

/// Runs `body` in a child that is killed at its n-th step into or out of the
/// system; false if it ended by itself before.
bool killedAtStep(int n, const std::function<void()> &body) {
  pid_t child = ::fork();
  if (child == 0) {
    ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
    ::raise(SIGSTOP);
    body();
    ::_exit(0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  for (int step = 0; step < n && WIFSTOPPED(status); ++step) {
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
  }
  bool running = WIFSTOPPED(status);
  if (running) {
    ::kill(child, SIGKILL);
    ::waitpid(child, &status, 0);
  }
  return running;
}

bool canTrace() {
  int steps = 0;
  return killedAtStep(1, [&] { ++steps; });
}

/// Memory that a killed child leaves to its parent.
struct Shared {
  Shared()
      : count(static_cast<uint64_t *>(
            ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {}
  ~Shared() { ::munmap(count, 4096); }
  /// In the child: a number that it would now use.
  void use(uint64_t number) const { count[1 + count[0]++] = number; }
  std::vector<uint64_t> used() const {
    return {count + 1, count + 1 + count[0]};
  }
  uint64_t *count;
};

TEST_F(PreparedTest, KillsAtEveryStepOfTheClient) {
  if (!canTrace())
    GTEST_SKIP() << "ptrace is not allowed here";
  prepare(400);
  Shared shared;
  int kills = 0;
  auto body = [&] {
    auto mine = client();
    for (int i = 0; mine.ok() && i < 2; ++i)
      if (Result<uint64_t> number = mine->take(); number.ok())
        shared.use(*number);
  };
  for (int n = 1; killedAtStep(n, body); ++n)
    ++kills;
  EXPECT_GT(kills, 20);
  std::vector<uint64_t> used = shared.used();
  EXPECT_GT(used.size(), 10u);
  // Strictly growing: no number was handed out again.
  EXPECT_TRUE(std::is_sorted(used.begin(), used.end(), std::less_equal<>()));
  EXPECT_EQ(std::set<uint64_t>(used.begin(), used.end()).size(), used.size());
  EXPECT_GT(*client()->take(), used.back());
}

TEST_F(PreparedTest, KillsAtEveryStepOfTheServer) {
  if (!canTrace())
    GTEST_SKIP() << "ptrace is not allowed here";
  PreparedCorrelations prepared = prepare(30);
  Shared shared;
  int kills = 0;
  // Each child asks for the two lowest that are there, as two clients might.
  auto body = [&] {
    auto mine = server(prepared);
    int taken = 0;
    for (uint64_t number = 1; mine.ok() && taken < 2 && number <= 30; ++number)
      if (mine->take(number).ok()) {
        shared.use(number);
        ++taken;
      }
  };
  for (int n = 1; killedAtStep(n, body); ++n) {
    ++kills;
    if (!std::filesystem::exists(prepared.server + "/29"))
      break;
  }
  EXPECT_GT(kills, 20);
  std::vector<uint64_t> used = shared.used();
  EXPECT_EQ(std::set<uint64_t>(used.begin(), used.end()).size(), used.size());
  for (uint64_t number : used)
    EXPECT_FALSE(server(prepared)->take(number).ok()) << number;
}

TEST_F(PreparedTest, KillsAtEveryStepOfTheDealer) {
  if (!canTrace())
    GTEST_SKIP() << "ptrace is not allowed here";
  int kills = 0;
  auto body = [&] {
    (void)prepareCorrelations(test->loaded, 1, path("all"), {});
  };
  for (int n = 1; killedAtStep(n, body); n += 3) {
    ++kills;
    // Whatever can be seen is whole, and a client's part has a server's.
    for (const char *side : {"all/client", "all/server"}) {
      if (!std::filesystem::exists(path(side)))
        continue;
      for (auto &entry : std::filesystem::directory_iterator(path(side))) {
        std::string name = entry.path().filename();
        EXPECT_TRUE(std::filesystem::exists(path("all/server/") + name));
        SessionId session;
        for (size_t i = 0; i < session.size(); ++i)
          session[i] = uint8_t(std::stoi(name.substr(2 * i, 2), nullptr, 16));
        auto mine = ServerCorrelations::open(path("all/server"), session,
                                             test->loaded, {});
        ASSERT_TRUE(mine.ok()) << mine.message();
        EXPECT_TRUE(mine->take(1).ok() || side == std::string("all/server"));
      }
    }
    std::filesystem::remove_all(path("all"));
  }
  EXPECT_GT(kills, 10);
}

} // namespace
