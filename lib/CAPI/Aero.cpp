//===- Aero.cpp - C interface of AERO -------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero-c/Aero.h"

#include "CensusJson.h"
#include "State.h"
#include "aero/Import/ONNX/Import.h"
#include "aero/InitAll.h"
#include "aero/Pipelines/Pipelines.h"

#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>

using namespace mlir;
using namespace aero;

static AeroSeverity convert(DiagnosticSeverity severity) {
  switch (severity) {
  case DiagnosticSeverity::Error:
    return AERO_SEVERITY_ERROR;
  case DiagnosticSeverity::Warning:
    return AERO_SEVERITY_WARNING;
  case DiagnosticSeverity::Note:
  case DiagnosticSeverity::Remark:
    return AERO_SEVERITY_REMARK;
  }
  llvm_unreachable("unknown severity");
}

capi::State::State(AeroMessageHandler handler, void *userData)
    : handler(handler), userData(userData) {
  static const bool registered = (registerAllPasses(), true);
  (void)registered;
  DialectRegistry registry;
  registerAllDialects(registry);
  context.appendDialectRegistry(registry);
  context.loadAllAvailableDialects();
  // People are told the node and the remedy, not the op in its generic form.
  context.printOpOnDiagnostic(false);
  context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
    std::string message;
    llvm::raw_string_ostream os(message);
    // Of a module that was parsed, the place in its text.
    if (isa<FileLineColLoc>(diagnostic.getLocation()))
      os << diagnostic.getLocation() << ": ";
    os << diagnostic;
    for (Diagnostic &note : diagnostic.getNotes())
      os << "; " << note;
    tell(convert(diagnostic.getSeverity()), message);
    return success();
  });
}

void capi::State::tell(AeroSeverity severity,
                       const std::string &message) const {
  if (handler)
    handler(severity, message.c_str(), userData);
  else if (severity == AERO_SEVERITY_ERROR)
    llvm::errs() << "error: " << message << "\n";
}

bool capi::State::fail(StringRef messages) const {
  SmallVector<StringRef> lines;
  messages.split(lines, '\n', /*MaxSplit=*/-1, /*KeepEmpty=*/false);
  for (StringRef line : lines)
    tell(AERO_SEVERITY_ERROR, line.str());
  return false;
}

bool capi::State::fail(llvm::Error error) const {
  return fail(llvm::toString(std::move(error)));
}

static char *copyBytes(StringRef bytes) {
  auto *copy = static_cast<char *>(std::malloc(bytes.size() + 1));
  if (copy) {
    std::memcpy(copy, bytes.data(), bytes.size());
    copy[bytes.size()] = 0;
  }
  return copy;
}

/// Runs what `build` adds, on a copy that replaces the module if all is well:
/// passes that failed may leave anything behind. Weights are not copied.
static bool runPasses(AeroModule &module,
                      llvm::function_ref<bool(PassManager &)> build) {
  PassManager manager(&module.state->context);
  if (!build(manager))
    return false;
  OwningOpRef<ModuleOp> copy(module.op->clone());
  if (failed(manager.run(*copy)))
    return false;
  module.op = std::move(copy);
  return true;
}

//===----------------------------------------------------------------------===//
// Contexts and strings
//===----------------------------------------------------------------------===//

AeroContext *aeroContextCreate(AeroMessageHandler handler, void *userData) {
  return new AeroContext{std::make_shared<capi::State>(handler, userData)};
}

void aeroContextDestroy(AeroContext *context) { delete context; }

void aeroStringDestroy(char *string) { std::free(string); }

const char *aeroGetVersion(void) { return AERO_VERSION; }

const char *aeroGetConfigurationName(size_t index) {
  // Literals, which end in a 0.
  llvm::ArrayRef<ConfigurationInfo> all = getConfigurations();
  return index < all.size() ? all[index].name.data() : nullptr;
}

//===----------------------------------------------------------------------===//
// Modules
//===----------------------------------------------------------------------===//

AeroModule *aeroModuleImportONNX(AeroContext *context, const char *path,
                                 const AeroImportOptions *options) {
  const capi::State &state = *context->state;
  ImportOptions converted;
  for (size_t i = 0, end = options ? options->bindingCount : 0; i < end; ++i) {
    const AeroBinding &binding = options->bindings[i];
    // The parser checks names and sizes.
    std::string text =
        std::string(binding.name) + "=" + std::to_string(binding.size);
    if (llvm::Error error = parseBinding(text, converted)) {
      state.fail(std::move(error));
      return nullptr;
    }
  }
  for (size_t i = 0, end = options ? options->fixedInputCount : 0; i < end; ++i)
    if (llvm::Error error =
            parseFixedInput(options->fixedInputs[i], converted)) {
      state.fail(std::move(error));
      return nullptr;
    }
  auto module = importONNX(path, context->state->context, converted);
  if (!module) {
    llvm::handleAllErrors(
        module.takeError(),
        [&](const ImportError &error) {
          for (const std::string &message : error.getMessages())
            state.fail(message);
        },
        [&](const llvm::ErrorInfoBase &error) { state.fail(error.message()); });
    return nullptr;
  }
  return new AeroModule{context->state, std::move(*module)};
}

AeroModule *aeroModuleParse(AeroContext *context, const char *source,
                            size_t length) {
  auto module = parseSourceString<ModuleOp>(StringRef(source, length),
                                            &context->state->context);
  return module ? new AeroModule{context->state, std::move(module)} : nullptr;
}

void aeroModuleDestroy(AeroModule *module) { delete module; }

bool aeroModuleApplyConfiguration(AeroModule *module, const char *name) {
  auto config = parseConfiguration(name);
  if (!config)
    return module->state->fail(config.takeError());
  return runPasses(*module, [&](PassManager &manager) {
    RewriteOptions options;
    options.config = *config;
    buildRewritePipeline(manager, options);
    return true;
  });
}

bool aeroModuleRunPipeline(AeroModule *module, const char *pipeline) {
  StringRef text = StringRef(pipeline).trim();
  // The manager is the anchor.
  if (text.ends_with(")") && text.consume_front("builtin.module("))
    text = text.drop_back();
  return runPasses(*module, [&](PassManager &manager) {
    std::string errors;
    llvm::raw_string_ostream os(errors);
    if (succeeded(parsePassPipeline(text, manager, os)))
      return true;
    return module->state->fail(errors);
  });
}

char *aeroModulePrint(AeroModule *module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module->op->print(os);
  return copyBytes(text);
}

char *aeroModuleWriteBytecode(AeroModule *module, size_t *length) {
  std::string bytes;
  llvm::raw_string_ostream os(bytes);
  if (failed(writeBytecodeToFile(*module->op, os)))
    return nullptr;
  *length = bytes.size();
  return copyBytes(bytes);
}

char *aeroModuleReport(AeroModule *module) {
  auto function = module->op->lookupSymbol<func::FuncOp>("main");
  if (!function || function.isExternal()) {
    module->state->fail("no function @main to report on");
    return nullptr;
  }
  return copyBytes(censusToJson(pi::takeCensus(function)));
}
