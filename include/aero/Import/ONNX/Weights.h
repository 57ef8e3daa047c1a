//===- Weights.h - Trained values into an ONNX model ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_IMPORT_ONNX_WEIGHTS_H
#define AERO_IMPORT_ONNX_WEIGHTS_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace aero {

struct WeightsOptions {
  /// Keep the old values of weights that the trained file lacks, and pass over
  /// what only that has. Both are errors otherwise.
  bool partial = false;
};

struct WeightsSummary {
  /// Weights that got new values, and the elements in them.
  uint64_t replaced = 0, elements = 0;
  /// Names that only the model or only the trained file has, in file order.
  std::vector<std::string> missing, extra;
};

/// Writes the model `model` to `output` with the values that the float
/// initializers of the same name have in the ONNX file `trained`; everything
/// else is copied. Shapes have to be equal; half precision and double become
/// the float32 of the model. Values are written into the file itself, also
/// those that were external data.
///
/// The error has one line for each name that does not fit, with its file in
/// front, and `output` is then untouched. `output` may be `model`.
llvm::Expected<WeightsSummary>
importWeights(llvm::StringRef model, llvm::StringRef trained,
              llvm::StringRef output, const WeightsOptions &options = {});

} // namespace aero

#endif // AERO_IMPORT_ONNX_WEIGHTS_H
