//===- SampleTest.cpp - The compiled sample, instruction by instruction ---===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Runs the sample models' programs between three parties in threads, puts
/// their shares together after every instruction, and asks the fixed-point
/// interpreter what that instruction makes of the very same inputs. The two may
/// differ by the error that the program states for the instruction, and not by
/// one unit more.
///
//===----------------------------------------------------------------------===//

#include "ProtocolHarness.h"

#include "aero/Dialect/MPC/IR/MPCOps.h"
#include "aero/Driver/Model.h"
#include "aero/Driver/Parties.h"

#include "gtest/gtest.h"

#include <algorithm>
#include <numeric>
#include <string>

using namespace aero;

namespace {

class SampleTest : public rt::test::FileTest {
protected:
  void compile(bool lastTokenOnly, const char *onnx = AERO_SAMPLE_MODEL,
               Configuration configuration = Configuration::SmScFuFFN) {
    llvm::Expected<std::unique_ptr<Model>> opened =
        Model::open(onnx, {.rewrite = {.config = configuration}});
    ASSERT_TRUE(bool(opened)) << llvm::toString(opened.takeError());
    model = std::move(*opened);
    llvm::Error error =
        model->lower(lastTokenOnly ? Answer::LastLogits : Answer::AllLogits);
    ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
    error = writeProgramFiles(*model, path("m.aero"), path("m.weights"));
    ASSERT_FALSE(bool(error)) << llvm::toString(std::move(error));
    auto read = rt::readProgram(path("m.aero"));
    ASSERT_TRUE(read.ok()) << read.message();
    program = std::move(*read);
    auto mapped = rt::Weights::map(path("m.weights"), *program);
    ASSERT_TRUE(mapped.ok()) << mapped.message();
    weights.emplace(std::move(*mapped));
  }

  /// The prompt, padded to the context.
  rt::test::Request request(llvm::StringRef prompt) {
    rt::test::Request request;
    request.tokens.assign(prompt.bytes_begin(), prompt.bytes_end());
    request.position = static_cast<uint32_t>(prompt.size()) - 1;
    request.tokens.resize(static_cast<size_t>(model->getContext()), 0);
    return request;
  }

  /// Runs both, and checks every instruction.
  void checkInstructions(llvm::StringRef prompt) {
    rt::test::Request input = request(prompt);
    rt::test::SessionRun session =
        rt::test::runSession(*program, *weights, {input});
    ASSERT_EQ(session.clientError, "");
    ASSERT_EQ(session.serverError, "");
    ASSERT_EQ(session.dealerError, "");
    ASSERT_EQ(session.inferences.size(), 1u);

    uint32_t checked = 0;
    std::vector<int64_t> tokens(input.tokens.begin(), input.tokens.end());
    auto revealed = reference::runFixed(
        model->getLoweredFunction(), tokens, input.position,
        [&](uint32_t index, mlir::Operation *op,
            llvm::MutableArrayRef<int64_t> values) {
          const program::Instruction &instruction =
              program->program.instructions(static_cast<int>(index));
          rt::test::Values secure =
              llvm::isa<mpc::RevealOp>(op)
                  ? session.inferences.front().values
                  : session.value(program->program, index);
          ASSERT_EQ(secure.size(), values.size()) << rt::opName(instruction);
          int64_t worst = 0;
          for (auto [ours, theirs] : llvm::zip_equal(values, secure))
            worst = std::max(worst, std::abs(ours - theirs));
          EXPECT_LE(worst, instruction.max_error_units())
              << "instruction " << index << ", " << rt::opName(instruction)
              << " of " << instruction.node();
          // The next instructions start from what the parties have.
          llvm::copy(secure, values.begin());
          ++checked;
        });
    ASSERT_TRUE(bool(revealed)) << llvm::toString(revealed.takeError());
    EXPECT_EQ(static_cast<int>(checked), program->program.instructions_size());
  }

  std::unique_ptr<Model> model;
  std::optional<rt::LoadedProgram> program;
  std::optional<rt::Weights> weights;
};

TEST_F(SampleTest, EveryInstructionIsWithinItsStatedError) {
  compile(/*lastTokenOnly=*/true);
  for (const char *prompt : {"d", "import os\n", "    return self._read("})
    checkInstructions(prompt);
}

TEST_F(SampleTest, EveryInstructionIsWithinItsStatedErrorForAllRows) {
  compile(/*lastTokenOnly=*/false);
  checkInstructions(
      "class Node:\n    def __init__(self, value):\n        self");
}

// Norms, a GELU or a ReLU, as they were trained.
TEST_F(SampleTest, EveryInstructionOfTheBaselineIsWithinItsStatedError) {
  for (Configuration configuration :
       {Configuration::SmLnG, Configuration::SmLnR}) {
    compile(/*lastTokenOnly=*/true, AERO_BASELINE_MODEL, configuration);
    checkInstructions("    return self._read(");
  }
}

TEST_F(SampleTest, StatedErrorsAreSmall) {
  // A bound that anything meets would say nothing.
  compile(/*lastTokenOnly=*/true);
  for (const program::Instruction &instruction :
       program->program.instructions())
    EXPECT_LE(instruction.max_error_units(),
              instruction.has_recip() ? 512u : 4u)
        << rt::opName(instruction);

  // 6e-4 of a tail with 16 fraction bits, 2^-8 or 2^-10 of a rectifier. What a
  // row loses to its mean, it may lose to the least deviation that there is.
  compile(/*lastTokenOnly=*/true, AERO_BASELINE_MODEL, Configuration::SmLnG);
  for (const program::Instruction &instruction :
       program->program.instructions())
    if (!instruction.has_normalize() && !instruction.has_recip())
      EXPECT_LE(instruction.max_error_units(), instruction.has_tail()   ? 40u
                                               : instruction.has_relu() ? 256u
                                                                        : 4u)
          << rt::opName(instruction);
}

} // namespace
