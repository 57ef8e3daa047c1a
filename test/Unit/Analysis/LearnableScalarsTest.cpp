//===- LearnableScalarsTest.cpp - Weights by role -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/LearnableScalars.h"
#include "mlir/Parser/Parser.h"

#include "gmock/gmock.h"

using namespace mlir;
using testing::ElementsAre;

namespace aero::pi {
namespace {

class LearnableScalarsTest : public testing::Test {
protected:
  LearnableScalarsTest() {
    context.loadDialect<PIDialect, func::FuncDialect>();
  }

  /// "role layer name op" of each scalar of a network with one block, `tail`
  /// being what makes %z of the stream %y and the branch %f.
  std::vector<std::string> find(const std::string &tail,
                                const std::string &attention = "") {
    std::string text = R"(
      func.func @main(%x: tensor<1x4x8xf32>) -> tensor<1x4x8xf32> {
        %w = pi.weight "w" dense<0.1> : tensor<8x8xf32>
        %s = pi.weight "s" dense<0.1> : tensor<f32>
        %t = pi.weight "t" dense<0.1> : tensor<f32>
        %h = pi.weight "h" dense<0.1> : tensor<2x1x1xf32>
        %h2 = pi.reshape %h : tensor<2x1x1xf32> -> tensor<2x1xf32>
        %c = pi.constant dense<0.1> : tensor<f32>
        %a = pi.attention %x, %x, %x )" +
                       attention + R"( heads 2 scale 0.5 causal
          : tensor<1x4x8xf32>, tensor<1x4x8xf32>
        %y = pi.add %x, %a : tensor<1x4x8xf32>, tensor<1x4x8xf32> -> tensor<1x4x8xf32>
        %u = pi.linear %y, %w : tensor<1x4x8xf32>, tensor<8x8xf32> -> tensor<1x4x8xf32>
        )" + tail + R"(
        return %z : tensor<1x4x8xf32>
      })";
    module = parseSourceString<ModuleOp>(text, ParserConfig(&context));
    if (!module)
      return {"does not parse"};
    func::FuncOp func = *module->getOps<func::FuncOp>().begin();
    std::vector<std::string> found;
    for (LearnableScalar scalar :
         findLearnableScalars(func, LayerAnalysis(func)))
      found.push_back(stringifyRole(scalar.role).str() + " " +
                      std::to_string(scalar.layer) + " " +
                      scalar.weight.getName().str() + " " +
                      scalar.op->getName().stripDialect().str());
    return found;
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};

constexpr const char *kScaled = R"(
  %b = pi.mul %y, %s : tensor<1x4x8xf32>, tensor<f32> -> tensor<1x4x8xf32>
  %d = pi.div %u, %t : tensor<1x4x8xf32>, tensor<f32> -> tensor<1x4x8xf32>
  %z = pi.add %b, %d : tensor<1x4x8xf32>, tensor<1x4x8xf32> -> tensor<1x4x8xf32>)";
constexpr const char *kPlain = R"(
  %z = pi.add %y, %u : tensor<1x4x8xf32>, tensor<1x4x8xf32> -> tensor<1x4x8xf32>)";

TEST_F(LearnableScalarsTest, ScalesOfAFeedForwardNetwork) {
  EXPECT_THAT(find(kScaled),
              ElementsAre("ffn_beta 0 s mul", "ffn_alpha 0 t div"));
}

TEST_F(LearnableScalarsTest, ConstantsAreNotLearned) {
  EXPECT_THAT(find(R"(
    %b = pi.mul %y, %c : tensor<1x4x8xf32>, tensor<f32> -> tensor<1x4x8xf32>
    %d = pi.div %u, %t : tensor<1x4x8xf32>, tensor<f32> -> tensor<1x4x8xf32>
    %z = pi.add %b, %d : tensor<1x4x8xf32>, tensor<1x4x8xf32> -> tensor<1x4x8xf32>)"),
              ElementsAre("ffn_alpha 0 t div"));
}

/// ffn(y) * t is no ffn(y) / alpha, and s on the whole sum is no beta.
TEST_F(LearnableScalarsTest, OtherFactorsHaveNoRole) {
  EXPECT_THAT(find(R"(
    %d = pi.mul %u, %t : tensor<1x4x8xf32>, tensor<f32> -> tensor<1x4x8xf32>
    %e = pi.add %y, %d : tensor<1x4x8xf32>, tensor<1x4x8xf32> -> tensor<1x4x8xf32>
    %z = pi.mul %e, %s : tensor<1x4x8xf32>, tensor<f32> -> tensor<1x4x8xf32>)"),
              ElementsAre());
}

TEST_F(LearnableScalarsTest, TemperatureBehindAReshape) {
  EXPECT_THAT(find(kPlain, "temperature %h2 : tensor<2x1xf32>"),
              ElementsAre("temperature 0 h attention"));
  EXPECT_THAT(find(kPlain), ElementsAre());
}

TEST_F(LearnableScalarsTest, Slopes) {
  EXPECT_THAT(find(R"(
    %p = pi.prelu %u slope %s : tensor<f32> : tensor<1x4x8xf32>
    %v = pi.linear %p, %w : tensor<1x4x8xf32>, tensor<8x8xf32> -> tensor<1x4x8xf32>
    %z = pi.add %y, %v : tensor<1x4x8xf32>, tensor<1x4x8xf32> -> tensor<1x4x8xf32>)"),
              ElementsAre("leaky_slope 0 s prelu"));
}

} // namespace
} // namespace aero::pi
