//===- Weights.h - Weights as the passes see them -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_DIALECT_PI_TRANSFORMS_WEIGHTS_H
#define AERO_LIB_DIALECT_PI_TRANSFORMS_WEIGHTS_H

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Support/Elements.h"
#include "mlir/IR/Builders.h"

#include <optional>
#include <string>
#include <vector>

namespace aero::pi {

/// Whether `value` is a float `pi.weight` or `pi.constant`, or the transpose of
/// such a matrix: a pass can compute with its elements.
bool isKnown(mlir::Value value);

/// Emits an error for every weight and constant under `root` whose resource
/// holds no data. After success `getElements` cannot fail.
mlir::LogicalResult verifyWeightsReadable(mlir::Operation *root);

/// An op in a message: "'node' (pi.op)" or, without an ONNX node, "pi.op".
std::string describe(mlir::Operation *op);

/// The elements of a known value; a transposed matrix is copied.
ElementsData<float> getElements(mlir::Value known);

/// The element of a known value that has one element, of any rank.
std::optional<double> getScalar(mlir::Value value);

/// A multiplication or division by a known scalar: result = factor * base.
struct Scaling {
  mlir::Value base;
  mlir::Value scalar;
  double factor;
};

/// `op` as a scaling, if it is one that keeps the shape of its base.
std::optional<Scaling> matchScaling(mlir::Operation *op);

/// The names of the weights among `parts`, joined by "+", each once. Constants
/// have no name.
std::string joinNames(llvm::ArrayRef<mlir::Value> parts);

/// Gives a computed weight its op, behind that of its first part. `parts` are
/// the known values that it was computed from: they make its name. If none of
/// them has a name (all are constants), the result is a `pi.constant`: it says
/// nothing that is not public.
mlir::Value createKnown(mlir::OpBuilder &builder, mlir::Location loc,
                        llvm::ArrayRef<mlir::Value> parts,
                        llvm::ArrayRef<int64_t> shape,
                        std::vector<float> &&values);

/// A parameter of one element that training starts at `value`: tensor<f32>.
mlir::Value createScalarWeight(mlir::OpBuilder &builder, mlir::Location loc,
                               const llvm::Twine &name, float value);

/// Erases what computes `values`, as far as nothing reads it.
void eraseUnused(llvm::ArrayRef<mlir::Value> values);

} // namespace aero::pi

#endif // AERO_LIB_DIALECT_PI_TRANSFORMS_WEIGHTS_H
