//===- Cost.cpp - Exact communication of every instruction ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Cost.h"

#include "aero/Runtime/AndTree.h"
#include "aero/Runtime/Parameters.h"
#include "aero/Runtime/Wire.h"

#include "Ops/TailTables.h"

#include <bit>
#include <cassert>

using namespace aero::rt;

std::vector<AndLevel> aero::rt::andTree(unsigned groups) {
  // Indexed by members and by whether EQ is wanted.
  static constexpr AndNodeShape shapes[3][2] = {
      {AndNodeShape(2, false), AndNodeShape(2, true)},
      {AndNodeShape(3, false), AndNodeShape(3, true)},
      {AndNodeShape(4, false), AndNodeShape(4, true)}};
  std::vector<AndLevel> levels;
  while (groups > 1) {
    AndLevel level;
    unsigned first = 0;
    while (groups - first >= 2) {
      unsigned members = groups - first < andFanIn ? groups - first : andFanIn;
      // Nothing lies below a level's lowest node, so nobody asks for its EQ.
      level.nodes.push_back({first, &shapes[members - 2][first != 0]});
      first += members;
    }
    level.passes = first < groups;
    groups = level.outputs();
    levels.push_back(std::move(level));
  }
  return levels;
}

const TailTable &aero::rt::tailTable(TailFunction function) {
  switch (function) {
  case TailFunction::Gelu:
    return geluTail;
  case TailFunction::GeluTanh:
    return geluTanhTail;
  case TailFunction::Silu:
    return siluTail;
  }
  assert(false && "validation lets no other function through");
  return geluTail;
}

unsigned aero::rt::tournamentRounds(const Rows &rows) {
  return unsigned(std::bit_width(rows.columns - 1));
}

Cost &Cost::operator+=(const Cost &other) {
  clientToServer += other.clientToServer;
  serverToClient += other.serverToClient;
  dealerToServer += other.dealerToServer;
  dealerToClient += other.dealerToClient;
  setupServerToClient += other.setupServerToClient;
  exchanges += other.exchanges;
  multiplyAdds += other.multiplyAdds;
  return *this;
}

unsigned cost::andLevels(unsigned compareBits) {
  unsigned levels = 0;
  for (unsigned members = compareBits / 4; members > 1;
       members = (members + andFanIn - 1) / andFanIn)
    ++levels;
  return levels;
}

namespace {

/// Both parties send `bytes` in the same exchange.
Cost bothWays(uint64_t bytes, uint64_t correction = 0) {
  Cost cost;
  cost.clientToServer = cost.serverToClient = bytes;
  cost.dealerToServer = correction;
  cost.exchanges = 1;
  return cost;
}

Cost correctionOnly(uint64_t bytes) {
  Cost cost;
  cost.dealerToServer = bytes;
  return cost;
}

/// The AND nodes for n comparisons of `compareBits` bits.
Cost andNodes(uint64_t n, unsigned compareBits) {
  Cost sum;
  for (const AndLevel &level : andTree(compareBits / 4))
    sum += bothWays(level.factors() * planeBytes(n),
                    level.monomials() * planeBytes(n));
  return sum;
}

/// Two steps in one exchange.
Cost together(Cost first, const Cost &second) {
  first += second;
  --first.exchanges;
  return first;
}

/// The one-hot tables of n masks: 16 bits for each group of four.
Cost tables(uint64_t n, unsigned compareBits) {
  return correctionOnly(n * (compareBits / 4) * 2);
}

} // namespace

Cost cost::embedding(uint64_t tokens, uint64_t vocabulary, uint64_t width) {
  Cost cost;
  cost.clientToServer = 4 * tokens * vocabulary;
  cost.dealerToServer = 4 * tokens * width;
  cost.setupServerToClient = 4 * vocabulary * width;
  cost.exchanges = 1;
  cost.multiplyAdds = 3 * tokens * vocabulary * width;
  return cost;
}

Cost cost::linear(uint64_t m, uint64_t k, uint64_t n) {
  Cost cost;
  cost.clientToServer = 8 * m * k;
  cost.dealerToServer = 8 * m * n;
  cost.setupServerToClient = 8 * k * n;
  cost.exchanges = 1;
  // r S at the dealer, r D at the client, (x - r) W at the server.
  cost.multiplyAdds = 3 * m * k * n;
  return cost;
}

Cost cost::extend(uint64_t n, unsigned fromBits) {
  return bothWays(planeBytes(n), packedBytes(n, 64 - fromBits));
}

Cost cost::trunc(uint64_t n, unsigned shift) {
  return bothWays(planeBytes(n), packedBytes(n, shift));
}

Cost cost::matmul(uint64_t batch, uint64_t m, uint64_t k, uint64_t n) {
  Cost cost = bothWays(8 * batch * (m * k + k * n), 8 * batch * m * n);
  // A B at the dealer, two products at either party.
  cost.multiplyAdds = 5 * batch * m * k * n;
  return cost;
}

Cost cost::mul(uint64_t n, uint64_t rhs) {
  return bothWays(8 * (n + rhs), 8 * n);
}

Cost cost::mulWeight(uint64_t n, uint64_t weight) {
  Cost cost;
  cost.clientToServer = 8 * n;
  cost.dealerToServer = 8 * n;
  cost.setupServerToClient = 8 * weight;
  cost.exchanges = 1;
  return cost;
}

