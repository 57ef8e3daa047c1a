/*===- Aero.h - C interface of AERO
----------------------------------------===*\
|*                                                                            *|
|* Part of the AERO project, under the Apache License v2.0 with LLVM          *|
|* Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception        *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

/* Import, rewrite and measure a network from C, or from whatever calls C, hand
 * it over to another compiler and take it back. AeroMLIR.h does that in memory.
 *
 * What can fail returns NULL or false, after the message handler of the context
 * has been told why. Objects are used by one thread at a time; a module keeps
 * its context alive, so that they may be destroyed in any order. Strings that
 * are returned as `char *` belong to the caller and end in a 0. */

#ifndef AERO_C_AERO_H
#define AERO_C_AERO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(_WIN32)
#define AERO_CAPI_EXPORTED
#else
#define AERO_CAPI_EXPORTED __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct AeroContext AeroContext;
typedef struct AeroModule AeroModule;

typedef enum AeroSeverity {
  AERO_SEVERITY_REMARK,
  AERO_SEVERITY_WARNING,
  AERO_SEVERITY_ERROR
} AeroSeverity;

/* Called for each message, which lives until the handler returns. It is one
 * line for people; notes follow it, after semicolons. */
typedef void (*AeroMessageHandler)(AeroSeverity severity, const char *message,
                                   void *userData);

/*===----------------------------------------------------------------------===*\
|* Contexts and strings
\*===----------------------------------------------------------------------===*/

/* A context with all of AERO's dialects, passes and pipelines. Messages go to
 * `handler`, with `userData`; without a handler, errors go to stderr. */
AERO_CAPI_EXPORTED AeroContext *aeroContextCreate(AeroMessageHandler handler,
                                                  void *userData);
AERO_CAPI_EXPORTED void aeroContextDestroy(AeroContext *context);

AERO_CAPI_EXPORTED void aeroStringDestroy(char *string);

/* "0.1.0" */
AERO_CAPI_EXPORTED const char *aeroGetVersion(void);

/* The networks that aeroModuleApplyConfiguration knows: "SM+ScFuFFN" and so on;
 * NULL from the end of the list on. */
AERO_CAPI_EXPORTED const char *aeroGetConfigurationName(size_t index);

/*===----------------------------------------------------------------------===*\
|* Modules
\*===----------------------------------------------------------------------===*/

typedef struct AeroBinding {
  const char *name;
  int64_t size;
} AeroBinding;

typedef struct AeroImportOptions {
  /* Sizes of dimensions that the file leaves open: by their symbol ("batch"),
   * or by input and position ("input_ids.1", from 0). */
  const AeroBinding *bindings;
  size_t bindingCount;
  /* Public inputs that become constants: "attention_mask=1" fills with a
   * number, "position_ids=range" counts up along the last dimension. */
  const char *const *fixedInputs;
  size_t fixedInputCount;
} AeroImportOptions;

/* Reads an ONNX file as a module with a function @main of low-level `pi`.
 * `options` may be NULL. */
AERO_CAPI_EXPORTED AeroModule *
aeroModuleImportONNX(AeroContext *context, const char *path,
                     const AeroImportOptions *options);

/* Reads a module from its text or bytecode, which is copied: AERO's, or what
 * another compiler made of a module that was handed over. A context keeps large
 * constants by name and adds a suffix to a name that it has already, so what
 * comes back is read into a new context. */
AERO_CAPI_EXPORTED AeroModule *
aeroModuleParse(AeroContext *context, const char *source, size_t length);

AERO_CAPI_EXPORTED void aeroModuleDestroy(AeroModule *module);

/* Rewrites the module as a configuration; see aeroGetConfigurationName. If it
 * fails, the module is unchanged. */
AERO_CAPI_EXPORTED bool aeroModuleApplyConfiguration(AeroModule *module,
                                                     const char *name);

/* Runs passes and pipelines, in the syntax of mlir-opt's --pass-pipeline:
 * "builtin.module(aero-rewrite{config=SM},func.func(convert-pi-to-linalg))".
 * The anchor may be left out. If it fails, the module is unchanged. */
AERO_CAPI_EXPORTED bool aeroModuleRunPipeline(AeroModule *module,
                                              const char *pipeline);

/* The module as MLIR text, weights included: large for a large model. */
AERO_CAPI_EXPORTED char *aeroModulePrint(AeroModule *module);

/* The module as MLIR bytecode, weights included; `length` bytes (the 0 behind
 * them is not counted), which belong to the caller as a string does. */
AERO_CAPI_EXPORTED char *aeroModuleWriteBytecode(AeroModule *module,
                                                 size_t *length);

/* The census of the function @main, which has to be raised `pi` (any
 * configuration leaves it so), as JSON: nonlinear operations, parameters and
 * multiply-adds, under the keys of `aero inspect --json`. */
AERO_CAPI_EXPORTED char *aeroModuleReport(AeroModule *module);

#ifdef __cplusplus
}
#endif

#endif /* AERO_C_AERO_H */
