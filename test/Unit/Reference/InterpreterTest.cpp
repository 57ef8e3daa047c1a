//===- InterpreterTest.cpp - Every op against values computed by hand -----===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InterpreterTestBase.h"

using namespace mlir;
using namespace aero::reference;
using testing::ElementsAre;

namespace {

class InterpreterTest : public InterpreterTestBase {
protected:
  /// f(x) for the op `op`, of which $ is the operand.
  Tensor unary(std::string op, ArrayRef<float> x) {
    std::string type = "tensor<" + std::to_string(x.size()) + "xf32>";
    op.replace(op.find('$'), 1, "%x");
    return run("func.func @f(%x: " + type + ") -> " + type + " {\n %0 = pi." +
                   op + " : " + type + "\n return %0 : " + type + "}",
               {Tensor::fromFloats({static_cast<int64_t>(x.size())}, x)});
  }

  /// `op` of a (2, 1) and a (3): broadcast in both directions.
  Tensor outer(StringRef op, ArrayRef<float> a, ArrayRef<float> b) {
    std::string text = R"(
      func.func @f(%a: tensor<2x1xf32>, %b: tensor<3xf32>) -> tensor<2x3xf32> {
        %0 = pi.OP %a, %b : tensor<2x1xf32>, tensor<3xf32> -> tensor<2x3xf32>
        return %0 : tensor<2x3xf32>
      })";
    text.replace(text.find("OP"), 2, op.str());
    return run(text,
               {Tensor::fromFloats({2, 1}, a), Tensor::fromFloats({3}, b)});
  }
};

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

TEST_F(InterpreterTest, WeightsAndConstants) {
  auto results = interpret(parse(R"(
    func.func @f() -> (tensor<2xf32>, tensor<2xf32>, tensor<i64>, tensor<2xi1>) {
      %0 = pi.weight "w" dense_resource<w> : tensor<2xf32>
      %1 = pi.weight "s" dense<3.0> : tensor<2xf32>
      %2 = pi.constant dense<7> : tensor<i64>
      %3 = pi.constant dense<[true, false]> : tensor<2xi1>
      return %0, %1, %2, %3 : tensor<2xf32>, tensor<2xf32>, tensor<i64>, tensor<2xi1>
    }
    {-# dialect_resources: { builtin: { w: "0x040000000000803F00000040" } } #-})"),
                           {});
  ASSERT_TRUE(!!results) << llvm::toString(results.takeError());
  EXPECT_THAT((*results)[0].getFloats(), ElementsAre(1.0f, 2.0f));
  EXPECT_THAT((*results)[1].getFloats(), ElementsAre(3.0f, 3.0f));
  EXPECT_THAT((*results)[2].getInts(), ElementsAre(7));
  EXPECT_THAT((*results)[3].getBools(), ElementsAre(1, 0));
}

TEST_F(InterpreterTest, Embedding) {
  Tensor result = run(R"(
    func.func @f(%t: tensor<3x2xf32>, %i: tensor<1x2xi64>) -> tensor<1x2x2xf32> {
      %0 = pi.embedding %t[%i] : tensor<3x2xf32>, tensor<1x2xi64> -> tensor<1x2x2xf32>
      return %0 : tensor<1x2x2xf32>
    })",
                      {Tensor::fromFloats({3, 2}, {0, 1, 10, 11, 20, 21}),
                       Tensor::fromInts({1, 2}, {2, 0})});
  EXPECT_THAT(result.getShape(), ElementsAre(1, 2, 2));
  EXPECT_THAT(result.getFloats(), ElementsAre(20, 21, 0, 1));
}

//===----------------------------------------------------------------------===//
// Element-wise
//===----------------------------------------------------------------------===//

TEST_F(InterpreterTest, ArithmeticBroadcastsBothOperands) {
  EXPECT_THAT(outer("add", {10, 20}, {1, 2, 3}).getFloats(),
              ElementsAre(11, 12, 13, 21, 22, 23));
  EXPECT_THAT(outer("sub", {10, 20}, {1, 2, 3}).getFloats(),
              ElementsAre(9, 8, 7, 19, 18, 17));
  EXPECT_THAT(outer("mul", {10, 20}, {1, 2, 3}).getFloats(),
              ElementsAre(10, 20, 30, 20, 40, 60));
  EXPECT_THAT(outer("div", {6, 12}, {1, 2, 3}).getFloats(),
              ElementsAre(6, 3, 2, 12, 6, 4));
  expectNear(outer("pow", {2, 3}, {1, 2, -1}), {2, 4, 0.5, 3, 9, 1.0 / 3});
}

TEST_F(InterpreterTest, BroadcastsMiddleDimensionsAndScalars) {
  Tensor result =
      run(R"(
    func.func @f(%a: tensor<2x1x2xf32>, %b: tensor<2x1xf32>, %c: tensor<f32>) -> tensor<2x2x2xf32> {
      %0 = pi.add %a, %b : tensor<2x1x2xf32>, tensor<2x1xf32> -> tensor<2x2x2xf32>
      %1 = pi.mul %c, %0 : tensor<f32>, tensor<2x2x2xf32> -> tensor<2x2x2xf32>
      return %1 : tensor<2x2x2xf32>
    })",
          {Tensor::fromFloats({2, 1, 2}, {1, 2, 3, 4}),
           Tensor::fromFloats({2, 1}, {10, 20}), Tensor::fromFloats({}, {2})});
  EXPECT_THAT(result.getFloats(), ElementsAre(22, 24, 42, 44, 26, 28, 46, 48));
}

