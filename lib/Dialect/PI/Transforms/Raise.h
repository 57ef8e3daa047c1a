//===- Raise.h - What the parts of pi-raise share -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_DIALECT_PI_TRANSFORMS_RAISE_H
#define AERO_LIB_DIALECT_PI_TRANSFORMS_RAISE_H

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Support/Elements.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <optional>
#include <string>
#include <vector>

namespace aero::pi {

/// Takes the reason why something does not match: a phrase without a full stop.
using Explain = llvm::function_ref<void(const llvm::Twine &)>;

/// The elements of a float `pi.weight` or `pi.constant`; nothing if `value` is
/// another one, or if its resource holds no data.
std::optional<ElementsData<float>> readFloats(mlir::Value value);

/// The element of such a value that has one element, of any rank.
std::optional<double> readScalar(mlir::Value value);

/// `value` is a weight or constant of shape (width).
bool isVector(mlir::Value value, int64_t width);

/// The size of the last dimension, or 0 for a scalar.
int64_t getWidth(mlir::Value value);

/// If `op` is `a op b`, or for a commutative `op` also `b op a`, with a scalar
/// weight or constant b: the value a and the scalar's value.
struct ScalarOperand {
  mlir::Value other;
  mlir::Value scalar;
  double number;
};
std::optional<ScalarOperand> matchScalarOperand(mlir::Operation *op);

/// "pi.add (ONNX node '/h.0/Add')" or "an argument", for messages.
std::string describeValue(mlir::Value value);

/// The only user of `op`'s result if it is an OpTy.
template <typename OpTy> OpTy getOnlyUser(mlir::Operation *op) {
  return op->hasOneUse() ? llvm::dyn_cast<OpTy>(*op->user_begin()) : OpTy();
}

/// A `pi.constant` of these values.
mlir::Value createConstant(mlir::OpBuilder &builder, mlir::Location loc,
                           llvm::ArrayRef<int64_t> shape,
                           std::vector<float> &&values);

/// One location that names the nodes of all of `ops`, in program order. They
/// are in one block.
mlir::Location fuseLocations(llvm::ArrayRef<mlir::Operation *> ops);

void populateRaiseLayerNormPatterns(mlir::RewritePatternSet &patterns);
void populateRaiseActivationPatterns(mlir::RewritePatternSet &patterns);
void populateRaiseGeluPatterns(mlir::RewritePatternSet &patterns);
void populateRaiseLinearPatterns(mlir::RewritePatternSet &patterns);
void populateRaiseAttentionPatterns(mlir::RewritePatternSet &patterns);
void populateRaiseRotaryPatterns(mlir::RewritePatternSet &patterns);
void populateRaiseLayoutPatterns(mlir::RewritePatternSet &patterns);

/// Why `op` is still there after `pi-raise`, for the op that each raised form
/// is recognised by; an empty string if there is nothing to say.
std::string explainNorm(mlir::Operation *sqrtOrPow);
std::string explainSilu(SigmoidOp op);
std::string explainGelu(mlir::Operation *erfOrTanh);
std::string explainAttention(SoftmaxOp op);
std::string explainRotary(MulOp op);

} // namespace aero::pi

#endif // AERO_LIB_DIALECT_PI_TRANSFORMS_RAISE_H
