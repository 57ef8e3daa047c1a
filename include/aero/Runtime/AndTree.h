//===- AndTree.h - The AND nodes above a comparison's groups --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Which bits an AND node opens and which mask products the dealer shares for
/// it. Cost model, dealer and parties all take it from here, so that they
/// cannot disagree. Derivation: docs/secure-engine.md, "sign of a masked
/// value".
///
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_ANDTREE_H
#define AERO_RUNTIME_ANDTREE_H

#include <bit>
#include <cstdint>
#include <vector>

namespace aero::rt {

/// Members a node combines at most.
inline constexpr unsigned andFanIn = 4;

/// What a node of `members` (2 to 4) members opens and computes:
/// LT = lt[k-1] ^ eq[k-1] lt[k-2] ^ ..., EQ = eq[k-1] ... eq[0] if wanted.
///
/// Factors are numbered eq[k-1] down to eq[1], then lt[k-2] down to lt[0], then
/// eq[0] if EQ is wanted. A product of factors is a bit mask of their numbers.
struct AndNodeShape {
  static constexpr unsigned maxFactors = 2 * andFanIn - 1;
  static constexpr unsigned maxMonomials = 22;

  unsigned members = 0;
  bool wantsEq = false;
  unsigned factors = 0;
  /// ltTerms[i] = eq[k-1] ... eq[k-1-i] lt[k-2-i], members - 1 of them.
  uint8_t ltTerms[andFanIn - 1] = {};
  uint8_t eqTerm = 0;
  /// Every product of two or more masks in the expansion of a term, ascending.
  unsigned monomialCount = 0;
  uint8_t monomials[maxMonomials] = {};

  constexpr AndNodeShape(unsigned members, bool wantsEq)
      : members(members), wantsEq(wantsEq),
        factors(2 * (members - 1) + (wantsEq ? 1 : 0)) {
    unsigned eqs = members - 1;
    for (unsigned i = 0; i < eqs; ++i)
      ltTerms[i] = uint8_t(((1U << (i + 1)) - 1) | (1U << (eqs + i)));
    if (wantsEq)
      eqTerm = uint8_t(((1U << eqs) - 1) | (1U << (2 * eqs)));
    for (unsigned mask = 3; mask < (1U << factors); ++mask)
      if (std::popcount(mask) >= 2 && occurs(mask))
        monomials[monomialCount++] = uint8_t(mask);
  }

  /// The member whose bit factor `i` is, and whether it is its eq bit.
  constexpr unsigned factorMember(unsigned i) const {
    unsigned eqs = members - 1;
    return i < eqs ? eqs - i : i < 2 * eqs ? 2 * eqs - 1 - i : 0;
  }
  constexpr bool factorIsEq(unsigned i) const {
    return i < members - 1 || i == 2 * (members - 1);
  }

private:
  constexpr bool occurs(unsigned mask) const {
    if (wantsEq && (mask & ~unsigned(eqTerm)) == 0)
      return true;
    for (unsigned i = 0; i + 1 < members; ++i)
      if ((mask & ~unsigned(ltTerms[i])) == 0)
        return true;
    return false;
  }
};

/// A node over members [first, first + shape->members) of the level below.
struct AndNode {
  unsigned first;
  const AndNodeShape *shape;
};

/// The nodes of one level, lowest first. If `passes`, the last member of the
/// level below follows them unchanged.
struct AndLevel {
  std::vector<AndNode> nodes;
  bool passes = false;

  unsigned outputs() const { return unsigned(nodes.size()) + passes; }
  unsigned factors() const {
    unsigned sum = 0;
    for (const AndNode &node : nodes)
      sum += node.shape->factors;
    return sum;
  }
  unsigned monomials() const {
    unsigned sum = 0;
    for (const AndNode &node : nodes)
      sum += node.shape->monomialCount;
    return sum;
  }
};

/// The levels above `groups` groups, lowest first; empty for one group.
std::vector<AndLevel> andTree(unsigned groups);

} // namespace aero::rt

#endif // AERO_RUNTIME_ANDTREE_H
