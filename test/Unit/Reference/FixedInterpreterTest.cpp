//===- FixedInterpreterTest.cpp - Each mpc op against double arithmetic ---===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "FixedTestBase.h"

#include <cmath>

using namespace aero;
using namespace aero::reference;
using ::testing::ElementsAre;

namespace {

class FixedInterpreterTest : public FixedTestBase {};

TEST_F(FixedInterpreterTest, TruncIsFloor) {
  Integers x = {0, 255, 256, -1, -256, -257, (int64_t(1) << 62) - 1};
  Integers y = value(x, 1, 16,
                     "%y = mpc.trunc %x by 8 : !mpc.share<1x7, f = 16> -> "
                     "!mpc.share<1x7, f = 8>",
                     "1x7", 8);
  EXPECT_THAT(y, ElementsAre(0, 0, 1, -1, -1, -2, (int64_t(1) << 54) - 1));
}

TEST_F(FixedInterpreterTest, LinearIsExact) {
  // 1/4 and -3 with 20 fraction bits, and a bias of 2 with 36.
  Integers y = value({1 << 16, 5, -7, 1 << 20}, 2, 16, R"(
    %v = mpc.weight "v" dense<[[0.25, -3.0], [1.0, 0.0]]> : tensor<2x2xf32> : !mpc.server<2x2, f = 20>
    %b = mpc.weight "b" dense<[2.0, -2.0]> : tensor<2xf32> : !mpc.server<2, f = 36>
    %y = mpc.linear %x, %v bias %b : !mpc.server<2, f = 36> : !mpc.share<2x2, f = 16>, !mpc.server<2x2, f = 20> -> !mpc.share<2x2, f = 36>)",
                     "2x2", 36);
  int64_t one = int64_t(1) << 20, two = int64_t(2) << 36;
  EXPECT_THAT(y, ElementsAre((int64_t(1) << 34) + 5 * one + two,
                             -3 * (int64_t(1) << 36) - two,
                             -7 * (one / 4) + (int64_t(1) << 40) + two,
                             21 * one - two));
}

// The fast path, modulo 2^64, and the slow one with wide sums agree where both
// are right.
TEST_F(FixedInterpreterTest, LargeLinearIsExact) {
  int64_t large = int64_t(1) << 41;
  Integers y = value({large, large, -large, large}, 2, 16, R"(
    %v = mpc.weight "v" dense<1.0> : tensor<2x1xf32> : !mpc.server<2x1, f = 20>
    %y = mpc.linear %x, %v : !mpc.share<2x2, f = 16>, !mpc.server<2x1, f = 20> -> !mpc.share<2x1, f = 36>)",
                     "2x1", 36);
  EXPECT_THAT(y, ElementsAre(int64_t(1) << 62, 0));
}

TEST_F(FixedInterpreterTest, MatmulAgreesWithDouble) {
  constexpr int64_t heads = 2, length = 5, width = 3;
  Integers x = random(length * heads * width, 1 << 20);
  std::string split = R"(
    %r = mpc.reshape %x : !mpc.share<5x6, f = 16> -> !mpc.share<5x2x3, f = 16>
    %h = mpc.transpose %r [1, 0, 2] : !mpc.share<5x2x3, f = 16> -> !mpc.share<2x5x3, f = 16>)";
  Integers scores = value(x, length, 16, split + R"(
    %y = mpc.matmul %h, %h transpose_rhs : !mpc.share<2x5x3, f = 16>, !mpc.share<2x5x3, f = 16> -> !mpc.share<2x5x5, f = 32>)",
                          "2x5x5", 32);
  auto at = [&](int64_t head, int64_t i, int64_t j) {
    return double(x[(i * heads + head) * width + j]);
  };
  ASSERT_EQ(scores.size(), size_t(heads * length * length));
  for (int64_t h = 0; h < heads; ++h)
    for (int64_t i = 0; i < length; ++i)
      for (int64_t j = 0; j < length; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < width; ++k)
          sum += at(h, i, k) * at(h, j, k);
        EXPECT_EQ(double(scores[(h * length + i) * length + j]), sum);
      }

  Integers product = value(x, length, 16, split + R"(
    %c = mpc.transpose %h [0, 2, 1] : !mpc.share<2x5x3, f = 16> -> !mpc.share<2x3x5, f = 16>
    %y = mpc.matmul %h, %c : !mpc.share<2x5x3, f = 16>, !mpc.share<2x3x5, f = 16> -> !mpc.share<2x5x5, f = 32>)",
                           "2x5x5", 32);
  EXPECT_EQ(product, scores);
}

