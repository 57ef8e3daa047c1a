//===- PIOps.h - Operations of the pi dialect -----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_DIALECT_PI_IR_PIOPS_H
#define AERO_DIALECT_PI_IR_PIOPS_H

#include "aero/Dialect/PI/IR/PIDialect.h"

#define GET_OP_CLASSES
#include "aero/Dialect/PI/IR/PIOps.h.inc"

namespace aero::pi {

/// The ONNX node that an op came from, or an empty string. A fused op names
/// all of its nodes, joined by "+", or by the module that they share:
/// "/h.0/ln_1/*".
std::string getNodeName(mlir::Location loc);

/// A `pi.weight`, or the transpose of one with rank 2: a matrix that the file
/// holds the other way round. Passes read such a matrix through the transpose;
/// nobody copies it before the secure program is made.
struct WeightMatrix {
  WeightOp weight;
  bool isTransposed = false;

  explicit operator bool() const {
    return static_cast<bool>(const_cast<WeightOp &>(weight));
  }
};

/// `value` as one of these; a null weight if it is neither.
WeightMatrix getWeightMatrix(mlir::Value value);

/// Whether `op` transposes a tensor of rank 2.
bool isMatrixTranspose(TransposeOp op);

/// The transformer layer recorded in a location by `pi-raise`, or -1.
int64_t getLayer(mlir::Location loc);

/// `loc` with the layer recorded in it.
mlir::Location withLayer(mlir::Location loc, int64_t layer);

} // namespace aero::pi

#endif // AERO_DIALECT_PI_IR_PIOPS_H
