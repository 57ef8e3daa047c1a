//===- StripLayerNormTest.cpp - What becomes of a norm --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "TestModel.h"
#include "TransformTestBase.h"
#include "aero/Reference/NormCalibration.h"

using namespace mlir;

namespace aero::pi {
namespace {

class StripLayerNormTest : public TransformTestBase {
protected:
  std::map<std::string, double> measure(int samples) {
    std::vector<std::vector<reference::Tensor>> inputs;
    for (int i = 0; i < samples; ++i)
      inputs.push_back(makeInputs());
    auto sigmas = reference::measureNorms(getMain(), inputs);
    if (!sigmas) {
      ADD_FAILURE() << llvm::toString(sigmas.takeError());
      return {};
    }
    return *sigmas;
  }

  /// (x - mean) / sigma * gamma + beta of rows of four.
  static std::vector<float> normalize(ArrayRef<float> x, ArrayRef<float> gamma,
                                      ArrayRef<float> beta, double sigma,
                                      bool center) {
    std::vector<float> result;
    for (size_t row = 0; row < x.size(); row += 4) {
      double mean = 0;
      for (int i = 0; i < 4; ++i)
        mean += x[row + i] / 4.0;
      for (int i = 0; i < 4; ++i)
        result.push_back((x[row + i] - (center ? mean : 0)) / sigma * gamma[i] +
                         beta[i]);
    }
    return result;
  }

  std::vector<float> get(StringRef name) {
    std::vector<float> values;
    module->walk([&](WeightOp op) {
      if (op.getName() == name) {
        auto data = llvm::cantFail(getFloatData(op.getValue()));
        values.assign(data.begin(), data.end());
      }
    });
    return values;
  }
};

constexpr const char *kNorm = R"(
  func.func @main(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
    %g = pi.weight "g" dense<0.5> : tensor<4xf32>
    %b = pi.weight "b" dense<0.5> : tensor<4xf32>
    %n = pi.layer_norm %x gamma %g : tensor<4xf32> beta %b : tensor<4xf32> epsilon 1.0e-05 : tensor<3x4xf32>
    return %n : tensor<3x4xf32>
  })";

TEST_F(StripLayerNormTest, StaticAgainstTheFormula) {
  load(kNorm);
  auto inputs = makeInputs();
  std::vector<float> expected = normalize(inputs[0].getFloats(), get("g"),
                                          get("b"), 1.5, /*center=*/true);
  apply(createStripLayerNormPass({.mode = StripNormMode::Static},
                                 {{"final", 1.5}}));
  EXPECT_EQ(count<LayerNormOp>(), 0);
  expectNear(expected, run(inputs));
}

TEST_F(StripLayerNormTest, AffineAgainstTheFormula) {
  load(kNorm);
  auto inputs = makeInputs();
  std::vector<float> expected = normalize(inputs[0].getFloats(), get("g"),
                                          get("b"), 1.0, /*center=*/false);
  apply(createStripLayerNormPass({.mode = StripNormMode::Affine}));
  EXPECT_EQ(count<LayerNormOp>(), 0);
  expectNear(expected, run(inputs));
}

/// Gamma and beta of an affine norm go where those of a norm go.
TEST_F(StripLayerNormTest, AffineFolds) {
  load(TestModel{.norms = true, .activation = "gelu", .scaled = true}.print());
  apply(createStripLayerNormPass({.mode = StripNormMode::Affine}));
  EXPECT_EQ(count<LayerNormOp>(), 0);
  expectSame(createFoldScalingPass({.base2 = true}));
  EXPECT_EQ(count<MulOp>() + count<DivOp>(), 0);
}

TEST_F(StripLayerNormTest, StaticRMSNorm) {
  load(R"(
    func.func @main(%x: tensor<3x4xf32>) -> tensor<3x4xf32> {
      %g = pi.weight "g" dense<0.5> : tensor<4xf32>
      %n = pi.rms_norm %x gamma %g : tensor<4xf32> epsilon 1.0e-05 : tensor<3x4xf32>
      %y = pi.relu %n : tensor<3x4xf32>
      return %y : tensor<3x4xf32>
    })");
  auto inputs = makeInputs();
  std::vector<float> expected =
      normalize(inputs[0].getFloats(), get("g"), {0, 0, 0, 0}, 0.75,
                /*center=*/false);
  for (float &value : expected)
    value = std::max(value, 0.0f);
  apply(createStripLayerNormPass({.mode = StripNormMode::Static},
                                 {{"final", 0.75}}));
  expectNear(expected, run(inputs));
}

/// Folding into the linear maps behind a norm computes what the unfolded form
/// does: a second reader keeps it from being folded.
TEST_F(StripLayerNormTest, FoldedIsUnfolded) {
  for (const char *norm : {"layer_norm %x gamma %g : tensor<4xf32> beta %b : "
                           "tensor<4xf32> epsilon 1.0e-05",
                           "rms_norm %x gamma %g : tensor<4xf32> epsilon "
                           "1.0e-05",
                           "layer_norm %x epsilon 1.0e-05"}) {
    std::vector<float> results[2];
    std::vector<reference::Tensor> inputs;
    for (bool folds : {false, true}) {
      random.seed(7);
      load(R"(
        func.func @main(%x: tensor<3x4xf32>) -> (tensor<3x5xf32>, tensor<3x4xf32>) {
          %g = pi.weight "g" dense<0.5> : tensor<4xf32>
          %b = pi.weight "b" dense<0.5> : tensor<4xf32>
          %w = pi.weight "w" dense<0.5> : tensor<4x5xf32>
          %c = pi.weight "c" dense<0.5> : tensor<5xf32>
          %n = pi.)" +
           std::string(norm) + R"( : tensor<3x4xf32>
          %y = pi.linear %n, %w bias %c : tensor<5xf32> : tensor<3x4xf32>, tensor<4x5xf32> -> tensor<3x5xf32>
          return %y, %)" +
           (folds ? "x" : "n") + R"( : tensor<3x5xf32>, tensor<3x4xf32>
        })");
      inputs = makeInputs();
      apply(createStripLayerNormPass({.mode = StripNormMode::Static},
                                     {{"final", 1.25}}));
      EXPECT_EQ(count<LayerNormOp>() + count<RMSNormOp>(), 0);
      EXPECT_TRUE(!folds || count<LinearOp>() == 1);
      results[folds] = run(inputs);
    }
    expectNear(results[0], results[1]);
  }
}