TEST_F(FixedInterpreterTest, MulRepeatsRows) {
  Integers y = value({1, 2, 3, 4, 5, 6}, 2, 16, R"(
    %l = mpc.slice %x axis 1 offset 0 : !mpc.share<2x3, f = 16> -> !mpc.share<2x2, f = 16>
    %s = mpc.slice %x axis 1 offset 2 : !mpc.share<2x3, f = 16> -> !mpc.share<2x1, f = 16>
    %r = mpc.reshape %s : !mpc.share<2x1, f = 16> -> !mpc.share<2, f = 16>
    %y = mpc.mul %l, %r : !mpc.share<2x2, f = 16>, !mpc.share<2, f = 16> -> !mpc.share<2x2, f = 32>)",
                     "2x2", 32);
  EXPECT_THAT(y, ElementsAre(3, 6, 24, 30));
  Integers z = value({1, 2, 3, -4}, 2, 16, R"(
    %y = mpc.mul %x, %x : !mpc.share<2x2, f = 16>, !mpc.share<2x2, f = 16> -> !mpc.share<2x2, f = 32>)",
                     "2x2", 32);
  EXPECT_THAT(z, ElementsAre(1, 4, 9, 16));
}

TEST_F(FixedInterpreterTest, SumsAndShapes) {
  EXPECT_THAT(
      value({1, 2, 3, 4}, 2, 16, R"(
    %b = mpc.weight "b" dense<[0.5, -0.25]> : tensor<2xf32> : !mpc.server<2, f = 16>
    %a = mpc.add_weight %x, %b : !mpc.share<2x2, f = 16>, !mpc.server<2, f = 16> -> !mpc.share<2x2, f = 16>
    %y = mpc.add %a, %x : !mpc.share<2x2, f = 16>)",
            "2x2", 16),
      ElementsAre(2 + (1 << 15), 4 - (1 << 14), 6 + (1 << 15), 8 - (1 << 14)));
  EXPECT_THAT(value({1, 2, 3, 4, 5, -7}, 2, 16, R"(
    %y = mpc.sum_row %x : !mpc.share<2x3, f = 16> -> !mpc.share<2, f = 16>)",
                    "2", 16),
              ElementsAre(6, 2));
  EXPECT_THAT(value({1, 2, 3, 4, 5, 6}, 3, 16, R"(
    %y = mpc.slice %x axis 0 offset 1 : !mpc.share<3x2, f = 16> -> !mpc.share<2x2, f = 16>)",
                    "2x2", 16),
              ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(value({1, 2, 3, 4, 5, 6}, 3, 16, R"(
    %y = mpc.slice %x axis 1 offset 1 : !mpc.share<3x2, f = 16> -> !mpc.share<3x1, f = 16>)",
                    "3x1", 16),
              ElementsAre(2, 4, 6));
  position = 2;
  EXPECT_THAT(value({1, 2, 3, 4, 5, 6}, 3, 16, R"(
    %y = mpc.take_row %x at %at : !mpc.share<3x2, f = 16> -> !mpc.share<1x2, f = 16>)",
                    "1x2", 16),
              ElementsAre(5, 6));
}

// y[i, j, k] = x[j, k, i], by indices.
TEST_F(FixedInterpreterTest, TransposeByIndex) {
  Integers x = random(2 * 3 * 4, 1000);
  Integers y = value(x, 2, 16, R"(
    %r = mpc.reshape %x : !mpc.share<2x12, f = 16> -> !mpc.share<2x3x4, f = 16>
    %y = mpc.transpose %r [2, 0, 1] : !mpc.share<2x3x4, f = 16> -> !mpc.share<4x2x3, f = 16>)",
                     "4x2x3", 16);
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 2; ++j)
      for (int k = 0; k < 3; ++k)
        EXPECT_EQ(y[(i * 2 + j) * 3 + k], x[(j * 3 + k) * 4 + i]);
}