Cost cost::causalScores(uint64_t batch, uint64_t tokens, uint64_t k) {
  uint64_t packed = batch * triangle(tokens);
  Cost cost = bothWays(8 * 2 * batch * tokens * k, 8 * packed);
  cost.multiplyAdds = 5 * packed * k;
  return cost;
}

Cost cost::causalContext(uint64_t batch, uint64_t tokens, uint64_t n) {
  uint64_t packed = batch * triangle(tokens);
  Cost cost =
      bothWays(8 * (packed + batch * tokens * n), 8 * batch * tokens * n);
  cost.multiplyAdds = 5 * packed * n;
  return cost;
}

uint64_t aero::rt::tournamentPairs(const Rows &rows, unsigned round) {
  // A row of n values has ceil(n / 2^round) left.
  auto left = [&](uint64_t n) {
    return (n + (uint64_t(1) << round) - 1) >> round;
  };
  if (!rows.causal)
    return rows.count * (left(rows.columns) / 2);
  uint64_t pairs = 0;
  for (size_t n = 1; n <= rows.columns; ++n)
    pairs += left(n) / 2;
  return rows.count / rows.columns * pairs;
}

Cost cost::maxRow(const Rows &rows, unsigned compareBits) {
  Cost sum;
  uint64_t element = elementBytes(compareBits);
  for (unsigned round = 0; round < tournamentRounds(rows); ++round) {
    uint64_t n = tournamentPairs(rows, round);
    sum += bothWays(n * element);
    sum += tables(n, compareBits);
    sum += andNodes(n, compareBits);
    sum += bothWays(planeBytes(n), 2 * n * element);
  }
  return sum;
}

Cost cost::argMax(const Rows &rows, unsigned compareBits) {
  Cost sum = maxRow(rows, compareBits);
  constexpr uint64_t element = elementBytes(argMaxBits);
  for (unsigned round = 0; round < tournamentRounds(rows); ++round) {
    uint64_t n = tournamentPairs(rows, round);
    sum = together(sum, bothWays(n * element + planeBytes(n), 2 * n * element));
  }
  return sum;
}

Cost cost::exp2(uint64_t n, unsigned compareBits, unsigned frac) {
  Cost sum = bothWays(n * elementBytes(compareBits + frac));
  sum += tables(n, compareBits);
  sum += andNodes(n, compareBits);
  sum += bothWays(planeBytes(n), 2 * 16 * n);
  return sum;
}

Cost cost::recip(uint64_t n, uint64_t upperBound) {
  unsigned compareBits = recipCompareBits(upperBound);
  uint64_t comparisons = n * recipThresholds(upperBound);
  Cost sum = bothWays(8 * n);
  sum += tables(n, compareBits);
  sum += andNodes(comparisons, compareBits);
  sum += bothWays(planeBytes(comparisons), 2 * 8 * comparisons);
  sum += trunc(n, recipStartShift);
  for (unsigned shift : recipNewtonShifts) {
    sum += mul(n, n);
    sum += trunc(n, recipProductShift);
    sum += mul(n, n);
    sum += trunc(n, shift);
  }
  return sum;
}

Cost cost::relu(uint64_t n, unsigned compareBits) {
  Cost sum = bothWays(8 * n);
  sum += tables(n, compareBits);
  sum += andNodes(n, compareBits);
  sum += bothWays(planeBytes(n), 2 * 8 * n);
  return sum;
}

Cost cost::tail(uint64_t n, TailFunction function, unsigned compareBits,
                unsigned frac) {
  const TailTable &table = tailTable(function);
  uint64_t element = elementBytes(table.ringBits);
  uint64_t comparisons = n * table.pieces;
  Cost sum = bothWays(n * element);
  sum += tables(n, compareBits);
  sum += andNodes(comparisons, compareBits);
  // Two powers of the mask, and four products with the masks of the bits.
  sum += bothWays(planeBytes(comparisons), (2 * n + 4 * comparisons) * element);
  sum += bothWays(planeBytes(n), packedBytes(n, tailWrapBits(table, frac)));
  return sum;
}

Cost cost::normalize(uint64_t rows, uint64_t columns, unsigned frac,
                     bool centred) {
  uint64_t m = rows, n = rows * columns, comparisons = m * normalizeThresholds;
  Cost sum;
  if (centred)
    sum += trunc(m, normalizeMeanShift);
  sum += bothWays(8 * n, 8 * m); // the sum of squares
  sum += trunc(m, 2 * frac - normalizeSumFrac);
  sum += bothWays(8 * m);
  sum += tables(m, normalizeCompareBits);
  sum += andNodes(comparisons, normalizeCompareBits);
  sum += bothWays(planeBytes(comparisons), 2 * 8 * comparisons);
  sum += trunc(m, 60 - normalizeRatioFrac);
  // The line's product and the square of the ratio.
  sum += bothWays(16 * m, 2 * 8 * m);
  sum += together(trunc(m, normalizeLineFrac - normalizeRootFrac),
                  trunc(m, normalizeSquareShift));
  sum += bothWays(8 * m, 4 * 8 * m); // powers of the root
  sum += together(trunc(m, normalizeCubeShift), trunc(m, normalizeFifthShift));
  sum += together(mul(m, m), mul(m, m));
  sum += trunc(m, normalizeCorrectionShift);
  sum += mul(m, m);
  sum += trunc(m, normalizeRefinedFrac);
  sum += bothWays(8 * m, 8 * n); // times the rows
  return sum;
}

Cost cost::reveal(uint64_t n) {
  Cost cost;
  cost.serverToClient = 8 * n;
  cost.exchanges = 1;
  return cost;
}
