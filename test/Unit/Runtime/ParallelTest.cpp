//===- ParallelTest.cpp - Loops over several threads ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ops/Parallel.h"

#include "gtest/gtest.h"

#include <thread>
#include <vector>

using namespace aero::rt;

namespace {

class Parallel : public testing::Test {
protected:
  void SetUp() override { setLoopThreads(4); }
  void TearDown() override { setLoopThreads(1); }

  static void checkLoop(size_t n, size_t grain) {
    std::vector<int> visits(n);
    parallelFor(n, grain, [&](size_t begin, size_t end) {
      EXPECT_LT(begin, end);
      EXPECT_TRUE(begin % grain == 0);
      for (size_t i = begin; i < end; ++i)
        ++visits[i];
    });
    EXPECT_EQ(visits, std::vector<int>(n, 1));
  }
};

TEST_F(Parallel, VisitsEveryElementOnce) {
  for (int round = 0; round < 50; ++round)
    for (size_t n : {0, 1, 63, 64, 65, 1000, 4096, 100001})
      checkLoop(n, 64);
}

TEST_F(Parallel, LoopsOfSeveralThreadsDoNotMix) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([] {
      for (int round = 0; round < 100; ++round)
        checkLoop(5000, 64);
    });
  for (std::thread &thread : threads)
    thread.join();
}

} // namespace
