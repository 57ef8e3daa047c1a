//===- NetworkProfileTest.cpp - Profiles and their files ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/NetworkProfile.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace aero;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

namespace {

NetworkProfile parse(llvm::StringRef text) {
  auto profile = parseNetworkProfile(text, "p.json");
  if (!profile) {
    ADD_FAILURE() << llvm::toString(profile.takeError());
    return {};
  }
  return std::move(*profile);
}

std::string errorOf(llvm::StringRef text) {
  auto profile = parseNetworkProfile(text, "p.json");
  return profile ? "no error" : llvm::toString(profile.takeError());
}

/// A profile with more entries.
std::string with(const std::string &more) {
  return R"({"name": "a", "bits_per_second": 1e9, "round_trip_seconds": 0.01, )" +
         more + "}";
}

TEST(NetworkProfile, BuiltIn) {
  auto wan = findNetworkProfile("wan");
  ASSERT_TRUE(bool(wan));
  EXPECT_EQ(wan->bitsPerSecond, 100e6);
  EXPECT_EQ(wan->roundTripSeconds, 80e-3);
  auto lan = findNetworkProfile("lan");
  ASSERT_TRUE(bool(lan));
  EXPECT_EQ(lan->bitsPerSecond, 1e9);
  EXPECT_EQ(lan->roundTripSeconds, 1e-3);
}

TEST(NetworkProfile, Minimal) {
  NetworkProfile profile = parse(
      R"({"name": "office", "bits_per_second": 5e8, "round_trip_seconds": 0})");
  EXPECT_EQ(profile.name, "office");
  EXPECT_EQ(profile.bitsPerSecond, 5e8);
  EXPECT_EQ(profile.roundTripSeconds, 0);
  EXPECT_EQ(profile.compute.multiplyAddsPerSecond,
            getMeasuredRates().multiplyAddsPerSecond);
}

TEST(NetworkProfile, Compute) {
  const ComputeRates &measured = getMeasuredRates();
  NetworkProfile profile = parse(with(R"("compute": {
      "speed": 2, "multiply_adds_per_second": 1e9,
      "online_elements_per_second": {"exp2": 1e6},
      "dealer_elements_per_second": {"exp2": 3e6}})"));
  // Also what is given is given for a speed of 1.
  EXPECT_EQ(profile.compute.multiplyAddsPerSecond, 2e9);
  EXPECT_EQ(profile.compute.prgBytesPerSecond, 2 * measured.prgBytesPerSecond);
  const OperationRate &exp2 = profile.compute.operations["exp2"];
  EXPECT_EQ(exp2.onlineElementsPerSecond, 2e6);
  EXPECT_EQ(exp2.dealerElementsPerSecond, 6e6);
  EXPECT_EQ(profile.compute.operations["add"].onlineElementsPerSecond,
            2 * measured.operations.lookup("add").onlineElementsPerSecond);
}

TEST(NetworkProfile, NotAProfile) {
  for (const char *text : {"", "[]", "3", "{", "{\"name\": }", "null"})
    EXPECT_THAT(errorOf(text), StartsWith("p.json: not a JSON object"));
  EXPECT_THAT(errorOf(std::string(100000, '[')),
              HasSubstr("not a JSON object"));
}

TEST(NetworkProfile, MissingKeys) {
  std::string error = errorOf("{}");
  for (const char *key : {"name", "bits_per_second", "round_trip_seconds"})
    EXPECT_THAT(error,
                HasSubstr("p.json: '" + std::string(key) + "' is missing"));
}

TEST(NetworkProfile, UnknownKeys) {
  EXPECT_EQ(errorOf(with(R"("latency": 3)")),
            "p.json: unknown key 'latency'; a profile has name, "
            "bits_per_second, round_trip_seconds, compute");
  EXPECT_THAT(errorOf(with(R"("compute": {"cores": 3})")),
              StartsWith("p.json: unknown key 'compute.cores'; a profile has "
                         "compute.speed, compute.multiply_adds_per_second"));
}

TEST(NetworkProfile, KeysGivenTwice) {
  EXPECT_EQ(errorOf(with(R"("name": "b")")), "p.json: 'name' is given twice");
  EXPECT_EQ(errorOf(with(R"("compute": {"speed": 1, "speed": 2})")),
            "p.json: 'speed' is given twice");
  // The same key of two objects is another one.
  EXPECT_THAT(errorOf(with(R"("compute": {"name": "b"})")),
              Not(HasSubstr("twice")));
}

TEST(NetworkProfile, WrongValues) {
  EXPECT_THAT(errorOf(R"({"name": "", "bits_per_second": 0,
                          "round_trip_seconds": -1})"),
              testing::AllOf(HasSubstr("'name' is not a text"),
                             HasSubstr("'bits_per_second' is not a number from "
                                       "1e-9 to 1e18"),
                             HasSubstr("'round_trip_seconds' is not a number "
                                       "from 0 to 1e18")));
  for (const char *value : {"\"1\"", "1e300", "1e-300", "null", "[1]", "true"})
    EXPECT_THAT(
        errorOf(with("\"compute\": {\"speed\": " + std::string(value) + "}")),
        HasSubstr("'compute.speed' is not a number"))
        << value;
  EXPECT_EQ(errorOf(with(R"("compute": 3)")),
            "p.json: 'compute' is not an object");
}

TEST(NetworkProfile, Instructions) {
  EXPECT_THAT(
      errorOf(with(R"("compute": {"online_elements_per_second":
                                  {"gelu": 1e6}})")),
      HasSubstr("'compute.online_elements_per_second' names 'gelu'; there are "
                "add, add_weight, "));
  // The dealer has no part in an addition.
  EXPECT_THAT(
      errorOf(with(R"("compute": {"dealer_elements_per_second":
                                  {"add": 1e6}})")),
      HasSubstr("'compute.dealer_elements_per_second' names 'add'; there are "
                "argmax, causal_context, "));
  EXPECT_THAT(
      errorOf(with(R"("compute": {"online_elements_per_second":
                                  {"add": "fast"}})")),
      HasSubstr("'compute.online_elements_per_second.add' is not a number"));
}

TEST(NetworkProfile, MissingFile) {
  auto profile = findNetworkProfile("no/such.json");
  ASSERT_FALSE(profile);
  EXPECT_EQ(llvm::toString(profile.takeError()),
            "--network 'no/such.json' is neither loopback, lan or wan nor a "
            "file with a profile");
}

} // namespace
