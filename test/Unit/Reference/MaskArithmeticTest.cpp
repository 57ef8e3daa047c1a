//===- MaskArithmeticTest.cpp - What masks and positions are made with ----===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InterpreterTestBase.h"

#include <cmath>
#include <limits>

using namespace mlir;
using namespace aero::reference;
using testing::ElementsAre;

namespace {

constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

class MaskArithmeticTest : public InterpreterTestBase {
protected:
  /// `op` of a (2, 1) and a (3), of which $a, $b and $t are the operands and
  /// the result's element type follows the arrow.
  Tensor binary(const std::string &op, const Tensor &a, const Tensor &b,
                const std::string &element, const std::string &result) {
    std::string ta = "tensor<2x1x" + element + ">";
    std::string tb = "tensor<3x" + element + ">";
    std::string tr = "tensor<2x3x" + result + ">";
    return run("func.func @f(%a: " + ta + ", %b: " + tb + ") -> " + tr +
                   " {\n %0 = pi." + op + " %a, %b : " + ta + ", " + tb +
                   " -> " + tr + "\n return %0 : " + tr + "\n}",
               {a, b});
  }
  Tensor ints(const std::string &op, ArrayRef<int64_t> a, ArrayRef<int64_t> b,
              const std::string &result = "i64") {
    return binary(op, Tensor::fromInts({2, 1}, a), Tensor::fromInts({3}, b),
                  "i64", result);
  }
  Tensor floats(const std::string &op, ArrayRef<float> a, ArrayRef<float> b,
                const std::string &result = "f32") {
    return binary(op, Tensor::fromFloats({2, 1}, a), Tensor::fromFloats({3}, b),
                  "f32", result);
  }
  Tensor cast(const Tensor &x, const std::string &from, const std::string &to) {
    std::string shape = "tensor<" + std::to_string(x.getNumElements()) + "x";
    return run("func.func @f(%x: " + shape + from + ">) -> " + shape + to +
                   "> {\n %0 = pi.cast %x : " + shape + from + "> -> " + shape +
                   to + ">\n return %0 : " + shape + to + ">\n}",
               {x});
  }
};

TEST_F(MaskArithmeticTest, ComparesIntegers) {
  EXPECT_THAT(ints("compare eq", {1, 2}, {1, 2, 3}, "i1").getBools(),
              ElementsAre(1, 0, 0, 0, 1, 0));
  EXPECT_THAT(ints("compare lt", {1, 2}, {1, 2, 3}, "i1").getBools(),
              ElementsAre(0, 1, 1, 0, 0, 1));
  EXPECT_THAT(ints("compare le", {1, 2}, {1, 2, 3}, "i1").getBools(),
              ElementsAre(1, 1, 1, 0, 1, 1));
}

TEST_F(MaskArithmeticTest, NothingComparesWithNaN) {
  for (const char *predicate : {"compare eq", "compare lt", "compare le"}) {
    Tensor result = floats(predicate, {kNaN, 0.0f}, {kNaN, 0.0f, 1.0f}, "i1");
    EXPECT_THAT(result.getBools().take_front(4), ElementsAre(0, 0, 0, 0));
  }
  EXPECT_THAT(
      floats("compare eq", {0.0f, kInf}, {-0.0f, kInf, 1.0f}, "i1").getBools(),
      ElementsAre(1, 0, 0, 0, 1, 0));
}

TEST_F(MaskArithmeticTest, IntegerArithmetic) {
  EXPECT_THAT(ints("add", {10, 20}, {1, 2, 3}).getInts(),
              ElementsAre(11, 12, 13, 21, 22, 23));
  EXPECT_THAT(ints("sub", {10, 20}, {1, 2, 3}).getInts(),
              ElementsAre(9, 8, 7, 19, 18, 17));
  EXPECT_THAT(ints("mul", {10, -20}, {1, 2, 3}).getInts(),
              ElementsAre(10, 20, 30, -20, -40, -60));
}

TEST_F(MaskArithmeticTest, MinimumAndMaximum) {
  EXPECT_THAT(floats("min", {1.0f, 3.0f}, {0.0f, 2.0f, -kInf}).getFloats(),
              ElementsAre(0, 1, -kInf, 0, 2, -kInf));
  EXPECT_THAT(floats("max", {1.0f, 3.0f}, {0.0f, 2.0f, -kInf}).getFloats(),
              ElementsAre(1, 2, 1, 3, 3, 3));
  for (const char *op : {"min", "max"}) {
    Tensor result = floats(op, {kNaN, 1.0f}, {0.0f, kNaN, 2.0f});
    EXPECT_TRUE(std::isnan(result.getFloats()[0])) << op;
    EXPECT_TRUE(std::isnan(result.getFloats()[4])) << op;
  }
}

TEST_F(MaskArithmeticTest, Logic) {
  Tensor result =
      run(R"(
    func.func @f(%a: tensor<2x1xi64>, %b: tensor<2xi64>) -> tensor<3x2x2xi1> {
      %p = pi.cast %a : tensor<2x1xi64> -> tensor<2x1xi1>
      %q = pi.cast %b : tensor<2xi64> -> tensor<2xi1>
      %0 = pi.and %p, %q : tensor<2x1xi1>, tensor<2xi1> -> tensor<2x2xi1>
      %1 = pi.or %p, %q : tensor<2x1xi1>, tensor<2xi1> -> tensor<2x2xi1>
      %2 = pi.not %0 : tensor<2x2xi1>
      %3 = pi.concat %0, %1, %2 axis 0 : tensor<2x2xi1>, tensor<2x2xi1>, tensor<2x2xi1> -> tensor<6x2xi1>
      %4 = pi.reshape %3 : tensor<6x2xi1> -> tensor<3x2x2xi1>
      return %4 : tensor<3x2x2xi1>
    })",
          {Tensor::fromInts({2, 1}, {0, 1}), Tensor::fromInts({2}, {0, 5})});
  EXPECT_THAT(result.getBools(),
              ElementsAre(0, 0, 0, 1, 0, 1, 1, 1, 1, 1, 1, 0));
}

