//===- Wire.h - Encodings of ring elements and bits -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// How elements of Z_2^b and XOR-shared bits are laid out in messages. Sizes
/// are exact: the cost model and the receiver both rely on them.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_RUNTIME_WIRE_H
#define AERO_RUNTIME_WIRE_H

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace aero::rt {

/// Mask with the low `bits` bits set, 1 <= bits <= 64.
constexpr uint64_t ringMask(unsigned bits) {
  return bits >= 64 ? ~uint64_t(0) : (uint64_t(1) << bits) - 1;
}

/// Bytes of one element of Z_2^bits on the wire.
constexpr uint64_t elementBytes(unsigned bits) { return (bits + 7) / 8; }

/// Bytes of n one-bit values (a plane of 64-bit words).
constexpr uint64_t planeBytes(uint64_t n) { return 8 * ((n + 63) / 64); }

/// Bytes of n values of `width` bits, packed without gaps.
constexpr uint64_t packedBytes(uint64_t n, unsigned width) {
  return (n * width + 7) / 8;
}

/// Appends elements of Z_2^bits, elementBytes(bits) each, little endian.
void appendElements(std::vector<uint8_t> &out, std::span<const uint64_t> values,
                    unsigned bits);
/// Reads values.size() elements; `in` holds exactly that many.
void readElements(std::span<const uint8_t> in, std::span<uint64_t> values,
                  unsigned bits);

/// Appends `values` (each below 2^width) bit-packed, lowest bit first; the
/// unused bits of the last byte are zero.
void appendPacked(std::vector<uint8_t> &out, std::span<const uint64_t> values,
                  unsigned width);
void readPacked(std::span<const uint8_t> in, std::span<uint64_t> values,
                unsigned width);

/// XOR-shared bits, 64 to a word; bits past the end are kept zero where a
/// plane is sent.
class Plane {
public:
  Plane() = default;
  explicit Plane(size_t bits) : count(bits), words((bits + 63) / 64) {}

  size_t size() const { return count; }
  bool get(size_t i) const { return (words[i / 64] >> (i % 64)) & 1; }
  void set(size_t i, bool bit) {
    uint64_t mask = uint64_t(1) << (i % 64);
    words[i / 64] = (words[i / 64] & ~mask) | (-uint64_t(bit) & mask);
  }
  std::span<uint64_t> data() { return words; }
  std::span<const uint64_t> data() const { return words; }
  Plane &operator^=(const Plane &other);
  Plane &operator&=(const Plane &other);

private:
  size_t count = 0;
  std::vector<uint64_t> words;
};

void appendPlane(std::vector<uint8_t> &out, const Plane &plane);
/// Reads a plane of `bits` bits from exactly planeBytes(bits) bytes.
Plane readPlane(std::span<const uint8_t> in, size_t bits);

} // namespace aero::rt

#endif // AERO_RUNTIME_WIRE_H
