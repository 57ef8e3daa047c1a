//===- FixedInterpreterErrorsTest.cpp - Range violations ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FixedTestBase.h"

#include "aero/Dialect/PI/IR/PIOps.h"

using namespace aero;
using namespace aero::reference;
using ::testing::HasSubstr;

namespace {

class FixedInterpreterErrorsTest : public FixedTestBase {
protected:
  /// The message for a function that is refused, or that these tokens break.
  std::string errorOfText(const std::string &text, llvm::ArrayRef<int64_t> ids,
                          int64_t position = 0) {
    llvm::Expected<Integers> result = runFixed(parse(text), ids, position);
    EXPECT_FALSE(result);
    return result ? "" : llvm::toString(result.takeError());
  }
};

constexpr int64_t huge = int64_t(1) << 62;

TEST_F(FixedInterpreterErrorsTest, TruncNamesNodeAndLayer) {
  std::string body = "%y = mpc.trunc %x by 8 : !mpc.share<1x2, f = 16> -> "
                     "!mpc.share<1x2, f = 8> loc(fused<3 : i64>[\"h.3/fc\"])";
  EXPECT_EQ(errorOf({0, huge}, 1, 16, body, "1x2", 8),
            "mpc.trunc, node 'h.3/fc', layer 3: the product 4.61169e+18 at "
            "element 1 is not below 2^62 in magnitude, as truncation needs");
  for (int64_t x : {-huge, INT64_MAX, INT64_MIN})
    EXPECT_THAT(errorOf({x, 0}, 1, 16, body, "1x2", 8),
                HasSubstr("at element 0 is not below 2^62"));
  value({huge - 1, 1 - huge}, 1, 16, body, "1x2", 8);
}

TEST_F(FixedInterpreterErrorsTest, ProductsLeaveTheRing) {
  // 2^63 fits into no 64-bit ring; modulo 2^64 nobody would notice.
  EXPECT_THAT(errorOf({huge >> 19, huge >> 19}, 1, 16, R"(
    %v = mpc.weight "v" dense<1.0> : tensor<2x1xf32> : !mpc.server<2x1, f = 20>
    %y = mpc.linear %x, %v : !mpc.share<1x2, f = 16>, !mpc.server<2x1, f = 20> -> !mpc.share<1x1, f = 36>)",
                      "1x1", 36),
              HasSubstr("mpc.linear: the result 1.84467e+19 at element 0 is "
                        "not in the ring of 64 bits"));
  EXPECT_THAT(errorOf({int64_t(1) << 32, int64_t(1) << 31}, 1, 16, R"(
    %y = mpc.mul %x, %x : !mpc.share<1x2, f = 16>, !mpc.share<1x2, f = 16> -> !mpc.share<1x2, f = 32>)",
                      "1x2", 32),
              HasSubstr("mpc.mul: the result 1.84467e+19 at element 0"));
  EXPECT_THAT(errorOf({int64_t(1) << 32, int64_t(1) << 32}, 2, 16, R"(
    %y = mpc.matmul %x, %x transpose_rhs : !mpc.share<2x1, f = 16>, !mpc.share<2x1, f = 16> -> !mpc.share<2x2, f = 32>)",
                      "2x2", 32),
              HasSubstr("mpc.matmul: the result 1.84467e+19 at element 0"));
  EXPECT_THAT(errorOf({INT64_MAX, 0}, 1, 16,
                      "%y = mpc.add %x, %x : !mpc.share<1x2, f = 16>", "1x2",
                      16),
              HasSubstr("mpc.add: the result 1.84467e+19 at element 0"));
  EXPECT_THAT(errorOf({INT64_MAX, 1}, 1, 16,
                      "%y = mpc.sum_row %x : !mpc.share<1x2, f = 16> -> "
                      "!mpc.share<1, f = 16>",
                      "1", 16),
              HasSubstr("mpc.sum_row: the result 9.22337e+18 at element 0"));
}

