//===- ImportTest.cpp - ONNX models from files and memory -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Import/ONNX/Import.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gmock/gmock.h"

using namespace aero;
using ::testing::HasSubstr;
using ::testing::StartsWith;

namespace {

const std::string kModel = AERO_TEST_INPUTS "/gpt2-layernorm-gelu.onnx";

/// The one message with which an import fails.
template <typename Source>
std::string getError(const Source &source, const ImportOptions &options = {}) {
  mlir::MLIRContext context;
  auto module = importONNX(source, context, options);
  if (module)
    return "no error";
  std::string text;
  llvm::handleAllErrors(module.takeError(), [&](const ImportError &error) {
    EXPECT_EQ(error.getMessages().size(), 1u);
    text = error.getMessages().front();
  });
  return text;
}

TEST(ImportTest, File) {
  mlir::MLIRContext context;
  auto module = importONNX(kModel, context);
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  auto main = (*module)->lookupSymbol<mlir::func::FuncOp>("main");
  ASSERT_TRUE(main);
  EXPECT_EQ(main.getNumArguments(), 1u);
  EXPECT_EQ(pi::getNodeName(main.getArgument(0).getLoc()), "tokens");
}

TEST(ImportTest, MemoryGivesTheSame) {
  auto buffer = llvm::MemoryBuffer::getFile(kModel);
  ASSERT_TRUE(bool(buffer));
  auto print = [](auto &&source) {
    mlir::MLIRContext context;
    auto module = llvm::cantFail(importONNX(source, context));
    std::string text;
    llvm::raw_string_ostream(text) << *module;
    return text;
  };
  EXPECT_EQ(print(llvm::StringRef(kModel)),
            print((*buffer)->getMemBufferRef()));
}

/// The context outlives the file: weights are owned by it.
TEST(ImportTest, WeightsOutliveTheirSource) {
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  {
    auto buffer = llvm::MemoryBuffer::getFile(kModel);
    module = llvm::cantFail(importONNX((*buffer)->getMemBufferRef(), context));
  }
  int64_t elements = 0;
  module->walk([&](pi::WeightOp weight) {
    if (auto resource =
            mlir::dyn_cast<mlir::DenseResourceElementsAttr>(weight.getValue()))
      elements += resource.getRawHandle().getBlob()->getData().size() / 4;
  });
  // Everything but nothing: 8 * 11 twice, positions, one block, three norms.
  EXPECT_EQ(elements, 8 * 11 * 2 + 8 * 4 + (8 * 24 + 24 + 8 * 8 + 8) +
                          (8 * 32 + 32 + 32 * 8 + 8) + 3 * 16);
}

TEST(ImportTest, MissingFile) {
  std::string error = getError(llvm::StringRef("/nowhere/model.onnx"));
  EXPECT_THAT(error, StartsWith("/nowhere/model.onnx: cannot be opened: "));
  EXPECT_THAT(error, HasSubstr("check the path"));
}

TEST(ImportTest, Folder) {
  EXPECT_THAT(getError(llvm::StringRef(AERO_TEST_INPUTS)),
              HasSubstr("is a folder; name the .onnx file in it"));
}

TEST(ImportTest, EmptyBuffer) {
  EXPECT_EQ(getError(llvm::MemoryBufferRef("", "model")),
            "model: is empty; export the model again");
}

/// A cut at any byte is an error, and never another one than these.
TEST(ImportTest, EveryTruncation) {
  auto buffer = llvm::MemoryBuffer::getFile(kModel);
  ASSERT_TRUE(bool(buffer));
  llvm::StringRef data = (*buffer)->getBuffer();
  for (size_t size = 1; size < data.size(); size += 37) {
    std::string error =
        getError(llvm::MemoryBufferRef(data.take_front(size), "cut"));
    EXPECT_THAT(error, ::testing::AnyOf(HasSubstr("is truncated"),
                                        HasSubstr("is damaged"),
                                        HasSubstr("holds no graph"),
                                        HasSubstr("names no operator set"),
                                        HasSubstr("is not an ONNX model")))
        << "cut at " << size;
  }
}

TEST(ImportTest, LimitOfFoldedConstants) {
  ImportOptions options;
  options.maxFoldedElements = 0;
  // The model's constants are stored, not folded: the limit is no concern.
  EXPECT_EQ(getError(llvm::StringRef(kModel), options), "no error");
}

} // namespace
