//===- Random.cpp - Where correlated randomness comes from ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Random.h"

#include <cstdio>
#include <cstdlib>

using namespace aero::rt;

static Share elements(StreamSequence &source, size_t n, unsigned bits) {
  Share values(n);
  source.next().fill(values, bits);
  return values;
}

static Words planes(StreamSequence &source, size_t count, size_t n) {
  Words words(count * wordsFor(n));
  source.next().fill(bytesOf(words));
  clearTails(words, n);
  return words;
}

template <typename T>
static std::vector<T> plain(StreamSequence &source, size_t n) {
  std::vector<T> values(n);
  source.next().fill(bytesOf(values));
  return values;
}

std::span<const uint8_t> PartyRandom::raw(size_t bytes) {
  // Sizes were checked against the cost model when the correction arrived, so
  // this is a mistake in an operation, and to go on would be to leak.
  if (bytes > correction.size() - position) {
    std::fprintf(stderr, "aero: internal error: correction exhausted\n");
    std::abort();
  }
  position += bytes;
  return std::span(correction).subspan(position - bytes, bytes);
}

Share PartyRandom::mask(size_t n, unsigned bits) {
  return elements(own, n, bits);
}

Words PartyRandom::maskBits(size_t count, size_t n) {
  return planes(own, count, n);
}

Share PartyRandom::privateMask(Role owner, size_t n, unsigned bits) {
  if ((owner == Role::Client) == client)
    return elements(own, n, bits);
  own.skip();
  return {};
}

std::vector<uint32_t> PartyRandom::privateMask32(Role owner, size_t n) {
  if ((owner == Role::Client) == client)
    return plain<uint32_t>(own, n);
  own.skip();
  return {};
}

Words PartyRandom::privateBits(Role owner, size_t n) {
  if ((owner == Role::Client) == client)
    return planes(own, 1, n);
  own.skip();
  return {};
}

Share PartyRandom::dealt(size_t n, unsigned bits, Encoding encoding) {
  if (client)
    return elements(own, n, bits);
  own.skip();
  Share values(n);
  if (encoding == Encoding::Packed)
    readPacked(raw(packedBytes(n, bits)), values, bits);
  else
    readElements(raw(n * elementBytes(bits)), values, bits);
  return values;
}

Words PartyRandom::dealtBits(size_t count, size_t n) {
  if (client)
    return planes(own, count, n);
  own.skip();
  Words words(count * wordsFor(n));
  xorWords(words, raw(words.size() * 8), n);
  return words;
}

std::vector<uint16_t> PartyRandom::dealtTables(size_t n) {
  if (client)
    return plain<uint16_t>(own, n);
  own.skip();
  std::vector<uint16_t> tables(n);
  if (n)
    std::memcpy(tables.data(), raw(n * 2).data(), n * 2);
  return tables;
}

std::vector<Wide> PartyRandom::dealtWide(size_t n) {
  if (client)
    return plain<Wide>(own, n);
  own.skip();
  std::vector<Wide> values(n);
  if (n)
    std::memcpy(values.data(), raw(n * 16).data(), n * 16);
  return values;
}

Share DealerRandom::mask(size_t n, unsigned bits) {
  Share sum = elements(client, n, bits), other = elements(server, n, bits);
  for (size_t i = 0; i < n; ++i)
    sum[i] = (sum[i] + other[i]) & ringMask(bits);
  return sum;
}

Words DealerRandom::maskBits(size_t count, size_t n) {
  Words sum = planes(client, count, n), other = planes(server, count, n);
  for (size_t i = 0; i < sum.size(); ++i)
    sum[i] ^= other[i];
  return sum;
}

Share DealerRandom::privateMask(Role owner, size_t n, unsigned bits) {
  bool isClient = owner == Role::Client;
  (isClient ? server : client).skip();
  return elements(isClient ? client : server, n, bits);
}

std::vector<uint32_t> DealerRandom::privateMask32(Role owner, size_t n) {
  bool isClient = owner == Role::Client;
  (isClient ? server : client).skip();
  return plain<uint32_t>(isClient ? client : server, n);
}

Words DealerRandom::privateBits(Role owner, size_t n) {
  bool isClient = owner == Role::Client;
  (isClient ? server : client).skip();
  return planes(isClient ? client : server, 1, n);
}

void DealerRandom::deal(Share values, unsigned bits, Encoding encoding) {
  server.skip();
  Share share = elements(client, values.size(), bits);
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = (values[i] - share[i]) & ringMask(bits);
  if (encoding == Encoding::Packed)
    appendPacked(correction, values, bits);
  else
    appendElements(correction, values, bits);
}

void DealerRandom::dealBits(Words words, size_t n) {
  server.skip();
  if (words.empty()) {
    client.skip();
    return;
  }
  Words share = planes(client, words.size() / wordsFor(n), n);
  for (size_t i = 0; i < words.size(); ++i)
    words[i] ^= share[i];
  appendWords(correction, words);
}

void DealerRandom::dealTables(std::vector<uint16_t> tables) {
  server.skip();
  std::vector<uint16_t> share = plain<uint16_t>(client, tables.size());
  for (size_t i = 0; i < tables.size(); ++i)
    tables[i] ^= share[i];
  raw(bytesOf(tables));
}

std::vector<Wide> DealerRandom::clientWide(size_t n) {
  server.skip();
  return plain<Wide>(client, n);
}

void DealerRandom::raw(std::span<const uint8_t> bytes) {
  correction.insert(correction.end(), bytes.begin(), bytes.end());
}