TEST_F(FixedInterpreterErrorsTest, ScoresOutsideOfTheProvedRange) {
  std::string body = R"(
    %m = mpc.max_row %x bits 16 range <100.0, proved> : !mpc.share<1x2, f = 16> -> !mpc.share<1, f = 0, bits = 16>
    %y = mpc.extend %m : !mpc.share<1, f = 0, bits = 16> -> !mpc.share<1, f = 0>)";
  EXPECT_THAT(errorOf({0, 100 << 16}, 1, 16, body, "1", 0),
              HasSubstr("mpc.max_row: the score 100 at element 1 is not in the "
                        "range that max_row was proved for"));
  EXPECT_THAT(errorOf({-100 * 65536 - 1, 0}, 1, 16, body, "1", 0),
              HasSubstr("at element 0 is not in the range"));
  value({-100 * 65536, 99 << 16}, 1, 16, body, "1", 0);
}

TEST_F(FixedInterpreterErrorsTest, CausalScoresOutsideOfTheProvedRange) {
  std::string body = R"(
    %m = mpc.max_row %x causal bits 16 range <100.0, proved> : !mpc.share<1x3, f = 16> -> !mpc.share<1x2, f = 0, bits = 16>
    %y = mpc.extend %m : !mpc.share<1x2, f = 0, bits = 16> -> !mpc.share<1x2, f = 0>)";
  EXPECT_THAT(errorOf({0, 1, 100 << 16}, 1, 16, body, "1x2", 0),
              HasSubstr("mpc.max_row: the score 100 at element 2 is not in the "
                        "range that max_row was proved for"));
  value({0, 1, 99 << 16}, 1, 16, body, "1x2", 0);
}

TEST_F(FixedInterpreterErrorsTest, ElementwiseProductsLeaveTheRing) {
  EXPECT_THAT(errorOf({0, huge}, 1, 16, R"(
    %v = mpc.weight "v" dense<[1.0, 2.0]> : tensor<2xf32> : !mpc.server<2, f = 0>
    %y = mpc.mul_weight %x, %v : !mpc.share<1x2, f = 16>, !mpc.server<2, f = 0> -> !mpc.share<1x2, f = 16>)",
                      "1x2", 16),
              HasSubstr("mpc.mul_weight: the result 9.22337e+18 at element 1 "
                        "is not in the ring of 64 bits"));
  EXPECT_THAT(errorOf({0, huge}, 1, 16, R"(
    %y = mpc.mul_public %x by dense<[1, 2]> : tensor<2xi32> f 0 : !mpc.share<1x2, f = 16> -> !mpc.share<1x2, f = 16>)",
                      "1x2", 16),
              HasSubstr("mpc.mul_public: the result 9.22337e+18 at element 1"));
  EXPECT_THAT(errorOf({INT64_MIN, huge}, 1, 16, R"(
    %l = mpc.slice %x axis 1 offset 0 : !mpc.share<1x2, f = 16> -> !mpc.share<1x1, f = 16>
    %r = mpc.slice %x axis 1 offset 1 : !mpc.share<1x2, f = 16> -> !mpc.share<1x1, f = 16>
    %y = mpc.sub %l, %r : !mpc.share<1x1, f = 16>)",
                      "1x1", 16),
              HasSubstr("mpc.sub: the result -1.38351e+19 at element 0"));
  EXPECT_THAT(errorOf({int64_t(1) << 32, int64_t(1) << 31}, 2, 16, R"(
    %y = mpc.causal_scores %x, %x : !mpc.share<2x1, f = 16>, !mpc.share<2x1, f = 16> -> !mpc.share<3, f = 32>)",
                      "3", 32),
              HasSubstr("mpc.causal_scores: the result 1.84467e+19 at element "
                        "0 is not in the ring of 64 bits"));
}

TEST_F(FixedInterpreterErrorsTest, ActivationsOutsideOfTheProvedRange) {
  std::string relu =
      "%y = mpc.relu %x bits 16 drop 6 range <8.0, proved> : !mpc.share<1x2, "
      "f = 16> -> !mpc.share<1x2, f = 16> loc(\"fc\")";
  EXPECT_EQ(errorOf({0, 8 << 16}, 1, 16, relu, "1x2", 16),
            "mpc.relu, node 'fc': the value 8 at element 1 is not in the range "
            "that the comparison was proved for");
  EXPECT_THAT(errorOf({-(8 << 16) - 1, 0}, 1, 16, relu, "1x2", 16),
              HasSubstr("at element 0 is not in the range"));
  value({-(8 << 16), (8 << 16) - 1}, 1, 16, relu, "1x2", 16);

  std::string tail =
      "%y = mpc.tail %x silu bits 12 range <8.0, proved> : !mpc.share<1x2, "
      "f = 16> -> !mpc.share<1x2, f = 16>";
  EXPECT_THAT(errorOf({0, 9 << 16}, 1, 16, tail, "1x2", 16),
              HasSubstr("mpc.tail: the value 9 at element 1 is not in the "
                        "range that the comparison was proved for"));
  value({0, 7 << 16}, 1, 16, tail, "1x2", 16);
}

