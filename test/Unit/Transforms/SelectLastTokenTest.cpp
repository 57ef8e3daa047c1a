//===- SelectLastTokenTest.cpp - pi-select-last-token selects a row -------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestModel.h"
#include "TransformTestBase.h"

using namespace mlir;

namespace aero::pi {
namespace {

class SelectLastTokenTest : public TransformTestBase,
                            public testing::WithParamInterface<TestModel> {};

TEST_P(SelectLastTokenTest, EqualsTheRow) {
  load(GetParam().print());
  auto inputs = makeInputs();
  std::vector<float> all = run(inputs);

  PassManager pm(&context);
  pm.addPass(createSelectLastTokenPass());
  ASSERT_TRUE(succeeded(pm.run(*module)));
  // Below the last attention only, and each value once.
  EXPECT_EQ(count<SelectTokenOp>(), 2);

  int64_t width = GetParam().vocabulary;
  inputs.emplace_back();
  for (int64_t position = 0; position < GetParam().tokens; ++position) {
    inputs.back() = reference::Tensor::fromInts({}, {position});
    expectNear(llvm::ArrayRef(all).slice(position * width, width), run(inputs),
               1e-6);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Models, SelectLastTokenTest,
    testing::Values(TestModel{}, TestModel{.norms = true, .activation = "gelu"},
                    TestModel{.norms = true, .activation = "silu"},
                    TestModel{.activation = "relu", .scaled = true},
                    TestModel{.layers = 1, .scaled = true}));

} // namespace
} // namespace aero::pi
