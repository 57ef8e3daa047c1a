//===- ReadModel.h - An ONNX file into protobuf ---------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_IMPORT_ONNX_READMODEL_H
#define AERO_LIB_IMPORT_ONNX_READMODEL_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBufferRef.h"

#include <memory>

namespace onnx {
class ModelProto;
} // namespace onnx

namespace aero {

/// Parses a model and checks what stands outside of its graph (that there is
/// one, the operator set). An error is a phrase to be put after the file's
/// name.
llvm::Expected<std::unique_ptr<onnx::ModelProto>>
readModel(llvm::StringRef path);
llvm::Expected<std::unique_ptr<onnx::ModelProto>>
readModel(llvm::MemoryBufferRef buffer);

/// The version of the default operator set that the model asks for.
int64_t getOpset(const onnx::ModelProto &model);

} // namespace aero

#endif // AERO_LIB_IMPORT_ONNX_READMODEL_H
