//===- Cost.h - Exact communication of every instruction ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The one place where the engine's communication formulas stand in code. The
/// compiler predicts with them, the runtime checks itself against them, and the
/// tests compare both with the bytes on the sockets. Derivations:
/// docs/secure-engine.md. All functions are pure; sizes are element counts.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_COST_H
#define AERO_RUNTIME_COST_H

#include "aero/Runtime/Parameters.h"
#include "aero/Runtime/Rows.h"

#include <cstdint>

namespace aero::rt {

/// Payload bytes, exchanges and multiply-adds of one instruction.
struct Cost {
  uint64_t clientToServer = 0;
  uint64_t serverToClient = 0;
  uint64_t dealerToServer = 0;
  uint64_t dealerToClient = 0;
  /// Once a session (masked weights), not once an inference.
  uint64_t setupServerToClient = 0;
  /// Length of the chain of dependent messages.
  uint32_t exchanges = 0;
  /// Multiply-adds of matrix products, all parties together, offline included.
  uint64_t multiplyAdds = 0;

  uint64_t online() const { return clientToServer + serverToClient; }
  uint64_t offline() const { return dealerToServer + dealerToClient; }
  Cost &operator+=(const Cost &other);
  bool operator==(const Cost &) const = default;
};

namespace cost {

/// Exchanges of the AND nodes above the l/4 groups of a compared value.
unsigned andLevels(unsigned compareBits);

Cost embedding(uint64_t tokens, uint64_t vocabulary, uint64_t width);
Cost extend(uint64_t n, unsigned fromBits);
Cost linear(uint64_t m, uint64_t k, uint64_t n);
Cost trunc(uint64_t n, unsigned shift);
Cost matmul(uint64_t batch, uint64_t m, uint64_t k, uint64_t n);
/// `n` elements of the left operand and the product, `rhs` of the right one.
Cost mul(uint64_t n, uint64_t rhs);
/// Element-wise with a weight of `weight` elements.
Cost mulWeight(uint64_t n, uint64_t weight);
/// The lower triangle of (T,K) (K,T), packed, and its product with (T,N).
Cost causalScores(uint64_t batch, uint64_t tokens, uint64_t k);
Cost causalContext(uint64_t batch, uint64_t tokens, uint64_t n);
Cost maxRow(const Rows &rows, unsigned compareBits);
/// The column of a maximum of each row.
Cost argMax(const Rows &rows, unsigned compareBits);
Cost exp2(uint64_t n, unsigned compareBits, unsigned frac);
/// Thresholds: half powers of two in (1, upperBound).
Cost recip(uint64_t n, uint64_t upperBound);
Cost relu(uint64_t n, unsigned compareBits);
Cost tail(uint64_t n, TailFunction function, unsigned compareBits,
          unsigned frac);
Cost normalize(uint64_t rows, uint64_t columns, unsigned frac, bool centred);
Cost reveal(uint64_t n);

} // namespace cost

} // namespace aero::rt

#endif // AERO_RUNTIME_COST_H
