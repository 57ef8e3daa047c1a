//===- LocalTest.cpp - Instructions without messages ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProtocolHarness.h"

using namespace aero;
using namespace aero::rt;
using namespace aero::rt::test;

namespace {

TEST(Local, Add) {
  for (unsigned bits : {8, 32, 64}) {
    PairRun run(bits);
    Values x = run.inputs.values(20, INT64_MIN, INT64_MAX);
    Values y = run.inputs.values(20, INT64_MIN, INT64_MAX);
    run.operand({4, 5}, bits, 4, x);
    run.operand({4, 5}, bits, 4, y);
    run.instruction({4, 5}, bits, 4).mutable_add();
    Values sum = run.run();
    for (size_t i = 0; i < sum.size(); ++i)
      EXPECT_EQ(sum[i], signedValue(uint64_t(x[i]) + uint64_t(y[i]), bits));
  }
}

TEST(Local, AddWeight) {
  for (auto type : {program::Weight::TYPE_I32, program::Weight::TYPE_I64}) {
    PairRun run(type);
    bool wide = type == program::Weight::TYPE_I64;
    Values x = run.inputs.values(24, INT64_MIN, INT64_MAX);
    Values w = run.inputs.values(12, wide ? INT64_MIN : INT32_MIN,
                                 wide ? INT64_MAX : INT32_MAX);
    run.operand({2, 4, 3}, 64, 16, x);
    auto &op = run.instruction({2, 4, 3}, 64, 16);
    op.mutable_add_weight()->set_weight(run.weight({4, 3}, 16, type, w));
    // A local instruction has no weights file of its own.
    std::string directory = testing::TempDir();
    TestWeights file(run.program, directory,
                     [&](int, size_t i) { return w[i]; });
    Share client(24), server(24);
    for (size_t i = 0; i < 24; ++i) {
      client[i] = run.inputs.word();
      server[i] = uint64_t(x[i]) - client[i];
    }
    OperationContext context{run.program, op, Role::Client, nullptr, {}, 0, {}};
    OperationContext other{run.program, op, Role::Server, &*file.weights, {},
                           0,           {}};
    const Share *left[] = {&client}, *right[] = {&server};
    Share a = runLocal(context, left), b = runLocal(other, right);
    EXPECT_EQ(a, client);
    for (size_t i = 0; i < 24; ++i)
      EXPECT_EQ(a[i] + b[i], uint64_t(x[i]) + uint64_t(w[i % 12]));
  }
}

TEST(Local, SumRow) {
  for (unsigned bits : {24, 64}) {
    PairRun run(bits);
    Values x = run.inputs.values(6 * 7, -1000, 1000);
    run.operand({2, 3, 7}, bits, 0, x);
    run.instruction({2, 3}, bits, 0).mutable_sum_row();
    Values sums = run.run();
    for (size_t i = 0; i < 6; ++i) {
      int64_t sum = 0;
      for (size_t j = 0; j < 7; ++j)
        sum += x[i * 7 + j];
      EXPECT_EQ(sums[i], sum);
    }
  }
}

TEST(Local, SumCausalRow) {
  PairRun run;
  Values x = run.inputs.values(2 * 6, -1000, 1000);
  run.operand({2, 6}, 64, 0, x);
  run.instruction({2, 3}, 64, 0).mutable_sum_row()->set_causal(true);
  Values sums = run.run();
  for (size_t h = 0; h < 2; ++h) {
    EXPECT_EQ(sums[h * 3], x[h * 6]);
    EXPECT_EQ(sums[h * 3 + 1], x[h * 6 + 1] + x[h * 6 + 2]);
    EXPECT_EQ(sums[h * 3 + 2], x[h * 6 + 3] + x[h * 6 + 4] + x[h * 6 + 5]);
  }
}

TEST(Local, Sub) {
  PairRun run;
  Values x = run.inputs.values(12, -1000, 1000);
  Values y = run.inputs.values(12, -1000, 1000);
  run.operand({3, 4}, 24, 16, x);
  run.operand({3, 4}, 24, 16, y);
  run.instruction({3, 4}, 24, 16).mutable_sub();
  Values difference = run.run();
  for (size_t i = 0; i < 12; ++i)
    EXPECT_EQ(difference[i], x[i] - y[i]);
}

TEST(Local, MulPublic) {
  PairRun run;
  Values x = run.inputs.values(2 * 6, -1000, 1000);
  run.operand({2, 2, 3}, 64, 16, x);
  auto &op = *run.instruction({2, 2, 3}, 64, 20).mutable_mul_public();
  const int factors[] = {3, -1, 0, 65536, 7, -65536};
  for (int factor : factors)
    op.add_values(factor);
  op.add_shape(2);
  op.add_shape(3);
  op.set_frac(4);
  Values product = run.run();
  for (size_t i = 0; i < 12; ++i)
    EXPECT_EQ(product[i], x[i] * factors[i % 6]);
}

TEST(Local, Concat) {
  PairRun run;
  Values x = run.inputs.values(2 * 3, INT64_MIN, INT64_MAX);
  Values y = run.inputs.values(2 * 1, INT64_MIN, INT64_MAX);
  run.operand({2, 3}, 64, 16, x);
  run.operand({2, 1}, 64, 16, y);
  run.instruction({2, 4}, 64, 16).mutable_concat()->set_dim(1);
  EXPECT_EQ(run.run(),
            (Values{x[0], x[1], x[2], y[0], x[3], x[4], x[5], y[1]}));
}

TEST(Local, Repeat) {
  PairRun run;
  Values x = run.inputs.values(2 * 2, INT64_MIN, INT64_MAX);
  run.operand({2, 2}, 64, 16, x);
  auto &op = *run.instruction({4, 2}, 64, 16).mutable_repeat();
  op.set_dim(0);
  op.set_times(2);
  EXPECT_EQ(run.run(),
            (Values{x[0], x[1], x[0], x[1], x[2], x[3], x[2], x[3]}));
}

TEST(Local, Slice) {
  PairRun run;
  Values x = run.inputs.values(3 * 6 * 4, INT64_MIN, INT64_MAX);
  run.operand({3, 6, 4}, 64, 16, x);
  auto &op = run.instruction({3, 2, 4}, 64, 16);
  op.mutable_slice()->set_dim(1);
  op.mutable_slice()->set_offset(3);
  Values part = run.run();
  for (size_t i = 0; i < 3; ++i)
    for (size_t j = 0; j < 2; ++j)
      for (size_t k = 0; k < 4; ++k)
        EXPECT_EQ(part[(i * 2 + j) * 4 + k], x[(i * 6 + j + 3) * 4 + k]);
}

TEST(Local, Reshape) {
  PairRun run;
  Values x = run.inputs.values(12, INT64_MIN, INT64_MAX);
  run.operand({3, 4}, 64, 16, x);
  run.instruction({2, 6}, 64, 16).mutable_reshape();
  EXPECT_EQ(run.run(), x);
}

TEST(Local, Transpose) {
  // All orders of three dimensions.
  Shape order = {0, 1, 2};
  do {
    PairRun run;
    Shape from = {2, 3, 5};
    Values x = run.inputs.values(30, INT64_MIN, INT64_MAX);
    run.operand(from, 64, 16, x);
    Shape to = {from[order[0]], from[order[1]], from[order[2]]};
    auto &op = run.instruction(to, 64, 16);
    for (uint32_t dim : order)
      op.mutable_transpose()->add_permutation(dim);
    Values moved = run.run();
    size_t index[3];
    for (index[0] = 0; index[0] < 2; ++index[0])
      for (index[1] = 0; index[1] < 3; ++index[1])
        for (index[2] = 0; index[2] < 5; ++index[2])
          EXPECT_EQ(moved[(index[order[0]] * to[1] + index[order[1]]) * to[2] +
                          index[order[2]]],
                    x[(index[0] * 3 + index[1]) * 5 + index[2]]);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(Local, TakeRow) {
  for (uint32_t position : {0, 2, 4}) {
    PairRun run;
    run.position = position;
    Values x = run.inputs.values(5 * 3, INT64_MIN, INT64_MAX);
    run.operand({5, 3}, 64, 16, x);
    run.instruction({1, 3}, 64, 16).mutable_take_row();
    EXPECT_EQ(run.run(),
              Values(x.begin() + position * 3, x.begin() + position * 3 + 3));
  }
}

} // namespace
