//===- ParameterTable.h - Learnable scalars of a file, by role ------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_TARGET_ONNX_PARAMETERTABLE_H
#define AERO_LIB_TARGET_ONNX_PARAMETERTABLE_H

#include "OpExporter.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace aero {

/// The ONNX node that computes with the parameters of an op: of attention its
/// Softmax.
using NodeNames = llvm::DenseMap<mlir::Operation *, std::string>;

/// Adds the entropy thresholds of `function` to the graph, as initializers that
/// no node reads, and makes its table of learnable scalars (OnnxMetadata.h),
/// which is empty if there are none.
void addParameterTable(mlir::func::FuncOp function, const OpExporter &ops,
                       const NodeNames &nodes, GraphBuilder &graph);

} // namespace aero

#endif // AERO_LIB_TARGET_ONNX_PARAMETERTABLE_H