// Two heads of three tokens and width 1: rows of one, two and three scores.
TEST_F(FixedInterpreterTest, CausalProductsArePacked) {
  std::string split = R"(
    %r = mpc.reshape %x : !mpc.share<3x2, f = 16> -> !mpc.share<3x2x1, f = 16>
    %h = mpc.transpose %r [1, 0, 2] : !mpc.share<3x2x1, f = 16> -> !mpc.share<2x3x1, f = 16>
    %s = mpc.causal_scores %h, %h : !mpc.share<2x3x1, f = 16>, !mpc.share<2x3x1, f = 16> -> !mpc.share<2x6, f = 32>
)";
  EXPECT_THAT(value({2, 1, 3, -1, 5, 10}, 3, 16, split + R"(
    %y = mpc.reshape %s : !mpc.share<2x6, f = 32> -> !mpc.share<2x6, f = 32>)",
                    "2x6", 32),
              ElementsAre(4, 6, 9, 10, 15, 25, 1, -1, 1, 10, -10, 100));
  EXPECT_THAT(
      value({2, 1, 3, -1, 5, 10}, 3, 16, split + R"(
    %y = mpc.causal_context %s, %h : !mpc.share<2x6, f = 32>, !mpc.share<2x3x1, f = 16> -> !mpc.share<2x3x1, f = 48>)",
            "2x3x1", 48),
      ElementsAre(8, 12 + 27, 20 + 45 + 125, 1, -1 - 1, 10 + 10 + 1000));
}

TEST_F(FixedInterpreterTest, CausalSoftmaxAgreesWithDouble) {
  double scores[6] = {-3, 7.25, 6.5, 1, 0.5, 2};
  Integers x;
  for (double score : scores)
    x.push_back(std::llrint(score * 65536));
  Integers y = value(x, 1, 16, R"(
    %m = mpc.max_row %x causal bits 32 range <1073741824.0, proved> : !mpc.share<1x6, f = 16> -> !mpc.share<1x3, f = 0, bits = 32>
    %p = mpc.exp2 %x, %m causal : !mpc.share<1x6, f = 16>, !mpc.share<1x3, f = 0, bits = 32> -> !mpc.share<1x6, f = 20>
    %s = mpc.sum_row %p causal : !mpc.share<1x6, f = 20> -> !mpc.share<1x3, f = 20>
    %y = mpc.recip %s below 16 : !mpc.share<1x3, f = 20> -> !mpc.share<1x3, f = 28>)",
                     "1x3", 28);
  ASSERT_EQ(y.size(), 3u);
  double sums[3] = {1, std::exp2(0.25) + std::exp2(-0.5),
                    std::exp2(-1) + std::exp2(-1.5) + 1};
  for (int row = 0; row < 3; ++row)
    EXPECT_NEAR(std::ldexp(double(y[row]), -28), 1 / sums[row], 3e-6);
}

TEST_F(FixedInterpreterTest, ArgMaxIsTheFirst) {
  Integers y = value({3, 9, 9, -5, -7, -6}, 2, 16, R"(
    %m = mpc.argmax %x bits 36 drop 12 range <64.0, proved> : !mpc.share<2x3, f = 16> -> !mpc.share<2, f = 0, bits = 32>
    %y = mpc.extend %m : !mpc.share<2, f = 0, bits = 32> -> !mpc.share<2, f = 0>)",
                     "2", 0);
  EXPECT_THAT(y, ElementsAre(1, 0));
}

TEST_F(FixedInterpreterTest, MaxRowIsTheFloor) {
  int64_t one = 1 << 16;
  Integers y =
      value({one / 2, 2 * one + 1, -one, -1, -one, -3 * one / 2}, 2, 16, R"(
    %m = mpc.max_row %x bits 32 range <1073741824.0, proved> : !mpc.share<2x3, f = 16> -> !mpc.share<2, f = 0, bits = 32>
    %y = mpc.extend %m : !mpc.share<2, f = 0, bits = 32> -> !mpc.share<2, f = 0>)",
            "2", 0);
  EXPECT_THAT(y, ElementsAre(2, -1));
}

std::string softmaxBody(const std::string &result) {
  return R"(
    %m = mpc.max_row %x bits 32 range <1073741824.0, proved> : !mpc.share<4x4, f = 16> -> !mpc.share<4, f = 0, bits = 32>
    %p = mpc.exp2 %x, %m : !mpc.share<4x4, f = 16>, !mpc.share<4, f = 0, bits = 32> -> !mpc.share<4x4, f = 20>
    %s = mpc.sum_row %p : !mpc.share<4x4, f = 20> -> !mpc.share<4, f = 20>
    %r = mpc.recip %s below 16 : !mpc.share<4, f = 20> -> !mpc.share<4, f = 28>
    %q = mpc.mul %p, %r : !mpc.share<4x4, f = 20>, !mpc.share<4, f = 28> -> !mpc.share<4x4, f = 48>
)" + result;
}

