//===- ImportTestSupport.cpp - Models for tests of the importer -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ImportTestSupport.h"

#include "llvm/ADT/StringSet.h"

#include <fstream>

#include <onnx/defs/parser.h>

using namespace aero;
using namespace aero::test;
using reference::Tensor;

onnx::ModelProto test::parseModel(const std::string &text) {
  onnx::ModelProto model;
  auto status = onnx::OnnxParser::Parse(model, text.c_str());
  EXPECT_TRUE(status.IsOK()) << status.ErrorMessage();
  return model;
}

onnx::ModelProto test::parseGraph(const std::string &graph, int64_t opset) {
  return parseModel("<ir_version: 8, opset_import: [\"\" : " +
                    std::to_string(opset) + "]> g " + graph);
}

mlir::func::FuncOp Imported::getFunction() const {
  if (!messages.empty()) {
    ADD_FAILURE() << messages.front();
    return {};
  }
  return (*module)->lookupSymbol<mlir::func::FuncOp>("main");
}

std::vector<std::string> Imported::getWeightNames() const {
  std::vector<std::string> names;
  llvm::StringSet<> seen;
  for (pi::WeightOp weight : getOps<pi::WeightOp>())
    if (seen.insert(weight.getName()).second)
      names.push_back(weight.getName().str());
  return names;
}

template <typename Source>
static Imported importFrom(const Source &source, llvm::StringRef name,
                           const ImportOptions &options) {
  Imported result;
  result.context = std::make_shared<mlir::MLIRContext>();
  auto module = importONNX(source, *result.context, options, &result.summary);
  if (module) {
    // Destroyed before its context.
    result.module = std::shared_ptr<mlir::OwningOpRef<mlir::ModuleOp>>(
        new mlir::OwningOpRef<mlir::ModuleOp>(std::move(*module)),
        [context = result.context](auto *owned) { delete owned; });
    return result;
  }
  llvm::handleAllErrors(module.takeError(), [&](const ImportError &error) {
    for (const std::string &message : error.getMessages()) {
      llvm::StringRef rest = message;
      EXPECT_TRUE(rest.consume_front(name) && rest.consume_front(": "))
          << message << " does not start with " << name.str();
      EXPECT_FALSE(rest.contains('\n')) << message;
      result.messages.push_back(rest.str());
    }
  });
  EXPECT_FALSE(result.messages.empty());
  return result;
}

Imported test::import(const onnx::ModelProto &model,
                      const ImportOptions &options) {
  std::string bytes = model.SerializePartialAsString();
  return importFrom(llvm::MemoryBufferRef(bytes, "model"), "model", options);
}

Imported test::importFile(const std::filesystem::path &path,
                          const ImportOptions &options) {
  return importFrom(llvm::StringRef(path.native()), path.native(), options);
}

std::vector<Tensor> test::run(const Imported &imported,
                              llvm::ArrayRef<Tensor> inputs) {
  if (!imported) {
    ADD_FAILURE() << imported.messages.front();
    return {};
  }
  auto results = reference::interpret(imported.getFunction(), inputs);
  if (!results) {
    ADD_FAILURE() << llvm::toString(results.takeError());
    return {};
  }
  return std::vector<Tensor>(results->begin(), results->end());
}

std::vector<float> test::runFloats(const Imported &imported,
                                   llvm::ArrayRef<Tensor> inputs) {
  std::vector<Tensor> results = run(imported, inputs);
  if (results.empty())
    return {};
  return results.front().getFloats().vec();
}

std::vector<int64_t> test::runInts(const Imported &imported,
                                   llvm::ArrayRef<Tensor> inputs) {
  std::vector<Tensor> results = run(imported, inputs);
  if (results.empty())
    return {};
  return results.front().getInts().vec();
}

TemporaryFolder::TemporaryFolder() {
  std::string name =
      (std::filesystem::temp_directory_path() / "aero-import-XXXXXX").native();
  path = ::mkdtemp(name.data());
}

TemporaryFolder::~TemporaryFolder() { std::filesystem::remove_all(path); }

std::filesystem::path TemporaryFolder::write(const std::string &name,
                                             llvm::StringRef data) const {
  std::filesystem::create_directories((path / name).parent_path());
  std::ofstream(path / name, std::ios::binary) << data.str();
  return path / name;
}

std::filesystem::path
TemporaryFolder::write(const std::string &name,
                       const onnx::ModelProto &model) const {
  return write(name, model.SerializePartialAsString());
}
