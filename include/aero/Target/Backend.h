//===- Backend.h - Engines that a model is emitted for --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A backend writes a rewritten and folded `pi` module as what another engine
/// runs. Each is a folder below lib/Target and one line in
/// lib/Target/Backends/Backends.cpp; docs/contributing/add-a-backend.md is the
/// guide.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_TARGET_BACKEND_H
#define AERO_TARGET_BACKEND_H

#include "aero/Support/OutputFolder.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace aero {

/// What is said of the model in the emitted files, for people only.
struct EmitOptions {
  /// The file name of the ONNX model, without its folder.
  std::string model;
  /// "SM+ScFuFFN".
  std::string config;
  /// What the emitted program is called: letters, digits, '-' and '_'.
  std::string name;
};

class Backend {
public:
  virtual ~Backend() = default;

  /// The value of --target.
  virtual llvm::StringRef getName() const = 0;
  /// One line for --help.
  virtual llvm::StringRef getDescription() const = 0;

  /// Adds to `folder` all that the parties need. The module is what
  /// buildLowerPipeline leaves without `base2` and `toShares`: one function
  /// @main of token ids (1, T), i64, and with `lastTokenOnly` a position, i64,
  /// to logits (1, 1 or T, V). The output is the same for the same module.
  ///
  /// An op that the engine cannot express is an error that names it and its
  /// ONNX node; a line each if there are several.
  virtual llvm::Error emit(mlir::ModuleOp module, const EmitOptions &options,
                           OutputFolder &folder) const = 0;
};

/// All backends, in the order in which they are listed.
llvm::ArrayRef<const Backend *> getBackends();

/// The backend of that name, or null.
const Backend *findBackend(llvm::StringRef name);

} // namespace aero

#endif // AERO_TARGET_BACKEND_H
