//===- CorrelationTest.cpp - Relations that correlations satisfy ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Ops/Activation.h"
#include "Ops/Normalize.h"
#include "Ops/Power.h"
#include "Ops/Products.h"
#include "Ops/Softmax.h"
#include "ProtocolHarness.h"
#include "aero/Runtime/Parameters.h"

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;

namespace {

class Correlation : public testing::Test {
protected:
  /// The parties' views of what `deal` dealt.
  template <typename Deal> void deal(Deal dealer) {
    DealerRandom random(seeds[0], seeds[1], domain);
    dealer(random);
    client.emplace(Role::Client, seeds[0], domain, std::vector<uint8_t>());
    server.emplace(Role::Server, seeds[1], domain, random.takeCorrection());
  }
  Share sum(const Share &a, const Share &b, unsigned bits) {
    Share values(a.size());
    for (size_t i = 0; i < a.size(); ++i)
      values[i] = (a[i] + b[i]) & ringMask(bits);
    return values;
  }
  static Words exclusiveOr(const Words &a, const Words &b) {
    Words words(a.size());
    for (size_t i = 0; i < a.size(); ++i)
      words[i] = a[i] ^ b[i];
    return words;
  }
  Share bothMask(size_t n, unsigned bits) {
    return sum(client->mask(n, bits), server->mask(n, bits), bits);
  }
  Share bothDealt(size_t n, unsigned bits, Encoding encoding) {
    return sum(client->dealt(n, bits, encoding),
               server->dealt(n, bits, encoding), bits);
  }
  Words bothMaskBits(size_t planes, size_t n) {
    return exclusiveOr(client->maskBits(planes, n),
                       server->maskBits(planes, n));
  }
  Words bothDealtBits(size_t planes, size_t n) {
    return exclusiveOr(client->dealtBits(planes, n),
                       server->dealtBits(planes, n));
  }

  /// Passes over correlations that have a test of their own.
  void skipSignTest(unsigned bits, size_t masks, size_t comparisons) {
    SignTest skip[] = {SignTest(*client, bits, masks, comparisons),
                       SignTest(*server, bits, masks, comparisons)};
    EXPECT_EQ(skip[0].levels(), skip[1].levels());
  }
  void skipWrapBit(size_t n, unsigned width) {
    WrapBit skip[] = {WrapBit(*client, n, 64, width),
                      WrapBit(*server, n, 64, width)};
    EXPECT_EQ(skip[0].bytes(), skip[1].bytes());
  }

