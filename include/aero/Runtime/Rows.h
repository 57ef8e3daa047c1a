//===- Rows.h - Rows of equal or of growing length ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// How the rows of a tensor of scores lie in memory. Causal scores are packed:
/// row i of a head holds the i + 1 scores that its token may see, and nothing
/// is computed, sent or stored for the others.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_ROWS_H
#define AERO_RUNTIME_ROWS_H

#include <cstddef>
#include <cstdint>

namespace aero::rt {

/// Elements of a lower triangle of `tokens` rows.
constexpr size_t triangle(size_t tokens) { return tokens * (tokens + 1) / 2; }

struct Rows {
  size_t count;   ///< rows
  size_t columns; ///< of the longest row
  /// Row i has i mod columns + 1 elements.
  bool causal = false;

  constexpr size_t length(size_t row) const {
    return causal ? row % columns + 1 : columns;
  }
  /// Where a row starts.
  constexpr size_t offset(size_t row) const {
    return causal ? row / columns * triangle(columns) + triangle(row % columns)
                  : row * columns;
  }
  constexpr size_t elements() const { return offset(count); }
};

/// The maximum of a row is found by a tournament of halves: how many rounds the
/// longest row takes, and how many pairs all rows compare in a round.
unsigned tournamentRounds(const Rows &rows);
uint64_t tournamentPairs(const Rows &rows, unsigned round);

} // namespace aero::rt

#endif // AERO_RUNTIME_ROWS_H
