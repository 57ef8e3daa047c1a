//===- UniformityTest.cpp - Messages look alike for all inputs ------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// For fixed shares of fixed inputs, every message that a party receives is
/// uniform over the choice of the seeds. All generators start from fixed seeds,
/// so a threshold of a few standard deviations never fails by chance.
///
//===----------------------------------------------------------------------===//

#include "ProtocolHarness.h"
#include "aero/Runtime/Parameters.h"

#include <array>
#include <cmath>

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;

namespace {

/// An instruction with an input; the sizes fill planes and bytes, whose padding
/// would not be uniform.
struct Case {
  const char *name;
  std::function<void(PairRun &, int input)> build;
};

/// Shares with an extreme pattern: nothing but the protocol's masks is random.
void fixedOperand(PairRun &run, Shape shape, unsigned bits, int frac,
                  const Values &values, int input) {
  Share client(values.size()), server(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    client[i] = (input == 0 ? 0 : 0x0123456789abcdef * i) & ringMask(bits);
    server[i] = (uint64_t(values[i]) - client[i]) & ringMask(bits);
  }
  run.operandShares(std::move(shape), bits, frac, std::move(client),
                    std::move(server));
}

Values pattern(size_t n, int input, int64_t scale) {
  Values values(n, 0);
  for (size_t i = 0; input != 0 && i < n; ++i)
    values[i] = (input == 1 ? int64_t(i) - int64_t(n / 2) : -3) * scale;
  return values;
}

const Case cases[] = {
    {"linear",
     [](PairRun &run, int input) {
       fixedOperand(run, {4, 8}, 64, 16, pattern(32, input, 1000), input);
       run.instruction({4, 8}, 64, 36)
           .mutable_linear()
           ->set_weight(run.weight({8, 8}, 20, program::Weight::TYPE_I32,
                                   pattern(64, input, 77)));
     }},
    {"embedding",
     [](PairRun &run, int input) {
       run.tokens = {uint32_t(input), 3, uint32_t(4 * input), 0};
       run.instruction({4, 8}, 32, 20)
           .mutable_embedding()
           ->set_weight(run.weight({16, 8}, 20, program::Weight::TYPE_I32,
                                   pattern(128, input, 99)));
     }},
    {"trunc",
     [](PairRun &run, int input) {
       fixedOperand(run, {512}, 64, 16, pattern(512, input, 1 << 20), input);
       run.instruction({512}, 64, 0).mutable_trunc()->set_shift(16);
     }},
    {"extend",
     [](PairRun &run, int input) {
       fixedOperand(run, {512}, 32, 16, pattern(512, input, 1 << 12), input);
       run.instruction({512}, 64, 16).mutable_extend();
     }},
    {"matmul",
     [](PairRun &run, int input) {
       fixedOperand(run, {2, 4, 4}, 64, 16, pattern(32, input, 50), input);
       fixedOperand(run, {2, 4, 4}, 64, 16, pattern(32, input, 70), input);
       run.instruction({2, 4, 4}, 64, 32).mutable_matmul();
     }},
    {"mul",
     [](PairRun &run, int input) {
       fixedOperand(run, {8, 8}, 64, 16, pattern(64, input, 50), input);
       fixedOperand(run, {8}, 64, 16, pattern(8, input, 70), input);
       run.instruction({8, 8}, 64, 32).mutable_mul();
     }},
    {"max_row",
     [](PairRun &run, int input) {
       fixedOperand(run, {64, 4}, 64, 16, pattern(256, input, 1 << 14), input);
       auto &op = run.instruction({64}, 16, 0);
       op.mutable_max_row()->set_compare_bits(16);
       op.mutable_max_row()->set_drop_bits(16);
     }},
    {"exp2",
     [](PairRun &run, int input) {
       fixedOperand(run, {8, 8}, 64, 16, pattern(64, input, 1 << 14), input);
       fixedOperand(run, {8}, 24, 0, pattern(8, input, 1), input);
       run.instruction({8, 8}, 64, 20).mutable_exp2()->set_compare_bits(24);
     }},
    {"mul_weight",
     [](PairRun &run, int input) {
       fixedOperand(run, {4, 8}, 64, 16, pattern(32, input, 1000), input);
       run.instruction({4, 8}, 64, 36)
           .mutable_mul_weight()
           ->set_weight(run.weight({8}, 20, program::Weight::TYPE_I32,
                                   pattern(8, input, 77)));
     }},
    {"causal_scores",
     [](PairRun &run, int input) {
       fixedOperand(run, {2, 4, 4}, 64, 16, pattern(32, input, 50), input);
       fixedOperand(run, {2, 4, 4}, 64, 16, pattern(32, input, 70), input);
       run.instruction({2, 10}, 64, 32).mutable_causal_scores();
     }},
    {"causal_context",
     [](PairRun &run, int input) {
       fixedOperand(run, {2, 10}, 64, 20, pattern(20, input, 50), input);
       fixedOperand(run, {2, 4, 4}, 64, 16, pattern(32, input, 70), input);
       run.instruction({2, 4, 4}, 64, 36).mutable_causal_context();
     }},
    {"argmax",
     [](PairRun &run, int input) {
       fixedOperand(run, {64, 4}, 64, 16, pattern(256, input, 1 << 14), input);
       auto &op = *run.instruction({64}, argMaxBits, 0).mutable_argmax();
       op.set_compare_bits(16);
       op.set_drop_bits(8);
     }},
    {"relu",
     [](PairRun &run, int input) {
       fixedOperand(run, {64}, 64, 16, pattern(64, input, 1 << 14), input);
       auto &op = *run.instruction({64}, 64, 16).mutable_relu();
       op.set_compare_bits(24);
       op.set_drop_bits(4);
     }},
    {"tail",
     [](PairRun &run, int input) {
       Values values(64, 0);
       for (size_t i = 0; input != 0 && i < 64; ++i)
         values[i] = int64_t(i) << (input + 11);
       fixedOperand(run, {64}, 64, 16, values, input);
       auto &op = *run.instruction({64}, 64, 16).mutable_tail();
       op.set_function(program::Tail::FUNCTION_GELU);
       op.set_compare_bits(20);
     }},
    {"normalize",
     [](PairRun &run, int input) {
       fixedOperand(run, {64, 2}, 64, 16, pattern(128, input, 1 << 13), input);
       auto &op = *run.instruction({64, 2}, 64, 44).mutable_normalize();
       op.set_centred(true);
       op.set_epsilon(1 << 12);
     }},
    {"recip", [](PairRun &run, int input) {
       Values sums(64, 1 << 20);
       for (size_t i = 0; input != 0 && i < 64; ++i)
         sums[i] += int64_t(i) << (input + 15);
       fixedOperand(run, {64}, 64, exp2Frac, sums, input);
       run.instruction({64}, 64, recipFrac).mutable_recip()->set_upper_bound(8);
     }}};

using Histogram = std::array<double, 256>;

/// Histogram of bytes and the number of ones of each bit, over all runs.
struct Tally {
  Histogram bytes = {};
  std::vector<uint32_t> ones;
  size_t total = 0;

