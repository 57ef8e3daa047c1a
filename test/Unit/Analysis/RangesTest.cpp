//===- RangesTest.cpp - Bounds against values of random prompts -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "../Transforms/TransformTestBase.h"

#include "aero/Analysis/Ranges.h"

using namespace aero;
using namespace aero::pi;

namespace {

constexpr const char *start = R"(
func.func @main(%tokens: tensor<1x6xi64>) -> %RESULTS% {
  %t = pi.weight "t" dense<0.5> : tensor<16x8xf32>
  %p = pi.weight "p" dense<0.5> : tensor<6x8xf32>
  %e = pi.embedding %t[%tokens] : tensor<16x8xf32>, tensor<1x6xi64> -> tensor<1x6x8xf32>
)";

class RangesTest : public TransformTestBase {
protected:
  /// Loads a function that computes `body` from the embedded prompt %e and
  /// returns `names`, all of type (1, 6, 8) or as their suffix says.
  void loadBody(const std::string &body, llvm::ArrayRef<const char *> names,
                llvm::ArrayRef<int> widths = {}) {
    std::string types, values, text = start;
    for (size_t i = 0; i < names.size(); ++i) {
      int width = widths.empty() ? 8 : widths[i];
      types +=
          (i ? ", " : "") + ("tensor<1x6x" + std::to_string(width)) + "xf32>";
      values += (i ? ", " : "") + std::string(names[i]);
    }
    text.replace(text.find("%RESULTS%"), 9, "(" + types + ")");
    load(text + body + "\nreturn " + values + " : " + types + "\n}");
    returned = llvm::cast<mlir::func::ReturnOp>(
        getMain().getBody().front().getTerminator());
  }

  /// What random prompts make of each returned value: the largest |x|.
  std::vector<double> measure() {
    std::vector<double> most(returned.getNumOperands(), 0);
    for (int prompt = 0; prompt < 50; ++prompt) {
      auto results = reference::interpret(getMain(), makeInputs());
      if (!results) {
        ADD_FAILURE() << llvm::toString(results.takeError());
        return most;
      }
      for (auto [to, tensor] : llvm::zip_equal(most, *results))
        for (float value : tensor.getFloats())
          to = std::max(to, std::fabs(double(value)));
    }
    return most;
  }

  /// The bounds hold, and are not more than `slack` times what was seen.
  void expectSound(double slack) {
    RangeAnalysis ranges(getMain());
    for (auto [value, most] :
         llvm::zip_equal(returned.getOperands(), measure())) {
      double bound = ranges.getBound(value);
      std::string op = value.getDefiningOp()->getName().getStringRef().str();
      EXPECT_GT(most, 0) << op;
      EXPECT_GE(bound, most) << op;
      EXPECT_LT(bound, slack * most) << op;
    }
  }

  double boundOf(unsigned result) {
    return RangeAnalysis(getMain()).getBound(returned.getOperand(result));
  }

