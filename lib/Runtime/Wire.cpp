//===- Wire.cpp - Encodings of ring elements and bits ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Wire.h"

#include <bit>
#include <cassert>
#include <cstring>

using namespace aero::rt;

static_assert(std::endian::native == std::endian::little,
              "the encodings below copy words as they lie in memory");

/// Elements of 5 to 7 bytes overlap: each is stored as a whole word and the
/// next one overwrites the excess. Only the last few are stored byte by byte.
template <unsigned bytes>
static void storeElements(uint8_t *out, std::span<const uint64_t> values,
                          uint64_t mask) {
  size_t whole = values.size() > 7 ? values.size() - 7 : 0;
  for (size_t i = 0; i < whole; ++i) {
    uint64_t word = values[i] & mask;
    std::memcpy(out + i * bytes, &word, 8);
  }
  for (size_t i = whole; i < values.size(); ++i) {
    uint64_t word = values[i] & mask;
    std::memcpy(out + i * bytes, &word, bytes);
  }
}

template <unsigned bytes>
static void loadElements(const uint8_t *in, std::span<uint64_t> values,
                         uint64_t mask) {
  size_t whole = values.size() > 7 ? values.size() - 7 : 0;
  for (size_t i = 0; i < whole; ++i) {
    uint64_t word;
    std::memcpy(&word, in + i * bytes, 8);
    values[i] = word & mask;
  }
  for (size_t i = whole; i < values.size(); ++i) {
    uint64_t word = 0;
    std::memcpy(&word, in + i * bytes, bytes);
    values[i] = word & mask;
  }
}

void aero::rt::appendElements(std::vector<uint8_t> &out,
                              std::span<const uint64_t> values, unsigned bits) {
  assert(bits >= 1 && bits <= 64 && "no such ring");
  if (values.empty())
    return;
  size_t begin = out.size();
  out.resize(begin + values.size() * elementBytes(bits));
  uint8_t *to = out.data() + begin;
  uint64_t mask = ringMask(bits);
  switch (elementBytes(bits)) {
  case 1:
    return storeElements<1>(to, values, mask);
  case 2:
    return storeElements<2>(to, values, mask);
  case 3:
    return storeElements<3>(to, values, mask);
  case 4:
    return storeElements<4>(to, values, mask);
  case 5:
    return storeElements<5>(to, values, mask);
  case 6:
    return storeElements<6>(to, values, mask);
  case 7:
    return storeElements<7>(to, values, mask);
  default:
    return storeElements<8>(to, values, mask);
  }
}

void aero::rt::readElements(std::span<const uint8_t> in,
                            std::span<uint64_t> values, unsigned bits) {
  assert(bits >= 1 && bits <= 64 && "no such ring");
  assert(in.size() == values.size() * elementBytes(bits) && "wrong length");
  // The mask matters: a peer may set bits above the ring.
  uint64_t mask = ringMask(bits);
  switch (elementBytes(bits)) {
  case 1:
    return loadElements<1>(in.data(), values, mask);
  case 2:
    return loadElements<2>(in.data(), values, mask);
  case 3:
    return loadElements<3>(in.data(), values, mask);
  case 4:
    return loadElements<4>(in.data(), values, mask);
  case 5:
    return loadElements<5>(in.data(), values, mask);
  case 6:
    return loadElements<6>(in.data(), values, mask);
  case 7:
    return loadElements<7>(in.data(), values, mask);
  default:
    return loadElements<8>(in.data(), values, mask);
  }
}

void aero::rt::appendPacked(std::vector<uint8_t> &out,
                            std::span<const uint64_t> values, unsigned width) {
  assert(width <= 64 && "no such width");
  size_t begin = out.size();
  size_t bytes = packedBytes(values.size(), width);
  if (bytes == 0)
    return;
  out.resize(begin + bytes);
  uint8_t *to = out.data() + begin;
  uint64_t mask = ringMask(width);
  uint64_t pending = 0; // bits that do not fill a word yet
  unsigned filled = 0;
  for (uint64_t value : values) {
    value &= mask;
    pending |= value << filled;
    if (filled + width < 64) {
      filled += width;
      continue;
    }
    std::memcpy(to, &pending, 8);
    to += 8;
    unsigned used = 64 - filled;
    pending = used < 64 ? value >> used : 0;
    filled = width - used;
  }
  std::memcpy(to, &pending, out.data() + out.size() - to);
}

void aero::rt::readPacked(std::span<const uint8_t> in,
                          std::span<uint64_t> values, unsigned width) {
  assert(width <= 64 && "no such width");
  assert(in.size() == packedBytes(values.size(), width) && "wrong length");
  if (width == 0) {
    for (uint64_t &value : values)
      value = 0;
    return;
  }
  const uint8_t *from = in.data();
  size_t left = in.size();
  uint64_t mask = ringMask(width);
  uint64_t pending = 0;
  unsigned available = 0;
  for (uint64_t &value : values) {
    if (available >= width) {
      value = pending & mask;
      pending = width < 64 ? pending >> width : 0;
      available -= width;
      continue;
    }
    uint64_t next = 0;
    size_t bytes = left < 8 ? left : 8;
    std::memcpy(&next, from, bytes);
    from += bytes;
    left -= bytes;
    value = (pending | (available < 64 ? next << available : 0)) & mask;
    unsigned used = width - available;
    pending = used < 64 ? next >> used : 0;
    available = 64 - used;
  }
}

Plane &Plane::operator^=(const Plane &other) {
  assert(count == other.count && "planes of different sizes");
  for (size_t i = 0; i < words.size(); ++i)
    words[i] ^= other.words[i];
  return *this;
}

Plane &Plane::operator&=(const Plane &other) {
  assert(count == other.count && "planes of different sizes");
  for (size_t i = 0; i < words.size(); ++i)
    words[i] &= other.words[i];
  return *this;
}

/// The valid bits of a plane's last word.
static uint64_t lastWordMask(size_t bits) {
  return bits % 64 ? ringMask(bits % 64) : ~uint64_t(0);
}

void aero::rt::appendPlane(std::vector<uint8_t> &out, const Plane &plane) {
  std::span<const uint64_t> words = plane.data();
  if (words.empty())
    return;
  size_t begin = out.size();
  out.resize(begin + words.size() * 8);
  std::memcpy(out.data() + begin, words.data(), words.size() * 8);
  // Whatever a local computation left past the end must not reach the peer.
  uint64_t last = words.back() & lastWordMask(plane.size());
  std::memcpy(out.data() + out.size() - 8, &last, 8);
}

Plane aero::rt::readPlane(std::span<const uint8_t> in, size_t bits) {
  assert(in.size() == planeBytes(bits) && "wrong length");
  Plane plane(bits);
  if (bits == 0)
    return plane;
  std::memcpy(plane.data().data(), in.data(), in.size());
  plane.data().back() &= lastWordMask(bits);
  return plane;
}
