//===- WireTest.cpp - Encodings of ring elements and bits -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Runtime/Wire.h"

#include "gtest/gtest.h"

#include <random>

using namespace aero::rt;

static std::vector<uint64_t> randomValues(size_t n, unsigned bits) {
  std::mt19937_64 generator(n * 64 + bits);
  std::vector<uint64_t> values(n);
  for (uint64_t &value : values)
    value = generator() & ringMask(bits);
  return values;
}

TEST(WireTest, Sizes) {
  EXPECT_EQ(ringMask(1), 1u);
  EXPECT_EQ(ringMask(64), ~uint64_t(0));
  EXPECT_EQ(elementBytes(1), 1u);
  EXPECT_EQ(elementBytes(8), 1u);
  EXPECT_EQ(elementBytes(9), 2u);
  EXPECT_EQ(elementBytes(64), 8u);
  EXPECT_EQ(planeBytes(0), 0u);
  EXPECT_EQ(planeBytes(64), 8u);
  EXPECT_EQ(planeBytes(65), 16u);
  EXPECT_EQ(packedBytes(3, 3), 2u);
  EXPECT_EQ(packedBytes(8, 64), 64u);
}

TEST(WireTest, ElementsAreLittleEndian) {
  std::vector<uint8_t> out;
  appendElements(out, std::vector<uint64_t>{0x010203, 0xAABBCC}, 24);
  EXPECT_EQ(out, (std::vector<uint8_t>{3, 2, 1, 0xCC, 0xBB, 0xAA}));
}

TEST(WireTest, ElementsRoundTripAtEveryWidth) {
  for (unsigned bits = 1; bits <= 64; ++bits)
    for (size_t n : {0, 1, 2, 7, 8, 9, 100}) {
      std::vector<uint64_t> values = randomValues(n, bits), read(n);
      std::vector<uint8_t> out = {42};
      appendElements(out, values, bits);
      ASSERT_EQ(out.size(), 1 + n * elementBytes(bits));
      EXPECT_EQ(out[0], 42);
      readElements(std::span(out).subspan(1), read, bits);
      EXPECT_EQ(read, values) << bits << " bits, " << n << " elements";
    }
}

TEST(WireTest, ElementsAreReducedOnTheWayInAndOut) {
  for (unsigned bits = 1; bits < 64; ++bits) {
    std::vector<uint64_t> values(20, ~uint64_t(0)), read(20);
    std::vector<uint8_t> out;
    appendElements(out, values, bits);
    std::vector<uint8_t> hostile(out.size(), 0xFF);
    readElements(hostile, read, bits);
    EXPECT_EQ(read, std::vector<uint64_t>(20, ringMask(bits)));
    readElements(out, read, bits);
    EXPECT_EQ(read, std::vector<uint64_t>(20, ringMask(bits)));
  }
}

TEST(WireTest, PackedBitsStartAtTheLowest) {
  std::vector<uint8_t> out;
  appendPacked(out, std::vector<uint64_t>{1, 2, 7}, 3);
  EXPECT_EQ(out, (std::vector<uint8_t>{0b11010001, 0b1}));
}

TEST(WireTest, PackedRoundTripsAtEveryWidth) {
  for (unsigned width = 0; width <= 64; ++width)
    for (size_t n : {0, 1, 3, 8, 63, 64, 65, 129}) {
      std::vector<uint64_t> values = randomValues(n, width), read(n, 99);
      std::vector<uint8_t> out = {1, 2, 3};
      appendPacked(out, values, width);
      ASSERT_EQ(out.size(), 3 + packedBytes(n, width));
      readPacked(std::span(out).subspan(3), read, width);
      EXPECT_EQ(read, values) << width << " bits, " << n << " values";
    }
}

TEST(WireTest, PackedPaddingIsZero) {
  std::vector<uint8_t> out;
  appendPacked(out, std::vector<uint64_t>(3, ~uint64_t(0)), 5);
  EXPECT_EQ(out, (std::vector<uint8_t>{0xFF, 0x7F}));
}

TEST(WireTest, PlaneRoundTrips) {
  for (size_t n : {0, 1, 63, 64, 65, 200}) {
    std::mt19937_64 generator(n);
    Plane plane(n);
    for (size_t i = 0; i < n; ++i)
      plane.set(i, generator() & 1);
    std::vector<uint8_t> out;
    appendPlane(out, plane);
    ASSERT_EQ(out.size(), planeBytes(n));
    Plane read = readPlane(out, n);
    ASSERT_EQ(read.size(), n);
    for (size_t i = 0; i < n; ++i)
      EXPECT_EQ(read.get(i), plane.get(i));
  }
}

TEST(WireTest, PlaneBitsPastTheEndAreNeitherSentNorTaken) {
  Plane plane(70);
  for (uint64_t &word : plane.data())
    word = ~uint64_t(0);
  std::vector<uint8_t> out;
  appendPlane(out, plane);
  EXPECT_EQ(out[8], 0x3F);
  for (size_t i = 9; i < 16; ++i)
    EXPECT_EQ(out[i], 0);
  std::vector<uint8_t> hostile(16, 0xFF);
  EXPECT_EQ(readPlane(hostile, 70).data()[1], 0x3Fu);
}

TEST(WireTest, PlaneOperators) {
  Plane a(3), b(3);
  a.set(0, true);
  a.set(1, true);
  b.set(1, true);
  b.set(2, true);
  Plane both = a;
  both &= b;
  EXPECT_EQ(both.data()[0], 0b010u);
  a ^= b;
  EXPECT_EQ(a.data()[0], 0b101u);
  a.set(0, false);
  EXPECT_FALSE(a.get(0));
}