TEST_F(InterpreterTest, AddsScalars) {
  Tensor result = run(R"(
    func.func @f(%a: tensor<f32>) -> tensor<f32> {
      %0 = pi.add %a, %a : tensor<f32>, tensor<f32> -> tensor<f32>
      return %0 : tensor<f32>
    })",
                      {Tensor::fromFloats({}, {2})});
  EXPECT_THAT(result.getFloats(), ElementsAre(4));
}

TEST_F(InterpreterTest, UnaryFunctions) {
  expectNear(unary("sqrt $", {4.0f, 2.0f}), {2.0, 1.41421356});
  expectNear(unary("erf $", {0.0f, 0.5f, -2.0f}),
             {0.0, 0.52049988, -0.99532227});
  expectNear(unary("tanh $", {0.0f, 0.5f, -20.0f}), {0.0, 0.46211716, -1.0});
  expectNear(unary("relu $", {-1.0f, 0.0f, 2.0f}), {0, 0, 2});
  expectNear(unary("leaky_relu $ slope 0.125", {-1.0f, 0.0f, 2.0f}),
             {-0.125, 0, 2});
  expectNear(unary("silu $", {-1.0f, 0.0f, 2.0f}),
             {-0.26894142, 0, 1.76159416});
}

TEST_F(InterpreterTest, GeluExactAndByTanhDiffer) {
  // x Phi(x), and the approximation, to eight digits.
  expectNear(unary("gelu $", {-1.0f, 0.0f, 2.0f}),
             {-0.15865525, 0, 1.95449974});
  expectNear(unary("gelu $ approximation tanh", {-1.0f, 0.0f, 2.0f}),
             {-0.15880801, 0, 1.95459769});
}

TEST_F(InterpreterTest, SaturatesWithoutOverflow) {
  expectNear(unary("silu $", {-200.0f, 200.0f}), {0, 200});
  expectNear(unary("gelu $ approximation tanh", {-1e4f, 1e4f}), {0, 1e4});
}