TEST_F(FixedInterpreterErrorsTest, RowsThatNormalizeCannotDivide) {
  std::string body =
      "%y = mpc.normalize %x centred epsilon 1024 : !mpc.share<2x2, f = 16> -> "
      "!mpc.share<2x2, f = 44>";
  // The second row: a mean of 2^16, and a sum of squares of 2 * 2^29.
  EXPECT_THAT(errorOf({0, 0, int64_t(1) << 32, int64_t(1) << 32}, 2, 16, body,
                      "2x2", 44),
              HasSubstr("mpc.normalize: the mean of the row 65536 at element 2 "
                        "is not small enough to be truncated"));
  int64_t far = int64_t(23171) << 16; // 2^14.5, rounded up
  EXPECT_THAT(errorOf({0, 0, far, -far}, 2, 16, body, "2x2", 44),
              HasSubstr("mpc.normalize: the sum of squares of the row"));
  value({0, 0, far - 65536, 65536 - far}, 2, 16, body, "2x2", 44);
}

TEST_F(FixedInterpreterErrorsTest, Exp2OfMoreThanTheMaximum) {
  // max_row of another matrix is not the maximum of this one.
  EXPECT_THAT(errorOf({2 << 16, 0}, 1, 16, R"(
    %n = mpc.trunc %x by 2 : !mpc.share<1x2, f = 16> -> !mpc.share<1x2, f = 14>
    %m = mpc.max_row %n bits 32 range <1073741824.0, proved> : !mpc.share<1x2, f = 14> -> !mpc.share<1, f = 0, bits = 32>
    %d = mpc.add %x, %x : !mpc.share<1x2, f = 16>
    %y = mpc.exp2 %d, %m : !mpc.share<1x2, f = 16>, !mpc.share<1, f = 0, bits = 32> -> !mpc.share<1x2, f = 20>)",
                      "1x2", 20),
              HasSubstr("mpc.exp2: the score above its row's maximum 2 at "
                        "element 0 is not below 2"));
}

TEST_F(FixedInterpreterErrorsTest, RecipOutsideOfItsBounds) {
  std::string body = "%y = mpc.recip %x below 4 : !mpc.share<1x1, f = 20> -> "
                     "!mpc.share<1x1, f = 28>";
  for (int64_t x : {int64_t(0), int64_t(1) << 19, (int64_t(4) << 20) + 1,
                    -(int64_t(1) << 20)})
    EXPECT_THAT(errorOf({x}, 1, 20, body, "1x1", 28),
                HasSubstr("mpc.recip: the row sum"));
  value({int64_t(1) << 20}, 1, 20, body, "1x1", 28);
  value({int64_t(4) << 20}, 1, 20, body, "1x1", 28);
}

TEST_F(FixedInterpreterErrorsTest, EmbeddingOverflow) {
  // Below 2^31, so it fits into 32 bits, but not with the two spare ones.
  EXPECT_THAT(errorOfText(R"(
func.func @f(%t: !mpc.tokens<1, vocabulary = 2>) -> tensor<1x1xf64> {
  %w = mpc.weight "w" dense<[[1.0], [16384.0]]> : tensor<2x1xf32> : !mpc.server<2x1, f = 16>
  %0 = mpc.embedding %t, %w : !mpc.tokens<1, vocabulary = 2>, !mpc.server<2x1, f = 16> -> !mpc.share<1x1, f = 16, bits = 32>
  %1 = mpc.extend %0 : !mpc.share<1x1, f = 16, bits = 32> -> !mpc.share<1x1, f = 16> loc("wte")
  %2 = mpc.reveal %1 : !mpc.share<1x1, f = 16> -> tensor<1x1xf64>
  return %2 : tensor<1x1xf64>
})",
                          {1}),
              HasSubstr("mpc.extend, node 'wte': the value 1.07374e+09 at "
                        "element 0 is not below 2^30 in magnitude"));
}

