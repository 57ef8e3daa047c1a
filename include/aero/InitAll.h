//===- InitAll.h - Every dialect and pass of AERO -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_INITALL_H
#define AERO_INITALL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace aero {

/// Adds AERO's dialects, and the upstream ones that its IR is made of.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers AERO's passes and pipelines, and the generic upstream passes
/// (canonicalize, cse, ...), with the global pass registry.
void registerAllPasses();

} // namespace aero

#endif // AERO_INITALL_H
