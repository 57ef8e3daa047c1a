/*===- AeroMLIR.h - Modules of AERO as modules of MLIR's C interface
-------===*\
|*                                                                            *|
|* Part of the AERO project, under the Apache License v2.0 with LLVM          *|
|* Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception        *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

/* For a compiler on the same libMLIR.so as AERO: it takes a module as it is, in
 * memory, runs its own passes, and hands it back. A program with another MLIR
 * must not: it hands text or bytecode over, see Aero.h. */

#ifndef AERO_C_AEROMLIR_H
#define AERO_C_AEROMLIR_H

#include "aero-c/Aero.h"
#include "mlir-c/IR.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The context of MLIR behind `context`, which owns it: it lives as long as the
 * context or a module of it. */
AERO_CAPI_EXPORTED MlirContext aeroContextGetMlirContext(AeroContext *context);

/* The module, which stays AERO's: it may be changed, not destroyed. It is
 * another one after aeroModuleApplyConfiguration or aeroModuleRunPipeline. */
AERO_CAPI_EXPORTED MlirModule aeroModuleGetMlirModule(AeroModule *module);

/* Hands the module over for good: the caller destroys it, and before the last
 * of `context` and its other modules. `module` is destroyed. */
AERO_CAPI_EXPORTED MlirModule aeroModuleRelease(AeroModule *module);

/* Takes a module that somebody made or changed in this context. From then on it
 * is AERO's. A module of another context, or one that is not valid, is an
 * error, and stays the caller's. */
AERO_CAPI_EXPORTED AeroModule *aeroModuleAdopt(AeroContext *context,
                                               MlirModule module);

#ifdef __cplusplus
}
#endif

#endif /* AERO_C_AEROMLIR_H */