  Inputs inputs{11};
  Seed seeds[2] = {inputs.seed(), inputs.seed()};
  Domain domain = {3, 5, 0};
  std::optional<PartyRandom> client, server;
};

TEST_F(Correlation, WrapBit) {
  const size_t n = 1000;
  deal([&](DealerRandom &random) { WrapBit::deal(random, n, 20); });
  Words alpha = client->privateBits(Role::Client, n);
  EXPECT_TRUE(server->privateBits(Role::Client, n).empty());
  EXPECT_TRUE(client->privateBits(Role::Server, n).empty());
  Words beta = server->privateBits(Role::Server, n);
  Share product = bothDealt(n, 20, Encoding::Packed);
  for (size_t i = 0; i < n; ++i)
    EXPECT_EQ(product[i], uint64_t(testBit(alpha, i) && testBit(beta, i)));
  EXPECT_TRUE(server->finished());
}

TEST_F(Correlation, SignTest) {
  const size_t n = 130;
  const unsigned bits = 24;
  Share masks;
  for (size_t i = 0; i < n; ++i)
    masks.push_back(inputs.word() & ringMask(bits));
  deal([&](DealerRandom &random) { SignTest::deal(random, bits, masks, n); });
  std::vector<uint16_t> left = client->dealtTables(n * bits / 4);
  std::vector<uint16_t> right = server->dealtTables(n * bits / 4);
  for (unsigned g = 0; g < bits / 4; ++g)
    for (size_t i = 0; i < n; ++i) {
      unsigned digit = masks[i] >> (4 * g) & 15;
      unsigned expected = g + 1 < bits / 4
                              ? 1U << digit
                              : 1U << (digit & 7) | (digit >> 3) << 15;
      EXPECT_EQ(left[g * n + i] ^ right[g * n + i], expected);
    }
  for (const AndLevel &level : andTree(bits / 4)) {
    Words factors = bothMaskBits(level.factors(), n);
    Words products = bothDealtBits(level.monomials(), n);
    size_t words = wordsFor(n), factor = 0, product = 0;
    for (const AndNode &node : level.nodes) {
      for (unsigned m = 0; m < node.shape->monomialCount; ++m, ++product)
        for (size_t i = 0; i < n; ++i) {
          bool expected = true;
          for (unsigned f = 0; f < node.shape->factors; ++f)
            if (node.shape->monomials[m] >> f & 1)
              expected &= testBit(
                  std::span(factors).subspan((factor + f) * words, words), i);
          EXPECT_EQ(
              testBit(std::span(products).subspan(product * words, words), i),
              expected);
        }
      factor += node.shape->factors;
    }
  }
  EXPECT_TRUE(server->finished());
}

TEST_F(Correlation, Selection) {
  const size_t n = 90;
  Share masks;
  for (size_t i = 0; i < n; ++i)
    masks.push_back(inputs.word() & ringMask(16));
  deal(
      [&](DealerRandom &random) { Selection::deal(random, masks, 2 * n, 16); });
  Words bits = bothMaskBits(1, 2 * n);
  Share rho = bothDealt(2 * n, 16, Encoding::Elements);
  Share rhoMask = bothDealt(2 * n, 16, Encoding::Elements);
  for (size_t i = 0; i < 2 * n; ++i) {
    EXPECT_EQ(rho[i], uint64_t(testBit(bits, i)));
    EXPECT_EQ(rhoMask[i], rho[i] * masks[i % n]);
  }
  EXPECT_TRUE(server->finished());
}

TEST_F(Correlation, MatMulAndMul) {
  MatMul::Shape shape = {1, 3, 4, 5, false};
  deal([&](DealerRandom &random) { MatMul::deal(random, shape); });
  Share a = bothMask(12, 64), b = bothMask(20, 64);
  Share c = bothDealt(15, 64, Encoding::Elements);
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 5; ++j) {
      uint64_t expected = 0;
      for (size_t k = 0; k < 4; ++k)
        expected += a[i * 4 + k] * b[k * 5 + j];
      EXPECT_EQ(c[i * 5 + j], expected);
    }
  deal([&](DealerRandom &random) { Mul::deal(random, 20, 5); });
  a = bothMask(20, 64), b = bothMask(4, 64);
  c = bothDealt(20, 64, Encoding::Elements);
  for (size_t i = 0; i < 20; ++i)
    EXPECT_EQ(c[i], a[i] * b[i / 5]);
  EXPECT_TRUE(server->finished());
}

TEST_F(Correlation, Exp2) {
  const size_t n = 2000;
  const unsigned bits = 16, frac = 16;
  deal([&](DealerRandom &random) { Exp2::deal(random, n, bits, frac); });
  Share masks = bothMask(n, bits + frac);
  Share top(n);
  for (size_t i = 0; i < n; ++i)
    top[i] = masks[i] >> frac;
  skipSignTest(bits, n, n);
  Words rho = bothMaskBits(1, n);
  for (bool withRho : {false, true}) {
    std::vector<Wide> left = client->dealtWide(n), right = server->dealtWide(n);
    for (size_t i = 0; i < n; ++i) {
      // R 2^int(r) is the small integer round(2^G 2^-frac(r)).
      Wide sum = subtractF7(left[i], ~right[i] + 2);
      ShiftedF7 back(sum, unsigned(top[i]) & 255);
      Wide integer = subtractF7(back.low, back.high);
      uint64_t expected =
          withRho && !testBit(rho, i)
              ? 0
              : scaledInversePower(fractionOf(masks[i], frac), exp2GuardBits);
      EXPECT_TRUE(integer == expected);
    }
  }
  EXPECT_TRUE(server->finished());
}

TEST_F(Correlation, Linear) {
  const uint64_t m = 3, k = 700, n = 2000; // several blocks of S
  MaskedWeight weight = {0, 2, k, n, 64};
  ASSERT_GT(k, weight.blockRows());
  deal(
      [&](DealerRandom &random) { Linear::deal(random, weight, m, seeds[1]); });
  Share r = client->privateMask(Role::Client, m * k, 64);
  Share q = client->privateMask(Role::Client, m * n, 64);
  Share c(m * n), s(k * n);
  readElements(server->raw(m * n * 8), c, 64);
  weight.mask(seeds[1]).fill(s, 64);
  for (size_t i = 0; i < m; ++i)
    for (size_t j = 0; j < n; j += 97) {
      uint64_t expected = 0;
      for (size_t l = 0; l < k; ++l)
        expected += r[i * k + l] * s[l * n + j];
      EXPECT_EQ(c[i * n + j] + q[i * n + j], expected);
    }
  EXPECT_TRUE(server->finished());
}

