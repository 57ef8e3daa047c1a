//===- Lowering.h - The state of one lowering from pi to mpc --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_CONVERSION_PITOMPC_LOWERING_H
#define AERO_LIB_CONVERSION_PITOMPC_LOWERING_H

#include "aero/Analysis/SecureCost.h"
#include "aero/Conversion/PIToMPC/PIToMPC.h"
#include "aero/Dialect/MPC/IR/MPCOps.h"
#include "aero/Dialect/PI/IR/PIOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

namespace aero {

/// What a server value is used for; decides its scale and how large it may be.
/// A Scale is the factor of an element-wise product, a Factor that of a matrix
/// product.
enum class WeightRole { Table, Factor, Scale, Addend };

/// Checks the input contract of `convert-pi-to-mpc`. All ops without a secure
/// form are reported, each with its node and layer.
mlir::LogicalResult verifyLowerable(mlir::func::FuncOp func,
                                    const ConvertPIToMPCOptions &options);

/// Checks the options; the error says which values are possible.
mlir::LogicalResult verifyOptions(mlir::Location loc,
                                  const ConvertPIToMPCOptions &options);

/// Builds the mpc form of a function that satisfies `verifyLowerable`.
///
/// A straight-line builder instead of conversion patterns: what an op becomes
/// depends on the scale of its operands, a pattern would have to carry that in
/// casts, and no op is lowered to more than one form.
class Lowering {
public:
  Lowering(mlir::func::FuncOp func, const ConvertPIToMPCOptions &options);

  /// Builds the new function before the old one and erases the old one.
  mlir::LogicalResult run();

private:
  mlir::LogicalResult buildSignature();
  mlir::LogicalResult lower(mlir::Operation &op);
  mlir::LogicalResult lowerEmbedding(pi::EmbeddingOp op);
  mlir::LogicalResult lowerAdd(pi::AddOp op);
  mlir::LogicalResult lowerLinear(pi::LinearOp op);
  mlir::LogicalResult lowerSlice(pi::SliceOp op);
  mlir::LogicalResult lowerReshape(pi::ReshapeOp op);
  mlir::LogicalResult lowerSelectToken(pi::SelectTokenOp op);
  mlir::LogicalResult lowerSub(pi::SubOp op);
  mlir::LogicalResult lowerMul(pi::MulOp op);
  mlir::LogicalResult lowerTranspose(pi::TransposeOp op);
  mlir::LogicalResult lowerConcat(pi::ConcatOp op);
  mlir::LogicalResult lowerAttention(pi::AttentionOp op);
  mlir::LogicalResult lowerNonlinear(mlir::Operation *op);
  mlir::LogicalResult lowerRotary(pi::RotaryEmbeddingOp op);
  mlir::LogicalResult lowerRelu(pi::ReluOp op);
  mlir::LogicalResult lowerLeakyRelu(pi::LeakyReluOp op);
  mlir::LogicalResult lowerPRelu(pi::PReluOp op);
  mlir::LogicalResult
  lowerLeakyRelu(mlir::Operation *op, mlir::Value input,
                 llvm::function_ref<mlir::Value(mlir::Value)> multiply);
  mlir::LogicalResult lowerSmooth(mlir::Operation *op,
                                  mpc::TailFunction function);
  mlir::LogicalResult lowerNorm(mlir::Operation *op, mlir::Value input,
                                mlir::Value gamma, mlir::Value beta,
                                double epsilon, bool centred);
  mlir::LogicalResult lowerReturn(mlir::func::ReturnOp op);

  /// The integers of a pi.weight at a scale, made once for each scale; null and
  /// a diagnostic if `value` is not a weight or too large for its role.
  mlir::Value getWeight(mlir::Operation *user, mlir::Value value, int32_t frac,
                        WeightRole role);

  /// One element of the server's, `count` times over, at the scale of weights.
  mlir::Value getSplat(mlir::Operation *user, mlir::Value value, int64_t count);
  /// 1 / w for a weight (H, 1) or (H, T), broadcast to `shape`, at the scale of
  /// weights; null and a diagnostic if one of them is too small.
  mlir::Value getInverse(mlir::Operation *user, mlir::Value value,
                         llvm::ArrayRef<int64_t> shape);

  /// The columns of the largest logits, ready to be revealed.
  mlir::Value findToken(mlir::Value logits);
  /// (T, H dk) to (H, T, dk) and back.
  mlir::Value splitHeads(mlir::Location loc, mlir::Value value, int64_t heads);
  mlir::Value joinHeads(mlir::Location loc, mlir::Value value);
  /// The query rows over their temperatures.
  mlir::Value divideByTemperature(pi::AttentionOp op, mlir::Value q);
  /// relu of an activation; the sign is that of `signFrac` fraction bits.
  mlir::Value rectify(mlir::Operation *op, mlir::Value input,
                      unsigned signFrac);
  /// A product with public numbers at the scale of weights: of the `shape` that
  /// ends the value's, or one for all.
  mlir::Value multiplyPublic(mlir::Location loc, mlir::Value value,
                             llvm::ArrayRef<float> factors,
                             llvm::ArrayRef<int64_t> shape);

  /// Values lie in [-bound, bound), whatever the prompt.
  mpc::RangeAttr getRange(double bound) {
    return mpc::RangeAttr::get(builder.getContext(), bound,
                               mpc::Provenance::Proved);
  }

  /// The share of a pi value, at whatever scale its producer left it.
  mlir::Value getShare(mlir::Value value) { return shares.lookup(value); }
  /// The same at the scale of activations: truncates a product, once.
  mlir::Value getActivation(mlir::Value value);
  /// The terms of a sum at one scale: two products of one scale are added
  /// before they are truncated.
  std::pair<mlir::Value, mlir::Value> getTerms(mlir::Value lhs,
                                               mlir::Value rhs);

  mpc::ShareType shareType(llvm::ArrayRef<int64_t> shape, int64_t frac);
  mlir::Value truncate(mlir::Location loc, mlir::Value value, uint32_t shift);

  mlir::func::FuncOp source;
  mlir::func::FuncOp target;
  ConvertPIToMPCOptions options;
  mlir::OpBuilder builder;
  pi::SecureForm form;
  mlir::Value tokens, position;
  llvm::DenseMap<mlir::Value, mlir::Value> shares;
  llvm::DenseMap<mlir::Value, mlir::Value> activations;
  /// A weight in one shape and at one scale.
  llvm::DenseMap<std::pair<mlir::Value, mlir::Type>, mlir::Value> weights;
};

/// ": node 'x' in layer 3", without the parts that are unknown.
std::string describeNode(mlir::Operation *op);

/// A number in a message, shorter than a diagnostic prints it.
std::string formatNumber(double value);

/// The shape that the engine sees: no batch dimension.
llvm::ArrayRef<int64_t> dropBatch(llvm::ArrayRef<int64_t> shape);

} // namespace aero

#endif // AERO_LIB_CONVERSION_PITOMPC_LOWERING_H
