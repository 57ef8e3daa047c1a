//===- Prg.h - Pseudo-random generator ------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// AES-128-CTR streams under keys that are derived from a 256-bit seed and a
/// domain, so that no two uses share a stream.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_PRG_H
#define AERO_RUNTIME_PRG_H

#include "aero/Runtime/Result.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace aero::rt {

/// A session seed. Never logged, never sent except by the dealer to its owner.
using Seed = std::array<uint8_t, 32>;

/// What a stream is for. Every random value of the engine comes from a stream
/// with its own domain.
struct Domain {
  /// Number of the inference, from 1. 0 is the session set-up.
  uint64_t inference = 0;
  /// Instruction index; for set-up streams the weight index.
  uint32_t instruction = 0;
  /// Which of the instruction's random objects this is.
  uint32_t purpose = 0;
};

/// A fresh seed from the operating system's generator.
Result<Seed> randomSeed();

/// One AES-128-CTR stream: key = first 16 bytes of
/// SHA-256("aero-prg-1" || seed || inference || instruction || purpose),
/// counter from zero.
class Prg {
public:
  Prg(const Seed &seed, Domain domain);
  ~Prg();
  Prg(Prg &&) noexcept;
  Prg &operator=(Prg &&) noexcept;

  /// Fills `out` with the next bytes of the stream.
  void fill(std::span<uint8_t> out);
  /// Fills `out` with the next ring elements, reduced modulo 2^bits
  /// (1 <= bits <= 64); consumes 8 bytes an element whatever `bits` is.
  void fill(std::span<uint64_t> out, unsigned bits);

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace aero::rt

#endif // AERO_RUNTIME_PRG_H
