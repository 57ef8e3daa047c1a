//===- ExportONNXTest.cpp - pi modules as ONNX files ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Import/ONNX/Import.h"
#include "aero/Reference/FloatInterpreter.h"
#include "aero/Target/ONNX/Export.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include <random>

using namespace aero;
using mlir::func::FuncOp;
using reference::Tensor;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

namespace {

class ExportONNXTest : public ::testing::Test {
protected:
  ExportONNXTest() {
    context.loadDialect<pi::PIDialect, mlir::func::FuncDialect>();
    EXPECT_FALSE(llvm::sys::fs::createUniqueDirectory("aero-export", folder));
    path = (folder + "/m.onnx").str();
  }
  ~ExportONNXTest() override { llvm::sys::fs::remove_directories(folder); }

  mlir::OwningOpRef<mlir::ModuleOp> parse(llvm::StringRef text) {
    return mlir::parseSourceString<mlir::ModuleOp>(
        text, mlir::ParserConfig(&context));
  }
  std::string exportError(llvm::StringRef text,
                          const ExportOptions &options = {}) {
    auto module = parse(text);
    if (!module)
      return "does not parse";
    auto written = exportONNX(*module, path, options);
    return written ? "" : llvm::toString(written.takeError());
  }
  std::vector<std::string> filesLeft() {
    std::vector<std::string> names;
    std::error_code code;
    for (llvm::sys::fs::directory_iterator it(folder, code), end; it != end;
         it.increment(code))
      names.push_back(llvm::sys::path::filename(it->path()).str());
    llvm::sort(names);
    return names;
  }

  mlir::MLIRContext context;
  llvm::SmallString<128> folder;
  std::string path;
};

FuncOp getMain(mlir::ModuleOp module) {
  return module.lookupSymbol<FuncOp>("main");
}

/// Positive floats, which every function is defined for, ids, truth values.
std::vector<Tensor> makeInputs(FuncOp function) {
  std::mt19937 generator(1);
  std::vector<Tensor> inputs;
  for (mlir::Type type : function.getArgumentTypes()) {
    auto tensor = llvm::cast<mlir::RankedTensorType>(type);
    size_t size = static_cast<size_t>(tensor.getNumElements());
    if (tensor.getElementType().isF32()) {
      std::vector<float> values(size);
      for (float &value : values)
        value = std::uniform_real_distribution<float>(0.1f, 2)(generator);
      inputs.push_back(Tensor::fromFloats(tensor.getShape(), values));
    } else if (tensor.getElementType().isInteger(1)) {
      std::vector<uint8_t> values(size);
      for (uint8_t &value : values)
        value = generator() % 2;
      inputs.push_back(Tensor::fromBools(tensor.getShape(), values));
    } else {
      std::vector<int64_t> values(size);
      for (int64_t &value : values)
        value = generator() % 2;
      inputs.push_back(Tensor::fromInts(tensor.getShape(), values));
    }
  }
  return inputs;
}

void expectEqual(const Tensor &actual, const Tensor &expected) {
  ASSERT_EQ(actual.getTypeString(), expected.getTypeString());
  if (expected.getKind() != reference::ElementKind::F32) {
    EXPECT_EQ(actual.getBytes(), expected.getBytes());
    return;
  }
  for (auto [a, e] : llvm::zip_equal(actual.getFloats(), expected.getFloats()))
    EXPECT_NEAR(a, e, 1e-5 * std::max(1.0f, std::abs(e)));
}

/// The functions of the lit tests, by name.
std::vector<std::pair<std::string, std::string>> readFunctions() {
  std::vector<std::pair<std::string, std::string>> functions;
  for (const char *file :
       {AERO_TEST_EXPORTS "/ops.test", AERO_TEST_EXPORTS "/layers.test"}) {
    auto buffer = llvm::MemoryBuffer::getFile(file);
    if (!buffer)
      return {};
    llvm::SmallVector<llvm::StringRef> parts;
    (*buffer)->getBuffer().split(parts, "//--- ");
    for (llvm::StringRef part : llvm::drop_begin(parts)) {
      auto [name, text] = part.split('\n');
      functions.emplace_back(name.str(), text.str());
    }
  }
  return functions;
}

// import(export(m)) computes what m does, for every op and operator set.
TEST_F(ExportONNXTest, EveryOpSurvives) {
  auto functions = readFunctions();
  EXPECT_GE(functions.size(), 50u);
  for (auto &[name, text] : functions)
    for (int64_t opset : {17, 18, 20, 23}) {
      SCOPED_TRACE(name + " at operator set " + std::to_string(opset));
      auto module = parse(text);
      ASSERT_TRUE(module);
      ExportOptions options;
      options.opset = opset;
      auto written = exportONNX(*module, path, options);
      ASSERT_TRUE(bool(written)) << llvm::toString(written.takeError());
      auto again = importONNX(path, context);
      ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError());
      std::vector<Tensor> inputs = makeInputs(getMain(*module));
      auto expected = reference::interpret(getMain(*module), inputs);
      ASSERT_TRUE(bool(expected)) << llvm::toString(expected.takeError());
      auto actual = reference::interpret(getMain(**again), inputs);
      ASSERT_TRUE(bool(actual)) << llvm::toString(actual.takeError());
      expectEqual(actual->front(), expected->front());
    }
}