TEST_F(Correlation, MulWeight) {
  // Each element of S serves two consecutive ones, and all of S three batches.
  MaskedWeight weight = {0, 2, 1, 5, 64, 30, 2};
  deal(
      [&](DealerRandom &random) { MulWeight::deal(random, weight, seeds[1]); });
  Share r = client->privateMask(Role::Client, 30, 64);
  Share q = client->privateMask(Role::Client, 30, 64);
  Share c(30), s(5);
  readElements(server->raw(30 * 8), c, 64);
  weight.mask(seeds[1]).fill(s, 64);
  for (size_t i = 0; i < 30; ++i)
    EXPECT_EQ(c[i] + q[i], r[i] * s[i / 2 % 5]);
  EXPECT_TRUE(server->finished());
}

TEST_F(Correlation, PackedTriangles) {
  using Packed = MatMul::Packed;
  MatMul::Shape scores = {1, 3, 2, 3, true, Packed::Result};
  deal([&](DealerRandom &random) { MatMul::deal(random, scores); });
  Share a = bothMask(6, 64), b = bothMask(6, 64);
  Share c = bothDealt(6, 64, Encoding::Elements);
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j <= i; ++j)
      EXPECT_EQ(c[triangle(i) + j],
                a[2 * i] * b[2 * j] + a[2 * i + 1] * b[2 * j + 1]);
  EXPECT_TRUE(server->finished());

  MatMul::Shape context = {1, 3, 3, 2, false, Packed::Left};
  deal([&](DealerRandom &random) { MatMul::deal(random, context); });
  a = bothMask(6, 64), b = bothMask(6, 64);
  c = bothDealt(6, 64, Encoding::Elements);
  for (size_t i = 0; i < 3; ++i)
    for (size_t n = 0; n < 2; ++n) {
      uint64_t expected = 0;
      for (size_t j = 0; j <= i; ++j)
        expected += a[triangle(i) + j] * b[2 * j + n];
      EXPECT_EQ(c[2 * i + n], expected);
    }
  EXPECT_TRUE(server->finished());
}

TEST_F(Correlation, Relu) {
  const size_t n = 100;
  deal([&](DealerRandom &random) { Relu::deal(random, n, 24, 8); });
  Share masks = bothMask(n, 64);
  skipSignTest(24, n, n);
  Words bits = bothMaskBits(1, n);
  Share rho = bothDealt(n, 64, Encoding::Elements);
  Share rhoMask = bothDealt(n, 64, Encoding::Elements);
  for (size_t i = 0; i < n; ++i) {
    EXPECT_EQ(rho[i], uint64_t(testBit(bits, i)));
    EXPECT_EQ(rhoMask[i], rho[i] * masks[i]);
  }
  EXPECT_TRUE(server->finished());
}

// Powers of -r, and rho (-r)^k for each threshold, in the tail's ring.
TEST_F(Correlation, Tail) {
  const size_t n = 70;
  for (TailFunction function : {TailFunction::Gelu, TailFunction::Silu}) {
    const TailTable &table = tailTable(function);
    unsigned bits = table.ringBits;
    deal([&](DealerRandom &random) { Tail::deal(random, table, n, 20, 16); });
    Share powers[4] = {Share(n, 1)};
    powers[1] = bothMask(n, bits);
    for (uint64_t &power : powers[1])
      power = -power & ringMask(bits);
    skipSignTest(20, n, n * table.pieces);
    Words rho = bothMaskBits(1, n * table.pieces);
    for (unsigned k : {2, 3}) {
      powers[k] = bothDealt(n, bits, Encoding::Elements);
      for (size_t i = 0; i < n; ++i)
        EXPECT_EQ(powers[k][i],
                  powers[k - 1][i] * powers[1][i] & ringMask(bits));
    }
    for (const Share &power : powers) {
      Share products = bothDealt(n * table.pieces, bits, Encoding::Elements);
      for (size_t c = 0; c < products.size(); ++c)
        EXPECT_EQ(products[c], testBit(rho, c) ? power[c % n] : 0);
    }
    skipWrapBit(n, tailWrapBits(table, 16));
    EXPECT_TRUE(server->finished());
  }
}