constexpr const char *program = R"(
func.func @f(%t: !mpc.tokens<2, vocabulary = 2>, %at: !mpc.position) -> tensor<1x1xf64> {
  %w = mpc.weight "w" dense<1.0> : tensor<2x1xf32> : !mpc.server<2x1, f = 16>
  %0 = mpc.embedding %t, %w : !mpc.tokens<2, vocabulary = 2>, !mpc.server<2x1, f = 16> -> !mpc.share<2x1, f = 16, bits = 32>
  %1 = mpc.extend %0 : !mpc.share<2x1, f = 16, bits = 32> -> !mpc.share<2x1, f = 16>
  %2 = mpc.take_row %1 at %at : !mpc.share<2x1, f = 16> -> !mpc.share<1x1, f = 16>
  %3 = mpc.reveal %2 : !mpc.share<1x1, f = 16> -> tensor<1x1xf64>
  return %3 : tensor<1x1xf64>
})";

TEST_F(FixedInterpreterErrorsTest, Inputs) {
  EXPECT_EQ(errorOfText(program, {0}), "expected 2 tokens, got 1");
  EXPECT_EQ(errorOfText(program, {0, 2}),
            "token 2 is not in the vocabulary of 2");
  EXPECT_EQ(errorOfText(program, {-1, 0}),
            "token -1 is not in the vocabulary of 2");
  EXPECT_EQ(errorOfText(program, {0, 0}, 2),
            "mpc.take_row: position 2 is outside of the prompt");
  EXPECT_EQ(errorOfText(program, {0, 0}, -1),
            "mpc.take_row: position -1 is outside of the prompt");
}

TEST_F(FixedInterpreterErrorsTest, Functions) {
  EXPECT_THAT(errorOfText("func.func @f() { return }", {}),
              HasSubstr("function 'f' takes no !mpc.tokens"));
  EXPECT_THAT(errorOfText("func.func @f(%t: !mpc.tokens<2, vocabulary = 2>) { "
                          "return }",
                          {0, 0}),
              HasSubstr("function 'f' reveals nothing"));
  EXPECT_THAT(errorOfText("func.func private @f(!mpc.position)", {}),
              HasSubstr("expected a function body of one block"));
  EXPECT_THAT(
      errorOfText("func.func @f(%t: !mpc.tokens<2, vocabulary = 2>, %x: "
                  "!mpc.share<2x2, f = 16>) {\n%0 = mpc.trunc %x by 1 : "
                  "!mpc.share<2x2, f = 16> -> !mpc.share<2x2, f = 15>\n"
                  "return }",
                  {0, 0}),
      HasSubstr("an operand is an argument of the function"));
  context.loadDialect<pi::PIDialect>();
  EXPECT_THAT(errorOfText("func.func @f(%t: !mpc.tokens<2, vocabulary = 2>, "
                          "%x: tensor<4xf32>) {\n%0 = pi.relu %x : "
                          "tensor<4xf32>\nreturn }",
                          {0, 0}),
              HasSubstr("pi.relu: is not an instruction of the secure engine"));
}

TEST_F(FixedInterpreterErrorsTest, Weights) {
  EXPECT_THAT(errorOfText(R"(
func.func @f(%t: !mpc.tokens<2, vocabulary = 2>) {
  %w = mpc.weight "wte" dense_resource<__elided__> : tensor<2x1xf32> : !mpc.server<2x1, f = 16>
  %0 = mpc.embedding %t, %w : !mpc.tokens<2, vocabulary = 2>, !mpc.server<2x1, f = 16> -> !mpc.share<2x1, f = 16, bits = 32>
  return
})",
                          {0, 0}),
              HasSubstr("mpc.embedding: weight 'wte' cannot be read: "));
  EXPECT_THAT(errorOfText(R"(
func.func @f(%t: !mpc.tokens<2, vocabulary = 2>) {
  %w = mpc.weight "wte" dense<32768.0> : tensor<2x1xf32> : !mpc.server<2x1, f = 16>
  %0 = mpc.embedding %t, %w : !mpc.tokens<2, vocabulary = 2>, !mpc.server<2x1, f = 16> -> !mpc.share<2x1, f = 16, bits = 32>
  return
})",
                          {0, 0}),
              HasSubstr("weight 'wte' does not fit into fixed point with 16 "
                        "fraction bits"));
}

} // namespace
