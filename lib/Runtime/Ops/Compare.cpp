//===- Compare.cpp - Signs of masked values -------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Compare.h"

#include "Parallel.h"

#include <cassert>

using namespace aero::rt;

/// Calls body(factor, member) for each factor of each node of a level.
template <typename Body>
static void forEachFactor(const AndLevel &level, Body body) {
  size_t index = 0;
  for (const AndNode &node : level.nodes)
    for (unsigned f = 0; f < node.shape->factors; ++f)
      body(index++, node.first + node.shape->factorMember(f),
           node.shape->factorIsEq(f));
}

void SignTest::deal(DealerRandom &random, unsigned bits,
                    std::span<const uint64_t> masks, size_t comparisons) {
  size_t n = masks.size();
  unsigned groups = bits / 4;
  std::vector<uint16_t> tables(n * groups);
  for (unsigned g = 0; g + 1 < groups; ++g)
    for (size_t i = 0; i < n; ++i)
      tables[g * n + i] = uint16_t(1U << ((masks[i] >> (4 * g)) & 15));
  uint16_t *top = tables.data() + (groups - 1) * n;
  for (size_t i = 0; i < n; ++i)
    top[i] = uint16_t((1U << ((masks[i] >> (bits - 4)) & 7)) |
                      ((masks[i] >> (bits - 1)) & 1) << 15);
  random.dealTables(std::move(tables));

  size_t words = wordsFor(comparisons);
  for (const AndLevel &level : andTree(groups)) {
    Words bitMasks = random.maskBits(level.factors(), comparisons);
    Words products(level.monomials() * words, ~uint64_t(0));
    const uint64_t *factor = bitMasks.data();
    uint64_t *product = products.data();
    for (const AndNode &node : level.nodes) {
      for (unsigned m = 0; m < node.shape->monomialCount; ++m) {
        for (unsigned f = 0; f < node.shape->factors; ++f)
          if (node.shape->monomials[m] >> f & 1)
            for (size_t w = 0; w < words; ++w)
              product[w] &= factor[f * words + w];
        product += words;
      }
      factor += node.shape->factors * words;
    }
    random.dealBits(std::move(products), comparisons);
  }
}

SignTest::SignTest(PartyRandom &random, unsigned bits, size_t masks,
                   size_t comparisons)
    : client(random.isClient()), bits(bits), maskCount(masks),
      count(comparisons), words(wordsFor(comparisons)),
      tree(andTree(bits / 4)) {
  tables = random.dealtTables(masks * (bits / 4));
  for (const AndLevel &level : tree) {
    levelMasks.push_back(random.maskBits(level.factors(), comparisons));
    levelProducts.push_back(random.dealtBits(level.monomials(), comparisons));
  }
}

uint64_t SignTest::bytes(unsigned level) const {
  return tree[level].factors() * planeBytes(count);
}

void SignTest::start(std::span<const uint64_t> z) {
  assert(z.size() == count && "one z a comparison");
  unsigned groups = bits / 4;
  lt.resize(groups * words);
  eq.resize(groups * words);
  signs.resize(words);
  parallelFor(words, loopGrain / 64,
              [&](size_t begin, size_t end) { leaves(z, begin, end); });
  std::vector<uint16_t>().swap(tables);
  if (tree.empty())
    for (size_t w = 0; w < words; ++w)
      signs[w] ^= lt[w];
}

/// Looks z's groups up in the tables: eq is the entry at z, lt the parity of
/// the entries above it. Both depend on public positions only.
void SignTest::leaves(std::span<const uint64_t> z, size_t beginWord,
                      size_t endWord) {
  unsigned groups = bits / 4;
  for (size_t w = beginWord; w < endWord; ++w) {
    size_t first = w * 64, n = std::min<size_t>(64, count - first);
    uint64_t values[64] = {};
    std::copy_n(z.data() + first, n, values);
    for (unsigned g = 0; g < groups; ++g) {
      bool top = g + 1 == groups;
      const uint16_t *table = tables.data() + g * maskCount;
      uint16_t entries[64] = {}, above[64];
      if (maskCount == count)
        std::copy_n(table + first, n, entries);
      else
        for (size_t j = 0; j < n; ++j)
          entries[j] = table[(first + j) % maskCount];
      uint64_t signWord = 0;
      if (top) {
        for (size_t j = 0; j < n; ++j)
          signWord |= uint64_t(entries[j] >> 15) << j;
        if (client)
          for (size_t j = 0; j < n; ++j)
            signWord ^= (values[j] >> (bits - 1) & 1) << j;
        signs[w] = signWord;
      }
      uint16_t mask = top ? 0xff : 0xffff;
      uint64_t digitMask = top ? 7 : 15;
      // above[j] bit k: parity of the entries k + 1 and up.
      for (unsigned j = 0; j < 64; ++j) {
        uint16_t e = entries[j] & mask;
        e ^= e >> 1;
        e ^= e >> 2;
        e ^= e >> 4;
        e ^= e >> 8;
        above[j] = e >> 1;
      }
      uint64_t ltWord = 0, eqWord = 0;
      for (size_t j = 0; j < 64; ++j) {
        unsigned digit = unsigned(values[j] >> (4 * g) & digitMask);
        ltWord |= uint64_t(above[j] >> digit & 1) << j;
        eqWord |= uint64_t(entries[j] >> digit & 1) << j;
      }
      lt[g * words + w] = ltWord;
      eq[g * words + w] = eqWord;
    }
  }
}

