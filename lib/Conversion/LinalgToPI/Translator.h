//===- Translator.h - From ops on tensors to pi ---------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_CONVERSION_LINALGTOPI_TRANSLATOR_H
#define AERO_LIB_CONVERSION_LINALGTOPI_TRANSLATOR_H

#include "Builder.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/PatternMatch.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace aero::linalgtopi {

/// Reports that `op` has no form in pi, with its node and layer as far as they
/// are known. `reason` is a phrase.
void reportNoForm(mlir::Location loc, llvm::StringRef op,
                  const llvm::Twine &reason);

/// Whether pi has tensors of this type.
bool isTensor(mlir::Type type);

/// Builds the body of one function from that of another, op by op.
///
/// The value that stands for another one has its type if that is a tensor. One
/// that stands for a scalar has rank 0 (an index is an i64). Inside the body of
/// a `linalg` op, one that stands for a scalar has what all loops see of it: a
/// tensor that can be broadcast, by numpy's rules, to the shape of the loops.
class Translator {
public:
  /// `to` has no body yet.
  Translator(mlir::func::FuncOp from, mlir::func::FuncOp to);

  /// Fails, after all ops that have no form were reported.
  mlir::LogicalResult run();

private:
  using Result = mlir::FailureOr<mlir::Value>;

  /// Says why the op at hand has no form.
  mlir::LogicalResult fail(const llvm::Twine &why);

  /// What stands for an operand; fails if nobody has written it (yet).
  Result get(mlir::Value value);

  bool checkSignature();
  mlir::LogicalResult checkTypes(mlir::Operation *op);
  mlir::LogicalResult translate(mlir::Operation *op);
  /// Builds one result of an op that has one.
  Result build(mlir::Operation *op);

  // Constants.cpp
  Result buildConstant(mlir::TypedAttr value, llvm::StringRef name);
  Result buildGlobal(mlir::Operation *load);

  // Elements.cpp: functions of single elements, of scalars as of tensors.
  static bool isElementOp(mlir::Operation *op);
  Result buildElementOp(mlir::Operation *op, mlir::ValueRange operands);
  Result buildComparison(mlir::Operation *op, mlir::ValueRange operands);
  Result buildCast(mlir::Operation *op, mlir::Value operand);
  mlir::Value buildSelect(mlir::Value condition, mlir::Value a, mlir::Value b);

  // Shape.cpp: ops of the tensor dialect.
  Result buildTensorOp(mlir::Operation *op);
  Result buildExtractSlice(mlir::tensor::ExtractSliceOp op);
  mlir::LogicalResult translateInsertSlice(mlir::tensor::InsertSliceOp op);
  Result buildGather(mlir::tensor::GatherOp op);
  Result buildFromElements(mlir::tensor::FromElementsOp op);

  /// A tensor and the loop of each of its dimensions.
  struct Factor {
    mlir::Value value;
    llvm::SmallVector<unsigned> loops;

    bool has(unsigned loop) const { return llvm::is_contained(loops, loop); }
  };
  /// Which arguments and ops of a body are looked at.
  using Only = llvm::function_ref<bool(mlir::Value)>;

  // Structured.cpp: loops.
  mlir::LogicalResult translateStructured(mlir::linalg::LinalgOp op);
  mlir::LogicalResult translateParallel(mlir::linalg::LinalgOp op);
  Result buildReduction(mlir::linalg::LinalgOp op);
  Result buildContraction(mlir::linalg::LinalgOp op, mlir::Value lhs,
                          mlir::Value rhs);
  mlir::FailureOr<Factor> buildFactor(mlir::linalg::LinalgOp op,
                                      mlir::Value value);
  Result buildCumSum(mlir::linalg::LinalgOp op, mlir::Operation *combiner);
  Result buildMaximum(mlir::Value term, Shape axes, mlir::Value start);
  mlir::LogicalResult bindInputs(mlir::linalg::LinalgOp op, Only only);
  mlir::LogicalResult evaluateBody(mlir::linalg::LinalgOp op, Only only);
  Result buildLookup(mlir::tensor::ExtractOp op);
  /// Where a loop is among those at hand.
  unsigned getPosition(unsigned loop) const;
  /// What the loops read of `value` through `map`.
  Result lift(mlir::Value value, mlir::AffineMap map);
  /// `value` without the dimensions that `map` reads at one place only, and the
  /// loop of each dimension that is left.
  Result dropConstants(mlir::Value value, mlir::AffineMap map,
                       llvm::SmallVectorImpl<unsigned> &loops);

  mlir::func::FuncOp from, to;
  TensorBuilder builder;
  llvm::DenseMap<mlir::Value, mlir::Value> values;
  /// What the op of some value has been reported for.
  llvm::DenseSet<mlir::Value> reported;
  /// Tensors that nobody has written to.
  llvm::DenseSet<mlir::Value> empty;

  /// A tensor of which a part was written, along one dimension.
  struct Part {
    int64_t offset, size;
    mlir::Value value;
  };
  struct Parts {
    int64_t axis;
    llvm::SmallVector<Part> parts;
  };
  llvm::DenseMap<mlir::Value, Parts> partial;

  /// The loops at hand, in their order, and how often each runs.
  llvm::SmallVector<unsigned> loopIds;
  llvm::SmallVector<int64_t> loopShape;
  std::string reason;
  unsigned unnamed = 0;
};

/// Mean, softmax, sigmoid and ReLU from their arithmetic.
void populateRecomposePatterns(mlir::RewritePatternSet &patterns);

/// What stands for a maximum along the dimension that has size 1 in the result
/// only, until it is found to be a part of softmax.
bool isMaximum(mlir::Operation *op);

} // namespace aero::linalgtopi

#endif // AERO_LIB_CONVERSION_LINALGTOPI_TRANSLATOR_H
