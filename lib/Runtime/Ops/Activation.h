//===- Activation.h - Rectifiers and smooth tails -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_OPS_ACTIVATION_H
#define AERO_LIB_RUNTIME_OPS_ACTIVATION_H

#include "Phases.h"
#include "aero/Runtime/Parameters.h"

namespace aero::rt {

/// max(x, 0). The sign is that of x with `drop` low bits dropped: x in
/// [-2^drop, 0) may be taken for positive.
class Relu final : public PhasedOperation {
public:
  static void deal(DealerRandom &random, size_t n, unsigned compareBits,
                   unsigned drop);
  Relu(PartyRandom random, size_t n, unsigned compareBits, unsigned drop,
       const Share &operand);

private:
  Share input, opened;
};

/// tail(a) for a >= 0 with `frac` fraction bits: the cubic of the piece in
/// which a lies, from one opening of a (docs/secure-engine.md, "tail").
class Tail final : public PhasedOperation {
public:
  static void deal(DealerRandom &random, const TailTable &table, size_t n,
                   unsigned compareBits, unsigned frac);
  Tail(PartyRandom random, const TailTable &table, size_t n,
       unsigned compareBits, unsigned frac, const Share &operand);

private:
  Share evaluate() const;
  Share openedThresholds() const;

  const TailTable &table;
  size_t count;
  unsigned compareBits;
  Share opened;
  /// Shares of (-r)^k, k = 1, 2, 3, and of rho (-r)^k, k = 0, ..., 3.
  Share powers[3], rhoPowers[4];
  Words flips; // [a >= threshold] ^ rho
};

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_OPS_ACTIVATION_H
