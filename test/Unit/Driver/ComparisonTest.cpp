//===- ComparisonTest.cpp - How far engines are from float ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Driver/Comparison.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <limits>

using namespace aero;
using testing::HasSubstr;

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

void add(Comparison &comparison, EngineAnswer reference,
         std::vector<double> unfolded, size_t row = 0) {
  llvm::Error error = comparison.addPrompt(std::move(reference), unfolded, row);
  EXPECT_FALSE(static_cast<bool>(error)) << llvm::toString(std::move(error));
}

/// Two layers, the first with values up to 100, and two logits.
Comparison makeComparison() {
  Comparison comparison({"layer 0", "layer 1"}, /*vocabulary=*/2, 0.01);
  add(comparison, {{{-100, 1}, {0.5}}, {3, 4}}, {3, 4});
  return comparison;
}

/// What is said of an engine with that answer.
std::string say(const EngineAnswer &answer) {
  Comparison comparison = makeComparison();
  llvm::Error error =
      comparison.addAnswer(comparison.addEngine("abacus"), 0, answer);
  return error ? llvm::toString(std::move(error))
               : comparison.findFirstOutside();
}

TEST(Comparison, BoundsGrowWithTheLayer) {
  EXPECT_EQ(say({{{-100.9, 1.9}, {0.509}}, {3.009, 4}}), "");
  EXPECT_EQ(say({{{-100, 2.1}, {0.6}}, {5, 4}}),
            "abacus leaves its bound first behind layer 0: it differs from "
            "float by 1.10000, more than 1.00000");
  EXPECT_EQ(say({{{-100, 1}, {0.52}}, {5, 4}}),
            "abacus leaves its bound first behind layer 1: it differs from "
            "float by 0.02000, more than 0.01000");
  EXPECT_EQ(say({{{-100, 1}, {0.5}}, {3.5, 4}}),
            "abacus leaves its bound in the logits: it differs from float by "
            "0.50000, more than --max-error 0.01000");
}

TEST(Comparison, NoBoundHoldsWhatIsNoNumber) {
  EXPECT_THAT(say({{{-100, nan}, {0.5}}, {3, 4}}), HasSubstr("behind layer 0"));
  EXPECT_THAT(say({{{-100, 1}, {-infinity}}, {3, 4}}),
              HasSubstr("behind layer 1"));
  EXPECT_THAT(say({{{-100, 1}, {0.5}}, {nan, 4}}), HasSubstr("in the logits"));
}

TEST(Comparison, ABoundThatIsInfiniteHoldsNothing) {
  Comparison comparison({"layer 0"}, /*vocabulary=*/1, 0.01);
  add(comparison, {{{infinity}}, {1}}, {1});
  ComparedEngine &engine = comparison.addEngine("abacus");
  EXPECT_FALSE(comparison.addAnswer(engine, 0, {{{5}}, {1}}));
  EXPECT_THAT(comparison.findFirstOutside(), HasSubstr("behind layer 0"));
}

TEST(Comparison, LayersMayBeHiddenButNotTheLogits) {
  EXPECT_EQ(say({{{}, {}}, {3, 4}}), "");
  EXPECT_EQ(say({{{}, {}}, {}}),
            "it answered with 2 layers and 0 logits, expected 2 and 2");
  EXPECT_EQ(say({{{}}, {3, 4}}),
            "it answered with 1 layers and 2 logits, expected 2 and 2");
  EXPECT_THAT(say({{{-100}, {}}, {3, 4}}), HasSubstr("behind layer 0"));
}

TEST(Comparison, TheFirstLayerIsNamedNotTheFirstEngine) {
  Comparison comparison = makeComparison();
  comparison.addEngine("absent", "not there");
  ComparedEngine &late = comparison.addEngine("late");
  ComparedEngine &early = comparison.addEngine("early");
  EXPECT_FALSE(comparison.addAnswer(late, 0, {{{-100, 1}, {9}}, {3, 4}}));
  EXPECT_FALSE(comparison.addAnswer(early, 0, {{{-90, 1}, {0.5}}, {3, 4}}));
  EXPECT_THAT(comparison.findFirstOutside(),
              HasSubstr("early leaves its bound first behind layer 0"));
}

TEST(Comparison, TheWorstPromptCounts) {
  Comparison comparison = makeComparison();
  add(comparison, {{{1, 1}, {1}}, {1, 2}}, {1, 2});
  ComparedEngine &engine = comparison.addEngine("abacus");
  EXPECT_FALSE(comparison.addAnswer(engine, 0, {{{-101, 1}, {0.5}}, {3, 4}}));
  EXPECT_FALSE(comparison.addAnswer(engine, 1, {{{1, 1}, {1}}, {2.5, 2}}));
  EXPECT_EQ(engine.layers[0].getLargest(), 1);
  EXPECT_EQ(engine.logits.getLargest(), 1.5);
  EXPECT_EQ(engine.sameNextToken, 1u);
}

TEST(Comparison, TheNextTokenIsInItsRow) {
  Comparison comparison({}, /*vocabulary=*/2, 10);
  add(comparison, {{}, {9, 1, 1, 2}}, {9, 1, 1, 2}, /*row=*/1);
  ComparedEngine &same = comparison.addEngine("same");
  ComparedEngine &other = comparison.addEngine("other");
  EXPECT_FALSE(comparison.addAnswer(same, 0, {{}, {1, 9, 0, 5}}));
  EXPECT_FALSE(comparison.addAnswer(other, 0, {{}, {9, 1, 2, 1}}));
  EXPECT_EQ(same.sameNextToken, 1u);
  EXPECT_EQ(other.sameNextToken, 0u);
}

TEST(Comparison, FoldingIsSetAgainstTheModuleBefore) {
  Comparison comparison({}, /*vocabulary=*/1, 0.01);
  add(comparison, {{}, {1}}, {1.5});
  EXPECT_EQ(comparison.findFirstOutside(),
            "folding changes the logits of the float reference by 0.50000, "
            "more than --max-error 0.01000");
  EXPECT_EQ(llvm::toString(comparison.addPrompt({{}, {1, 2}}, {1}, 0)),
            "the float reference has 0 layers and 2 logits, expected 0 and 1");
}

} // namespace
