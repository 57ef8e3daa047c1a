//===- MPSPDZOutputTest.cpp - What MP-SPDZ prints and writes --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Driver/MPSPDZOutput.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <cstring>

using namespace aero;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

constexpr char recorded[] =
    "Running /home/x/Scripts/../replicated-ring-party.x 0 model -pn 16175\n"
    "Trying to run 64-bit computation\n"
    "The following benchmarks are including preprocessing (offline phase).\n"
    "Time = 0.754634 seconds \n"
    "Data sent = 31.4888 MB in ~1057 rounds (party 0 only; use '-v' for more "
    "details)\n"
    "Global data sent = 88.6487 MB (all parties) \n";

std::string messageOf(llvm::StringRef text) {
  auto cost = parseMPSPDZCost(text);
  EXPECT_FALSE(cost);
  return llvm::toString(cost.takeError());
}

/// The recorded text with one piece replaced.
std::string change(llvm::StringRef from, llvm::StringRef to) {
  std::string text = recorded;
  text.replace(text.find(from.str()), from.size(), to.str());
  return text;
}

TEST(MPSPDZOutput, ReadsWhatWasSent) {
  auto cost = parseMPSPDZCost(recorded);
  ASSERT_TRUE(static_cast<bool>(cost)) << llvm::toString(cost.takeError());
  EXPECT_EQ(cost->bytes, 88648700u);
  EXPECT_EQ(cost->rounds, 1057u);
  EXPECT_DOUBLE_EQ(cost->seconds, 0.754634);
}

TEST(MPSPDZOutput, ReadsWhatOnePartySent) {
  auto bytes = parseMPSPDZBytes(recorded);
  ASSERT_TRUE(static_cast<bool>(bytes)) << llvm::toString(bytes.takeError());
  EXPECT_EQ(*bytes, 31488800u);
  for (const char *number : {"", "nan", "-1", "1e12"})
    EXPECT_THAT(
        llvm::toString(parseMPSPDZBytes(change("31.4888", number)).takeError()),
        testing::AnyOf(HasSubstr("'Data sent = '"), HasSubstr("impossible")))
        << number;
  // What all sent is not what one sent.
  EXPECT_THAT(
      llvm::toString(parseMPSPDZBytes("Global data sent = 1 MB").takeError()),
      HasSubstr("'Data sent = '"));
}

TEST(MPSPDZOutput, ReadsExponents) {
  auto cost = parseMPSPDZCost(change("31.4888", "8e-06"));
  ASSERT_TRUE(static_cast<bool>(cost));
  cost = parseMPSPDZCost(change("88.6487", "1.40195e+03"));
  ASSERT_TRUE(static_cast<bool>(cost));
  EXPECT_EQ(cost->bytes, 1401950000u);
}

TEST(MPSPDZOutput, SaysWhichLineIsMissing) {
  EXPECT_THAT(messageOf(""), HasSubstr("'Time = '"));
  EXPECT_THAT(messageOf(change("in ~1057", "in")), HasSubstr("'MB in ~'"));
  EXPECT_THAT(messageOf(change("Global", "Local")),
              HasSubstr("'Global data sent = '"));
}

TEST(MPSPDZOutput, RefusesWhatIsNoNumber) {
  for (const char *number : {"", "nan", "inf", "-1", "1e999", "1-2", "..", "e"})
    EXPECT_THAT(messageOf(change("88.6487", number)),
                HasSubstr("'Global data sent = '"))
        << number;
  EXPECT_THAT(messageOf(change("88.6487", "1e12")), HasSubstr("impossible"));
  EXPECT_THAT(messageOf(change("1057", "1e20")), HasSubstr("impossible"));
}

TEST(MPSPDZOutput, CutsTheAnswer) {
  double numbers[] = {1.5, -2, 3};
  std::string bytes(sizeof(numbers), '\0');
  std::memcpy(bytes.data(), numbers, sizeof(numbers));
  auto pieces = splitMPSPDZOutput(bytes, {1, 0, 2});
  ASSERT_TRUE(static_cast<bool>(pieces));
  EXPECT_THAT(*pieces,
              ElementsAre(ElementsAre(1.5), ElementsAre(), ElementsAre(-2, 3)));
}

TEST(MPSPDZOutput, RefusesAnAnswerOfAnotherSize) {
  for (size_t size : {0, 8, 15, 24}) {
    auto pieces = splitMPSPDZOutput(std::string(size, 'x'), {1, 1});
    EXPECT_FALSE(pieces);
    EXPECT_THAT(
        llvm::toString(pieces.takeError()),
        HasSubstr(std::to_string(size) + " bytes of answer, expected 16"));
  }
}

TEST(MPSPDZOutput, LastLines) {
  EXPECT_EQ(getLastLines("a\nb\n\nc\n", 2), "b\nc");
  EXPECT_EQ(getLastLines("a", 5), "a");
  EXPECT_EQ(getLastLines("", 5), "");
  EXPECT_EQ(getLastLines("\x1b[31mred\xff", 5), "?[31mred?");
}

} // namespace