TEST_F(Correlation, Normalize) {
  const size_t m = 3, n = 5, comparisons = m * normalizeThresholds;
  Normalize::Shape shape = {m, n, 16, /*centred=*/true, 1024};
  deal([&](DealerRandom &random) { Normalize::deal(random, shape); });
  skipWrapBit(m, normalizeMeanShift);
  Share mask = bothMask(m * n, 64);
  Share squares = bothDealt(m, 64, Encoding::Elements);
  for (size_t i = 0; i < m; ++i) {
    uint64_t sum = 0;
    for (size_t j = i * n; j < (i + 1) * n; ++j)
      sum += mask[j] * mask[j];
    EXPECT_EQ(squares[i], sum);
  }
  skipWrapBit(m, 2 * shape.frac - normalizeSumFrac);
  Share sumMask = bothMask(m, 64);
  skipSignTest(normalizeCompareBits, m, comparisons);
  Words bits = bothMaskBits(1, comparisons);
  Share rho = bothDealt(comparisons, 64, Encoding::Elements);
  Share rhoMask = bothDealt(comparisons, 64, Encoding::Elements);
  for (size_t c = 0; c < comparisons; ++c) {
    EXPECT_EQ(rho[c], uint64_t(testBit(bits, c)));
    EXPECT_EQ(rhoMask[c], rho[c] * sumMask[c % m]);
  }
  skipWrapBit(m, 60 - normalizeRatioFrac);
  // The ratio times the slope, and its square.
  Share left = bothMask(m, 64), right = bothMask(m, 64);
  Share product = bothDealt(m, 64, Encoding::Elements);
  Share square = bothDealt(m, 64, Encoding::Elements);
  for (size_t i = 0; i < m; ++i) {
    EXPECT_EQ(product[i], left[i] * right[i]);
    EXPECT_EQ(square[i], left[i] * left[i]);
  }
  skipWrapBit(m, normalizeLineFrac - normalizeRootFrac);
  skipWrapBit(m, normalizeSquareShift);
  Share root = bothMask(m, 64), power = root;
  for (unsigned k = 2; k <= 5; ++k) {
    Share next = bothDealt(m, 64, Encoding::Elements);
    for (size_t i = 0; i < m; ++i)
      EXPECT_EQ(next[i], power[i] * root[i]);
    power = next;
  }
  skipWrapBit(m, normalizeCubeShift);
  skipWrapBit(m, normalizeFifthShift);
  auto checkProduct = [&] {
    Share a = bothMask(m, 64), b = bothMask(m, 64);
    Share c = bothDealt(m, 64, Encoding::Elements);
    for (size_t i = 0; i < m; ++i)
      EXPECT_EQ(c[i], a[i] * b[i]);
  };
  checkProduct();
  checkProduct();
  skipWrapBit(m, normalizeCorrectionShift);
  checkProduct();
  skipWrapBit(m, normalizeRefinedFrac);
  Share scale = bothMask(m, 64);
  Share scaled = bothDealt(m * n, 64, Encoding::Elements);
  for (size_t i = 0; i < m * n; ++i)
    EXPECT_EQ(scaled[i], mask[i] * scale[i / n]);
  EXPECT_TRUE(server->finished());
}

TEST_F(Correlation, EveryInstructionAndInferenceHasItsOwn) {
  for (const program::Program &program :
       {makeTestProgram(), makeNormProgram()}) {
    std::vector<std::vector<uint8_t>> all;
    for (uint64_t inference : {1, 2})
      for (int i = 0; i < program.instructions_size(); ++i) {
        auto correction =
            dealOperation(program, i, inference, seeds[0], seeds[1]);
        EXPECT_EQ(correction,
                  dealOperation(program, i, inference, seeds[0], seeds[1]));
        if (correction.size() >= 8)
          all.push_back(std::move(correction));
      }
    for (size_t i = 0; i < all.size(); ++i)
      for (size_t j = 0; j < i; ++j)
        EXPECT_FALSE(
            std::equal(all[i].begin(), all[i].begin() + 8, all[j].begin()));
  }
}

} // namespace
