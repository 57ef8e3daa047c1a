//===- ChecksTest.cpp - Passes that only look -----------------------------===//
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

class ChecksTest : public TransformTestBase {
protected:
  std::string print() {
    std::string text;
    llvm::raw_string_ostream os(text);
    module->print(os, OpPrintingFlags().enableDebugInfo());
    return text;
  }

  /// `pass` leaves every op and location as it is, and the function computes
  /// what it did.
  void expectUntouched(std::unique_ptr<Pass> pass) {
    auto inputs = makeInputs();
    std::vector<float> before = run(inputs);
    std::string text = print();
    PassManager pm(&context);
    pm.addNestedPass<func::FuncOp>(std::move(pass));
    ASSERT_TRUE(succeeded(pm.run(*module)));
    EXPECT_EQ(print(), text);
    EXPECT_EQ(run(inputs), before);
  }

  void loadBaseline() {
    load(TestModel{.norms = true, .activation = "gelu"}.print());
  }
};

TEST_F(ChecksTest, VerifyRaised) {
  loadBaseline();
  expectUntouched(createVerifyRaisedPass());
}

TEST_F(ChecksTest, VerifyNonlinearities) {
  loadBaseline();
  expectUntouched(createVerifyNonlinearitiesPass());
  VerifyNonlinearitiesPassOptions options;
  options.configuration = "SM+LN+G";
  options.norm = Presence::Required;
  options.activation = PromisedActivation::Gelu;
  expectUntouched(createVerifyNonlinearitiesPass(options));
}

TEST_F(ChecksTest, AnnotateNonlinearities) {
  loadBaseline();
  auto inputs = makeInputs();
  std::vector<float> before = run(inputs);
  std::string text = print();
  PassManager pm(&context);
  pm.addNestedPass<func::FuncOp>(createAnnotateNonlinearitiesPass());
  ASSERT_TRUE(succeeded(pm.run(*module)));
  EXPECT_EQ(run(inputs), before);
  // Nothing but the annotation is new.
  module->walk([](NonlinearOpInterface op) {
    EXPECT_TRUE(op.getNonlinearityAttr());
    op.setNonlinearityAttr({});
  });
  EXPECT_EQ(print(), text);
}

} // namespace
} // namespace aero::pi