TEST_F(FixedInterpreterTest, Exp2AgreesWithDouble) {
  // Rows with a large, a small, a negative and a fractional maximum, and
  // differences around the point where powers become zero.
  double scores[16] = {900.25, 900.5, 878.5,  877.99, 0, 0.25, -1, -30,
                       -5.5,   -5.75, -27.99, -40,    3, 2.5,  1,  -1e6};
  Integers x;
  for (double score : scores)
    x.push_back(std::llrint(score * 65536));
  Integers y = value(x, 4, 16,
                     softmaxBody("%y = mpc.trunc %p by 1 : "
                                 "!mpc.share<4x4, f = 20> -> "
                                 "!mpc.share<4x4, f = 19>"),
                     "4x4", 19);
  for (int i = 0; i < 16; ++i) {
    double most = *std::max_element(scores + i / 4 * 4, scores + i / 4 * 4 + 4);
    double difference = double(x[i]) / 65536 - std::floor(most);
    double expected = difference < -22 ? 0 : std::exp2(difference);
    // Half a unit of rounding, and up to one of the truncation after it.
    EXPECT_NEAR(std::ldexp(double(y[i]), -19), expected, std::ldexp(1.5, -20));
  }
}

TEST_F(FixedInterpreterTest, SoftmaxAgreesWithDouble) {
  Integers x = random(16, 20 << 16);
  Integers y = value(x, 4, 16,
                     softmaxBody("%y = mpc.trunc %q by 20 : !mpc.share<4x4, "
                                 "f = 48> -> !mpc.share<4x4, f = 28>"),
                     "4x4", 28);
  for (int row = 0; row < 4; ++row) {
    double sum = 0;
    for (int j = 0; j < 4; ++j)
      sum += std::exp2(double(x[row * 4 + j]) / 65536);
    for (int j = 0; j < 4; ++j) {
      double expected = std::exp2(double(x[row * 4 + j]) / 65536) / sum;
      EXPECT_NEAR(std::ldexp(double(y[row * 4 + j]), -28), expected, 4e-6);
    }
  }
}

TEST_F(FixedInterpreterTest, RecipIsRounded) {
  int64_t one = 1 << 20;
  Integers y = value({one, 3 * one, 16 * one, one + one / 2}, 1, 20, R"(
    %y = mpc.recip %x below 16 : !mpc.share<1x4, f = 20> -> !mpc.share<1x4, f = 28>)",
                     "1x4", 28);
  EXPECT_THAT(y, ElementsAre(1 << 28, 89478485, 1 << 24, 178956971));
}

TEST_F(FixedInterpreterTest, MulWeightByColumnsAndRows) {
  EXPECT_THAT(value({1, 2, 3, 4, 5, -6}, 2, 16, R"(
    %v = mpc.weight "v" dense<[0.5, -1.0, 2.0]> : tensor<3xf32> : !mpc.server<3, f = 1>
    %y = mpc.mul_weight %x, %v : !mpc.share<2x3, f = 16>, !mpc.server<3, f = 1> -> !mpc.share<2x3, f = 17>)",
                    "2x3", 17),
              ElementsAre(1, -4, 12, 4, -10, -24));
  EXPECT_THAT(value({1, 2, 3, 4, 5, -6}, 2, 16, R"(
    %v = mpc.weight "v" dense<[0.5, -1.0]> : tensor<2xf32> : !mpc.server<2, f = 1>
    %y = mpc.mul_weight %x, %v rows : !mpc.share<2x3, f = 16>, !mpc.server<2, f = 1> -> !mpc.share<2x3, f = 17>)",
                    "2x3", 17),
              ElementsAre(1, 2, 3, -8, -10, 12));
}

