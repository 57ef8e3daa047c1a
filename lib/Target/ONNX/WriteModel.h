//===- WriteModel.h - An ONNX model onto a stream -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_TARGET_ONNX_WRITEMODEL_H
#define AERO_LIB_TARGET_ONNX_WRITEMODEL_H

#include "GraphBuilder.h"

#include "llvm/Support/Error.h"
#include "llvm/Support/raw_ostream.h"

namespace aero {

/// Bytes of all weights.
uint64_t getWeightBytes(const ExportedGraph &graph);

/// Writes `model`, whose graph is not set, with `graph`, weight by weight. If
/// `data` is given, the elements of larger weights go there instead, and the
/// model looks for them in a file called `dataName` in its own folder.
llvm::Error writeModel(const onnx::ModelProto &model,
                       const ExportedGraph &graph, llvm::raw_ostream &os,
                       llvm::raw_ostream *data, llvm::StringRef dataName);

} // namespace aero

#endif // AERO_LIB_TARGET_ONNX_WRITEMODEL_H