TEST_F(InterpreterTest, WhereBroadcastsAllThree) {
  Tensor result =
      run(R"(
    func.func @f(%c: tensor<2x2xi1>, %a: tensor<2xf32>, %b: tensor<f32>) -> tensor<2x2xf32> {
      %0 = pi.where %c, %a, %b : tensor<2x2xi1>, tensor<2xf32>, tensor<f32> -> tensor<2x2xf32>
      return %0 : tensor<2x2xf32>
    })",
          {Tensor::fromBools({2, 2}, {1, 0, 1, 1}),
           Tensor::fromFloats({2}, {1, 2}), Tensor::fromFloats({}, {-9})});
  EXPECT_THAT(result.getFloats(), ElementsAre(1, -9, 1, 2));
}

//===----------------------------------------------------------------------===//
// Reductions and norms
//===----------------------------------------------------------------------===//

TEST_F(InterpreterTest, ReduceMean) {
  Tensor x =
      Tensor::fromFloats({2, 2, 3}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  Tensor last = run(R"(
    func.func @f(%x: tensor<2x2x3xf32>) -> tensor<2x2x1xf32> {
      %0 = pi.reduce_mean %x axes [2] keepdims : tensor<2x2x3xf32> -> tensor<2x2x1xf32>
      return %0 : tensor<2x2x1xf32>
    })",
                    {x});
  EXPECT_THAT(last.getFloats(), ElementsAre(1, 4, 7, 10));
  Tensor outerTwo = run(R"(
    func.func @f(%x: tensor<2x2x3xf32>) -> tensor<2xf32> {
      %0 = pi.reduce_mean %x axes [2, 0] : tensor<2x2x3xf32> -> tensor<2xf32>
      return %0 : tensor<2xf32>
    })",
                        {x});
  EXPECT_THAT(outerTwo.getFloats(), ElementsAre(4, 7));
  Tensor all = run(R"(
    func.func @f(%x: tensor<2x2x3xf32>) -> tensor<f32> {
      %0 = pi.reduce_mean %x axes [0, 1, 2] : tensor<2x2x3xf32> -> tensor<f32>
      return %0 : tensor<f32>
    })",
                   {x});
  EXPECT_THAT(all.getFloats(), ElementsAre(5.5f));
}

TEST_F(InterpreterTest, SoftmaxOverTheLastDimension) {
  // A common offset changes nothing and must not overflow.
  Tensor result =
      run(R"(
    func.func @f(%x: tensor<2x3xf32>) -> tensor<2x3xf32> {
      %0 = pi.softmax %x axis 1 : tensor<2x3xf32>
      return %0 : tensor<2x3xf32>
    })",
          {Tensor::fromFloats({2, 3}, {1, 2, 3, 1001, 1002, 1003})});
  expectNear(result, {0.09003057, 0.24472847, 0.66524096, 0.09003057,
                      0.24472847, 0.66524096});
}

TEST_F(InterpreterTest, SoftmaxOverAnotherDimension) {
  Tensor result = run(R"(
    func.func @f(%x: tensor<3x2xf32>) -> tensor<3x2xf32> {
      %0 = pi.softmax %x axis 0 : tensor<3x2xf32>
      return %0 : tensor<3x2xf32>
    })",
                      {Tensor::fromFloats({3, 2}, {1, 0, 2, 0, 3, 0})});
  expectNear(result,
             {0.09003057, 1.0 / 3, 0.24472847, 1.0 / 3, 0.66524096, 1.0 / 3});
}

TEST_F(InterpreterTest, LayerNorm) {
  Tensor x = Tensor::fromFloats({2, 2}, {1, 3, 5, 5});
  Tensor g = Tensor::fromFloats({2}, {10, 20}),
         b = Tensor::fromFloats({2}, {1, 2});
  // Row 1: mean 2, variance 1, epsilon 3: +-1/2. Row 2: no variance.
  EXPECT_THAT(run(R"(
    func.func @f(%x: tensor<2x2xf32>, %g: tensor<2xf32>, %b: tensor<2xf32>) -> tensor<2x2xf32> {
      %0 = pi.layer_norm %x gamma %g : tensor<2xf32> beta %b : tensor<2xf32> epsilon 3.0 : tensor<2x2xf32>
      return %0 : tensor<2x2xf32>
    })",
                  {x, g, b})
                  .getFloats(),
              ElementsAre(-4, 12, 1, 2));
  EXPECT_THAT(run(R"(
    func.func @f(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {
      %0 = pi.layer_norm %x epsilon 3.0 : tensor<2x2xf32>
      return %0 : tensor<2x2xf32>
    })",
                  {x})
                  .getFloats(),
              ElementsAre(-0.5f, 0.5f, 0, 0));
}

