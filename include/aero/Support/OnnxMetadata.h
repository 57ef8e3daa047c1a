//===- OnnxMetadata.h - What AERO writes into metadata_props --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Keys and words that the exporter writes and the importer reads. What they
/// mean to others is in docs/onnx-export.md.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_SUPPORT_ONNXMETADATA_H
#define AERO_SUPPORT_ONNXMETADATA_H

#include "llvm/ADT/StringRef.h"

namespace aero::metadata {

inline constexpr llvm::StringLiteral kConfiguration = "aero.configuration";

/// A JSON object: {"version": 1, "parameters": [{"role": "temperature",
/// "layer": 0, "name": "...", "shape": [4, 64], "node": "..."}, ...]}
inline constexpr llvm::StringLiteral kParameters = "aero.parameters";
inline constexpr int64_t kParametersVersion = 1;

/// The role of entropy thresholds, which no node reads.
inline constexpr llvm::StringLiteral kThresholds = "entropy_thresholds";

} // namespace aero::metadata

#endif // AERO_SUPPORT_ONNXMETADATA_H
