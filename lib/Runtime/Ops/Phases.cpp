//===- Phases.cpp - Protocols as lists of exchanges -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Phases.h"

using namespace aero::rt;

void aero::rt::dealProduct(DealerRandom &random, size_t n) {
  Share left = random.mask(n, 64), right = random.mask(n, 64);
  for (size_t i = 0; i < n; ++i)
    left[i] *= right[i];
  random.deal(std::move(left), 64, Encoding::Elements);
}

PhasedOperation::Phase PhasedOperation::then(Phase phase,
                                             std::function<void()> action) {
  auto consume = std::move(phase.consume);
  phase.consume = [consume, action](std::span<const uint8_t> in) {
    consume(in);
    action();
  };
  return phase;
}

void PhasedOperation::add(Phase first, Phase second) {
  uint64_t split = first.bytes;
  add({first.bytes + second.bytes,
       [a = first.produce, b = second.produce](std::vector<uint8_t> &out) {
         a(out);
         b(out);
       },
       [a = first.consume, b = second.consume,
        split](std::span<const uint8_t> in) {
         a(in.first(split));
         b(in.subspan(split));
       }});
}

PhasedOperation::Phase PhasedOperation::opening(unsigned bits, Share masked,
                                                Share &value) {
  uint64_t bytes = masked.size() * elementBytes(bits);
  value = std::move(masked);
  return {bytes,
          [&value, bits](std::vector<uint8_t> &out) {
            appendElements(out, value, bits);
          },
          [&value, bits](std::span<const uint8_t> in) {
            Share peer(value.size());
            readElements(in, peer, bits);
            for (size_t i = 0; i < value.size(); ++i)
              value[i] = (value[i] + peer[i]) & ringMask(bits);
          }};
}

PhasedOperation::Phase PhasedOperation::truncation(size_t n, unsigned shift,
                                                   Share &value) {
  auto wrap = std::make_shared<WrapBit>(random, n, 64, shift);
  return {
      wrap->bytes(),
      [wrap, &value](std::vector<uint8_t> &out) { wrap->produce(value, out); },
      [wrap, &value, shift](std::span<const uint8_t> in) {
        wrap->consume(in);
        value = wrap->shifted(shift, /*unbiased=*/true);
      }};
}

PhasedOperation::Phase PhasedOperation::product(size_t n, const Share &x,
                                                const Share &y, Share &out) {
  struct State {
    Share left, right, product, openLeft, openRight;
  };
  auto state = std::make_shared<State>();
  state->left = random.mask(n, 64);
  state->right = random.mask(n, 64);
  state->product = random.dealt(n, 64, Encoding::Elements);
  return {16 * n,
          [state, &x, &y, n](std::vector<uint8_t> &message) {
            state->openLeft.resize(n);
            state->openRight.resize(n);
            for (size_t i = 0; i < n; ++i) {
              state->openLeft[i] = x[i] - state->left[i];
              state->openRight[i] = y[i] - state->right[i];
            }
            appendElements(message, state->openLeft, 64);
            appendElements(message, state->openRight, 64);
          },
          [state, &out, n, client = isClient()](std::span<const uint8_t> in) {
            Share peer(2 * n);
            readElements(in, peer, 64);
            for (size_t i = 0; i < n; ++i) {
              uint64_t e = state->openLeft[i] + peer[i];
              uint64_t f = state->openRight[i] + peer[n + i];
              state->product[i] += e * state->right[i] + f * state->left[i] +
                                   (client ? 0 : e * f);
            }
            out = std::move(state->product);
          }};
}

std::shared_ptr<SignTest>
PhasedOperation::addSignTest(unsigned bits, size_t masks, size_t comparisons,
                             std::function<Share()> opened) {
  auto test = std::make_shared<SignTest>(random, bits, masks, comparisons);
  for (unsigned level = 0; level < test->levels(); ++level)
    add({test->bytes(level),
         [test, level, opened](std::vector<uint8_t> &out) {
           if (level == 0)
             test->start(opened());
           test->produce(level, out);
         },
         [test, level](std::span<const uint8_t> in) {
           test->consume(level, in);
         }});
  return test;
}

/// This party's share of NOT sign.
static Words isAtLeast(const SignTest &test, size_t n, bool client) {
  Words bits(test.sign().begin(), test.sign().end());
  for (uint64_t &word : bits)
    word ^= client ? ~uint64_t(0) : 0;
  clearTails(bits, n);
  return bits;
}

void PhasedOperation::addSelection(
    size_t comparisons, std::shared_ptr<SignTest> test,
    std::function<void(const Selection &)> finish) {
  auto selection = std::make_shared<Selection>(random, comparisons, 64);
  add({selection->bytes(),
       [selection, test, comparisons,
        client = isClient()](std::vector<uint8_t> &out) {
         selection->produce(isAtLeast(*test, comparisons, client), out);
       },
       [selection, finish](std::span<const uint8_t> in) {
         selection->consume(in);
         finish(*selection);
       }});
}

void PhasedOperation::addBitOpening(size_t comparisons,
                                    std::shared_ptr<SignTest> test,
                                    Words &value) {
  value = random.maskBits(1, comparisons);
  add({planeBytes(comparisons),
       [&value, test, comparisons,
        client = isClient()](std::vector<uint8_t> &out) {
         Words bits = isAtLeast(*test, comparisons, client);
         for (size_t w = 0; w < value.size(); ++w)
           value[w] ^= bits[w];
         appendWords(out, value);
       },
       [&value, comparisons](std::span<const uint8_t> in) {
         xorWords(value, in, comparisons);
       }});
}
