//===- Normalize.h - Rows divided by their root mean square ---------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_OPS_NORMALIZE_H
#define AERO_LIB_RUNTIME_OPS_NORMALIZE_H

#include "Phases.h"

namespace aero::rt {

/// c / sqrt(mean(c^2) + epsilon) for each row, with c = x - mean(x) if centred
/// and c = x otherwise: docs/secure-engine.md, "normalize".
class Normalize final : public PhasedOperation {
public:
  struct Shape {
    size_t rows, columns;
    unsigned frac; ///< of x
    bool centred;
    uint64_t epsilon; ///< columns * epsilon with normalizeSumFrac bits
  };
  static void deal(DealerRandom &random, const Shape &shape);
  Normalize(PartyRandom random, const Shape &shape, const Share &operand);

private:
  void addMean();
  void addSquares();
  void addScale();
  void addInverseRoot();
  void addProduct();

  Share openedThresholds() const;
  void select(const Selection &selection);

  Shape shape;
  Share values;           ///< x, then c
  Share mean;             ///< of a row
  Share mask, opened;     ///< A and c - A
  Share sums, openedSums; ///< sum of c^2 + N epsilon
  Share ratio;            ///< the sum times a power of 4, in [1/4, 1)
  Share constant, slope;  ///< the line of the first approximation
  Share scale;            ///< power of 2 times sqrt(N)
  Share ratioSquare, root, openedRoot, cube, fifth, correction;
};

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_OPS_NORMALIZE_H
