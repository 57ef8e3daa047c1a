//===- SimplifyBlockTest.cpp - Attention without two matrices -------------===//
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

using SimplifyBlockTest = TransformTestBase;

/// Value and output projections that are the identity can be left out.
TEST_F(SimplifyBlockTest, SimplifiedBlockHasIdentities) {
  TestModel text{.norms = true, .activation = "gelu"};
  load(text.print());
  int64_t d = text.width;
  module->walk([&](WeightOp op) {
    StringRef name = op.getName();
    auto data = llvm::cantFail(getFloatData(op.getValue()));
    std::vector<float> values(data.begin(), data.end());
    // Columns [first, first + d) of a row of `columns`.
    auto setIdentity = [&](int64_t first, int64_t columns) {
      for (int64_t k = 0; k < int64_t(values.size()) / columns; ++k)
        for (int64_t i = 0; i < d; ++i)
          values[k * columns + first + i] =
              name.ends_with("weight") && k == i ? 1.0f : 0.0f;
    };
    if (name.contains("attn.c_attn"))
      setIdentity(2 * d, 3 * d);
    else if (name.contains("attn.c_proj"))
      setIdentity(0, d);
    else
      return;
    op.setValueAttr(makeFloatResource(cast<RankedTensorType>(op.getType()),
                                      std::move(values), name));
  });
  expectSame(createSimplifyBlockPass());
  EXPECT_EQ(count<LinearOp>(), 7);
  module->walk([&](WeightOp op) {
    if (op.getName().contains("attn.c_attn.weight"))
      EXPECT_EQ(cast<RankedTensorType>(op.getType()).getShape(),
                (ArrayRef<int64_t>{d, 2 * d}));
  });
}

} // namespace
} // namespace aero::pi
