//===- FixedInterpreter.h - Executes mpc on plain integers ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What the parties must reconstruct, instruction by instruction, up to each
/// instruction's `getMaxErrorUnits`:
///
/// - linear, matmul, mul, add and shape ops: exact integers;
/// - trunc: floor(x / 2^s);
/// - max_row: the exact maximum of floor(x / 2^f);
/// - exp2: the nearest integer to 2^(x - max) 2^20, zero below x - max = -22;
/// - recip: the nearest integer to 2^48 / x.
///
/// Instructions that would compute garbage on shares because a value left its
/// range are errors that name the instruction, its ONNX node and its layer.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_REFERENCE_FIXEDINTERPRETER_H
#define AERO_REFERENCE_FIXEDINTERPRETER_H

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace aero::reference {

/// Called after every instruction. `instruction` is its index in the program
/// file (see aero/Target/Program/Program.h), and so is its value's. `values`
/// are the result's elements in row-major order, signed. The observer may
/// overwrite them, e.g. with what the parties reconstructed: the next
/// instructions then start from there, and an instruction is compared on equal
/// inputs.
using FixedObserver =
    llvm::function_ref<void(uint32_t instruction, mlir::Operation *op,
                            llvm::MutableArrayRef<int64_t> values)>;

/// Executes one function of mpc ops, any number of times.
class FixedInterpreter {
public:
  /// Rounds the weights of `func`, which must outlive the interpreter. Fails if
  /// the function holds other ops or a weight has no data or is too large.
  static llvm::Expected<FixedInterpreter> create(mlir::func::FuncOp func);
  ~FixedInterpreter();
  FixedInterpreter(FixedInterpreter &&) noexcept;
  FixedInterpreter &operator=(FixedInterpreter &&) noexcept;

  /// The revealed integers for T token ids and, if the program computes one
  /// row, the position of the last token of the prompt (else ignored).
  llvm::Expected<std::vector<int64_t>>
  run(llvm::ArrayRef<int64_t> tokens, int64_t position,
      FixedObserver observer = nullptr) const;

  /// The revealed shape, (1 or T, V), and its fraction bits.
  llvm::ArrayRef<int64_t> getResultShape() const;
  int32_t getResultFrac() const;
  /// Revealed integers as real numbers: what the client computes.
  std::vector<double> toDoubles(llvm::ArrayRef<int64_t> values) const;

private:
  struct State;
  explicit FixedInterpreter(std::unique_ptr<State> state);
  std::unique_ptr<State> state;
};

/// For one run: create and run.
llvm::Expected<std::vector<int64_t>> runFixed(mlir::func::FuncOp func,
                                              llvm::ArrayRef<int64_t> tokens,
                                              int64_t position,
                                              FixedObserver observer = nullptr);

} // namespace aero::reference

#endif // AERO_REFERENCE_FIXEDINTERPRETER_H