  void add(const std::vector<uint8_t> &message) {
    ones.resize(message.size() * 8);
    for (size_t i = 0; i < message.size(); ++i) {
      ++bytes[message[i]];
      for (unsigned bit = 0; bit < 8; ++bit)
        ones[8 * i + bit] += message[i] >> bit & 1;
    }
    total += message.size();
  }
};

constexpr int runs = 400;
/// 255 degrees of freedom: mean 255, standard deviation 22.6.
constexpr double chiLimit = 255 + 6 * 22.6;

std::array<Tally, 4> tally(const Case &one, int input) {
  std::array<Tally, 4> tallies;
  std::shared_ptr<TestWeights> weights; // the same in all runs
  for (int i = 0; i < runs; ++i) {
    PairRun run(uint64_t(i) * 3 + uint64_t(input) + 1000);
    one.build(run, input);
    run.weightsFile = weights;
    run.run();
    weights = run.weightsFile;
    tallies[0].add(run.toClient);
    tallies[1].add(run.toServer);
    tallies[2].add(run.correction);
    tallies[3].add(run.setup);
  }
  return tallies;
}

class Uniformity : public testing::TestWithParam<Case> {};

TEST_P(Uniformity, EveryMessageIsUniformForEveryInput) {
  static const char *const names[] = {"to the client", "to the server",
                                      "correction", "set-up"};
  std::array<Tally, 4> byInput[3];
  for (int input = 0; input < 3; ++input)
    byInput[input] = tally(GetParam(), input);
  for (int message = 0; message < 4; ++message) {
    for (int input = 0; input < 3; ++input) {
      const Tally &one = byInput[input][message];
      if (one.total == 0)
        continue;
      double expected = double(one.total) / 256, chi = 0;
      for (double count : one.bytes)
        chi += (count - expected) * (count - expected) / expected;
      EXPECT_LT(chi, chiLimit) << names[message] << ", input " << input;
      // A bit that is open at one place is lost in the histogram.
      for (size_t i = 0; i < one.ones.size(); ++i)
        EXPECT_LT(std::abs(double(one.ones[i]) - runs / 2.0),
                  6 * std::sqrt(double(runs)) / 2)
            << names[message] << ", input " << input << ", bit " << i;
      const Tally &other = byInput[(input + 1) % 3][message];
      ASSERT_EQ(one.total, other.total) << "sizes are public";
      double twoSample = 0;
      for (int b = 0; b < 256; ++b) {
        double difference = one.bytes[b] - other.bytes[b];
        double both = one.bytes[b] + other.bytes[b];
        twoSample += both > 0 ? difference * difference / both : 0;
      }
      EXPECT_LT(twoSample, chiLimit) << names[message] << ", input " << input;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Uniformity, testing::ValuesIn(cases),
                         [](const testing::TestParamInfo<Case> &info) {
                           return std::string(info.param.name);
                         });

} // namespace
