//===- SecureCostTest.cpp - Predictions are what instructions cost --------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/SecureCost.h"
#include "aero/Analysis/CostReport.h"
#include "aero/Conversion/PIToMPC/PIToMPC.h"
#include "aero/Dialect/MPC/IR/MPCOps.h"
#include "aero/Dialect/MPC/Transforms/Passes.h"

#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"

#include "gtest/gtest.h"

using namespace aero;

namespace {

// Every nonlinear op that has a secure form, each with a node of its own. The
// second attention's scores have a narrow range, the first one's none that
// helps: its queries are products with large weights.
constexpr const char *network = R"(
func.func @main(%tokens: tensor<1x12xi64>) -> tensor<1x12x8xf32> {
  %table = pi.weight "table" dense<0.5> : tensor<50x8xf32>
  %w = pi.weight "w" dense<0.25> : tensor<8x8xf32>
  %wide = pi.weight "wide" dense<0.25> : tensor<8x16xf32>
  %narrow = pi.weight "narrow" dense<0.25> : tensor<16x8xf32>
  %g = pi.weight "g" dense<1.5> : tensor<8xf32>
  %b = pi.weight "b" dense<0.5> : tensor<8xf32>
  %slope = pi.weight "slope" dense<0.1> : tensor<f32>
  %t = pi.weight "t" dense<1.25> : tensor<2x12xf32>
  %x = pi.embedding %table[%tokens] : tensor<50x8xf32>, tensor<1x12xi64> -> tensor<1x12x8xf32> loc("embedding")
  %n = pi.layer_norm %x epsilon 1.0e-5 : tensor<1x12x8xf32> loc("norm")
  %q = pi.linear %n, %w : tensor<1x12x8xf32>, tensor<8x8xf32> -> tensor<1x12x8xf32> loc("q")
  %large = pi.weight "large" dense<1024.0> : tensor<8x8xf32>
  %far = pi.linear %q, %large : tensor<1x12x8xf32>, tensor<8x8xf32> -> tensor<1x12x8xf32> loc("far")
  %farther = pi.linear %far, %large : tensor<1x12x8xf32>, tensor<8x8xf32> -> tensor<1x12x8xf32> loc("farther")
  %farthest = pi.linear %farther, %large : tensor<1x12x8xf32>, tensor<8x8xf32> -> tensor<1x12x8xf32> loc("farthest")
  %leaky = pi.leaky_relu %farthest slope 0.01 : tensor<1x12x8xf32> loc("leaky")
  %a = pi.attention %leaky, %q, %q heads 2 scale 0.693147182 causal : tensor<1x12x8xf32>, tensor<1x12x8xf32> loc("open attention")
  %k = pi.linear %a, %w : tensor<1x12x8xf32>, tensor<8x8xf32> -> tensor<1x12x8xf32> loc("k")
  %m = pi.layer_norm %k gamma %g : tensor<8xf32> beta %b : tensor<8xf32> epsilon 1.0e-5 : tensor<1x12x8xf32> loc("gained norm")
  %c = pi.attention %m, %m, %m heads 2 scale 0.693147182 : tensor<1x12x8xf32>, tensor<1x12x8xf32> loc("proved attention")
  %h = pi.attention %c, %c, %c temperature %t : tensor<2x12xf32> heads 2 scale 0.5 causal : tensor<1x12x8xf32>, tensor<1x12x8xf32> loc("tempered attention")
  %r = pi.rms_norm %h gamma %g : tensor<8xf32> epsilon 1.0e-5 : tensor<1x12x8xf32> loc("rms norm")
  %u = pi.linear %r, %wide : tensor<1x12x8xf32>, tensor<8x16xf32> -> tensor<1x12x16xf32> loc("u")
  %gelu = pi.gelu %u : tensor<1x12x16xf32> loc("gelu")
  %tanh = pi.gelu %gelu approximation tanh : tensor<1x12x16xf32> loc("gelu tanh")
  %silu = pi.silu %tanh : tensor<1x12x16xf32> loc("silu")
  %relu = pi.relu %silu : tensor<1x12x16xf32> loc("relu")
  %p = pi.prelu %relu slope %slope : tensor<f32> : tensor<1x12x16xf32> loc("prelu")
  %y = pi.linear %p, %narrow : tensor<1x12x16xf32>, tensor<16x8xf32> -> tensor<1x12x8xf32> loc("y")
  return %y : tensor<1x12x8xf32>
})";

TEST(SecureCost, IsWhatTheInstructionsCost) {
  mlir::MLIRContext context;
  context
      .loadDialect<pi::PIDialect, mpc::MPCDialect, mlir::func::FuncDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(network, &context);
  ASSERT_TRUE(module);
  std::map<std::string, rt::Cost> predicted;
  auto func = *module->getOps<mlir::func::FuncOp>().begin();
  pi::SecureForm form(func);
  func.walk([&](pi::NonlinearOpInterface op) {
    std::optional<rt::Cost> cost = form.getCost(op);
    ASSERT_TRUE(cost) << pi::getNodeName(op.getLoc());
    predicted[pi::getNodeName(op.getLoc())] = *cost;
  });
  ASSERT_EQ(predicted.size(), 12U);

  mlir::PassManager pm(&context);
  pm.addPass(createConvertPIToMPC());
  pm.addNestedPass<mlir::func::FuncOp>(mpc::createMPCSchedule());
  ASSERT_TRUE(mlir::succeeded(pm.run(*module)));
  auto report =
      computeCostReport(*module->getOps<mlir::func::FuncOp>().begin(), {});
  ASSERT_TRUE(bool(report)) << llvm::toString(report.takeError());
  std::map<std::string, rt::Cost> actual;
  std::map<std::string, std::pair<uint32_t, uint32_t>> span;
  for (const InstructionCost &one : report->instructions) {
    actual[one.node] += one.cost;
    // Local instructions run as early as their operands are there.
    if (one.cost.exchanges == 0)
      continue;
    auto [it, inserted] = span.try_emplace(one.node, one.start, one.start);
    it->second.first = std::min(it->second.first, one.start);
    it->second.second =
        std::max(it->second.second, one.start + one.cost.exchanges);
  }
  for (const auto &[node, cost] : predicted) {
    EXPECT_EQ(cost.online(), actual[node].online()) << node;
    EXPECT_EQ(cost.offline(), actual[node].offline()) << node;
    EXPECT_EQ(cost.exchanges, span[node].second - span[node].first) << node;
  }
}

TEST(SecureCost, OpsWithoutASecureFormHaveNone) {
  mlir::MLIRContext context;
  context.loadDialect<pi::PIDialect, mlir::func::FuncDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(R"(
    func.func @main(%x: tensor<1x4x8xf32>, %mask: tensor<1x4xi64>) -> tensor<1x4x8xf32> {
      %a = pi.attention %x, %x, %x mask %mask : tensor<1x4xi64> heads 2 scale 0.5 : tensor<1x4x8xf32>, tensor<1x4x8xf32>
      %y = pi.tanh %a : tensor<1x4x8xf32>
      %z = pi.softmax %y axis 2 : tensor<1x4x8xf32>
      return %z : tensor<1x4x8xf32>
    })",
                                                        &context);
  ASSERT_TRUE(module);
  auto func = *module->getOps<mlir::func::FuncOp>().begin();
  pi::SecureForm form(func);
  func.walk(
      [&](pi::NonlinearOpInterface op) { EXPECT_FALSE(form.getCost(op)); });
}

} // namespace
