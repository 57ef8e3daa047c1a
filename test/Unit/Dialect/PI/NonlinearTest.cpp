//===- NonlinearTest.cpp - What the census is told about each op ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/PI/IR/PIOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace aero::pi;
using testing::ElementsAre;

namespace {

struct Info {
  NonlinearKind kind;
  int64_t count;
  SmallVector<int64_t> shape;
};

class NonlinearTest : public testing::Test {
protected:
  NonlinearTest() { context.loadDialect<PIDialect, func::FuncDialect>(); }

  /// What the interface says of the only op with it in `text`.
  Info describe(const std::string &text) {
    auto module = parseSourceString<ModuleOp>(
        "func.func @f(%x: tensor<2x3x4xf32>, %k: tensor<2x5x4xf32>, "
        "%r: tensor<12x8x8xf32>, %v: tensor<4xf32>, %s: tensor<f32>) {\n" +
            text + "\nreturn }",
        &context);
    EXPECT_TRUE(module);
    Info info{};
    module->walk([&](NonlinearOpInterface op) {
      info = {op.getNonlinearKind(), op.getMapCount(), op.getMapShape()};
    });
    return info;
  }

  MLIRContext context;
};

TEST_F(NonlinearTest, AttentionHasOneMapOfScoresPerHeadAndSequence) {
  Info info = describe("%0 = pi.attention %x, %k, %k heads 2 scale 1.0 : "
                       "tensor<2x3x4xf32>, tensor<2x5x4xf32>");
  EXPECT_EQ(info.kind, NonlinearKind::Softmax);
  EXPECT_EQ(info.count, 4);
  EXPECT_THAT(info.shape, ElementsAre(3, 5));
}

TEST_F(NonlinearTest, PlainSoftmaxHasTheMapsOfItsLeadingDimensions) {
  Info info = describe("%0 = pi.softmax %r axis 2 : tensor<12x8x8xf32>");
  EXPECT_EQ(info.kind, NonlinearKind::Softmax);
  EXPECT_EQ(info.count, 12);
  EXPECT_THAT(info.shape, ElementsAre(8, 8));
}

TEST_F(NonlinearTest, NormHasOneMapPerSequence) {
  Info info = describe("%0 = pi.layer_norm %x epsilon 0.0 : tensor<2x3x4xf32>");
  EXPECT_EQ(info.kind, NonlinearKind::LayerNorm);
  EXPECT_EQ(info.count, 2);
  EXPECT_THAT(info.shape, ElementsAre(3, 4));
}

TEST_F(NonlinearTest, VectorsAndScalarsAreOneRow) {
  Info vector = describe("%0 = pi.relu %v : tensor<4xf32>");
  EXPECT_EQ(vector.count, 1);
  EXPECT_THAT(vector.shape, ElementsAre(1, 4));
  Info scalar = describe("%0 = pi.relu %s : tensor<f32>");
  EXPECT_EQ(scalar.count, 1);
  EXPECT_THAT(scalar.shape, ElementsAre(1, 1));
}

TEST_F(NonlinearTest, EveryKind) {
  auto kind = [&](const std::string &op) {
    return describe("%0 = pi." + op + " : tensor<2x3x4xf32>").kind;
  };
  EXPECT_EQ(kind("rms_norm %x epsilon 0.0"), NonlinearKind::RMSNorm);
  EXPECT_EQ(kind("gelu %x"), NonlinearKind::Gelu);
  EXPECT_EQ(kind("relu %x"), NonlinearKind::Relu);
  EXPECT_EQ(kind("leaky_relu %x slope 0.5"), NonlinearKind::LeakyRelu);
  EXPECT_EQ(kind("silu %x"), NonlinearKind::Silu);
  EXPECT_EQ(kind("sqrt %x"), NonlinearKind::Elementwise);
  EXPECT_EQ(kind("erf %x"), NonlinearKind::Elementwise);
  EXPECT_EQ(kind("tanh %x"), NonlinearKind::Tanh);
}

} // namespace
