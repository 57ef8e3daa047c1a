/*===- mlir.c - A module in the hands of MLIR's C interface
----------------===*\
|*                                                                            *|
|* Part of the AERO project, under the Apache License v2.0 with LLVM          *|
|* Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception        *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

/* mlir SOFTMAX-ONLY.onnx: hands the network over in memory, runs passes of MLIR
 * that know nothing of AERO, and takes it back. */

#include "aero-c/AeroMLIR.h"
#include "mlir-c/Pass.h"
#include "mlir-c/Transforms.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

static void check(bool condition, const char *what, int line) {
  if (condition)
    return;
  ++failures;
  fprintf(stderr, "line %d: expected %s\n", line, what);
}
#define CHECK(condition) check(condition, #condition, __LINE__)

static char last[2048];

static void keep(AeroSeverity severity, const char *message, void *userData) {
  if (severity == AERO_SEVERITY_ERROR)
    snprintf(last, sizeof last, "%s", message);
}

static void runStockPasses(MlirModule module) {
  MlirPassManager manager = mlirPassManagerCreate(mlirModuleGetContext(module));
  mlirPassManagerAddOwnedPass(manager, mlirCreateTransformsCanonicalizer());
  mlirPassManagerAddOwnedPass(manager, mlirCreateTransformsCSE());
  CHECK(mlirLogicalResultIsSuccess(
      mlirPassManagerRunOnOp(manager, mlirModuleGetOperation(module))));
  mlirPassManagerDestroy(manager);
}

int main(int argc, char **argv) {
  if (argc != 2)
    return 2;
  AeroContext *context = aeroContextCreate(keep, NULL);
  AeroModule *module = aeroModuleImportONNX(context, argv[1], NULL);
  if (!module || !aeroModuleApplyConfiguration(module, "SM+ScFuFFN"))
    return EXIT_FAILURE;
  char *before = aeroModuleReport(module);

  /* Borrowed: changed where it is. */
  CHECK(aeroModuleRunPipeline(module, "func.func(convert-pi-to-linalg)"));
  runStockPasses(aeroModuleGetMlirModule(module));

  /* Given away, copied, and the copy taken back. */
  MlirModule given = aeroModuleRelease(module);
  CHECK(mlirContextEqual(mlirModuleGetContext(given),
                         aeroContextGetMlirContext(context)));
  MlirModule copy = mlirModuleFromOperation(
      mlirOperationClone(mlirModuleGetOperation(given)));
  mlirModuleDestroy(given);
  module = aeroModuleAdopt(context, copy);
  CHECK(module != NULL);
  if (!module)
    return EXIT_FAILURE;
  CHECK(aeroModuleRunPipeline(module,
                              "func.func(convert-linalg-to-pi),aero-rewrite"));
  char *after = aeroModuleReport(module);
  CHECK(before && after && strcmp(before, after) == 0);
  aeroStringDestroy(before);
  aeroStringDestroy(after);

  /* What is not of this context, or no valid module, stays the caller's. */
  MlirContext other = mlirContextCreate();
  MlirModule foreign = mlirModuleCreateEmpty(mlirLocationUnknownGet(other));
  CHECK(!aeroModuleAdopt(context, foreign));
  CHECK(strstr(last, "another context") != NULL);
  mlirModuleDestroy(foreign);
  mlirContextDestroy(other);

  MlirModule null = {NULL};
  CHECK(!aeroModuleAdopt(context, null));
  CHECK(strstr(last, "no module") != NULL);

  MlirContext own = aeroContextGetMlirContext(context);
  MlirModule outer = mlirModuleCreateEmpty(mlirLocationUnknownGet(own));
  MlirModule inner = mlirModuleCreateEmpty(mlirLocationUnknownGet(own));
  mlirBlockAppendOwnedOperation(mlirModuleGetBody(outer),
                                mlirModuleGetOperation(inner));
  CHECK(!aeroModuleAdopt(context, inner));
  CHECK(strstr(last, "a part of another one") != NULL);
  mlirModuleDestroy(outer);

  /* Two symbols of one name: MLIR can hold it, and says what is wrong. */
  const char *text = "module { func.func private @f() }";
  MlirModule invalid =
      mlirModuleCreateParse(own, mlirStringRefCreateFromCString(text));
  MlirOperation function =
      mlirBlockGetFirstOperation(mlirModuleGetBody(invalid));
  mlirBlockAppendOwnedOperation(mlirModuleGetBody(invalid),
                                mlirOperationClone(function));
  CHECK(!aeroModuleAdopt(context, invalid));
  CHECK(strstr(last, "redefinition of symbol") != NULL);
  mlirModuleDestroy(invalid);

  /* The module keeps its context alive. */
  aeroContextDestroy(context);
  char *printed = aeroModulePrint(module);
  CHECK(printed && strstr(printed, "pi.attention"));
  aeroStringDestroy(printed);
  aeroModuleDestroy(module);
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
