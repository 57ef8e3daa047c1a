//===- LinalgToPITest.cpp - There and back computes the same --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Networks go to linalg, through passes of MLIR, and back to pi. The float
/// interpreter runs them before and after.
///
//===----------------------------------------------------------------------===//

#include "Transforms/TestModel.h"
#include "Transforms/TransformTestBase.h"

#include "aero/Conversion/LinalgToPI/LinalgToPI.h"
#include "aero/Conversion/PIToLinalg/PIToLinalg.h"
#include "aero/Import/ONNX/Import.h"

#include "mlir/Dialect/Linalg/Passes.h"

#include <set>

using namespace mlir;

namespace aero {
namespace {

/// What happens to a network elsewhere.
enum class Elsewhere { Nothing, Cleanup, Fusion };

class LinalgToPITest : public pi::TransformTestBase,
                       public testing::WithParamInterface<Elsewhere> {
protected:
  void thereAndBack(bool raise) {
    PassManager pm(&context);
    pm.addNestedPass<func::FuncOp>(createConvertPIToLinalg());
    if (GetParam() == Elsewhere::Fusion) {
      pm.addNestedPass<func::FuncOp>(createLinalgGeneralizeNamedOpsPass());
      pm.addPass(createLinalgElementwiseOpFusionPass());
    }
    if (GetParam() != Elsewhere::Nothing) {
      pm.addPass(createCanonicalizerPass());
      pm.addPass(createCSEPass());
    }
    pm.addNestedPass<func::FuncOp>(createConvertLinalgToPI());
    if (raise) {
      pm.addNestedPass<func::FuncOp>(pi::createRaisePass());
      pm.addPass(createCanonicalizerPass());
      pm.addPass(createCSEPass());
    }
    ASSERT_TRUE(succeeded(pm.run(*module)));
    // Nothing but pi is left.
    getMain().walk([&](Operation *op) {
      EXPECT_TRUE((isa<func::FuncOp, func::ReturnOp>(op) ||
                   isa<pi::PIDialect>(op->getDialect())))
          << op->getName().getStringRef().str();
    });
  }

  std::set<std::string> weightNames() {
    std::set<std::string> names;
    module->walk([&](pi::WeightOp op) { names.insert(op.getName().str()); });
    return names;
  }

  void import(const char *file) {
    auto imported = importONNX(
        std::string(AERO_TEST_DIR "/Import/ONNX/Inputs/") + file, context);
    ASSERT_TRUE(!!imported) << llvm::toString(imported.takeError());
    module = std::move(*imported);
  }

  /// All results, integers and truth values as floats.
  std::vector<std::vector<float>> runAll(ArrayRef<reference::Tensor> inputs) {
    auto results = reference::interpret(getMain(), inputs);
    if (!results) {
      ADD_FAILURE() << llvm::toString(results.takeError());
      return {};
    }
    std::vector<std::vector<float>> outputs;
    for (const reference::Tensor &tensor : *results)
      outputs.emplace_back(tensor.getFloats().begin(),
                           tensor.getFloats().end());
    return outputs;
  }

  /// Every result of the function is the same as before.
  void expectSameThereAndBack(int64_t largestInteger) {
    auto inputs = makeInputs(largestInteger);
    auto before = runAll(inputs);
    thereAndBack(/*raise=*/false);
    auto after = runAll(inputs);
    ASSERT_EQ(before.size(), after.size());
    for (auto [i, pair] : llvm::enumerate(llvm::zip_equal(before, after))) {
      SCOPED_TRACE(i);
      // Softmax without a visible element is 0 everywhere.
      if (llvm::all_of(std::get<0>(pair), [](float x) { return x == 0; }))
        EXPECT_EQ(std::get<0>(pair), std::get<1>(pair));
      else
        expectNear(std::get<0>(pair), std::get<1>(pair));
    }
  }
};

// The file as the exporter wrote it comes back as if it had just been imported.
TEST_P(LinalgToPITest, ImportedSoftmaxOnlyModel) {
  import("gpt2-softmax-only.onnx");
  auto inputs = makeInputs(/*vocabulary=*/11);
  std::vector<float> before = run(inputs);
  std::set<std::string> names = weightNames();
  thereAndBack(/*raise=*/true);
  expectNear(before, run(inputs));
  EXPECT_EQ(count<pi::AttentionOp>(), 1);
  EXPECT_EQ(count<pi::LinearOp>(), 5);
  EXPECT_EQ(count<pi::SoftmaxOp>(), 0);
  EXPECT_EQ(count<pi::MatMulOp>(), 0);
  // The rows of the position table have been cut out by pi-raise.
  EXPECT_EQ(names.erase("wpe.weight"), 1u);
  for (const std::string &name : names)
    EXPECT_TRUE(weightNames().count(name)) << name;
}

TEST_P(LinalgToPITest, ImportedBaseline) {
  import("gpt2-layernorm-gelu.onnx");
  auto inputs = makeInputs(/*vocabulary=*/11);
  std::vector<float> before = run(inputs);
  thereAndBack(/*raise=*/true);
  expectNear(before, run(inputs));
  EXPECT_EQ(count<pi::AttentionOp>(), 1);
  EXPECT_EQ(count<pi::GeluOp>(), 1);
  // Fusion moves the dimension that a mean drops behind other arithmetic.
  if (GetParam() != Elsewhere::Fusion)
    EXPECT_EQ(count<pi::LayerNormOp>(), 3);
}

TEST_P(LinalgToPITest, RaisedSoftmaxOnlyModel) {
  load(pi::TestModel{.scaled = true}.print());
  auto inputs = makeInputs();
  std::vector<float> before = run(inputs);
  std::set<std::string> names = weightNames();
  int64_t maps = count<pi::LinearOp>();
  thereAndBack(/*raise=*/true);
  expectNear(before, run(inputs));
  EXPECT_EQ(count<pi::AttentionOp>(), 2);
  EXPECT_EQ(count<pi::LinearOp>(), maps);
  EXPECT_EQ(weightNames(), names);
}

TEST_P(LinalgToPITest, RaisedBaseline) {
  load(pi::TestModel{.norms = true, .activation = "gelu"}.print());
  auto inputs = makeInputs();
  std::vector<float> before = run(inputs);
  std::set<std::string> names = weightNames();
  thereAndBack(/*raise=*/true);
  expectNear(before, run(inputs));
  EXPECT_EQ(count<pi::AttentionOp>(), 2);
  EXPECT_EQ(count<pi::GeluOp>(), 2);
  EXPECT_EQ(weightNames(), names);
}

TEST_P(LinalgToPITest, RaisedGatedModel) {
  load(pi::TestModel{.norms = true, .activation = "silu", .gated = true}
           .print());
  auto inputs = makeInputs();
  std::vector<float> before = run(inputs);
  thereAndBack(/*raise=*/true);
  expectNear(before, run(inputs));
  EXPECT_EQ(count<pi::SiluOp>(), 2);
}

// Every op of pi that has a linalg form, in all of its variants: the functions
// that mlir-runner runs in test/Integration.
TEST_P(LinalgToPITest, EveryOp) {
  for (const char *name : {"attention", "elementwise", "algebra"}) {
    // Fusion splits a softmax of constants into its scalars.
    if (GetParam() == Elsewhere::Fusion && StringRef(name) == "algebra")
      continue;
    SCOPED_TRACE(name);
    std::string path =
        std::string(AERO_TEST_DIR "/Integration/Inputs/linalg/") + name +
        ".mlir";
    module = parseSourceFile<ModuleOp>(path, &context);
    ASSERT_TRUE(module);
    expectSameThereAndBack(/*largestInteger=*/3);
  }
}

INSTANTIATE_TEST_SUITE_P(Through, LinalgToPITest,
                         testing::Values(Elsewhere::Nothing, Elsewhere::Cleanup,
                                         Elsewhere::Fusion),
                         [](const auto &info) -> std::string {
                           switch (info.param) {
                           case Elsewhere::Nothing:
                             return "Nothing";
                           case Elsewhere::Cleanup:
                             return "Cleanup";
                           case Elsewhere::Fusion:
                             return "Fusion";
                           }
                           return "";
                         });

} // namespace
} // namespace aero