TEST_F(InterpreterTest, LayerNormSubtractsALargeMeanExactly) {
  // In float32 the squares of these would swallow the variance.
  Tensor x = Tensor::fromFloats({1, 2}, {100000.0f, 100002.0f});
  expectNear(run(R"(
    func.func @f(%x: tensor<1x2xf32>) -> tensor<1x2xf32> {
      %0 = pi.layer_norm %x epsilon 0.0 : tensor<1x2xf32>
      return %0 : tensor<1x2xf32>
    })",
                 {x}),
             {-1, 1});
}

TEST_F(InterpreterTest, RMSNorm) {
  Tensor x = Tensor::fromFloats({1, 2}, {1, 7});
  // mean(x^2) = 25.
  expectNear(run(R"(
    func.func @f(%x: tensor<1x2xf32>, %g: tensor<2xf32>) -> tensor<1x2xf32> {
      %0 = pi.rms_norm %x gamma %g : tensor<2xf32> epsilon 0.0 : tensor<1x2xf32>
      return %0 : tensor<1x2xf32>
    })",
                 {x, Tensor::fromFloats({2}, {1, 10})}),
             {0.2, 14});
}

//===----------------------------------------------------------------------===//
// Shape
//===----------------------------------------------------------------------===//

TEST_F(InterpreterTest, ReshapeSharesElements) {
  Tensor x = Tensor::fromFloats({2, 3}, {0, 1, 2, 3, 4, 5});
  Tensor result = run(R"(
    func.func @f(%x: tensor<2x3xf32>) -> tensor<3x2xf32> {
      %0 = pi.reshape %x : tensor<2x3xf32> -> tensor<3x2xf32>
      return %0 : tensor<3x2xf32>
    })",
                      {x});
  EXPECT_THAT(result.getShape(), ElementsAre(3, 2));
  EXPECT_EQ(result.getFloats().data(), x.getFloats().data());
}

TEST_F(InterpreterTest, TransposeOfAMatrixLargerThanABlock) {
  Tensor x = random({70, 45});
  Tensor result = run(R"(
    func.func @f(%x: tensor<70x45xf32>) -> tensor<45x70xf32> {
      %0 = pi.transpose %x [1, 0] : tensor<70x45xf32> -> tensor<45x70xf32>
      return %0 : tensor<45x70xf32>
    })",
                      {x});
  for (int64_t r = 0; r < 70; ++r)
    for (int64_t c = 0; c < 45; ++c)
      ASSERT_EQ(result.getFloats()[c * 70 + r], x.getFloats()[r * 45 + c]);
}

TEST_F(InterpreterTest, TransposeOfManyDimensions) {
  Tensor result = run(R"(
    func.func @f(%x: tensor<2x1x3xi64>) -> tensor<3x2x1xi64> {
      %0 = pi.transpose %x [2, 0, 1] : tensor<2x1x3xi64> -> tensor<3x2x1xi64>
      return %0 : tensor<3x2x1xi64>
    })",
                      {Tensor::fromInts({2, 1, 3}, {0, 1, 2, 3, 4, 5})});
  EXPECT_THAT(result.getInts(), ElementsAre(0, 3, 1, 4, 2, 5));
}

