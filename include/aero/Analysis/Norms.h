//===- Norms.h - The normalisations of a transformer, by name -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_ANALYSIS_NORMS_H
#define AERO_ANALYSIS_NORMS_H

#include "aero/Analysis/Layers.h"

#include <string>
#include <vector>

namespace aero::pi {

/// A `pi.layer_norm` or `pi.rms_norm` and where it stands.
struct NormSite {
  mlir::Operation *op;
  /// The transformer layer, or -1 outside of all layers.
  int64_t layer;
  /// It stands before the vocabulary projection: nothing after it attends or
  /// joins two activations. All others are block norms.
  bool isFinal;
  /// "0/attention" and "0/feed_forward" for the norms of layer 0, "final", and
  /// "input" for one before all blocks; a second of the same place is
  /// "0/feed_forward.2".
  std::string place;
  /// The ONNX nodes, or the place if they have no name: what calibration data
  /// call it.
  std::string key;
};

/// The norms of a function of raised `pi`, in program order.
std::vector<NormSite> findNorms(mlir::func::FuncOp func,
                                const LayerAnalysis &layers);

} // namespace aero::pi

#endif // AERO_ANALYSIS_NORMS_H
