//===- Import.cpp - ONNX models into the pi dialect -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Import/ONNX/Import.h"

#include "GraphImporter.h"
#include "ReadModel.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "llvm/Support/Path.h"

#include <onnx/onnx_pb.h>

using namespace aero;
using namespace mlir;

char ImportError::ID;

std::vector<std::string> ImportError::getMessages() const {
  std::vector<std::string> messages;
  if (!unsupported.empty()) {
    std::string line = file + ": ";
    line += unsupported.size() == 1 ? "1 node is not supported: "
                                    : std::to_string(unsupported.size()) +
                                          " nodes are not supported: ";
    llvm::raw_string_ostream os(line);
    llvm::interleave(
        unsupported, os,
        [&](const UnsupportedNode &node) {
          os << "'" << node.name << "' (" << node.op << ", domain "
             << node.domain << "): " << node.why;
          if (!node.hint.empty())
            os << " (" << node.hint << ")";
        },
        "; ");
    messages.push_back(line + "; change them in the model and export it again");
  }
  for (const std::string &problem : problems)
    messages.push_back(file + ": " + problem);
  return messages;
}

void ImportError::log(llvm::raw_ostream &os) const {
  llvm::interleave(getMessages(), os, "\n");
}

std::error_code ImportError::convertToErrorCode() const {
  return std::make_error_code(std::errc::invalid_argument);
}

namespace {

llvm::Error makeError(StringRef file, std::vector<std::string> problems) {
  return llvm::make_error<ImportError>(
      file.str(), std::vector<UnsupportedNode>(), std::move(problems));
}

llvm::Expected<OwningOpRef<ModuleOp>>
importModel(llvm::Expected<std::unique_ptr<onnx::ModelProto>> model,
            StringRef file, StringRef folder, MLIRContext &context,
            const ImportOptions &options, ImportSummary *summary) {
  if (!model)
    return makeError(file, {llvm::toString(model.takeError())});
  context.loadDialect<pi::PIDialect, func::FuncDialect>();

  ImportSummary unused;
  ImportSummary &filled = summary ? *summary : unused;
  filled.producer = (*model)->producer_name();
  if (!(*model)->producer_version().empty())
    filled.producer += " " + (*model)->producer_version();
  filled.opset = getOpset(**model);
  TensorReader reader(folder.str());
  GraphImporter importer(**model, reader, context, options, filled);
  OwningOpRef<ModuleOp> module = importer.run();
  if (!module)
    return llvm::make_error<ImportError>(file.str(), importer.takeUnsupported(),
                                         importer.takeProblems());

  // What the importer lets through by mistake must not reach a pass.
  std::vector<std::string> faults;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    faults.push_back("cannot be imported: " + diagnostic.str() +
                     "; please report this model");
    return success();
  });
  if (failed(verify(*module))) {
    faults.resize(1);
    return makeError(file, std::move(faults));
  }
  return module;
}

} // namespace

llvm::Expected<OwningOpRef<ModuleOp>>
aero::importONNX(StringRef path, MLIRContext &context,
                 const ImportOptions &options, ImportSummary *summary) {
  StringRef folder = llvm::sys::path::parent_path(path);
  return importModel(readModel(path), path, folder.empty() ? "." : folder,
                     context, options, summary);
}

llvm::Expected<OwningOpRef<ModuleOp>>
aero::importONNX(llvm::MemoryBufferRef buffer, MLIRContext &context,
                 const ImportOptions &options, ImportSummary *summary) {
  return importModel(readModel(buffer), buffer.getBufferIdentifier(),
                     /*folder=*/"", context, options, summary);
}
