//===- TransformTestBase.h - Runs functions before and after a pass -------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TEST_UNIT_TRANSFORMS_TRANSFORMTESTBASE_H
#define AERO_TEST_UNIT_TRANSFORMS_TRANSFORMTESTBASE_H

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "aero/Reference/FloatInterpreter.h"
#include "aero/Support/Elements.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Transforms/Passes.h"
#include "gtest/gtest.h"

#include <cmath>
#include <map>
#include <random>

namespace aero::pi {

/// A module with one function @main, whose weights get random values.
class TransformTestBase : public testing::Test {
protected:
  TransformTestBase() {
    context.loadDialect<PIDialect, mlir::func::FuncDialect>();
  }

  /// Parses `text`. A matrix gets elements that keep activations around 1, a
  /// scalar one in [0.5, 2), so that it may stand in a denominator.
  void load(const std::string &text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    ASSERT_TRUE(module);
    module->walk([&](WeightOp op) {
      auto type = mlir::cast<mlir::RankedTensorType>(op.getType());
      std::vector<float> values(type.getNumElements());
      bool isScalar = values.size() == 1;
      double rows = type.getRank() == 2 ? type.getDimSize(0) : 1.0;
      std::uniform_real_distribution<float> scalar(0.5f, 2.0f);
      std::normal_distribution<float> matrix(0.0f, 1.0 / std::sqrt(rows));
      for (float &value : values)
        value = isScalar ? scalar(random) : matrix(random);
      op.setValueAttr(makeFloatResource(type, std::move(values), op.getName()));
    });
  }

  mlir::func::FuncOp getMain() {
    return module->lookupSymbol<mlir::func::FuncOp>("main");
  }

  /// Random inputs of @main: normal floats, tokens below `vocabulary`.
  std::vector<reference::Tensor> makeInputs(int64_t vocabulary = 16) {
    std::vector<reference::Tensor> inputs;
    for (mlir::Type input : getMain().getArgumentTypes()) {
      auto type = mlir::cast<mlir::RankedTensorType>(input);
      if (type.getElementType().isF32()) {
        std::normal_distribution<float> normal;
        std::vector<float> values(type.getNumElements());
        for (float &value : values)
          value = normal(random);
        inputs.push_back(
            reference::Tensor::fromFloats(type.getShape(), values));
      } else {
        std::uniform_int_distribution<int64_t> token(0, vocabulary - 1);
        std::vector<int64_t> values(type.getNumElements());
        for (int64_t &value : values)
          value = token(random);
        inputs.push_back(reference::Tensor::fromInts(type.getShape(), values));
      }
    }
    return inputs;
  }

  /// The first result of @main.
  std::vector<float> run(llvm::ArrayRef<reference::Tensor> inputs) {
    auto results = reference::interpret(getMain(), inputs);
    if (!results) {
      ADD_FAILURE() << llvm::toString(results.takeError());
      return {};
    }
    llvm::ArrayRef<float> values = results->front().getFloats();
    return std::vector<float>(values.begin(), values.end());
  }

  /// Adds `pass` to be run on functions, then cleans up.
  void apply(std::unique_ptr<mlir::Pass> pass) {
    mlir::PassManager pm(&context);
    pm.addNestedPass<mlir::func::FuncOp>(std::move(pass));
    pm.addPass(mlir::createCanonicalizerPass());
    pm.addPass(mlir::createCSEPass());
    ASSERT_TRUE(mlir::succeeded(pm.run(*module)));
  }

  /// Sets every element of the weight called `name`.
  void setWeight(llvm::StringRef name, float value) {
    bool found = false;
    module->walk([&](WeightOp op) {
      if (op.getName() != name)
        return;
      found = true;
      op.setValueAttr(mlir::DenseElementsAttr::get(op.getType(), value));
    });
    EXPECT_TRUE(found) << name.str();
  }

  /// The values of all weights, to put them into another model.
  std::map<std::string, mlir::ElementsAttr> getWeights() {
    std::map<std::string, mlir::ElementsAttr> weights;
    module->walk(
        [&](WeightOp op) { weights[op.getName().str()] = op.getValue(); });
    return weights;
  }

  template <typename Op> int64_t count() {
    int64_t found = 0;
    module->walk([&](Op) { ++found; });
    return found;
  }

  /// The largest difference is at most `tolerance` of the largest value.
  static void expectNear(llvm::ArrayRef<float> expected,
                         llvm::ArrayRef<float> actual,
                         double tolerance = 1e-5) {
    ASSERT_EQ(expected.size(), actual.size());
    double most = 0, difference = 0;
    for (auto [a, b] : llvm::zip_equal(expected, actual)) {
      ASSERT_TRUE(std::isfinite(a) && std::isfinite(b));
      most = std::max<double>(most, std::abs(a));
      difference = std::max<double>(difference, std::abs(double(a) - b));
    }
    EXPECT_GT(most, 0);
    EXPECT_LE(difference, tolerance * most);
  }

  /// The function before and after `pass` is the same.
  void expectSame(std::unique_ptr<mlir::Pass> pass) {
    auto inputs = makeInputs();
    std::vector<float> before = run(inputs);
    apply(std::move(pass));
    expectNear(before, run(inputs));
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::mt19937 random{20241016};
};

} // namespace aero::pi

#endif // AERO_TEST_UNIT_TRANSFORMS_TRANSFORMTESTBASE_H
