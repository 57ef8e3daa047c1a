//===- FloatInterpreter.h - Evaluates pi in float32 -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// What a model means: the oracle of every transformation and of the
// fixed-point lowering, and the source of calibration ranges.
//
//===----------------------------------------------------------------------===//

#ifndef AERO_REFERENCE_FLOATINTERPRETER_H
#define AERO_REFERENCE_FLOATINTERPRETER_H

#include "aero/Reference/Tensor.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace aero::reference {

/// Called after every op that has results, in program order, `pi.weight` and
/// `pi.constant` included. The tensors may be kept: copies share elements.
using Observer =
    llvm::function_ref<void(mlir::Operation *, llvm::ArrayRef<Tensor>)>;

/// Evaluates `func`, whose body must be one block of pi ops, in float32 (sums
/// of norms, means and softmax in float64) and returns its results. A value is
/// freed after its last use; weights are read in place.
///
/// Fails with a message that names the op, its ONNX node and its location if
/// the inputs do not fit the signature, an op is not a pi op, a tensor has no
/// elements, a weight has no data, or a token id or position is out of range.
llvm::Expected<llvm::SmallVector<Tensor>>
interpret(mlir::func::FuncOp func, llvm::ArrayRef<Tensor> inputs,
          Observer observer = nullptr);

} // namespace aero::reference

#endif // AERO_REFERENCE_FLOATINTERPRETER_H
