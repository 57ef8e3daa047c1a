//===- LayerSelection.h - The layers=0-3,5 of a pass ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_DIALECT_PI_TRANSFORMS_LAYERSELECTION_H
#define AERO_LIB_DIALECT_PI_TRANSFORMS_LAYERSELECTION_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/BitVector.h"

namespace aero::pi {

/// The layers that a pass is to change. Without a list it is all of them, and
/// what stands outside of layers too.
class LayerSelection {
public:
  /// Parses "0-3,5" for `func`, which has `numLayers`. Emits an error, with
  /// `pass` in front, if `text` is no list or names a layer that there is not.
  static mlir::FailureOr<LayerSelection> parse(mlir::func::FuncOp func,
                                               llvm::StringRef pass,
                                               llvm::StringRef text,
                                               int64_t numLayers);

  bool isAll() const { return all; }
  /// `layer` is -1 for an op outside of all layers.
  bool contains(int64_t layer) const {
    return all || (layer >= 0 && layers.test(layer));
  }

private:
  bool all = true;
  llvm::BitVector layers;
};

/// "12 layers (0 to 11)", "1 layer (0)" or "no layers", for messages.
std::string describeLayers(int64_t numLayers);

} // namespace aero::pi

#endif // AERO_LIB_DIALECT_PI_TRANSFORMS_LAYERSELECTION_H
