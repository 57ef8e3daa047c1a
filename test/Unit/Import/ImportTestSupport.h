//===- ImportTestSupport.h - Models for tests of the importer -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TEST_UNIT_IMPORT_IMPORTTESTSUPPORT_H
#define AERO_TEST_UNIT_IMPORT_IMPORTTESTSUPPORT_H

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Import/ONNX/Import.h"
#include "aero/Reference/FloatInterpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gmock/gmock.h"

#include <filesystem>

#include <onnx/onnx_pb.h>

namespace aero::test {

/// The model that ONNX's textual form describes.
onnx::ModelProto parseModel(const std::string &text);

/// parseModel("<...> g " + graph), for one operator set.
onnx::ModelProto parseGraph(const std::string &graph, int64_t opset = 23);

/// A model after import, or its messages. The context is shared by all copies.
struct Imported {
  std::shared_ptr<mlir::MLIRContext> context;
  std::shared_ptr<mlir::OwningOpRef<mlir::ModuleOp>> module;
  ImportSummary summary;
  /// After the file's name; empty if the import succeeded.
  std::vector<std::string> messages;

  explicit operator bool() const { return messages.empty(); }
  /// Null, and the test fails, if the model could not be imported.
  mlir::func::FuncOp getFunction() const;
  /// All ops of a kind.
  template <typename OpTy> std::vector<OpTy> getOps() const {
    std::vector<OpTy> ops;
    if (mlir::func::FuncOp function = getFunction())
      function.walk([&](OpTy op) { ops.push_back(op); });
    return ops;
  }
  /// The names of the weights, in order, without repetitions.
  std::vector<std::string> getWeightNames() const;
};

/// From memory, under the name "model".
Imported import(const onnx::ModelProto &model,
                const ImportOptions &options = {});
/// From a file.
Imported importFile(const std::filesystem::path &path,
                    const ImportOptions &options = {});

/// The results of the function for the inputs; fails the test, and returns
/// nothing, if the model cannot be imported or run.
std::vector<reference::Tensor>
run(const Imported &imported, llvm::ArrayRef<reference::Tensor> inputs = {});

/// The only result as floats.
std::vector<float> runFloats(const Imported &imported,
                             llvm::ArrayRef<reference::Tensor> inputs = {});
/// The only result, a constant, as integers.
std::vector<int64_t> runInts(const Imported &imported,
                             llvm::ArrayRef<reference::Tensor> inputs = {});

/// Close to within what float arithmetic in another order gives.
MATCHER_P(AreNear, expected, "") {
  if (arg.size() != expected.size()) {
    *result_listener << "which has " << arg.size() << " elements";
    return false;
  }
  for (size_t i = 0; i < arg.size(); ++i)
    if (!(std::abs(arg[i] - expected[i]) <=
          1e-5f * (1 + std::abs(expected[i])))) {
      *result_listener << "whose element " << i << " is " << arg[i];
      return false;
    }
  return true;
}

inline auto areNear(std::vector<float> expected) { return AreNear(expected); }

/// A folder that disappears with the test.
class TemporaryFolder {
public:
  TemporaryFolder();
  ~TemporaryFolder();
  const std::filesystem::path &get() const { return path; }
  std::filesystem::path write(const std::string &name,
                              llvm::StringRef data) const;
  std::filesystem::path write(const std::string &name,
                              const onnx::ModelProto &model) const;

private:
  std::filesystem::path path;
};

} // namespace aero::test

#endif // AERO_TEST_UNIT_IMPORT_IMPORTTESTSUPPORT_H
