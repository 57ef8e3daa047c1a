//===- Phases.h - Protocols as lists of exchanges -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Longer protocols are put together from the same few steps: open a masked
/// value, compare it with thresholds, multiply, truncate. The constructor of
/// such a protocol adds its steps in order; each draws its correlations at
/// once, in the order in which the dealer dealt them, and reads and writes
/// members of the protocol when its exchange comes.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_RUNTIME_OPS_PHASES_H
#define AERO_LIB_RUNTIME_OPS_PHASES_H

#include "Compare.h"
#include "Operation.h"
#include "Selection.h"
#include "WrapBit.h"

#include <functional>
#include <memory>

namespace aero::rt {

/// The dealer's part of a product of n elements.
void dealProduct(DealerRandom &random, size_t n);

/// A protocol in which both parties send equally much in every exchange.
class PhasedOperation : public Operation {
public:
  using Operation::Operation;

  unsigned steps() const override { return unsigned(phases.size()); }
  StepBytes bytes(unsigned step) const override {
    return {phases[step].bytes, phases[step].bytes};
  }
  void produce(unsigned step, std::vector<uint8_t> &out) override {
    phases[step].produce(out);
  }
  void consume(unsigned step, std::span<const uint8_t> in) override {
    phases[step].consume(in);
  }

protected:
  struct Phase {
    uint64_t bytes;
    std::function<void(std::vector<uint8_t> &)> produce;
    std::function<void(std::span<const uint8_t>)> consume;
  };
  void add(Phase phase) { phases.push_back(std::move(phase)); }
  /// The same step, and `action` when it is done.
  static Phase then(Phase phase, std::function<void()> action);
  /// Two steps in one exchange.
  void add(Phase first, Phase second);

  /// value = the public elements of Z_2^bits that `masked` are shares of.
  Phase opening(unsigned bits, Share masked, Share &value);
  /// value = value / 2^shift in Z_2^64, above or below with the right odds.
  Phase truncation(size_t n, unsigned shift, Share &value);
  /// out = x y in Z_2^64, element by element.
  Phase product(size_t n, const Share &x, const Share &y, Share &out);
  /// Signs of masked values that have been opened by then: `opened` gives z for
  /// every comparison, reduced modulo 2^bits (Compare.h). One phase a level.
  std::shared_ptr<SignTest> addSignTest(unsigned bits, size_t masks,
                                        size_t comparisons,
                                        std::function<Share()> opened);
  /// Opens the bits [d >= 0] for a selection, then calls `finish`.
  void addSelection(size_t comparisons, std::shared_ptr<SignTest> test,
                    std::function<void(const Selection &)> finish);
  /// value = the bits [d >= 0], each under a mask: the mask's share until then.
  void addBitOpening(size_t comparisons, std::shared_ptr<SignTest> test,
                     Words &value);

private:
  std::vector<Phase> phases;
};

} // namespace aero::rt

#endif // AERO_LIB_RUNTIME_OPS_PHASES_H
