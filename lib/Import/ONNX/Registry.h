//===- Registry.h - Which ONNX operators are imported, and how ------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Every operator is a row of a table: its name, since which operator set the
/// row holds, how many inputs it takes, and the function that makes `pi` ops of
/// a node. A second table has the functions that evaluate an operator on public
/// constants, which is all that some operators need: shapes and masks.
///
/// To add an operator, write its builder in the file of its family under Ops/,
/// and one row in that file's table.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_IMPORT_ONNX_REGISTRY_H
#define AERO_LIB_IMPORT_ONNX_REGISTRY_H

#include "HostTensor.h"

#include "mlir/Support/LLVM.h"

namespace aero {

class Node;

/// Weights below this many elements are printed in the module itself, which
/// keeps scalars (learnable scales) readable; larger ones are resources.
constexpr int64_t kInlineElements = 2;
constexpr int64_t kFirstOpset = 11, kLastOpset = 23;
constexpr llvm::StringLiteral kDefaultDomain = "ai.onnx";
/// For operators that take any number of inputs.
constexpr unsigned kManyInputs = 1u << 20;

/// Makes the `pi` ops of a node and sets its results, or records a fault.
using Builder = mlir::LogicalResult (*)(Node &);

struct OperatorInfo {
  llvm::StringRef name;
  /// The first operator set of which this row is true; a later row of the same
  /// name takes over at its own.
  int64_t since = 1;
  unsigned minInputs = 0, maxInputs = 0;
  /// Null if only public constants are evaluated.
  Builder build = nullptr;
};

/// The results of a node all of whose inputs are constants, or nothing with a
/// recorded fault.
using Evaluator = std::optional<llvm::SmallVector<HostTensor, 1>> (*)(Node &);

struct EvaluatorInfo {
  llvm::StringRef name;
  Evaluator evaluate;
};

/// The row of an operator of the default domain at an operator set, or null.
const OperatorInfo *findOperator(llvm::StringRef name, int64_t opset);
/// Null if the operator cannot be evaluated.
Evaluator findEvaluator(llvm::StringRef name);

/// What to do about an operator that is not in the tables; may be empty.
llvm::StringRef getHint(llvm::StringRef domain, llvm::StringRef name);

// The tables, by operator family.
llvm::ArrayRef<OperatorInfo> getActivationOperators();
llvm::ArrayRef<OperatorInfo> getArithmeticOperators();
llvm::ArrayRef<OperatorInfo> getAttentionOperators();
llvm::ArrayRef<OperatorInfo> getConstantOperators();
llvm::ArrayRef<OperatorInfo> getIndexingOperators();
llvm::ArrayRef<OperatorInfo> getLinearAlgebraOperators();
llvm::ArrayRef<OperatorInfo> getLogicOperators();
llvm::ArrayRef<OperatorInfo> getNormalizationOperators();
llvm::ArrayRef<OperatorInfo> getShapeOperators();

llvm::ArrayRef<EvaluatorInfo> getElementwiseEvaluators();
llvm::ArrayRef<EvaluatorInfo> getMovementEvaluators();
llvm::ArrayRef<EvaluatorInfo> getReductionEvaluators();
llvm::ArrayRef<EvaluatorInfo> getGeneratorEvaluators();

} // namespace aero

#endif // AERO_LIB_IMPORT_ONNX_REGISTRY_H