  mlir::func::ReturnOp returned;
};

//===----------------------------------------------------------------------===//
// Sound for whole blocks
//===----------------------------------------------------------------------===//

TEST_F(RangesTest, LayerNormBlock) {
  loadBody(R"(
  %x = pi.add %e, %p : tensor<1x6x8xf32>, tensor<6x8xf32> -> tensor<1x6x8xf32>
  %g1 = pi.weight "g1" dense<1.0> : tensor<8xf32>
  %b1 = pi.weight "b1" dense<1.0> : tensor<8xf32>
  %n = pi.layer_norm %x gamma %g1 : tensor<8xf32> beta %b1 : tensor<8xf32> epsilon 1.0e-5 : tensor<1x6x8xf32>
  %wqkv = pi.weight "wqkv" dense<1.0> : tensor<8x24xf32>
  %bqkv = pi.weight "bqkv" dense<1.0> : tensor<24xf32>
  %qkv = pi.linear %n, %wqkv bias %bqkv : tensor<24xf32> : tensor<1x6x8xf32>, tensor<8x24xf32> -> tensor<1x6x24xf32>
  %q = pi.slice %qkv axis 2 offset 0 : tensor<1x6x24xf32> -> tensor<1x6x8xf32>
  %k = pi.slice %qkv axis 2 offset 8 : tensor<1x6x24xf32> -> tensor<1x6x8xf32>
  %v = pi.slice %qkv axis 2 offset 16 : tensor<1x6x24xf32> -> tensor<1x6x8xf32>
  %a = pi.attention %q, %k, %v heads 2 scale 0.5 causal : tensor<1x6x8xf32>, tensor<1x6x8xf32>
  %wo = pi.weight "wo" dense<1.0> : tensor<8x8xf32>
  %o = pi.linear %a, %wo : tensor<1x6x8xf32>, tensor<8x8xf32> -> tensor<1x6x8xf32>
  %r = pi.add %x, %o : tensor<1x6x8xf32>, tensor<1x6x8xf32> -> tensor<1x6x8xf32>
  %m = pi.layer_norm %r epsilon 1.0e-5 : tensor<1x6x8xf32>
  %wf = pi.weight "wf" dense<1.0> : tensor<32x8xf32>
  %wt = pi.transpose %wf [1, 0] : tensor<32x8xf32> -> tensor<8x32xf32>
  %f = pi.linear %m, %wt : tensor<1x6x8xf32>, tensor<8x32xf32> -> tensor<1x6x32xf32>
  %h = pi.gelu %f : tensor<1x6x32xf32>
  %wp = pi.weight "wp" dense<1.0> : tensor<32x8xf32>
  %s = pi.linear %h, %wp : tensor<1x6x32xf32>, tensor<32x8xf32> -> tensor<1x6x8xf32>
  %z = pi.add %r, %s : tensor<1x6x8xf32>, tensor<1x6x8xf32> -> tensor<1x6x8xf32>
  %y = pi.relu %z : tensor<1x6x8xf32>
)",
           {"%x", "%n", "%q", "%k", "%v", "%a", "%o", "%r", "%m", "%f", "%h",
            "%s", "%z"},
           {8, 8, 8, 8, 8, 8, 8, 8, 8, 32, 32, 8, 8});
  expectSound(60);
}

TEST_F(RangesTest, GatedBlockWithRotaryPositions) {
  // The second table is longer than rotations: sqrt(2).
  loadBody(R"(
  %g1 = pi.weight "g1" dense<1.0> : tensor<8xf32>
  %n = pi.rms_norm %e gamma %g1 : tensor<8xf32> epsilon 1.0e-6 : tensor<1x6x8xf32>
  %c = pi.constant dense<0.6> : tensor<6x2xf32>
  %s = pi.constant dense<0.8> : tensor<6x2xf32>
  %q = pi.rotary_embedding %n cos %c sin %s heads 2 : tensor<1x6x8xf32>, tensor<6x2xf32>
  %one = pi.constant dense<1.0> : tensor<6x2xf32>
  %k = pi.rotary_embedding %n cos %one sin %one heads 2 : tensor<1x6x8xf32>, tensor<6x2xf32>
  %a = pi.attention %q, %k, %n heads 2 scale 0.5 : tensor<1x6x8xf32>, tensor<1x6x8xf32>
  %wg = pi.weight "wg" dense<1.0> : tensor<8x8xf32>
  %wu = pi.weight "wu" dense<1.0> : tensor<8x8xf32>
  %u = pi.linear %a, %wu : tensor<1x6x8xf32>, tensor<8x8xf32> -> tensor<1x6x8xf32>
  %f = pi.linear %a, %wg : tensor<1x6x8xf32>, tensor<8x8xf32> -> tensor<1x6x8xf32>
  %h = pi.silu %f : tensor<1x6x8xf32>
  %m = pi.mul %h, %u : tensor<1x6x8xf32>, tensor<1x6x8xf32> -> tensor<1x6x8xf32>
  %d = pi.sub %m, %e : tensor<1x6x8xf32>, tensor<1x6x8xf32> -> tensor<1x6x8xf32>
  %y = pi.relu %d : tensor<1x6x8xf32>
)",
           {"%n", "%q", "%k", "%a", "%u", "%f", "%h", "%m", "%d"});
  expectSound(60);
}