TEST_F(InterpreterTest, Slice) {
  Tensor x =
      Tensor::fromFloats({2, 3, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
  EXPECT_THAT(run(R"(
    func.func @f(%x: tensor<2x3x2xf32>) -> tensor<2x2x2xf32> {
      %0 = pi.slice %x axis 1 offset 1 : tensor<2x3x2xf32> -> tensor<2x2x2xf32>
      return %0 : tensor<2x2x2xf32>
    })",
                  {x})
                  .getFloats(),
              ElementsAre(2, 3, 4, 5, 8, 9, 10, 11));
}

TEST_F(InterpreterTest, Concat) {
  Tensor a = Tensor::fromBools({2, 1}, {1, 0}),
         b = Tensor::fromBools({2, 2}, {0, 1, 1, 1});
  EXPECT_THAT(run(R"(
    func.func @f(%a: tensor<2x1xi1>, %b: tensor<2x2xi1>) -> tensor<2x3xi1> {
      %0 = pi.concat %a, %b axis 1 : tensor<2x1xi1>, tensor<2x2xi1> -> tensor<2x3xi1>
      return %0 : tensor<2x3xi1>
    })",
                  {a, b})
                  .getBools(),
              ElementsAre(1, 0, 1, 0, 1, 1));
}

TEST_F(InterpreterTest, SelectToken) {
  EXPECT_THAT(run(R"(
    func.func @f(%x: tensor<2x2x2xf32>, %i: tensor<i64>) -> tensor<2x1x2xf32> {
      %0 = pi.select_token %x at %i : tensor<2x2x2xf32>, tensor<i64> -> tensor<2x1x2xf32>
      return %0 : tensor<2x1x2xf32>
    })",
                  {Tensor::fromFloats({2, 2, 2}, {0, 1, 2, 3, 4, 5, 6, 7}),
                   Tensor::fromInts({}, {1})})
                  .getFloats(),
              ElementsAre(2, 3, 6, 7));
}

//===----------------------------------------------------------------------===//
// The interpreter
//===----------------------------------------------------------------------===//

TEST_F(InterpreterTest, ObserverSeesEveryOpInOrder) {
  func::FuncOp func = parse(R"(
    func.func @f(%x: tensor<1xf32>) -> tensor<1xf32> {
      %w = pi.weight "w" dense<3.0> : tensor<1xf32>
      %0 = pi.mul %x, %w : tensor<1xf32>, tensor<1xf32> -> tensor<1xf32>
      %1 = pi.relu %0 : tensor<1xf32>
      %unused = pi.sqrt %x : tensor<1xf32>
      return %1 : tensor<1xf32>
    })");
  std::vector<std::string> names;
  std::vector<Tensor> kept;
  auto results =
      interpret(func, {Tensor::fromFloats({1}, {-2})},
                [&](Operation *op, ArrayRef<Tensor> tensors) {
                  names.push_back(op->getName().getStringRef().str());
                  kept.push_back(tensors.front());
                });
  ASSERT_TRUE(!!results);
  EXPECT_THAT(names, ElementsAre("pi.weight", "pi.mul", "pi.relu", "pi.sqrt"));
  EXPECT_THAT(kept[1].getFloats(), ElementsAre(-6));
  EXPECT_THAT(kept[2].getFloats(), ElementsAre(0));
}

TEST_F(InterpreterTest, ReturnsAnArgumentAndAValueTwice) {
  auto results = interpret(parse(R"(
    func.func @f(%x: tensor<1xf32>) -> (tensor<1xf32>, tensor<1xf32>, tensor<1xf32>) {
      %0 = pi.add %x, %x : tensor<1xf32>, tensor<1xf32> -> tensor<1xf32>
      return %x, %0, %0 : tensor<1xf32>, tensor<1xf32>, tensor<1xf32>
    })"),
                           {Tensor::fromFloats({1}, {2})});
  ASSERT_TRUE(!!results);
  EXPECT_THAT((*results)[0].getFloats(), ElementsAre(2));
  EXPECT_THAT((*results)[2].getFloats(), ElementsAre(4));
}

} // namespace
