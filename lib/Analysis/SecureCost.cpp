//===- SecureCost.cpp - What a network's nonlinearities will cost ---------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/SecureCost.h"

#include "aero/Runtime/Parameters.h"

#include "llvm/ADT/TypeSwitch.h"

#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace aero;
using namespace aero::pi;

/// Values below 2^kTruncBound can be truncated (mpc::truncBoundLog2).
static constexpr int kTruncBound = 62;

SecureForm::SecureForm(func::FuncOp func, const SecureFormOptions &options)
    : activationFrac(options.activationFrac), weightFrac(options.weightFrac),
      compareBits(options.compareBits) {
  if (options.provedRanges)
    ranges.emplace(func, RangePrecision{std::ldexp(1.0, -int(activationFrac)),
                                        std::ldexp(1.0, -int(weightFrac))});
}

/// The narrowest comparison of values of [-bound, bound) of which `frac`
/// fraction bits count: differences of two take one bit more, and a sign.
static unsigned compareBitsFor(double bound, int frac) {
  int bits = int(std::ceil(std::log2(std::ldexp(bound, frac)))) + 2;
  return unsigned(std::max(8, (bits + 3) / 4 * 4));
}

double SecureForm::getBound(Value value) const {
  double limit =
      std::ldexp(1.0, kTruncBound - int(activationFrac + weightFrac));
  return ranges ? std::min(limit, ranges->getBound(value)) : limit;
}

double SecureForm::getScoreBound(AttentionOp op) const {
  double limit = std::ldexp(1.0, kTruncBound - 2 * int(activationFrac));
  if (!ranges)
    return limit;
  // exp2 compares differences with -22: a little more than the scores. They are
  // in base 2: an attention is lowered with the scale ln 2.
  return std::min(limit,
                  ranges->getScoreBound(op) / M_LN2 + double(rt::exp2Range));
}

unsigned SecureForm::getDrop(unsigned signFrac) const {
  return activationFrac - std::min(activationFrac, signFrac);
}

unsigned SecureForm::getReluBits(Value input, unsigned signFrac) const {
  return compareBitsFor(getBound(input),
                        int(activationFrac) - int(getDrop(signFrac)));
}

unsigned SecureForm::getTailBits(Value input) const {
  return compareBitsFor(getBound(input), int(rt::tailCompareFrac));
}

unsigned SecureForm::getScoreBits(AttentionOp op) const {
  return compareBits ? compareBits
                     : std::max(compareBitsFor(getScoreBound(op), 0),
                                rt::exp2MinCompareBits);
}

//===----------------------------------------------------------------------===//
// Costs
//===----------------------------------------------------------------------===//

static uint64_t elements(Value value) {
  return uint64_t(cast<RankedTensorType>(value.getType()).getNumElements());
}

/// The cost of two chains that run side by side.
static rt::Cost beside(rt::Cost first, const rt::Cost &second) {
  uint32_t exchanges = std::max(first.exchanges, second.exchanges);
  first += second;
  first.exchanges = exchanges;
  return first;
}

rt::Cost SecureForm::getReluCost(Value input, unsigned signFrac) const {
  return rt::cost::relu(elements(input), getReluBits(input, signFrac));
}

rt::Cost SecureForm::getNormCost(Value input, Value gamma, bool centred) const {
  uint64_t n = elements(input);
  auto columns =
      uint64_t(cast<RankedTensorType>(input.getType()).getShape().back());
  rt::Cost cost =
      rt::cost::normalize(n / columns, columns, activationFrac, centred);
  cost += rt::cost::trunc(n, rt::normalizeFrac);
  if (gamma) {
    cost += rt::cost::mulWeight(n, columns);
    cost += rt::cost::trunc(n, weightFrac);
  }
  return cost;
}

rt::Cost SecureForm::getAttentionCost(AttentionOp op) const {
  auto heads = uint64_t(op.getHeads()), width = uint64_t(op.getHeadWidth());
  auto tokens = uint64_t(op.getQuery().getType().getShape()[1]);
  bool causal = op.getCausal();
  rt::Rows rows = {size_t(heads * tokens), size_t(tokens), causal};
  unsigned bits = getScoreBits(op);
  uint64_t scores = rows.elements(), context = heads * tokens * width;

  rt::Cost cost;
  if (op.getTemperature()) {
    cost += rt::cost::mulWeight(context, heads * tokens);
    cost += rt::cost::trunc(context, weightFrac);
  }
  if (op.getScale().convertToFloat() != kAttentionScale)
    cost += rt::cost::trunc(context, weightFrac);
  cost += causal ? rt::cost::causalScores(heads, tokens, width)
                 : rt::cost::matmul(heads, tokens, width, tokens);
  cost += rt::cost::trunc(scores, activationFrac);
  cost += rt::cost::maxRow(rows, bits);
  cost += rt::cost::exp2(scores, bits, activationFrac);
  rt::Cost mixed = causal ? rt::cost::causalContext(heads, tokens, width)
                          : rt::cost::matmul(heads, tokens, tokens, width);
  mixed += rt::cost::trunc(context, rt::exp2Frac);
  cost += beside(mixed, rt::cost::recip(rows.count, 4 * tokens));
  cost += rt::cost::mul(context, rows.count);
  cost += rt::cost::trunc(context, rt::recipFrac);
  return cost;
}

std::optional<rt::Cost> SecureForm::getCost(NonlinearOpInterface op) const {
  auto smooth = [&](Value input, rt::TailFunction function) {
    rt::Cost cost = getReluCost(input, kSmoothSignFrac);
    cost += rt::cost::tail(elements(input), function, getTailBits(input),
                           activationFrac);
    return cost;
  };
  return llvm::TypeSwitch<Operation *, std::optional<rt::Cost>>(op)
      .Case([&](AttentionOp op) -> std::optional<rt::Cost> {
        if (op.getMask() || op.getBias() ||
            op.getQuery().getType().getShape()[1] !=
                op.getKey().getType().getShape()[1])
          return std::nullopt;
        return getAttentionCost(op);
      })
      .Case([&](LayerNormOp op) {
        return getNormCost(op.getInput(), op.getGamma(), /*centred=*/true);
      })
      .Case([&](RMSNormOp op) {
        return getNormCost(op.getInput(), op.getGamma(), /*centred=*/false);
      })
      .Case([&](GeluOp op) {
        bool isTanh = op.getApproximation() == GeluApproximation::Tanh;
        return smooth(op.getInput(), isTanh ? rt::TailFunction::GeluTanh
                                            : rt::TailFunction::Gelu);
      })
      .Case([&](SiluOp op) {
        return smooth(op.getInput(), rt::TailFunction::Silu);
      })
      .Case(
          [&](ReluOp op) { return getReluCost(op.getInput(), kReluSignFrac); })
      .Case<LeakyReluOp, PReluOp>([&](auto op) {
        uint64_t n = elements(op.getInput());
        rt::Cost cost = getReluCost(op.getInput(), kReluSignFrac);
        if (isa<PReluOp>(op))
          cost += rt::cost::mulWeight(
              n, uint64_t(cast<RankedTensorType>(op.getInput().getType())
                              .getShape()
                              .back()));
        cost += rt::cost::trunc(n, weightFrac);
        return cost;
      })
      .Default(std::nullopt);
}
