//===- ProgramWriter.h - A pi function as an MP-SPDZ program -------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_TARGET_MPSPDZ_PROGRAMWRITER_H
#define AERO_LIB_TARGET_MPSPDZ_PROGRAMWRITER_H

#include "aero/Target/Backend.h"
#include "aero/Target/FoldedModel.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace aero {

/// A weight that the program reads from the server's file.
struct ReadWeight {
  std::string name;
  mlir::ElementsAttr data;
  /// What the file has: the elements, the columns of the matrix as rows, or 1
  /// divided by each element.
  enum class Form { Plain, Columns, Inverse } form = Form::Plain;
};

struct MPSPDZProgram {
  std::string text;
  /// The server's file, in the order in which the program reads it. A weight
  /// that is read twice is in it twice.
  std::vector<ReadWeight> weights;
  FoldedModel model;
};

/// The program of a folded module, see Backend::emit. It also reveals the
/// results of `insecure`, see emitInsecureMPSPDZ.
llvm::Expected<MPSPDZProgram>
writeMPSPDZProgram(mlir::ModuleOp module, const EmitOptions &options,
                   llvm::ArrayRef<mlir::Operation *> insecure = {});

} // namespace aero

#endif // AERO_LIB_TARGET_MPSPDZ_PROGRAMWRITER_H
