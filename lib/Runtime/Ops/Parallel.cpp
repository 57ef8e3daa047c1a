//===- Parallel.cpp - Loops over several threads --------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Parallel.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

using namespace aero::rt;

namespace {

/// Threads that wait for loops. Started when the first loop needs them.
class Pool {
public:
  ~Pool() {
    {
      std::lock_guard lock(mutex);
      stopping = true;
    }
    wake.notify_all();
    for (std::thread &thread : threads)
      thread.join();
  }

  void resize(unsigned count) {
    std::lock_guard lock(loop);
    wanted = std::max(count, 1U);
  }

  void run(size_t n, size_t grain,
           const std::function<void(size_t, size_t)> &body) {
    std::unique_lock owner(loop, std::try_to_lock);
    size_t chunks = (n + grain - 1) / grain;
    if (!owner || wanted == 1 || chunks < 2)
      return body(0, n);
    while (threads.size() + 1 < wanted)
      threads.emplace_back([this] { work(); });
    {
      std::lock_guard lock(mutex);
      task = &body;
      size = n;
      step = (chunks + wanted - 1) / wanted * grain;
      next = 0;
      running = 0;
      ++generation;
    }
    wake.notify_all();
    drain();
    std::unique_lock lock(mutex);
    done.wait(lock, [this] { return running == 0 && next >= size; });
    task = nullptr;
  }

private:
  /// Takes ranges until none is left.
  void drain() {
    std::unique_lock lock(mutex);
    while (task && next < size) {
      size_t begin = next, end = std::min(size, next + step);
      const auto *body = task;
      next = end;
      ++running;
      lock.unlock();
      (*body)(begin, end);
      lock.lock();
      --running;
    }
    if (running == 0)
      done.notify_all();
  }

  void work() {
    uint64_t seen = 0;
    while (true) {
      {
        std::unique_lock lock(mutex);
        wake.wait(lock, [&] { return stopping || generation != seen; });
        if (stopping)
          return;
        seen = generation;
      }
      drain();
    }
  }

  std::mutex loop; // held by the thread whose loop runs
  std::mutex mutex;
  std::condition_variable wake, done;
  std::vector<std::thread> threads;
  unsigned wanted = 1;
  const std::function<void(size_t, size_t)> *task = nullptr;
  size_t size = 0, step = 0, next = 0, running = 0;
  uint64_t generation = 0;
  bool stopping = false;
};

} // namespace

static Pool &pool() {
  static Pool instance;
  return instance;
}

void aero::rt::setLoopThreads(unsigned threads) { pool().resize(threads); }

void aero::rt::parallelFor(size_t n, size_t grain,
                           const std::function<void(size_t, size_t)> &body) {
  if (n == 0)
    return;
  if (n <= grain)
    return body(0, n);
  pool().run(n, grain, body);
}
