//===- RaiseTest.cpp - Raising keeps what a function computes -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Every form that pi-raise recognises has a function in
/// test/Dialect/PI/Transforms/raise-*.mlir, where FileCheck looks at the
/// result. Here the same functions run before and after.
///
//===----------------------------------------------------------------------===//

#include "TransformTestBase.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MemoryBuffer.h"

#include <map>

using namespace mlir;

namespace aero::pi {
namespace {

using Outputs = std::vector<std::vector<float>>;

class RaiseTest : public TransformTestBase,
                  public testing::WithParamInterface<const char *> {
protected:
  /// Floats are random. Integers are those of a padding mask, 0 or 1, where
  /// everybody sees the first key: without a key, the arithmetic has NaN.
  std::vector<reference::Tensor> makeMaskInputs(func::FuncOp func) {
    std::vector<reference::Tensor> inputs;
    for (Type input : func.getArgumentTypes()) {
      auto type = cast<RankedTensorType>(input);
      ArrayRef<int64_t> shape = type.getShape();
      int64_t count = type.getNumElements();
      if (type.getElementType().isF32()) {
        std::normal_distribution<float> normal;
        std::vector<float> values(count);
        for (float &value : values)
          value = normal(random);
        inputs.push_back(reference::Tensor::fromFloats(shape, values));
        continue;
      }
      int64_t row = shape.empty() ? 1 : shape.back();
      std::bernoulli_distribution coin(0.6);
      std::vector<int64_t> values(count);
      for (int64_t i = 0; i < count; ++i)
        values[i] = i % row == 0 || coin(random);
      if (type.getElementType().isInteger(1))
        inputs.push_back(reference::Tensor::fromBools(
            shape, std::vector<uint8_t>(values.begin(), values.end())));
      else
        inputs.push_back(reference::Tensor::fromInts(shape, values));
    }
    return inputs;
  }

  /// Everything that the function returns.
  static Outputs runAll(func::FuncOp func, ArrayRef<reference::Tensor> inputs) {
    auto results = reference::interpret(func, inputs);
    if (!results) {
      ADD_FAILURE() << llvm::toString(results.takeError());
      return {};
    }
    Outputs outputs;
    for (const reference::Tensor &tensor : *results)
      outputs.emplace_back(tensor.getFloats().begin(),
                           tensor.getFloats().end());
    return outputs;
  }

  /// Whether a weight of `module` has been elided, so that nothing can run.
  static bool isElided(ModuleOp module) {
    bool elided = false;
    module.walk([&](WeightOp op) {
      auto data = getFloatData(op.getValue());
      if (!data) {
        llvm::consumeError(data.takeError());
        elided = true;
      }
    });
    return elided;
  }

  static std::map<std::string, int64_t> countOps(func::FuncOp func) {
    std::map<std::string, int64_t> counts;
    func.walk(
        [&](Operation *op) { ++counts[op->getName().getStringRef().str()]; });
    return counts;
  }

  /// A function before the pass.
  struct Before {
    std::map<std::string, int64_t> counts;
    std::vector<reference::Tensor> inputs;
    Outputs outputs;
  };
};

TEST_P(RaiseTest, KeepsTheFunction) {
  auto buffer = llvm::MemoryBuffer::getFile(
      std::string(AERO_TEST_DIR "/Dialect/PI/Transforms/") + GetParam());
  ASSERT_TRUE(!!buffer) << buffer.getError().message();
  SmallVector<StringRef> chunks;
  (*buffer)->getBuffer().split(chunks, "// -----\n");
  int64_t changed = 0;
  for (StringRef chunk : chunks) {
    auto parsed = parseSourceString<ModuleOp>(chunk, &context);
    ASSERT_TRUE(parsed);
    if (isElided(*parsed))
      continue;
    std::vector<Before> before;
    for (func::FuncOp func : parsed->getOps<func::FuncOp>()) {
      std::vector<reference::Tensor> inputs = makeMaskInputs(func);
      before.push_back({countOps(func), inputs, runAll(func, inputs)});
    }
    PassManager pm(&context);
    pm.addNestedPass<func::FuncOp>(createRaisePass());
    ASSERT_TRUE(succeeded(pm.run(*parsed)));
    size_t next = 0;
    for (func::FuncOp func : parsed->getOps<func::FuncOp>()) {
      SCOPED_TRACE(func.getName().str());
      const Before &old = before[next++];
      // What must not be raised may also have no sensible values.
      if (countOps(func) == old.counts)
        continue;
      ++changed;
      Outputs actual = runAll(func, old.inputs);
      ASSERT_EQ(actual.size(), old.outputs.size());
      for (auto [a, b] : llvm::zip_equal(old.outputs, actual))
        expectNear(a, b);
    }
  }
  EXPECT_GT(changed, 0);
}

INSTANTIATE_TEST_SUITE_P(
    Files, RaiseTest,
    testing::Values("raise-activation.mlir", "raise-attention.mlir",
                    "raise-attention-heads.mlir", "raise-attention-masks.mlir",
                    "raise-attention-padding.mlir",
                    "raise-attention-temperature.mlir", "raise-gelu.mlir",
                    "raise-layer-norm.mlir", "raise-linear.mlir",
                    "raise-rotary.mlir"),
    [](const auto &info) {
      std::string name;
      for (char c : StringRef(info.param).drop_back(5))
        if (llvm::isAlnum(c))
          name += c;
      return name;
    });

} // namespace
} // namespace aero::pi