// Every op of the dialect has a function in the lit tests.
TEST_F(ExportONNXTest, EveryOpIsTested) {
  std::string all;
  for (auto &[name, text] : readFunctions())
    all += text;
  for (mlir::RegisteredOperationName op :
       context.getRegisteredOperationsByDialect("pi"))
    EXPECT_THAT(all, HasSubstr((op.getStringRef() + " ").str()));
}

// A query that sees no key has the result 0, in the file as in the dialect.
TEST_F(ExportONNXTest, PaddedQueriesAreZero) {
  auto module = parse(R"(
func.func @main(%q: tensor<1x2x2xf32>, %m: tensor<1x2xi1>) -> tensor<1x2x2xf32> {
  %0 = pi.attention %q, %q, %q mask %m : tensor<1x2xi1> heads 1 scale 1.0 causal : tensor<1x2x2xf32>, tensor<1x2x2xf32>
  return %0 : tensor<1x2x2xf32>
})");
  ASSERT_TRUE(module);
  ASSERT_TRUE(bool(exportONNX(*module, path)));
  auto again = importONNX(path, context);
  ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError());
  std::vector<Tensor> inputs = {Tensor::fromFloats({1, 2, 2}, {1, 2, 3, 4}),
                                Tensor::fromBools({1, 2}, {0, 1})};
  auto actual = reference::interpret(getMain(**again), inputs);
  ASSERT_TRUE(bool(actual)) << llvm::toString(actual.takeError());
  EXPECT_THAT(actual->front().getFloats(), ElementsAre(0, 0, 3, 4));
}

constexpr const char *kShared = R"(
func.func @main(%x: tensor<1x8xf32> loc("x")) -> (tensor<1x8xf32>, tensor<1x8xf32>) {
  %a = pi.weight "a" dense_resource<blob> : tensor<8x8xf32>
  %b = pi.weight "b" dense_resource<blob> : tensor<8x8xf32>
  %c = pi.weight "a" dense_resource<blob> : tensor<8x8xf32>
  %d = pi.weight "s" dense<2.0> : tensor<f32>
  %e = pi.weight "s" dense<3.0> : tensor<f32>
  %0 = pi.linear %x, %a : tensor<1x8xf32>, tensor<8x8xf32> -> tensor<1x8xf32>
  %1 = pi.linear %0, %b : tensor<1x8xf32>, tensor<8x8xf32> -> tensor<1x8xf32>
  %2 = pi.linear %1, %c : tensor<1x8xf32>, tensor<8x8xf32> -> tensor<1x8xf32>
  %3 = pi.mul %2, %d : tensor<1x8xf32>, tensor<f32> -> tensor<1x8xf32>
  %4 = pi.mul %3, %e : tensor<1x8xf32>, tensor<f32> -> tensor<1x8xf32>
  return %4, %x : tensor<1x8xf32>, tensor<1x8xf32> loc(fused["logits", "copy"])
}
)";

/// kShared with numbers.
std::string makeShared() {
  std::string hex = "0x04000000";
  for (int i = 0; i < 64; ++i)
    hex += i % 9 == 0 ? "0000803F" : "0000003F";
  return std::string(kShared) + "{-# dialect_resources: { builtin: { blob: \"" +
         hex + "\" } } #-}\n";
}

// Names of weights, inputs and outputs are kept, equal data is stored once, and
// two values under one name get two names.
TEST_F(ExportONNXTest, NamesAndSharedData) {
  auto module = parse(makeShared());
  ASSERT_TRUE(module);
  auto written = exportONNX(*module, path);
  ASSERT_TRUE(bool(written)) << llvm::toString(written.takeError());
  EXPECT_EQ(written->initializers, 3u);
  EXPECT_EQ(written->weightBytes, 64 * 4 + 8u);

  ImportSummary summary;
  auto again = importONNX(path, context, {}, &summary);
  ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError());
  EXPECT_EQ(summary.producer, "aero 0.1.0");
  ASSERT_EQ(summary.outputs.size(), 2u);
  EXPECT_EQ(summary.inputs[0].name, "x");
  EXPECT_EQ(summary.outputs[0].name, "logits");
  EXPECT_EQ(summary.outputs[1].name, "copy");
  std::vector<std::string> names;
  for (auto op : getMain(**again).getOps<pi::WeightOp>())
    names.push_back(op.getName().str());
  llvm::sort(names);
  EXPECT_THAT(names, ElementsAre("a", "b", "s", "s_1"));

  std::vector<Tensor> inputs = makeInputs(getMain(*module));
  auto expected = reference::interpret(getMain(*module), inputs);
  ASSERT_TRUE(bool(expected)) << llvm::toString(expected.takeError());
  auto actual = reference::interpret(getMain(**again), inputs);
  ASSERT_TRUE(bool(actual)) << llvm::toString(actual.takeError());
  for (auto [a, e] : llvm::zip_equal(*actual, *expected))
    expectEqual(a, e);
}

