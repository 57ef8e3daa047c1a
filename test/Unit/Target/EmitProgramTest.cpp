//===- EmitProgramTest.cpp - Program and weights files --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/MPC/IR/MPCOps.h"
#include "aero/Dialect/MPC/IR/Quantize.h"
#include "aero/Target/Program/Program.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <cmath>

using namespace aero;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

namespace {

class EmitProgramTest : public ::testing::Test {
protected:
  EmitProgramTest() {
    context.loadDialect<mpc::MPCDialect, mlir::func::FuncDialect>();
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("aero-emit", folder));
    program = (folder + "/m.aero").str();
    weights = (folder + "/m.aero.weights").str();
  }
  ~EmitProgramTest() override { llvm::sys::fs::remove_directories(folder); }

  /// A program with a table, two equal matrices and a bias.
  llvm::Expected<EmittedProgram> emit(const std::string &matrix,
                                      const std::string &bias = "[0.5, -2.0]") {
    module = mlir::parseSourceString<mlir::ModuleOp>(
        R"(
func.func @main(%t: !mpc.tokens<2, vocabulary = 3>) -> tensor<2x2xf64> {
  %w = mpc.weight "table" dense<[[1.0, -2.0], [0.5, 0.25], [3.0, 0.0]]> : tensor<3x2xf32> : !mpc.server<3x2, f = 16>
  %v = mpc.weight "v" dense<)" +
            matrix + R"(> : tensor<2x2xf32> : !mpc.server<2x2, f = 20>
  %u = mpc.weight "u" dense_resource<u> : tensor<2x2xf32> : !mpc.server<2x2, f = 20>
  %b = mpc.weight "b" dense<)" +
            bias + R"(> : tensor<2xf32> : !mpc.server<2, f = 36>
  %0 = mpc.embedding %t, %w start 0 : !mpc.tokens<2, vocabulary = 3>, !mpc.server<3x2, f = 16> -> !mpc.share<2x2, f = 16, bits = 32>
  %1 = mpc.extend %0 start 1 : !mpc.share<2x2, f = 16, bits = 32> -> !mpc.share<2x2, f = 16>
  %2 = mpc.linear %1, %v bias %b : !mpc.server<2, f = 36> start 2 : !mpc.share<2x2, f = 16>, !mpc.server<2x2, f = 20> -> !mpc.share<2x2, f = 36>
  %3 = mpc.trunc %2 by 20 start 3 : !mpc.share<2x2, f = 36> -> !mpc.share<2x2, f = 16>
  %4 = mpc.linear %3, %u bias %b : !mpc.server<2, f = 36> start 4 : !mpc.share<2x2, f = 16>, !mpc.server<2x2, f = 20> -> !mpc.share<2x2, f = 36>
  %5 = mpc.linear %3, %v start 4 : !mpc.share<2x2, f = 16>, !mpc.server<2x2, f = 20> -> !mpc.share<2x2, f = 36>
  %6 = mpc.add %4, %5 start 5 : !mpc.share<2x2, f = 36>
  %7 = mpc.reveal %6 start 5 : !mpc.share<2x2, f = 36> -> tensor<2x2xf64>
  return %7 : tensor<2x2xf64>
}
{-# dialect_resources: { builtin: {
  u: "0x400000000000803F000000C00000003F00000000"
} } #-}
)",
        &context);
    if (!module)
      return llvm::createStringError("does not parse");
    return emitProgram(*module, program, weights, {"m.onnx", "SM"});
  }

  std::vector<std::string> filesLeft() {
    std::vector<std::string> names;
    std::error_code code;
    for (llvm::sys::fs::directory_iterator it(folder, code), end; it != end;
         it.increment(code))
      names.push_back(llvm::sys::path::filename(it->path()).str());
    return names;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  llvm::SmallString<128> folder;
  std::string program, weights;
};

constexpr const char *matrix = "[[1.0, -2.0], [0.5, 0.0]]";

TEST_F(EmitProgramTest, FilesHoldTheIntegers) {
  auto emitted = emit(matrix);
  ASSERT_TRUE(bool(emitted)) << llvm::toString(emitted.takeError());
  auto loaded = rt::readProgram(program);
  ASSERT_TRUE(loaded.ok()) << loaded.message();
  EXPECT_EQ(loaded->hash, emitted->hash);
  EXPECT_EQ(loaded->program.model(), "m.onnx");
  EXPECT_EQ(loaded->program.config(), "SM");
  EXPECT_EQ(emitted->instructions, 8u);
  auto mapped = rt::Weights::map(weights, *loaded);
  ASSERT_TRUE(mapped.ok()) << mapped.message();

  ASSERT_EQ(loaded->program.weights_size(), 5);
  const auto &entries = loaded->program.weights();
  EXPECT_THAT(mapped->i32(entries[0]),
              ElementsAre(1 << 16, -2 << 16, 1 << 15, 1 << 14, 3 << 16, 0));
  EXPECT_THAT(mapped->i32(entries[1]),
              ElementsAre(1 << 20, -2 << 20, 1 << 19, 0));
  EXPECT_THAT(mapped->i64(entries[2]),
              ElementsAre(int64_t(1) << 35, -(int64_t(1) << 37)));
  EXPECT_THAT(mapped->i32(entries[3]),
              ElementsAre(1 << 20, -2 << 20, 1 << 19, 0));
}