TEST_F(FixedInterpreterTest, LocalOps) {
  EXPECT_THAT(value({1, 2, 3, 4}, 2, 16, R"(
    %m = mpc.mul_public %x by dense<[3, -2]> : tensor<2xi32> f 4 : !mpc.share<2x2, f = 16> -> !mpc.share<2x2, f = 20>
    %n = mpc.mul_public %x by dense<1> : tensor<2x2xi32> f 4 : !mpc.share<2x2, f = 16> -> !mpc.share<2x2, f = 20>
    %y = mpc.sub %m, %n : !mpc.share<2x2, f = 20>)",
                    "2x2", 20),
              ElementsAre(2, -6, 6, -12));
  EXPECT_THAT(value({1, 2, 3, 4, 5, 6}, 2, 16, R"(
    %s = mpc.slice %x axis 1 offset 2 : !mpc.share<2x3, f = 16> -> !mpc.share<2x1, f = 16>
    %y = mpc.concat %s, %x, %s axis 1 : !mpc.share<2x1, f = 16>, !mpc.share<2x3, f = 16>, !mpc.share<2x1, f = 16> -> !mpc.share<2x5, f = 16>)",
                    "2x5", 16),
              ElementsAre(3, 1, 2, 3, 3, 6, 4, 5, 6, 6));
  EXPECT_THAT(value({1, 2, 3, 4}, 2, 16, R"(
    %y = mpc.concat %x, %x axis 0 : !mpc.share<2x2, f = 16>, !mpc.share<2x2, f = 16> -> !mpc.share<4x2, f = 16>)",
                    "4x2", 16),
              ElementsAre(1, 2, 3, 4, 1, 2, 3, 4));
  EXPECT_THAT(value({1, 2, 3, 4}, 2, 16, R"(
    %y = mpc.repeat %x axis 0 times 2 : !mpc.share<2x2, f = 16> -> !mpc.share<4x2, f = 16>)",
                    "4x2", 16),
              ElementsAre(1, 2, 1, 2, 3, 4, 3, 4));
  EXPECT_THAT(value({1, 2, 3, 4}, 2, 16, R"(
    %y = mpc.repeat %x axis 1 times 2 : !mpc.share<2x2, f = 16> -> !mpc.share<2x4, f = 16>)",
                    "2x4", 16),
              ElementsAre(1, 1, 2, 2, 3, 3, 4, 4));
}

TEST_F(FixedInterpreterTest, ReluIsExact) {
  EXPECT_THAT(value({-1, 0, 1, 99 << 16, -(100 << 16)}, 1, 16, R"(
    %y = mpc.relu %x bits 20 drop 6 range <100.0, proved> : !mpc.share<1x5, f = 16> -> !mpc.share<1x5, f = 16>)",
                    "1x5", 16),
              ElementsAre(0, 0, 1, 99 << 16, 0));
}

TEST_F(FixedInterpreterTest, TailsCompleteTheirActivations) {
  const double points[6] = {0, 0.25, 1, 2.5, 5, 15};
  Integers x;
  for (double point : points)
    x.push_back(std::llrint(point * 65536));
  struct Case {
    const char *name;
    double (*activation)(double);
  };
  const Case cases[] = {
      {"gelu", [](double a) { return a * 0.5 * std::erfc(-a / M_SQRT2); }},
      {"gelu_tanh",
       [](double a) {
         double inner = std::sqrt(2 / M_PI) * (a + 0.044715 * a * a * a);
         return a * 0.5 * (1 + std::tanh(inner));
       }},
      {"silu", [](double a) { return a / (1 + std::exp(-a)); }}};
  for (const Case &test : cases) {
    Integers y =
        value(x, 1, 16,
              std::string("%y = mpc.tail %x ") + test.name +
                  " bits 16 range <16.0, proved> : !mpc.share<1x6, f = 16> -> "
                  "!mpc.share<1x6, f = 16>",
              "1x6", 16);
    ASSERT_EQ(y.size(), 6u);
    for (int i = 0; i < 6; ++i)
      EXPECT_NEAR(points[i] - std::ldexp(double(y[i]), -16),
                  test.activation(points[i]), 0x1p-16)
          << test.name << " of " << points[i];
  }
}