TEST_F(ExportONNXTest, SameInputSameFile) {
  auto module = parse(makeShared());
  std::string first, second;
  llvm::raw_string_ostream firstStream(first), secondStream(second);
  ASSERT_TRUE(bool(exportONNX(*module, firstStream)));
  ASSERT_TRUE(bool(exportONNX(*module, secondStream)));
  EXPECT_EQ(first, second);
}

// A second file takes the data of large weights, and the importer finds it.
TEST_F(ExportONNXTest, ExternalData) {
  // 512 floats make more than the least that goes outside.
  std::string hex = "0x04000000";
  for (int i = 0; i < 512; ++i)
    hex += i % 3 == 0 ? "0000803F" : "0000003F";
  auto module = parse(R"(
func.func @main(%x: tensor<1x16xf32>) -> tensor<1x16xf32> {
  %a = pi.weight "a" dense_resource<a> : tensor<16x32xf32>
  %b = pi.weight "b" dense_resource<b> : tensor<32x16xf32>
  %c = pi.weight "c" dense<2.0> : tensor<16xf32>
  %0 = pi.linear %x, %a : tensor<1x16xf32>, tensor<16x32xf32> -> tensor<1x32xf32>
  %1 = pi.linear %0, %b bias %c : tensor<16xf32> : tensor<1x32xf32>, tensor<32x16xf32> -> tensor<1x16xf32>
  return %1 : tensor<1x16xf32>
}
{-# dialect_resources: { builtin: { a: ")" +
                      hex + R"(", b: ")" + hex + R"(" } } #-})");
  ASSERT_TRUE(module);
  ExportOptions options;
  options.externalDataThreshold = 1000;
  auto written = exportONNX(*module, path, options);
  ASSERT_TRUE(bool(written)) << llvm::toString(written.takeError());
  EXPECT_EQ(written->dataPath, path + ".data");
  EXPECT_THAT(filesLeft(), ElementsAre("m.onnx", "m.onnx.data"));
  uint64_t size = 0;
  ASSERT_FALSE(llvm::sys::fs::file_size(path + ".data", size));
  EXPECT_EQ(size, 2 * 512 * 4u);

  auto again = importONNX(path, context);
  ASSERT_TRUE(bool(again)) << llvm::toString(again.takeError());
  std::vector<Tensor> inputs = makeInputs(getMain(*module));
  auto expected = reference::interpret(getMain(*module), inputs);
  auto actual = reference::interpret(getMain(**again), inputs);
  ASSERT_TRUE(bool(expected) && bool(actual));
  expectEqual(actual->front(), expected->front());

  std::string stream;
  llvm::raw_string_ostream os(stream);
  auto refused = exportONNX(*module, os, options);
  ASSERT_FALSE(bool(refused));
  EXPECT_THAT(llvm::toString(refused.takeError()),
              HasSubstr("too large for one stream"));
}

//===----------------------------------------------------------------------===//
// Errors
//===----------------------------------------------------------------------===//

constexpr const char *kTiny = R"(
func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = pi.relu %x : tensor<2xf32>
  return %0 : tensor<2xf32>
})";

TEST_F(ExportONNXTest, Errors) {
  EXPECT_THAT(exportError("func.func private @main()"),
              HasSubstr("no function @main with a body"));
  EXPECT_THAT(exportError("func.func @other() { return }"),
              HasSubstr("no function @main with a body"));
  EXPECT_THAT(exportError("func.func @main(%x: tensor<2xf64>) { return }"),
              HasSubstr("no tensor of f32, i64 or i1"));
  EXPECT_THAT(
      exportError(R"(func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = func.call @f(%x) : (tensor<2xf32>) -> tensor<2xf32> loc("/h.0/Add")
  return %0 : tensor<2xf32>
}
func.func private @f(tensor<2xf32>) -> tensor<2xf32>)"),
      HasSubstr("'func.call' has no ONNX form (ONNX node '/h.0/Add')"));
  EXPECT_THAT(
      exportError(R"(func.func @main(%x: tensor<1x8xf32>) -> tensor<1x8xf32> {
  %w = pi.weight "w" dense_resource<gone> : tensor<8x8xf32>
  %0 = pi.linear %x, %w : tensor<1x8xf32>, tensor<8x8xf32> -> tensor<1x8xf32>
  return %0 : tensor<1x8xf32>
})"),
      HasSubstr("weight 'w' cannot be read: resource 'gone' holds no data"));
  ExportOptions options;
  options.opset = 16;
  EXPECT_THAT(exportError(kTiny, options),
              HasSubstr("choose one from 17 to 23"));
  EXPECT_THAT(filesLeft(), IsEmpty());
}

TEST_F(ExportONNXTest, WhatCannotBeWrittenLeavesNothing) {
  path = (folder + "/missing/m.onnx").str();
  EXPECT_THAT(exportError(kTiny), HasSubstr("cannot write '" + path + "'"));
  path = folder.str().str();
  EXPECT_THAT(exportError(kTiny), HasSubstr("it is a folder"));
  EXPECT_THAT(filesLeft(), IsEmpty());
}

} // namespace
