//===- Emitter.h - Building linalg on tensors -----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_CONVERSION_PITOLINALG_EMITTER_H
#define AERO_LIB_CONVERSION_PITOLINALG_EMITTER_H

#include "aero/Dialect/PI/IR/PIOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace aero::linalgform {

using Shape = llvm::ArrayRef<int64_t>;

/// Builds the ops that one `pi` op becomes, at its location.
class Emitter : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  /// One element of the result from one of each operand.
  using Body = llvm::function_ref<mlir::Value(Emitter &, mlir::ValueRange)>;

  mlir::Value constant(float value);
  mlir::Value constant(mlir::Type type, double value);
  mlir::Value empty(Shape shape, mlir::Type element);
  mlir::Value filled(Shape shape, mlir::Value value);
  mlir::Value reshape(mlir::Value value, Shape shape);

  /// A parallel `linalg.generic`: operand i is read through map i.
  mlir::Value map(Shape shape, mlir::Type element, mlir::ValueRange inputs,
                  llvm::ArrayRef<mlir::AffineMap> maps, Body body);
  /// The same with numpy's broadcasting.
  mlir::Value map(Shape shape, mlir::Type element, mlir::ValueRange inputs,
                  Body body);

  /// A `linalg.reduce` of floats, without the reduced dimensions. The second
  /// operand of the body is what has been gathered so far.
  mlir::Value reduce(mlir::Value input, Shape axes, float start, Body body);
  mlir::Value sum(mlir::Value input, Shape axes);

  /// The sum of products over the dimensions that only operands have. Each list
  /// says which loop a dimension belongs to; `loops` is how many there are.
  mlir::Value contract(mlir::Value lhs, llvm::ArrayRef<unsigned> lhsLoops,
                       mlir::Value rhs, llvm::ArrayRef<unsigned> rhsLoops,
                       llvm::ArrayRef<unsigned> resultLoops, Shape shape,
                       unsigned loops);

  /// How a tensor of `from` is read where one of `to` is made, by numpy's
  /// rules.
  mlir::AffineMap broadcastMap(Shape from, Shape to);
  /// How what was reduced over `axes` is read beside what it was reduced from.
  mlir::AffineMap reducedMap(unsigned rank, Shape axes);
  mlir::AffineMap loopMap(unsigned loops, llvm::ArrayRef<unsigned> dims);
};

inline mlir::RankedTensorType tensorOf(mlir::Value value) {
  return mlir::cast<mlir::RankedTensorType>(value.getType());
}
inline Shape shapeOf(mlir::Value value) { return tensorOf(value).getShape(); }

/// exp(x) / sum exp(x) along `axis`; 0 along a line of minus infinities.
mlir::Value emitSoftmax(Emitter &e, mlir::Value input, int64_t axis);

/// A pattern from a function that builds the result, or nothing if the op has
/// no form.
template <typename OpTy> class Lower : public mlir::OpRewritePattern<OpTy> {
public:
  using Function = mlir::Value (*)(OpTy, Emitter &);

  Lower(mlir::MLIRContext *context, Function function)
      : mlir::OpRewritePattern<OpTy>(context), function(function) {}

  mlir::LogicalResult
  matchAndRewrite(OpTy op, mlir::PatternRewriter &rewriter) const override {
    Emitter emitter(op.getLoc(), rewriter);
    mlir::Value result = function(op, emitter);
    if (!result)
      return rewriter.notifyMatchFailure(op, "no form in linalg");
    rewriter.replaceOp(op, result);
    return mlir::success();
  }

private:
  Function function;
};

template <typename OpTy>
void add(mlir::RewritePatternSet &patterns,
         typename Lower<OpTy>::Function function) {
  patterns.add<Lower<OpTy>>(patterns.getContext(), function);
}

void populateAttention(mlir::RewritePatternSet &patterns);
void populateElementwise(mlir::RewritePatternSet &patterns);
void populateLinearAlgebra(mlir::RewritePatternSet &patterns);
void populateReductions(mlir::RewritePatternSet &patterns);
void populateShape(mlir::RewritePatternSet &patterns);

/// Whether `op` has a form: what the functions above do not build.
bool hasForm(mlir::Operation *op);

} // namespace aero::linalgform

#endif // AERO_LIB_CONVERSION_PITOLINALG_EMITTER_H
