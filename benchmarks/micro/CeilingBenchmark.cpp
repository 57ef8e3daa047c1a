//===- CeilingBenchmark.cpp - What the machine's multipliers can do -------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Multiplications and additions of registers, without a load: as many
/// multiply-adds a second as no product can exceed. Products (GemmBenchmark)
/// are compared with it in one run.
///
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Gemm.h"

#include "benchmark/benchmark.h"

#include <cstdint>

#if defined(__x86_64__)

// As many sums as the tile of the products has (lib/Runtime/Gemm/Avx512.cpp).
static constexpr int sumCount = 24;

template <typename T>
__attribute__((target("avx512f,avx512dq"))) static void
ceiling(benchmark::State &state) {
  typedef T Vector __attribute__((vector_size(64)));
  if (aero::rt::bestGemmKernel() != aero::rt::GemmKernel::Avx512) {
    state.SkipWithError("this CPU has no AVX-512");
    return;
  }
  constexpr int rounds = 4096;
  const Vector factor = Vector{} + T(0x9e3779b97f4a7c15),
               term = Vector{} + T(0xbf58476d1ce4e5b9);
  Vector sums[sumCount] = {};
  // Each sum waits for itself alone: all of them together are many enough to
  // hide that.
  for (auto _ : state)
    for (int i = 0; i < rounds; ++i)
      for (Vector &sum : sums)
        sum = sum * factor + term;
  benchmark::DoNotOptimize(sums);
  state.counters["madd/s"] = benchmark::Counter(
      double(sumCount) * rounds * (64 / sizeof(T)) * state.iterations(),
      benchmark::Counter::kIsRate);
}

BENCHMARK(ceiling<uint64_t>)->Name("ceiling/avx512/u64");
BENCHMARK(ceiling<uint32_t>)->Name("ceiling/avx512/u32");

#endif // defined(__x86_64__)
