//===- Verifiers.h - What the verifiers of mpc ops share --------*- C++ -*-===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_DIALECT_MPC_IR_VERIFIERS_H
#define AERO_LIB_DIALECT_MPC_IR_VERIFIERS_H

#include "aero/Dialect/MPC/IR/MPCOps.h"

namespace aero::mpc {

/// Checks that the result is the tensor that the operation yields.
inline mlir::LogicalResult verifyResult(mlir::Operation *op,
                                        llvm::ArrayRef<int64_t> shape,
                                        unsigned bits, int64_t frac) {
  ShareType expected =
      ShareType::getChecked([&] { return op->emitOpError() << "result: "; },
                            op->getContext(), shape, bits, int32_t(frac));
  if (!expected)
    return mlir::failure();
  if (op->getResult(0).getType() != expected)
    return op->emitOpError() << "expected a result of type " << expected
                             << ", got " << op->getResult(0).getType();
  return mlir::success();
}

template <typename... Types>
mlir::LogicalResult verifyFullRing(mlir::Operation *op, Types... types) {
  for (ShareType type : {types...})
    if (type.getBits() != ringBits)
      return op->emitOpError()
             << "works in the ring of " << ringBits << " bits, got " << type;
  return mlir::success();
}

} // namespace aero::mpc

#endif // AERO_LIB_DIALECT_MPC_IR_VERIFIERS_H
