/*===- capi.c - The C interface, used from C
-------------------------------===*\
|*                                                                            *|
|* Part of the AERO project, under the Apache License v2.0 with LLVM          *|
|* Exceptions. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception        *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

/* capi BASELINE.onnx SOFTMAX-ONLY.onnx: the two small GPT-2 of the import
 * tests. */

#include "aero-c/Aero.h"

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

/* What has been said since the last look. */
typedef struct Messages {
  int errors;
  int others;
  char last[2048];
} Messages;

static void collect(AeroSeverity severity, const char *message,
                    void *userData) {
  Messages *messages = userData;
  if (severity == AERO_SEVERITY_ERROR)
    ++messages->errors;
  else
    ++messages->others;
  snprintf(messages->last, sizeof messages->last, "%s", message);
}

/* Whether there was one error, which holds `fragment`. Forgets it. */
static bool said(Messages *messages, const char *fragment) {
  bool result = messages->errors == 1 && strstr(messages->last, fragment);
  if (!result)
    fprintf(stderr, "%d errors, the last: %s\n", messages->errors,
            messages->last);
  memset(messages, 0, sizeof *messages);
  return result;
}

static bool holds(char *text, const char *fragment) {
  bool result = text && strstr(text, fragment);
  aeroStringDestroy(text);
  return result;
}

static void testConfigurations(void) {
  size_t count = 0;
  bool found = false;
  for (const char *name; (name = aeroGetConfigurationName(count)); ++count)
    found |= strcmp(name, "SM+ScFuFFN") == 0;
  CHECK(found && count >= 9);
  CHECK(aeroGetConfigurationName(count + 100) == NULL);
  CHECK(strchr(aeroGetVersion(), '.') != NULL);
}

static void testRewrite(const char *path) {
  Messages messages = {0, 0, ""};
  AeroContext *context = aeroContextCreate(collect, &messages);
  AeroModule *module = aeroModuleImportONNX(context, path, NULL);
  CHECK(module != NULL);
  if (!module)
    return;
  CHECK(aeroModuleApplyConfiguration(module, "as-is"));
  CHECK(holds(aeroModuleReport(module), "\"kind\": \"gelu\""));
  CHECK(aeroModuleApplyConfiguration(module, "SM"));
  char *report = aeroModuleReport(module);
  CHECK(report && strstr(report, "\"kind\": \"softmax\"") &&
        !strstr(report, "\"kind\": \"gelu\"") &&
        strstr(report, "\"multiply_adds\"") && strstr(report, "\"layers\": 1"));
  aeroStringDestroy(report);

  /* A pass, with the anchor and without. */
  CHECK(aeroModuleRunPipeline(module, "builtin.module(canonicalize)"));
  CHECK(holds(aeroModulePrint(module), "pi.attention"));
  CHECK(aeroModuleRunPipeline(module, "func.func(convert-pi-to-linalg)"));
  CHECK(holds(aeroModulePrint(module), "linalg.matmul"));
  CHECK(messages.errors == 0);

  /* The module keeps what it needs of its context. */
  aeroContextDestroy(context);
  CHECK(holds(aeroModulePrint(module), "linalg.matmul"));
  aeroModuleDestroy(module);
}

