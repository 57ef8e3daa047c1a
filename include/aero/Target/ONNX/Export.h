//===- Export.h - The pi dialect as ONNX models ---------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Writes a module of `pi`, raised or as imported, as an ONNX model that other
/// programs run, train and give back. What each op becomes, and what is kept,
/// is in docs/onnx-export.md.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_TARGET_ONNX_EXPORT_H
#define AERO_TARGET_ONNX_EXPORT_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace aero {

inline constexpr int64_t kFirstExportOpset = 17;
inline constexpr int64_t kLastExportOpset = 23;

struct ExportOptions {
  /// The version of the default operator set, 17 to 23. From 20 on GELU is an
  /// operator, from 23 on RMSNorm; below, both are written as arithmetic.
  int64_t opset = kFirstExportOpset;

  /// "SM+ScFuFFN"; kept in the file's metadata unless it is empty.
  std::string configuration;

  /// More metadata: keys and values.
  std::vector<std::pair<std::string, std::string>> metadata;

  /// Weights of more bytes than this in all are written to a second file beside
  /// the model, NAME.data: one protobuf message cannot hold 2 GiB.
  uint64_t externalDataThreshold = 1'500'000'000;
};

/// Sizes of what was written.
struct ExportSummary {
  uint64_t nodes = 0, initializers = 0;
  /// Bytes of weights, those that are stored once counted once.
  uint64_t weightBytes = 0;
  /// The file beside the model, or empty.
  std::string dataPath;
};

/// Writes the function `@main` of `module` to `path`. Weights become
/// initializers under their names, read where they lie and never gathered.
/// Arguments and results keep the names that the importer left in their
/// locations (`input0` and `output0` without).
///
/// After an error neither the file nor its data has been touched. An op that
/// has no ONNX form is an error that names it and its node.
llvm::Expected<ExportSummary> exportONNX(mlir::ModuleOp module,
                                         llvm::StringRef path,
                                         const ExportOptions &options = {});

/// As above, to a stream; there is no second file, so that weights beyond the
/// threshold are an error.
llvm::Expected<ExportSummary> exportONNX(mlir::ModuleOp module,
                                         llvm::raw_ostream &os,
                                         const ExportOptions &options = {});

/// Registers `--export-onnx` with mlir-translate.
void registerExportONNXTranslation();

} // namespace aero

#endif // AERO_TARGET_ONNX_EXPORT_H