TEST_F(RangesTest, LeakyBlockInParts) {
  loadBody(R"(
  %s = pi.weight "s" dense<0.5> : tensor<1xf32>
  %p3 = pi.weight "p3" dense<0.5> : tensor<1x2x8xf32>
  %w = pi.weight "w" dense<1.0> : tensor<8x8xf32>
  %a = pi.leaky_relu %e slope -3.0 : tensor<1x6x8xf32>
  %b = pi.prelu %e slope %s : tensor<1xf32> : tensor<1x6x8xf32>
  %c = pi.concat %a, %b axis 2 : tensor<1x6x8xf32>, tensor<1x6x8xf32> -> tensor<1x6x16xf32>
  %d = pi.slice %c axis 2 offset 4 : tensor<1x6x16xf32> -> tensor<1x6x8xf32>
  %f = pi.linear %d, %w : tensor<1x6x8xf32>, tensor<8x8xf32> -> tensor<1x6x8xf32>
  %r = pi.concat %e, %p3 axis 1 : tensor<1x6x8xf32>, tensor<1x2x8xf32> -> tensor<1x8x8xf32>
  %g = pi.slice %r axis 1 offset 2 : tensor<1x8x8xf32> -> tensor<1x6x8xf32>
  %y = pi.gelu %f : tensor<1x6x8xf32>
  %z = pi.gelu %g : tensor<1x6x8xf32>)",
           {"%a", "%b", "%c", "%f", "%g"}, {8, 8, 16, 8, 8});
  expectSound(20);
  setWeight("s", -2.0f);
  expectSound(20);
}

// Scores are products of two rows of one head.
TEST_F(RangesTest, Scores) {
  for (bool norm : {false, true}) {
    loadBody(std::string(norm ? "%n = pi.layer_norm %e epsilon 1.0e-5 : "
                                "tensor<1x6x8xf32>\n"
                              : "%n = pi.add %e, %p : tensor<1x6x8xf32>, "
                                "tensor<6x8xf32> -> tensor<1x6x8xf32>\n") +
                 R"(
  %wk = pi.weight "wk" dense<1.0> : tensor<8x4xf32>
  %k = pi.linear %n, %wk : tensor<1x6x8xf32>, tensor<8x4xf32> -> tensor<1x6x4xf32>
  %a = pi.attention %n, %k, %k heads 4 key_heads 2 scale 0.75 causal : tensor<1x6x8xf32>, tensor<1x6x4xf32>
)",
             {"%n", "%k", "%a"}, {8, 4, 8});
    auto attention = returned.getOperand(2).getDefiningOp<AttentionOp>();
    double bound = RangeAnalysis(getMain()).getScoreBound(attention), most = 0;
    for (int prompt = 0; prompt < 50; ++prompt) {
      auto results = reference::interpret(getMain(), makeInputs());
      ASSERT_TRUE(bool(results));
      auto q = (*results)[0].getFloats(), k = (*results)[1].getFloats();
      for (int head = 0; head < 4; ++head)
        for (int i = 0; i < 6; ++i)
          for (int j = 0; j < 6; ++j) {
            double score = 0;
            for (int c = 0; c < 2; ++c)
              score +=
                  double(q[i * 8 + head * 2 + c]) * k[j * 4 + head / 2 * 2 + c];
            most = std::max(most, std::fabs(0.75 * score));
          }
    }
    EXPECT_GE(bound, most);
    EXPECT_LT(bound, 20 * most);
  }
}

//===----------------------------------------------------------------------===//
// Known bounds
//===----------------------------------------------------------------------===//

constexpr double unit = 0x1p-16;

TEST_F(RangesTest, AnEmbeddingIsARowOfTheTable) {
  loadBody("%y = pi.relu %e : tensor<1x6x8xf32>", {"%e", "%y"});
  setWeight("t", -3.0f);
  EXPECT_NEAR(boundOf(0), 3, 4 * unit);
  EXPECT_GE(boundOf(0), 3);
}

TEST_F(RangesTest, AProductIsBoundedByTheLengthsOfItsVectors) {
  loadBody(R"(
  %w = pi.weight "w" dense<1.0> : tensor<8x8xf32>
  %l = pi.linear %e, %w : tensor<1x6x8xf32>, tensor<8x8xf32> -> tensor<1x6x8xf32>
  %y = pi.relu %l : tensor<1x6x8xf32>)",
           {"%l"});
  setWeight("t", 0.5f);
  setWeight("w", 2.0f);
  // sqrt(8) / 2 times 2 sqrt(8): what equal signs reach.
  EXPECT_NEAR(boundOf(0), 8, 1e-3);
  EXPECT_GE(boundOf(0), 8);
}

