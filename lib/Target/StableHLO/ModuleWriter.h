//===- ModuleWriter.h - A pi function as a StableHLO module ---------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_TARGET_STABLEHLO_MODULEWRITER_H
#define AERO_LIB_TARGET_STABLEHLO_MODULEWRITER_H

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Target/Backend.h"
#include "aero/Target/FoldedModel.h"

#include "mlir/IR/BuiltinTypes.h"

#include <string>
#include <vector>

namespace aero {

/// An argument of the module's @main.
struct HLOArgument {
  enum class Owner { Server, Client, Public };

  /// Unique among the arguments.
  std::string name;
  Owner owner;
  mlir::RankedTensorType type;
  /// The server's; null for others.
  pi::WeightOp weight;
};

struct HLOModule {
  std::string text;
  /// Weights in the order of their first use, then the prompt, then the
  /// position if there is one.
  std::vector<HLOArgument> arguments;
  FoldedModel model;
};

/// The module of a folded one, see Backend::emit.
llvm::Expected<HLOModule> writeHLOModule(mlir::ModuleOp module,
                                         const EmitOptions &options);

} // namespace aero

#endif // AERO_LIB_TARGET_STABLEHLO_MODULEWRITER_H