TEST_F(MaskArithmeticTest, Casts) {
  Tensor x = Tensor::fromFloats({6}, {1.9f, -1.9f, 0.0f, kNaN, 1e30f, -kInf});
  EXPECT_THAT(cast(x, "f32", "i64").getInts(),
              ElementsAre(1, -1, 0, 0, std::numeric_limits<int64_t>::max(),
                          std::numeric_limits<int64_t>::min()));
  EXPECT_THAT(cast(x, "f32", "i1").getBools(), ElementsAre(1, 1, 0, 1, 1, 1));
  Tensor y = Tensor::fromInts({3}, {-7, 0, 2});
  EXPECT_THAT(cast(y, "i64", "f32").getFloats(), ElementsAre(-7, 0, 2));
  Tensor z = cast(y, "i64", "i1");
  EXPECT_THAT(z.getBools(), ElementsAre(1, 0, 1));
  EXPECT_THAT(cast(z, "i1", "i64").getInts(), ElementsAre(1, 0, 1));
  EXPECT_THAT(cast(z, "i1", "f32").getFloats(), ElementsAre(1, 0, 1));
}

TEST_F(MaskArithmeticTest, CumulativeSums) {
  Tensor x = Tensor::fromInts({2, 3}, {1, 0, 1, 2, 3, 4});
  EXPECT_THAT(run(R"(
    func.func @f(%x: tensor<2x3xi64>) -> tensor<2x3xi64> {
      %0 = pi.cumsum %x axis 1 : tensor<2x3xi64>
      return %0 : tensor<2x3xi64>
    })",
                  {x})
                  .getInts(),
              ElementsAre(1, 1, 2, 2, 5, 9));
  EXPECT_THAT(run(R"(
    func.func @f(%x: tensor<2x3xi64>) -> tensor<2x3xf32> {
      %c = pi.cast %x : tensor<2x3xi64> -> tensor<2x3xf32>
      %0 = pi.cumsum %c axis 0 : tensor<2x3xf32>
      return %0 : tensor<2x3xf32>
    })",
                  {x})
                  .getFloats(),
              ElementsAre(1, 0, 1, 3, 3, 5));
}

TEST_F(MaskArithmeticTest, Take) {
  Tensor x = Tensor::fromFloats({2, 3}, {0, 1, 2, 10, 11, 12});
  EXPECT_THAT(run(R"(
    func.func @f(%x: tensor<2x3xf32>) -> tensor<2x4xf32> {
      %0 = pi.take %x axis 1 at [2, 0, 0, 1] : tensor<2x3xf32> -> tensor<2x4xf32>
      return %0 : tensor<2x4xf32>
    })",
                  {x})
                  .getFloats(),
              ElementsAre(2, 0, 0, 1, 12, 10, 10, 11));
  EXPECT_THAT(run(R"(
    func.func @f(%x: tensor<2x3xf32>) -> tensor<3x3xf32> {
      %0 = pi.take %x axis 0 at [1, 0, 1] : tensor<2x3xf32> -> tensor<3x3xf32>
      return %0 : tensor<3x3xf32>
    })",
                  {x})
                  .getFloats(),
              ElementsAre(10, 11, 12, 0, 1, 2, 10, 11, 12));
}

TEST_F(MaskArithmeticTest, Broadcast) {
  EXPECT_THAT(run(R"(
    func.func @f(%x: tensor<2x1xf32>) -> tensor<2x2x3xf32> {
      %0 = pi.broadcast %x : tensor<2x1xf32> -> tensor<2x2x3xf32>
      return %0 : tensor<2x2x3xf32>
    })",
                  {Tensor::fromFloats({2, 1}, {1, 2})})
                  .getFloats(),
              ElementsAre(1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2));
}

TEST_F(MaskArithmeticTest, AnglesAndSums) {
  Tensor x = Tensor::fromFloats({2, 2}, {0.0f, 0.5f, 1.0f, -1.0f});
  auto unary = [&](const std::string &op) {
    return run("func.func @f(%x: tensor<2x2xf32>) -> tensor<2x2xf32> {\n %0 = "
               "pi." +
                   op +
                   " %x : tensor<2x2xf32>\n return %0 : tensor<2x2xf32>\n}",
               {x});
  };
  expectNear(unary("sin"), {0, 0.47942554, 0.84147098, -0.84147098});
  expectNear(unary("cos"), {1, 0.87758256, 0.54030231, 0.54030231});
  expectNear(unary("exp"), {1, 1.64872127, 2.71828183, 0.36787944});
  expectNear(unary("sigmoid"), {0.5, 0.62245933, 0.73105858, 0.26894142});
  EXPECT_THAT(run(R"(
    func.func @f(%x: tensor<2x2xf32>) -> tensor<2x1xf32> {
      %0 = pi.reduce_sum %x axes [1] keepdims : tensor<2x2xf32> -> tensor<2x1xf32>
      return %0 : tensor<2x1xf32>
    })",
                  {x})
                  .getFloats(),
              ElementsAre(0.5f, 0.0f));
}

} // namespace