void SignTest::produce(unsigned level, std::vector<uint8_t> &out) {
  opened = levelMasks[level];
  forEachFactor(tree[level], [&](size_t index, unsigned member, bool isEq) {
    const uint64_t *bit = (isEq ? eq : lt).data() + member * words;
    for (size_t w = 0; w < words; ++w)
      opened[index * words + w] ^= bit[w];
  });
  appendWords(out, opened);
}

/// sum ^= this party's share of a product of `degree` factors. With o = a ^ x
/// opened, the product of the x is the sum over subsets of o's outside and mask
/// products inside; one factor after the other is summed out.
template <unsigned degree>
void SignTest::addTerm(const AndNodeShape &shape, unsigned term,
                       const uint64_t *masks, const uint64_t *products,
                       const uint64_t *openedBits, uint64_t *sum) const {
  const uint64_t *share[1U << degree] = {}, *open[degree];
  unsigned factor[degree];
  for (unsigned f = 0, k = 0; f < shape.factors; ++f)
    if (term >> f & 1) {
      open[k] = openedBits + f * words;
      factor[k++] = f;
    }
  for (unsigned subset = 1; subset < 1U << degree; ++subset) {
    unsigned mask = 0;
    for (unsigned k = 0; k < degree; ++k)
      mask |= (subset >> k & 1) << factor[k];
    if (std::has_single_bit(mask)) {
      share[subset] = masks + unsigned(std::countr_zero(mask)) * words;
      continue;
    }
    unsigned index = 0;
    while (shape.monomials[index] != mask)
      ++index;
    share[subset] = products + index * words;
  }
  // The empty product is 1, which the client adds.
  uint64_t one = client ? ~uint64_t(0) : 0;
  for (size_t w = 0; w < words; ++w) {
    uint64_t value[1U << degree];
    value[0] = one;
    for (unsigned subset = 1; subset < 1U << degree; ++subset)
      value[subset] = share[subset][w];
    for (unsigned k = degree; k-- > 0;)
      for (unsigned subset = 0; subset < 1U << k; ++subset)
        value[subset] = (open[k][w] & value[subset]) ^ value[subset | 1U << k];
    sum[w] ^= value[0];
  }
}

void SignTest::evaluate(const AndNode &node, const uint64_t *masks,
                        const uint64_t *products, const uint64_t *openedBits,
                        uint64_t *ltOut, uint64_t *eqOut) const {
  const AndNodeShape &shape = *node.shape;
  auto add = [&](unsigned term, uint64_t *sum) {
    switch (std::popcount(term)) {
    case 2:
      return addTerm<2>(shape, term, masks, products, openedBits, sum);
    case 3:
      return addTerm<3>(shape, term, masks, products, openedBits, sum);
    default:
      return addTerm<4>(shape, term, masks, products, openedBits, sum);
    }
  };
  size_t top = node.first + shape.members - 1;
  std::copy_n(lt.data() + top * words, words, ltOut);
  for (unsigned i = 0; i + 1 < shape.members; ++i)
    add(shape.ltTerms[i], ltOut);
  std::fill_n(eqOut, words, 0);
  if (shape.wantsEq)
    add(shape.eqTerm, eqOut);
}

void SignTest::consume(unsigned level, std::span<const uint8_t> in) {
  xorWords(opened, in, count);
  const AndLevel &current = tree[level];
  unsigned outputs = current.outputs();
  Words nextLt(outputs * words), nextEq(outputs * words);
  const uint64_t *masks = levelMasks[level].data();
  const uint64_t *products = levelProducts[level].data();
  const uint64_t *openedBits = opened.data();
  for (size_t i = 0; i < current.nodes.size(); ++i) {
    const AndNode &node = current.nodes[i];
    evaluate(node, masks, products, openedBits, nextLt.data() + i * words,
             nextEq.data() + i * words);
    masks += node.shape->factors * words;
    openedBits += node.shape->factors * words;
    products += node.shape->monomialCount * words;
  }
  if (current.passes) {
    size_t last = lt.size() - words, to = (outputs - 1) * words;
    std::copy_n(lt.data() + last, words, nextLt.data() + to);
    std::copy_n(eq.data() + last, words, nextEq.data() + to);
  }
  lt = std::move(nextLt);
  eq = std::move(nextEq);
  Words().swap(levelMasks[level]);
  Words().swap(levelProducts[level]);
  if (level + 1 == tree.size())
    for (size_t w = 0; w < words; ++w)
      signs[w] ^= lt[w];
}