TEST_F(RangesTest, ANormForgetsWhatCameBefore) {
  loadBody(R"(
  %n = pi.layer_norm %e epsilon 1.0e-5 : tensor<1x6x8xf32>
  %y = pi.relu %n : tensor<1x6x8xf32>)",
           {"%n"});
  setWeight("t", 1000.0f);
  // One element of the row holds all of its length, sqrt(8).
  EXPECT_GE(boundOf(0), std::sqrt(8.0));
  EXPECT_LT(boundOf(0), 1.02 * std::sqrt(8.0));
}

TEST_F(RangesTest, CoarserRoundingIsCounted) {
  loadBody(R"(
  %w = pi.weight "w" dense<1.0> : tensor<8x8xf32>
  %l = pi.linear %e, %w : tensor<1x6x8xf32>, tensor<8x8xf32> -> tensor<1x6x8xf32>
  %y = pi.relu %l : tensor<1x6x8xf32>)",
           {"%l"});
  RangeAnalysis fine(getMain()), coarse(getMain(), {0x1p-8, 0x1p-8});
  mlir::Value l = returned.getOperand(0);
  EXPECT_GT(coarse.getBound(l), fine.getBound(l) + 0x1p-8);
}

//===----------------------------------------------------------------------===//
// No bound
//===----------------------------------------------------------------------===//

TEST_F(RangesTest, InfiniteWhereNothingIsKnown) {
  loadBody(R"(
  %a = pi.tanh %e : tensor<1x6x8xf32>
  %b = pi.add %a, %e : tensor<1x6x8xf32>, tensor<1x6x8xf32> -> tensor<1x6x8xf32>
  %d = pi.div %e, %p : tensor<1x6x8xf32>, tensor<6x8xf32> -> tensor<1x6x8xf32>
  %m = pi.mul %e, %d : tensor<1x6x8xf32>, tensor<1x6x8xf32> -> tensor<1x6x8xf32>
  %n = pi.layer_norm %m epsilon 1.0e-5 : tensor<1x6x8xf32>
  %y = pi.gelu %b : tensor<1x6x8xf32>)",
           {"%a", "%b", "%d", "%m", "%y"});
  for (unsigned i = 0; i < 5; ++i)
    EXPECT_TRUE(std::isinf(boundOf(i))) << i;
}

TEST_F(RangesTest, ScoresWithABiasOrTemperatureAreUnknown) {
  for (const char *extra : {"", "bias %b : tensor<1x1x6x6xf32>",
                            "temperature %h : tensor<1x6xf32>"}) {
    loadBody(R"(
  %b = pi.weight "b" dense<1.0> : tensor<1x1x6x6xf32>
  %h = pi.weight "h" dense<1.0> : tensor<1x6xf32>
  %a = pi.attention %e, %e, %e )" +
                 std::string(extra) +
                 " heads 1 scale 0.5 causal : tensor<1x6x8xf32>, "
                 "tensor<1x6x8xf32>",
             {"%a"});
    double bound = RangeAnalysis(getMain()).getScoreBound(
        returned.getOperand(0).getDefiningOp<AttentionOp>());
    EXPECT_EQ(std::isinf(bound), *extra != '\0') << extra;
  }
}

// IR that was printed without its weights.
TEST_F(RangesTest, InfiniteWithoutTheWeights) {
  loadBody("%y = pi.relu %e : tensor<1x6x8xf32>", {"%e"});
  EXPECT_FALSE(std::isinf(boundOf(0)));
  module = mlir::parseSourceString<mlir::ModuleOp>(
      "func.func @main(%tokens: tensor<1x6xi64>) -> tensor<1x6x8xf32> {\n"
      "%t = pi.weight \"t\" dense_resource<__elided__> : tensor<16x8xf32>\n"
      "%e = pi.embedding %t[%tokens] : tensor<16x8xf32>, tensor<1x6xi64> -> "
      "tensor<1x6x8xf32>\n%y = pi.relu %e : tensor<1x6x8xf32>\n"
      "return %e : tensor<1x6x8xf32>\n}",
      &context);
  ASSERT_TRUE(module);
  mlir::Value e = getMain().getBody().front().getTerminator()->getOperand(0);
  EXPECT_TRUE(std::isinf(RangeAnalysis(getMain()).getBound(e)));
}

} // namespace
