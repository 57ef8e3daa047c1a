//===- Import.h - ONNX models into the pi dialect -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_IMPORT_ONNX_IMPORT_H
#define AERO_IMPORT_ONNX_IMPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <cstdint>
#include <string>
#include <vector>

namespace aero {

/// What an import may spend.
struct ImportOptions {
  /// The most elements that one folded constant may have. Shape arithmetic and
  /// masks are far below; a model above it is refused, not folded in part.
  int64_t maxFoldedElements = int64_t(1) << 26;
};

/// Everything that kept a model from being imported, one line each, every line
/// with the file's name first and a remedy last.
class ImportError : public llvm::ErrorInfo<ImportError> {
public:
  static char ID;

  explicit ImportError(std::vector<std::string> messages)
      : messages(std::move(messages)) {}

  llvm::ArrayRef<std::string> getMessages() const { return messages; }
  void log(llvm::raw_ostream &os) const override;
  std::error_code convertToErrorCode() const override;

private:
  std::vector<std::string> messages;
};

/// Reads an ONNX model (opset 11 to 17, static shapes, weights inside the file)
/// as a module with one function `@main`, whose arguments are the graph's
/// inputs and whose results are its outputs, in low-level `pi` ops; `pi-raise`
/// comes next.
///
/// Float initializers become `pi.weight` under their names, what the graph
/// computes from public constants alone becomes `pi.constant`, nodes that no
/// output needs disappear. Every op's location is the ONNX node's name. f16,
/// bf16 and f64 become f32. The bytes of f32 weights are moved, not copied, so
/// that a large model takes about the size of its file in memory.
///
/// Loads the dialects that it needs into `context`. Any fault of the file is an
/// ImportError.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importONNX(llvm::StringRef path, mlir::MLIRContext &context,
           const ImportOptions &options = {});

/// As above, from memory; the buffer's identifier stands for the path.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
importONNX(llvm::MemoryBufferRef buffer, mlir::MLIRContext &context,
           const ImportOptions &options = {});

/// Registers `--import-onnx` with mlir-translate.
void registerImportONNXTranslation();

} // namespace aero

#endif // AERO_IMPORT_ONNX_IMPORT_H