/// On one token the measured scale is the norm's own.
TEST_F(StripLayerNormTest, CalibratedModelIsTheModelOnOneToken) {
  TestModel text{.tokens = 1, .norms = true, .activation = "gelu"};
  load(text.print());
  std::vector<std::vector<reference::Tensor>> samples = {makeInputs()};
  auto sigmas = reference::measureNorms(getMain(), samples);
  ASSERT_TRUE(bool(sigmas)) << llvm::toString(sigmas.takeError());
  EXPECT_EQ(sigmas->size(), 5u);
  EXPECT_TRUE(sigmas->count("0/attention") && sigmas->count("1/feed_forward") &&
              sigmas->count("final"));
  std::vector<float> before = run(samples[0]);
  apply(createStripLayerNormPass({.mode = StripNormMode::Static}, *sigmas));
  EXPECT_EQ(count<LayerNormOp>(), 0);
  EXPECT_EQ(count<LinearOp>(), 9); // All norms are folded.
  expectNear(before, run(samples[0]), 1e-4);
}

/// Tokens differ, so the result moves, but it is nearer than without norms.
TEST_F(StripLayerNormTest, StaticIsNearerThanRemoved) {
  auto distance = [&](StripNormMode mode) {
    random.seed(11);
    load(TestModel{.layers = 1, .norms = true, .activation = "gelu"}.print());
    auto inputs = makeInputs();
    std::vector<float> before = run(inputs);
    std::map<std::string, double> sigmas;
    if (mode == StripNormMode::Static)
      sigmas = measure(8);
    apply(createStripLayerNormPass({.mode = mode}, sigmas));
    std::vector<float> after = run(inputs);
    double sum = 0;
    for (auto [a, b] : llvm::zip_equal(before, after))
      sum += (double(a) - b) * (double(a) - b);
    return sum;
  };
  EXPECT_LT(distance(StripNormMode::Static), distance(StripNormMode::Remove));
}

TEST_F(StripLayerNormTest, NoSamples) {
  load(kNorm);
  auto sigmas = reference::measureNorms(getMain(), {});
  ASSERT_FALSE(bool(sigmas));
  EXPECT_EQ(llvm::toString(sigmas.takeError()),
            "no sample inputs to measure the normalisations on");
}

} // namespace
} // namespace aero::pi
