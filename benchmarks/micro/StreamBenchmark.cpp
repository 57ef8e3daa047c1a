//===- StreamBenchmark.cpp - Randomness and encodings ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Prg.h"
#include "aero/Runtime/Wire.h"

#include "benchmark/benchmark.h"

using namespace aero::rt;

static void prgBytes(benchmark::State &state) {
  std::vector<uint8_t> out(state.range(0));
  Prg prg(Seed{}, {});
  for (auto _ : state)
    prg.fill(out);
  state.SetBytesProcessed(state.iterations() * out.size());
}
BENCHMARK(prgBytes)->Arg(1 << 12)->Arg(1 << 24);

static void prgElements(benchmark::State &state) {
  std::vector<uint64_t> out(1 << 20);
  Prg prg(Seed{}, {});
  for (auto _ : state)
    prg.fill(out, state.range(0));
  state.SetBytesProcessed(state.iterations() * out.size() * 8);
}
BENCHMARK(prgElements)->Arg(32)->Arg(64);

/// A new stream with a few bytes: what small instructions cost.
static void prgSetUp(benchmark::State &state) {
  uint8_t out[16];
  uint32_t instruction = 0;
  for (auto _ : state)
    Prg(Seed{}, {1, instruction++, 0}).fill(out);
}
BENCHMARK(prgSetUp);

static constexpr size_t count = 1 << 16;

static void encodeElements(benchmark::State &state) {
  std::vector<uint64_t> values(count, 0x123456789ABCDEF);
  std::vector<uint8_t> out;
  for (auto _ : state) {
    out.clear();
    appendElements(out, values, state.range(0));
  }
  state.SetBytesProcessed(state.iterations() * out.size());
}
BENCHMARK(encodeElements)->Arg(24)->Arg(32)->Arg(40)->Arg(64);

static void decodeElements(benchmark::State &state) {
  std::vector<uint64_t> values(count);
  std::vector<uint8_t> in(count * elementBytes(state.range(0)), 0x5A);
  for (auto _ : state) {
    readElements(in, values, state.range(0));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * in.size());
}
BENCHMARK(decodeElements)->Arg(24)->Arg(32)->Arg(40)->Arg(64);

static void encodePacked(benchmark::State &state) {
  std::vector<uint64_t> values(count, 0x123456789ABCDEF);
  std::vector<uint8_t> out;
  for (auto _ : state) {
    out.clear();
    appendPacked(out, values, state.range(0));
  }
  state.SetBytesProcessed(state.iterations() * out.size());
}
BENCHMARK(encodePacked)->Arg(16)->Arg(20)->Arg(48);

static void decodePacked(benchmark::State &state) {
  std::vector<uint64_t> values(count);
  std::vector<uint8_t> in(packedBytes(count, state.range(0)), 0x5A);
  for (auto _ : state) {
    readPacked(in, values, state.range(0));
    benchmark::ClobberMemory();
  }
  state.SetBytesProcessed(state.iterations() * in.size());
}
BENCHMARK(decodePacked)->Arg(16)->Arg(20)->Arg(48);