TEST_F(FixedInterpreterTest, NormalizeAgreesWithDouble) {
  Integers x = random(3 * 4, 5 << 16);
  for (bool centred : {true, false}) {
    // An epsilon of 4 * 2^-10: 2^16 units of 2^-24 for four columns.
    Integers y = value(x, 3, 16,
                       std::string("%y = mpc.normalize %x ") +
                           (centred ? "centred " : "") +
                           "epsilon 65536 : !mpc.share<3x4, f = 16> -> "
                           "!mpc.share<3x4, f = 44>",
                       "3x4", 44);
    ASSERT_EQ(y.size(), 12u);
    for (int row = 0; row < 3; ++row) {
      double mean = 0, square = 0;
      for (int j = 0; centred && j < 4; ++j)
        mean += double(x[row * 4 + j]) / 65536 / 4;
      for (int j = 0; j < 4; ++j)
        square += std::pow(double(x[row * 4 + j]) / 65536 - mean, 2) / 4;
      for (int j = 0; j < 4; ++j)
        EXPECT_NEAR(std::ldexp(double(y[row * 4 + j]), -44),
                    (double(x[row * 4 + j]) / 65536 - mean) /
                        std::sqrt(square + 0x1p-10),
                    1e-9);
    }
  }
}

//===----------------------------------------------------------------------===//
// A whole program
//===----------------------------------------------------------------------===//

constexpr const char *program = R"(
func.func @main(%t: !mpc.tokens<2, vocabulary = 3>, %at: !mpc.position) -> tensor<1x2xf64> {
  %w = mpc.weight "w" dense<[[1.0, -2.0], [0.5, 0.25], [3.0, 0.0]]> : tensor<3x2xf32> : !mpc.server<3x2, f = 16>
  %v = mpc.weight "v" dense<[[0.0, 1.0], [-1.0, 0.0]]> : tensor<2x2xf32> : !mpc.server<2x2, f = 20>
  %0 = mpc.embedding %t, %w : !mpc.tokens<2, vocabulary = 3>, !mpc.server<3x2, f = 16> -> !mpc.share<2x2, f = 16, bits = 32>
  %1 = mpc.extend %0 : !mpc.share<2x2, f = 16, bits = 32> -> !mpc.share<2x2, f = 16>
  %2 = mpc.take_row %1 at %at : !mpc.share<2x2, f = 16> -> !mpc.share<1x2, f = 16>
  %3 = mpc.linear %2, %v : !mpc.share<1x2, f = 16>, !mpc.server<2x2, f = 20> -> !mpc.share<1x2, f = 36>
  %4 = mpc.reveal %3 : !mpc.share<1x2, f = 36> -> tensor<1x2xf64>
  return %4 : tensor<1x2xf64>
})";

TEST_F(FixedInterpreterTest, RunsManyTimes) {
  auto interpreter = FixedInterpreter::create(parse(program));
  ASSERT_TRUE(bool(interpreter)) << llvm::toString(interpreter.takeError());
  EXPECT_THAT(interpreter->getResultShape(), ElementsAre(1, 2));
  EXPECT_EQ(interpreter->getResultFrac(), 36);
  auto first = interpreter->run({2, 0}, 1);
  ASSERT_TRUE(bool(first)) << llvm::toString(first.takeError());
  EXPECT_THAT(interpreter->toDoubles(*first), ElementsAre(2.0, 1.0));
  auto second = interpreter->run({2, 0}, 0);
  ASSERT_TRUE(bool(second)) << llvm::toString(second.takeError());
  EXPECT_THAT(interpreter->toDoubles(*second), ElementsAre(0.0, 3.0));
}

TEST_F(FixedInterpreterTest, ObserverSeesInstructionsInOrder) {
  std::vector<std::string> seen;
  auto result = runFixed(
      parse(program), {0, 1}, 1,
      [&](uint32_t index, mlir::Operation *op, llvm::ArrayRef<int64_t> values) {
        EXPECT_EQ(index, seen.size());
        EXPECT_FALSE(values.empty());
        seen.push_back(op->getName().stripDialect().str());
      });
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  EXPECT_THAT(
      seen, ElementsAre("embedding", "extend", "take_row", "linear", "reveal"));
}

// What the observer writes is what later instructions compute with.
TEST_F(FixedInterpreterTest, ObserverReplacesValues) {
  auto result = runFixed(parse(program), {0, 1}, 1,
                         [&](uint32_t index, mlir::Operation *,
                             llvm::MutableArrayRef<int64_t> values) {
                           if (index == 2)
                             values[0] = 7;
                         });
  ASSERT_TRUE(bool(result)) << llvm::toString(result.takeError());
  EXPECT_EQ((*result)[1], int64_t(7) << 20);
}

} // namespace
