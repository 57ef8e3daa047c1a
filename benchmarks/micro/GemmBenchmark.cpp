//===- GemmBenchmark.cpp - Ring matrix products ---------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The rate is in multiply-adds a second of one thread's CPU time. The shapes
/// are those of GPT-2: a projection, the output layer, the scores of one head,
/// and the projection for one row only, which memory limits.
///
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Gemm.h"

#include "benchmark/benchmark.h"

#include <random>
#include <vector>

using namespace aero::rt;

template <typename T> static std::vector<T> randomValues(size_t n) {
  std::mt19937_64 generator(n);
  std::vector<T> values(n);
  for (T &value : values)
    value = static_cast<T>(generator());
  return values;
}

template <typename T, typename B>
static void product(benchmark::State &state, GemmKernel kernel, size_t m,
                    size_t n, size_t k, bool transposed) {
  if (kernel > bestGemmKernel()) {
    state.SkipWithError("this CPU has no such kernel");
    return;
  }
  setGemmKernel(kernel);
  std::vector<T> a = randomValues<T>(m * k), c(m * n);
  std::vector<B> b = randomValues<B>(k * n);
  MatrixRef<B> right{b.data(), transposed ? k : n, transposed};
  for (auto _ : state) {
    gemm(m, n, k, {a.data(), k}, right, c.data(), n);
    benchmark::DoNotOptimize(c.data());
    benchmark::ClobberMemory();
  }
  setGemmKernel(bestGemmKernel());
  state.counters["madd/s"] = benchmark::Counter(
      double(m) * n * k * state.iterations(), benchmark::Counter::kIsRate);
}

static const bool registered = [] {
  for (GemmKernel kernel :
       {GemmKernel::Scalar, GemmKernel::Avx2, GemmKernel::Avx512}) {
    auto add = [&](const char *type, auto function, size_t m, size_t n,
                   size_t k, bool transposed) {
      std::string name = std::string("gemm/") + gemmKernelName(kernel) + "/" +
                         type + "/" + std::to_string(m) + "x" +
                         std::to_string(n) + "x" + std::to_string(k);
      benchmark::RegisterBenchmark(name.c_str(), function, kernel, m, n, k,
                                   transposed)
          ->Unit(benchmark::kMillisecond);
    };
    add("u64", product<uint64_t, uint64_t>, 128, 2304, 768, false);
    add("u64", product<uint64_t, uint64_t>, 128, 128, 64, true);
    add("u64", product<uint64_t, uint64_t>, 1, 2304, 768, false);
    add("mixed", product<uint64_t, int32_t>, 128, 2304, 768, false);
    add("mixed", product<uint64_t, int32_t>, 1, 2304, 768, false);
    add("u32", product<uint32_t, uint32_t>, 128, 50257, 768, false);
  }
  return true;
}();
