//===- InterpreterErrorsTest.cpp - What the interpreter refuses -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "InterpreterTestBase.h"

using namespace mlir;
using namespace aero::reference;
using testing::AllOf;
using testing::HasSubstr;

namespace {

using InterpreterErrorsTest = InterpreterTestBase;

constexpr const char *kEmbedding = R"(
  func.func @f(%t: tensor<3x2xf32>, %i: tensor<1xi64>) -> tensor<1x2xf32> {
    %0 = pi.embedding %t[%i] : tensor<3x2xf32>, tensor<1xi64> -> tensor<1x2xf32> loc("Gather_0")
    return %0 : tensor<1x2xf32>
  })";

TEST_F(InterpreterErrorsTest, NamesOpNodeAndLocation) {
  std::string message =
      errorOf(kEmbedding, {random({3, 2}), Tensor::fromInts({1}, {3})});
  EXPECT_THAT(message,
              AllOf(HasSubstr("'pi.embedding' of node 'Gather_0' at loc("),
                    HasSubstr("token id 3 is not in [0, 3)")));
}

TEST_F(InterpreterErrorsTest, NegativeTokenId) {
  EXPECT_THAT(
      errorOf(kEmbedding, {random({3, 2}), Tensor::fromInts({1}, {-1})}),
      HasSubstr("token id -1 is not in [0, 3)"));
}

TEST_F(InterpreterErrorsTest, PositionOutOfRange) {
  constexpr const char *text = R"(
    func.func @f(%x: tensor<1x2x1xf32>, %i: tensor<i64>) -> tensor<1x1x1xf32> {
      %0 = pi.select_token %x at %i : tensor<1x2x1xf32>, tensor<i64> -> tensor<1x1x1xf32>
      return %0 : tensor<1x1x1xf32>
    })";
  for (int64_t position : {-1, 2})
    EXPECT_THAT(
        errorOf(text, {random({1, 2, 1}), Tensor::fromInts({}, {position})}),
        HasSubstr("position " + std::to_string(position) +
                  " is not in [0, 2)"));
}

TEST_F(InterpreterErrorsTest, ElidedWeight) {
  EXPECT_THAT(errorOf(R"(
    func.func @f() -> tensor<2xf32> {
      %0 = pi.weight "w" dense_resource<__elided__> : tensor<2xf32> loc("wte")
      return %0 : tensor<2xf32>
    })",
                      {}),
              AllOf(HasSubstr("'pi.weight' of node 'wte'"),
                    HasSubstr("resource '__elided__' holds no data")));
}

TEST_F(InterpreterErrorsTest, WrongNumberOfInputs) {
  EXPECT_THAT(errorOf(kEmbedding, {random({3, 2})}),
              HasSubstr("expected 2 inputs, got 1"));
}

TEST_F(InterpreterErrorsTest, InputOfAnotherShape) {
  EXPECT_THAT(errorOf(kEmbedding, {random({2, 3}), Tensor::fromInts({1}, {0})}),
              HasSubstr("input 0 is a tensor<2x3xf32>, but expected a "
                        "tensor<3x2xf32>"));
}

TEST_F(InterpreterErrorsTest, InputOfAnotherElementType) {
  EXPECT_THAT(errorOf(kEmbedding, {random({3, 2}), random({1})}),
              HasSubstr("input 1 is a tensor<1xf32>, but expected a "
                        "tensor<1xi64>"));
}

TEST_F(InterpreterErrorsTest, TensorsWithoutElements) {
  EXPECT_THAT(errorOf(R"(
    func.func @f(%x: tensor<0x2xf32>) -> tensor<0x2xf32> {
      %0 = pi.relu %x : tensor<0x2xf32>
      return %0 : tensor<0x2xf32>
    })",
                      {random({0, 2})}),
              HasSubstr("input 0 has no elements"));
  EXPECT_THAT(errorOf(R"(
    func.func @f() -> tensor<0xf32> {
      %0 = pi.constant dense<> : tensor<0xf32>
      %1 = pi.relu %0 : tensor<0xf32>
      return %1 : tensor<0xf32>
    })",
                      {}),
              HasSubstr("'pi.relu' at"));
}

TEST_F(InterpreterErrorsTest, OpsOfOtherDialects) {
  EXPECT_THAT(errorOf(R"(
    func.func @f(%x: tensor<1xf32>) -> tensor<1xf32> {
      %0 = call @f(%x) : (tensor<1xf32>) -> tensor<1xf32>
      return %0 : tensor<1xf32>
    })",
                      {random({1})}),
              AllOf(HasSubstr("'func.call'"),
                    HasSubstr("the interpreter evaluates pi ops only")));
}

TEST_F(InterpreterErrorsTest, DeclarationAndOtherArguments) {
  EXPECT_THAT(errorOf("func.func private @f()", {}),
              HasSubstr("expected a function with a body of one block"));
  EXPECT_THAT(
      errorOf("func.func @f(%x: i64) { return }", {Tensor::fromInts({}, {1})}),
      HasSubstr("argument 0 is not a tensor"));
}

} // namespace
