//===- CostReportTest.cpp - Sums of the cost report -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/CostReport.h"
#include "aero/Dialect/MPC/IR/MPCOps.h"
#include "aero/Dialect/PI/IR/PIOps.h"

#include "mlir/Parser/Parser.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <nlohmann/json.hpp>

using namespace aero;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

class CostReportTest : public ::testing::Test {
protected:
  CostReportTest() {
    context
        .loadDialect<mpc::MPCDialect, pi::PIDialect, mlir::func::FuncDialect>();
  }

  mlir::func::FuncOp parse(llvm::StringRef text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    return *module->getOps<mlir::func::FuncOp>().begin();
  }

  CostReport report(llvm::StringRef text) {
    auto result = computeCostReport(parse(text), getNetworkProfiles());
    if (!result) {
      ADD_FAILURE() << llvm::toString(result.takeError());
      return {};
    }
    return std::move(*result);
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

// Two independent linear maps in layers 0 and 1, not scheduled.
constexpr const char *program = R"(
func.func @main(%t: !mpc.tokens<8, vocabulary = 50>) -> tensor<8x4xf64> {
  %w = mpc.weight "w" dense<0.5> : tensor<50x16xf32> : !mpc.server<50x16, f = 16>
  %v = mpc.weight "v" dense<0.5> : tensor<16x4xf32> : !mpc.server<16x4, f = 20>
  %0 = mpc.embedding %t, %w : !mpc.tokens<8, vocabulary = 50>, !mpc.server<50x16, f = 16> -> !mpc.share<8x16, f = 16, bits = 32> loc("wte")
  %1 = mpc.extend %0 : !mpc.share<8x16, f = 16, bits = 32> -> !mpc.share<8x16, f = 16> loc("wte")
  %2 = mpc.linear %1, %v : !mpc.share<8x16, f = 16>, !mpc.server<16x4, f = 20> -> !mpc.share<8x4, f = 36> loc(fused<1 : i64>["h.1/a"])
  %3 = mpc.trunc %2 by 20 : !mpc.share<8x4, f = 36> -> !mpc.share<8x4, f = 16> loc(fused<1 : i64>["h.1/a"])
  %4 = mpc.linear %1, %v : !mpc.share<8x16, f = 16>, !mpc.server<16x4, f = 20> -> !mpc.share<8x4, f = 36> loc(fused<0 : i64>["h.0/b"])
  %5 = mpc.trunc %4 by 20 : !mpc.share<8x4, f = 36> -> !mpc.share<8x4, f = 16> loc(fused<0 : i64>["h.0/b"])
  %6 = mpc.add %3, %5 : !mpc.share<8x4, f = 16>
  %7 = mpc.reveal %6 : !mpc.share<8x4, f = 16> -> tensor<8x4xf64>
  return %7 : tensor<8x4xf64>
})";

TEST_F(CostReportTest, Instructions) {
  CostReport result = report(program);
  ASSERT_EQ(result.instructions.size(), 8u);
  const InstructionCost &linear = result.instructions[2];
  EXPECT_EQ(linear.index, 2u);
  EXPECT_EQ(linear.op, "linear");
  EXPECT_EQ(linear.node, "h.1/a");
  EXPECT_EQ(linear.layer, 1);
  EXPECT_EQ(linear.start, 2u);
  EXPECT_EQ(linear.cost, rt::cost::linear(8, 16, 4));
  EXPECT_EQ(result.instructions[0].cost, rt::cost::embedding(8, 50, 16));
  EXPECT_EQ(result.instructions[1].cost, rt::cost::extend(128, 32));
  EXPECT_EQ(result.instructions[6].cost, rt::Cost());
  EXPECT_EQ(result.instructions[7].layer, -1);
}

TEST_F(CostReportTest, GroupsAddUpToTheTotal) {
  CostReport result = report(program);
  std::vector<std::string> layers, kinds;
  rt::Cost fromLayers, fromKinds, fromInstructions;
  uint64_t count = 0;
  for (const CostGroup &group : result.layers) {
    layers.push_back(group.name);
    fromLayers += group.cost;
    count += group.instructions;
  }
  for (const CostGroup &group : result.kinds) {
    kinds.push_back(group.name);
    fromKinds += group.cost;
  }
  for (const InstructionCost &instruction : result.instructions)
    fromInstructions += instruction.cost;
  EXPECT_THAT(layers, ElementsAre("layer 0", "layer 1", "outside layers"));
  // 2 * 1024, 1600, 256, 2 * 8 + 2 * 8 and 2 * 8 bytes.
  EXPECT_THAT(kinds, ElementsAre("linear", "embedding", "reveal", "extend",
                                 "trunc", "add"));
  EXPECT_EQ(fromLayers, result.total.cost);
  EXPECT_EQ(fromKinds, result.total.cost);
  EXPECT_EQ(fromInstructions, result.total.cost);
  EXPECT_EQ(count, result.total.instructions);
  EXPECT_EQ(result.kinds[0].cost.clientToServer, 2u * 8 * 8 * 16);
}

// One after the other the instructions take 7 exchanges; the two halves run
// beside each other.
TEST_F(CostReportTest, CriticalPath) {
  CostReport result = report(program);
  EXPECT_EQ(result.total.cost.exchanges, 7u);
  EXPECT_EQ(result.criticalPath, 5u);
}

TEST_F(CostReportTest, StartsAreTaken) {
  CostReport result = report(R"(
func.func @main(%x: !mpc.share<8x4, f = 16>) {
  %0 = mpc.trunc %x by 8 start 3 : !mpc.share<8x4, f = 16> -> !mpc.share<8x4, f = 8>
  return
})");
  EXPECT_EQ(result.instructions[0].start, 3u);
  EXPECT_EQ(result.criticalPath, 4u);
}

TEST_F(CostReportTest, EveryInstructionHasRates) {
  const ComputeRates &rates = getMeasuredRates();
  size_t instructions = 0;
  for (mlir::RegisteredOperationName name : context.getRegisteredOperations()) {
    if (name.getDialectNamespace() != "mpc" ||
        !name.hasInterface<mpc::CostOpInterface>())
      continue;
    ++instructions;
    auto rate = rates.operations.find(name.stripDialect());
    ASSERT_NE(rate, rates.operations.end()) << name.getStringRef().str();
    EXPECT_GT(rate->second.onlineElementsPerSecond, 0);
  }
  EXPECT_EQ(instructions, rates.operations.size());
}

TEST_F(CostReportTest, ElementsAreOfTheLargestShare) {
  CostReport result = report(program);
  std::vector<uint64_t> elements;
  for (const InstructionCost &instruction : result.instructions)
    elements.push_back(instruction.elements);
  // The embedding's 50 x 16 table is not shared.
  EXPECT_THAT(elements, ElementsAre(128, 128, 128, 32, 128, 32, 32, 32));
}

TEST_F(CostReportTest, Nodes) {
  CostReport result = report(program);
  std::vector<std::string> names;
  std::vector<int64_t> layers;
  std::vector<uint64_t> counts;
  for (const CostGroup &group : result.nodes) {
    names.push_back(group.name);
    layers.push_back(group.layer);
    counts.push_back(group.instructions);
  }
  EXPECT_THAT(names, ElementsAre("wte", "h.1/a", "h.0/b", ""));
  EXPECT_THAT(layers, ElementsAre(-1, 1, 0, -1));
  EXPECT_THAT(counts, ElementsAre(2, 2, 2, 2));
}

TEST_F(CostReportTest, TimesOfGroupsAddUp) {
  CostReport result = report(program);
  ASSERT_EQ(result.profiles.size(), 3u);
  for (size_t i = 0; i < 3; ++i)
    for (auto *groups : {&result.nodes, &result.layers, &result.kinds}) {
      Seconds sum;
      for (const CostGroup &group : *groups)
        sum += group.times[i];
      const Seconds &total = result.total.times[i];
      double trip = result.profiles[i].roundTripSeconds;
      EXPECT_NEAR(sum.online, total.online, 1e-12);
      // The total also asks for the correlations, and greets.
      EXPECT_NEAR(sum.offline + 2 * trip, total.offline, 1e-12);
      EXPECT_NEAR(sum.setup + 6 * trip, total.setup, 1e-12);
    }
}

TEST_F(CostReportTest, Profiles) {
  CostReport result = report(program);
  std::vector<std::string> names;
  for (const NetworkProfile &profile : result.profiles)
    names.push_back(profile.name);
  EXPECT_THAT(names, ElementsAre("loopback", "lan", "wan"));
  const std::vector<Seconds> &times = result.total.times;
  EXPECT_LT(times[0].online, times[1].online);
  EXPECT_LT(times[1].online, times[2].online);
  EXPECT_TRUE(computeCostReport(parse(program), {})->total.times.empty());
}

TEST_F(CostReportTest, ProfileWithoutRatesIsAnError) {
  NetworkProfile profile = getNetworkProfiles()[0];
  profile.compute.operations.erase("trunc");
  auto result = computeCostReport(parse(program), profile);
  ASSERT_FALSE(result);
  EXPECT_THAT(llvm::toString(result.takeError()),
              HasSubstr("loopback has no rates for mpc.trunc"));
}

TEST_F(CostReportTest, Json) {
  CostReport result = report(program);
  nlohmann::json json = toJson(result);
  EXPECT_EQ(json["total"]["online_bytes"], result.total.cost.online());
  EXPECT_EQ(json["critical_path_exchanges"], 5);
  EXPECT_EQ(json["layers"].size(), 3u);
  EXPECT_EQ(json["layers"][1]["layer"], 1);
  EXPECT_EQ(json["networks"][2]["name"], "wan");
  EXPECT_EQ(json["instructions"][2]["node"], "h.1/a");
  EXPECT_EQ(json["instructions"][2]["elements"], 128);
  EXPECT_EQ(json["nodes"][1]["name"], "h.1/a");
  EXPECT_EQ(json["nodes"][1]["layer"], 1);
  EXPECT_EQ(json["kinds"][0]["seconds"]["wan"]["online"],
            result.kinds[0].times[2].online);
  EXPECT_EQ(json["networks"][2]["setup_seconds"], result.total.times[2].setup);
}

TEST_F(CostReportTest, OtherOpsAreErrors) {
  auto result = computeCostReport(parse(R"(
func.func @main(%x: tensor<4xf32>) {
  %0 = pi.relu %x : tensor<4xf32>
  return
})"),
                                  {});
  ASSERT_FALSE(result);
  EXPECT_THAT(llvm::toString(result.takeError()),
              HasSubstr("pi.relu is not an instruction of the secure engine"));
  result = computeCostReport(parse("func.func private @f()"), {});
  ASSERT_FALSE(result);
  EXPECT_THAT(llvm::toString(result.takeError()), HasSubstr("one block"));
}

} // namespace
