//===- Program.h - Emission of program files ------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// From a scheduled mpc module to the file that all parties execute and the
/// server's weights beside it.
///
/// Instruction i of the file is the i-th op of the function's body for which
/// `mpc::isInstruction` holds, and value i is its result.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_TARGET_PROGRAM_PROGRAM_H
#define AERO_TARGET_PROGRAM_PROGRAM_H

#include "aero/Runtime/Program.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>

namespace aero {

/// What a program file says about itself, for messages only.
struct ProgramOptions {
  /// The file name of the ONNX model.
  std::string model;
  /// "SM+ScFuFFN".
  std::string config;
};

/// The program of a module with one scheduled function of mpc ops. Weights have
/// their final offsets; none of them is read except to find equal ones.
llvm::Expected<program::Program> buildProgram(mlir::ModuleOp module,
                                              const ProgramOptions &options);

/// Sizes of what emitProgram wrote.
struct EmittedProgram {
  rt::ProgramHash hash;
  uint64_t instructions = 0;
  /// Bytes of weights after equal ones have been merged.
  uint64_t weightBytes = 0;
};

/// Writes the program file and the weights file, rounding weights to the
/// nearest integer, ties to even. Both files are complete or, after an error,
/// neither has been touched.
llvm::Expected<EmittedProgram> emitProgram(mlir::ModuleOp module,
                                           const std::string &programPath,
                                           const std::string &weightsPath,
                                           const ProgramOptions &options);

/// Registers `aero-translate --mpc-to-program-text`.
void registerProgramTranslations();

} // namespace aero

#endif // AERO_TARGET_PROGRAM_PROGRAM_H