// A weight that two products use, and one with the same values, need one place
// in the file but a mask each; a bias needs no mask.
TEST_F(EmitProgramTest, EqualWeightsShareTheirPlace) {
  auto emitted = emit(matrix);
  ASSERT_TRUE(bool(emitted)) << llvm::toString(emitted.takeError());
  auto loaded = rt::readProgram(program);
  ASSERT_TRUE(loaded.ok()) << loaded.message();
  std::vector<std::pair<std::string, uint64_t>> places;
  for (const program::Weight &weight : loaded->program.weights())
    places.emplace_back(weight.name(), weight.offset());
  EXPECT_THAT(places, ElementsAre(std::pair("table", 0), std::pair("v", 64),
                                  std::pair("b", 128), std::pair("u", 64),
                                  std::pair("v", 64)));
  EXPECT_EQ(emitted->weightBytes, 128u + 16u);
  EXPECT_EQ(loaded->program.instructions(4).linear().bias(), 2u);
}

TEST_F(EmitProgramTest, SameInputSameFiles) {
  auto first = emit(matrix);
  ASSERT_TRUE(bool(first)) << llvm::toString(first.takeError());
  auto second = emit(matrix);
  ASSERT_TRUE(bool(second)) << llvm::toString(second.takeError());
  EXPECT_EQ(first->hash, second->hash);
}

TEST_F(EmitProgramTest, AnErrorLeavesNothing) {
  auto emitted = emit("[[1.0, 2048.0], [0.5, 0.0]]");
  ASSERT_FALSE(emitted);
  EXPECT_EQ(llvm::toString(emitted.takeError()),
            "weight 'v' does not fit into fixed point with 20 fraction bits");
  EXPECT_THAT(filesLeft(), ElementsAre());

  emitted = emit(matrix, "[0.5, 0x7F800000]");
  ASSERT_FALSE(emitted);
  EXPECT_THAT(llvm::toString(emitted.takeError()), HasSubstr("weight 'b'"));
  EXPECT_THAT(filesLeft(), ElementsAre());
}

// The program cannot be written, after the weights have been.
TEST_F(EmitProgramTest, FilesOfAnEarlierRunStay) {
  auto first = emit(matrix);
  ASSERT_TRUE(bool(first)) << llvm::toString(first.takeError());
  std::string good = program;
  program = (folder + "/missing/m.aero").str();
  auto second = emit("[[1.0, 1.0], [0.5, 0.0]]");
  ASSERT_FALSE(second);
  EXPECT_THAT(llvm::toString(second.takeError()), HasSubstr("cannot"));
  auto loaded = rt::readProgram(good);
  ASSERT_TRUE(loaded.ok()) << loaded.message();
  auto mapped = rt::Weights::map(weights, *loaded);
  EXPECT_TRUE(mapped.ok()) << mapped.message();
}

//===----------------------------------------------------------------------===//
// Rounding
//===----------------------------------------------------------------------===//

template <typename T>
std::vector<T> rounded(std::vector<float> values, int frac) {
  std::vector<T> out(values.size());
  EXPECT_TRUE(mpc::quantize(values, frac, out.data()));
  return out;
}

TEST(QuantizeTest, TiesToEven) {
  std::vector<float> values = {0.5F,  1.5F,  2.5F,   -0.5F,
                               -1.5F, 0.75F, -0.75F, 1.25F};
  EXPECT_THAT(rounded<int32_t>(values, 0),
              ElementsAre(0, 2, 2, 0, -2, 1, -1, 1));
  EXPECT_THAT(rounded<int64_t>(values, 0),
              ElementsAre(0, 2, 2, 0, -2, 1, -1, 1));
}

TEST(QuantizeTest, AgreesWithRint) {
  std::vector<float> values;
  for (int i = -5000; i < 5000; ++i)
    values.push_back(std::sin(float(i)) * std::exp2(float(i % 11)));
  std::vector<int32_t> narrow = rounded<int32_t>(values, 20);
  std::vector<int64_t> wide = rounded<int64_t>(values, 36);
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(narrow[i], std::rint(std::ldexp(double(values[i]), 20)));
    EXPECT_EQ(double(wide[i]), std::rint(std::ldexp(double(values[i]), 36)));
  }
}

TEST(QuantizeTest, Limits) {
  int32_t narrow = 0;
  int64_t wide = 0;
  auto fits32 = [&](float value) {
    return mpc::quantize({value}, 20, &narrow);
  };
  auto fits64 = [&](float value) { return mpc::quantize({value}, 36, &wide); };
  EXPECT_TRUE(fits32(2047.9998779296875F));
  EXPECT_EQ(narrow, 2147483520);
  EXPECT_FALSE(fits32(2048.0F));
  EXPECT_FALSE(fits32(-2048.0F));
  EXPECT_FALSE(fits32(std::nanf("")));
  EXPECT_FALSE(fits32(INFINITY));
  EXPECT_TRUE(fits64(-67108860.0F));
  EXPECT_EQ(wide, -67108860 * (int64_t(1) << 36));
  EXPECT_FALSE(fits64(67108864.0F));
  EXPECT_FALSE(fits64(std::nanf("")));
}

} // namespace
