//===- InterpreterTestBase.h - Runs a pi function given as text -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TEST_UNIT_REFERENCE_INTERPRETERTESTBASE_H
#define AERO_TEST_UNIT_REFERENCE_INTERPRETERTESTBASE_H

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Reference/FloatInterpreter.h"

#include "mlir/Parser/Parser.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <random>

namespace aero::reference {

class InterpreterTestBase : public testing::Test {
protected:
  InterpreterTestBase() {
    context.loadDialect<pi::PIDialect, mlir::func::FuncDialect>();
  }

  /// The function of `text`, which the fixture keeps.
  mlir::func::FuncOp parse(llvm::StringRef text) {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module);
    return *module->getOps<mlir::func::FuncOp>().begin();
  }

  /// The only result of the function of `text`.
  Tensor run(llvm::StringRef text, llvm::ArrayRef<Tensor> inputs) {
    auto results = interpret(parse(text), inputs);
    if (!results) {
      ADD_FAILURE() << llvm::toString(results.takeError());
      return Tensor::fromFloats({1}, {0.0f});
    }
    EXPECT_EQ(results->size(), 1u);
    return results->front();
  }

  /// The message with which the function of `text` is refused.
  std::string errorOf(llvm::StringRef text, llvm::ArrayRef<Tensor> inputs) {
    auto results = interpret(parse(text), inputs);
    EXPECT_FALSE(results);
    return results ? "" : llvm::toString(results.takeError());
  }

  /// Reproducible values of roughly the size of activations.
  Tensor random(llvm::ArrayRef<int64_t> shape) {
    std::vector<float> values(mlir::ShapedType::getNumElements(shape));
    std::normal_distribution<float> normal;
    for (float &value : values)
      value = normal(engine);
    return Tensor::fromFloats(shape, values);
  }

  static void expectNear(const Tensor &tensor, llvm::ArrayRef<double> expected,
                         double tolerance = 1e-6) {
    ASSERT_EQ(tensor.getNumElements(), static_cast<int64_t>(expected.size()));
    for (size_t i = 0; i < expected.size(); ++i)
      EXPECT_NEAR(tensor.getFloats()[i], expected[i], tolerance)
          << "at element " << i;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::mt19937 engine{1};
};

} // namespace aero::reference

#endif // AERO_TEST_UNIT_REFERENCE_INTERPRETERTESTBASE_H
