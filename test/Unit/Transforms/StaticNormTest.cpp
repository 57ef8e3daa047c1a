//===- StaticNormTest.cpp - Normalised matrices against the formulas ------===//
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

class StaticNormTest : public TransformTestBase {
protected:
  /// A feed-forward network of one matrix (rows, rows), stored or not the other
  /// way round.
  void loadMatrix(int64_t size, bool isTransposed) {
    std::string x = "tensor<1x2x" + std::to_string(size) + "xf32>";
    std::string w =
        "tensor<" + std::to_string(size) + "x" + std::to_string(size) + "xf32>";
    load("func.func @main(%x: " + x + ") -> " + x +
         " {\n%s = pi.weight \"w\" dense<0.5> : " + w +
         "\n%t = pi.transpose %s [1, 0] : " + w + " -> " + w +
         "\n%a = pi.attention %x, %x, %x heads 1 scale 1.0 causal : " + x +
         ", " + x + "\n%y = pi.add %x, %a : " + x + ", " + x + " -> " + x +
         "\n%f = pi.linear %y, " + (isTransposed ? "%t" : "%s") + " : " + x +
         ", " + w + " -> " + x + "\n%z = pi.add %y, %f : " + x + ", " + x +
         " -> " + x + "\nreturn %z : " + x + "\n}");
    apply(createCanonicalizerPass()); // Erases the transpose that is not read.
  }

  std::vector<double> getMatrix() {
    std::vector<double> values;
    module->walk([&](WeightOp op) {
      EXPECT_EQ(op.getName(), "w");
      auto data = llvm::cantFail(getFloatData(op.getValue()));
      values.assign(data.begin(), data.end());
    });
    return values;
  }
};

TEST_F(StaticNormTest, ColumnsHaveTheLengthOfTheGain) {
  for (bool isTransposed : {false, true}) {
    loadMatrix(9, isTransposed);
    std::vector<double> old = getMatrix();
    apply(createStaticNormPass({.gain = 2.0f}));
    std::vector<double> matrix = getMatrix();
    for (int64_t column = 0; column < 9; ++column) {
      // Of the matrix as it is read.
      auto at = [&](int64_t k) {
        return isTransposed ? column * 9 + k : k * 9 + column;
      };
      double length = 0;
      for (int64_t k = 0; k < 9; ++k)
        length += old[at(k)] * old[at(k)];
      for (int64_t k = 0; k < 9; ++k)
        EXPECT_NEAR(matrix[at(k)], 2 * old[at(k)] / std::sqrt(length), 1e-6);
    }
  }
}

/// The largest singular value, from the characteristic polynomial of W^T W.
TEST_F(StaticNormTest, SpectralNormOfTwoByTwo) {
  loadMatrix(2, false);
  std::vector<double> w = getMatrix();
  double trace = 0;
  for (double value : w)
    trace += value * value;
  double determinant = w[0] * w[3] - w[1] * w[2];
  double sigma = std::sqrt(
      (trace + std::sqrt(trace * trace - 4 * determinant * determinant)) / 2);
  apply(createStaticNormPass({.method = StaticNormMethod::Spectral}));
  std::vector<double> matrix = getMatrix();
  for (int i = 0; i < 4; ++i)
    EXPECT_NEAR(matrix[i], w[i] / sigma, 1e-6);
}

/// No vector becomes longer, and applying it again changes nothing.
TEST_F(StaticNormTest, SpectralNormIsOne) {
  loadMatrix(33, false);
  apply(createStaticNormPass({.method = StaticNormMethod::Spectral}));
  std::vector<double> once = getMatrix();
  std::normal_distribution<double> normal;
  for (int trial = 0; trial < 20; ++trial) {
    std::vector<double> x(33), y(33);
    double length = 0, image = 0;
    for (double &value : x) {
      value = normal(random);
      length += value * value;
    }
    for (int k = 0; k < 33; ++k)
      for (int i = 0; i < 33; ++i)
        y[i] += x[k] * once[k * 33 + i];
    for (double value : y)
      image += value * value;
    EXPECT_LE(image, length * (1 + 1e-6));
  }
  apply(createStaticNormPass({.method = StaticNormMethod::Spectral}));
  std::vector<double> twice = getMatrix();
  for (size_t i = 0; i < once.size(); ++i)
    EXPECT_NEAR(once[i], twice[i], 1e-6);
}

/// Attention's matrices only when asked; the function is finite still.
TEST_F(StaticNormTest, Model) {
  load(TestModel{.activation = "relu"}.print());
  auto before = getWeights();
  apply(createStaticNormPass());
  int64_t changed = 0;
  module->walk([&](WeightOp op) {
    bool isSame = before.at(op.getName().str()) == op.getValue();
    EXPECT_EQ(isSame, !(op.getName().contains(".mlp.") &&
                        op.getName().ends_with("weight")));
    changed += !isSame;
  });
  EXPECT_EQ(changed, 4);
  for (float value : run(makeInputs()))
    EXPECT_TRUE(std::isfinite(value));
}

} // namespace
} // namespace aero::pi