static void testErrors(const char *path) {
  Messages messages = {0, 0, ""};
  AeroContext *context = aeroContextCreate(collect, &messages);
  CHECK(!aeroModuleImportONNX(context, "/no/such/file.onnx", NULL));
  CHECK(said(&messages, "/no/such/file.onnx"));
  AeroBinding binding = {"batch", -1};
  AeroImportOptions options = {&binding, 1, NULL, 0};
  CHECK(!aeroModuleImportONNX(context, path, &options));
  CHECK(said(&messages, "batch"));
  const char *fixed = "mask";
  AeroImportOptions fixing = {NULL, 0, &fixed, 1};
  CHECK(!aeroModuleImportONNX(context, path, &fixing));
  CHECK(said(&messages, "mask"));

  const char text[] = "func.func @f() { pi.nonsense }";
  CHECK(!aeroModuleParse(context, text, strlen(text)));
  CHECK(said(&messages, "pi.nonsense"));

  const char *other = "func.func @other() { return }";
  AeroModule *parsed = aeroModuleParse(context, other, strlen(other));
  CHECK(parsed != NULL);
  CHECK(!aeroModuleReport(parsed));
  CHECK(said(&messages, "@main"));
  aeroModuleDestroy(parsed);

  AeroModule *module = aeroModuleImportONNX(context, path, NULL);
  CHECK(module != NULL);
  if (!module)
    return;
  CHECK(!aeroModuleApplyConfiguration(module, "SM+X"));
  CHECK(said(&messages, "unknown configuration 'SM+X'; known are as-is"));
  CHECK(!aeroModuleRunPipeline(module, "no-such-pass"));
  CHECK(messages.errors > 0);
  memset(&messages, 0, sizeof messages);

  /* A softmax-only model has no GELU to keep; the module stays as it was. */
  char *before = aeroModulePrint(module);
  CHECK(!aeroModuleApplyConfiguration(module, "SM+LN+G"));
  CHECK(messages.errors > 0);
  char *after = aeroModulePrint(module);
  CHECK(before && after && strcmp(before, after) == 0);
  aeroStringDestroy(before);
  aeroStringDestroy(after);
  aeroModuleDestroy(module);
  aeroContextDestroy(context);
}

/* To linalg, out of the process as bytecode or text, and back into another
 * context: the same network under the same names. */
static void testHandOver(const char *path, bool asBytecode) {
  Messages messages = {0, 0, ""};
  AeroContext *context = aeroContextCreate(collect, &messages);
  AeroModule *module = aeroModuleImportONNX(context, path, NULL);
  CHECK(module && aeroModuleApplyConfiguration(module, "SM+ScFuFFN"));
  char *before = module ? aeroModuleReport(module) : NULL;
  CHECK(module &&
        aeroModuleRunPipeline(module, "func.func(convert-pi-to-linalg)"));
  size_t length = 0;
  char *bytes = NULL;
  if (module && asBytecode)
    bytes = aeroModuleWriteBytecode(module, &length);
  else if (module && (bytes = aeroModulePrint(module)))
    length = strlen(bytes);
  CHECK(bytes && length > 4);
  CHECK(bytes && (memcmp(bytes, "ML\xefR", 4) == 0) == asBytecode);
  aeroModuleDestroy(module);
  aeroContextDestroy(context);
  if (!bytes || !before)
    return;

  context = aeroContextCreate(collect, &messages);
  module = aeroModuleParse(context, bytes, length);
  CHECK(module != NULL);
  CHECK(module && aeroModuleRunPipeline(
                      module, "func.func(canonicalize,convert-linalg-to-pi),"
                              "aero-rewrite"));
  char *after = module ? aeroModuleReport(module) : NULL;
  CHECK(after && strcmp(before, after) == 0);
  CHECK(module &&
        holds(aeroModulePrint(module), "pi.weight \"h.0.attn.c_attn.weight\""));
  CHECK(messages.errors == 0);

  /* What comes back may be anything: it is told, and nothing is changed. */
  const char *other = "func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {\n"
                      "  %0 = math.log %x : tensor<2xf32>\n"
                      "  return %0 : tensor<2xf32>\n}";
  AeroModule *unknown = aeroModuleParse(context, other, strlen(other));
  CHECK(unknown &&
        !aeroModuleRunPipeline(unknown, "func.func(convert-linalg-to-pi)"));
  CHECK(said(&messages, "no pi form of math.log"));
  CHECK(unknown && holds(aeroModulePrint(unknown), "math.log"));
  CHECK(!aeroModuleParse(context, bytes, length / 2));
  CHECK(messages.errors > 0);
  aeroModuleDestroy(unknown);
  aeroModuleDestroy(module);
  aeroContextDestroy(context);
  aeroStringDestroy(before);
  aeroStringDestroy(after);
  aeroStringDestroy(bytes);
}

static void testNothing(void) {
  aeroContextDestroy(NULL);
  aeroModuleDestroy(NULL);
  aeroStringDestroy(NULL);
}

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  testConfigurations();
  testRewrite(argv[1]);
  testErrors(argv[2]);
  testHandOver(argv[2], true);
  testHandOver(argv[2], false);
  testNothing();
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
