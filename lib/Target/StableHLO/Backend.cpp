//===- Backend.cpp - The target spu ---------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ModuleWriter.h"

#include "aero/Dialect/PI/IR/PIDialect.h"
#include "aero/Support/Elements.h"
#include "aero/Support/NumPyArchive.h"
#include "aero/Target/StableHLO/StableHLO.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-translate/Translation.h"

#include <nlohmann/json.hpp>

using namespace mlir;
using namespace aero;
using Owner = HLOArgument::Owner;

static constexpr char runScript[] =
#include "run.py.inc"
    ;
static constexpr char readme[] =
#include "README.md.in.inc"
    ;

static std::string makeReadme(const HLOModule &module,
                              const EmitOptions &options) {
  std::string text = readme;
  replaceAll(text, "{name}", options.name);
  replaceAll(text, "{tokens}", std::to_string(module.model.tokens));
  replaceAll(text, "{vocabulary}", std::to_string(module.model.vocabulary));
  replaceAll(text, "{config}", options.config);
  replaceAll(text, "{model}", options.model);
  return text;
}

/// As NumPy calls it.
static const char *getTypeName(Type type) {
  return type.isF32() ? "float32" : type.isInteger(32) ? "int32" : "int64";
}

static std::string describeArguments(const HLOModule &module,
                                     const EmitOptions &options) {
  nlohmann::json json = {{"name", options.name},
                         {"module", options.name + ".mlir"},
                         {"weights", options.name + ".npz"},
                         {"tokens", module.model.tokens},
                         {"vocabulary", module.model.vocabulary},
                         {"arguments", nlohmann::json::array()}};
  for (const HLOArgument &argument : module.arguments)
    json["arguments"].push_back(
        {{"name", argument.name},
         {"owner", argument.owner == Owner::Server   ? "server"
                   : argument.owner == Owner::Client ? "client"
                                                     : "public"},
         {"shape", argument.type.getShape().vec()},
         {"type", getTypeName(argument.type.getElementType())}});
  return json.dump(1, ' ', /*ensure_ascii=*/false,
                   nlohmann::json::error_handler_t::replace) +
         "\n";
}

/// Weights are read where they lie, when the archive is written.
static llvm::Error writeWeights(const HLOModule &module, OutputFolder &folder,
                                const EmitOptions &options) {
  NumPyArchive archive;
  for (const HLOArgument &argument : module.arguments) {
    if (argument.owner != Owner::Server)
      continue;
    pi::WeightOp weight = argument.weight;
    auto data = getFloatData(weight.getValue());
    if (!data)
      return llvm::createStringError(
          "weight '" + weight.getName() +
          "' cannot be read: " + llvm::toString(data.takeError()));
    archive.add(argument.name, argument.type.getShape(), std::move(*data));
  }
  auto path = folder.addPath(options.name + ".npz");
  if (!path)
    return path.takeError();
  return archive.write(*path);
}

namespace {

class SPUBackend : public Backend {
public:
  llvm::StringRef getName() const override { return "spu"; }
  llvm::StringRef getDescription() const override {
    return "StableHLO for SecretFlow SPU";
  }
  llvm::Error emit(ModuleOp module, const EmitOptions &options,
                   OutputFolder &folder) const override;
};

} // namespace

llvm::Error SPUBackend::emit(ModuleOp module, const EmitOptions &options,
                             OutputFolder &folder) const {
  auto written = writeHLOModule(module, options);
  if (!written)
    return written.takeError();
  if (llvm::Error error =
          folder.addText("README.md", makeReadme(*written, options)))
    return error;
  if (llvm::Error error = folder.addText(options.name + ".mlir", written->text))
    return error;
  if (llvm::Error error = folder.addText("arguments.json",
                                         describeArguments(*written, options)))
    return error;
  if (llvm::Error error =
          folder.addText("run.py", runScript, /*executable=*/true))
    return error;
  return writeWeights(*written, folder, options);
}

const Backend &aero::getSPUBackend() {
  static const SPUBackend backend;
  return backend;
}

void aero::registerStableHLOTranslation() {
  static TranslateFromMLIRRegistration registration(
      "pi-to-stablehlo", "write a folded module of pi as StableHLO for SPU",
      [](ModuleOp module, llvm::raw_ostream &os) -> LogicalResult {
        auto written = writeHLOModule(module, {"a module", "as-is", "program"});
        if (!written)
          return emitError(module.getLoc())
                 << llvm::toString(written.takeError());
        os << written->text;
        return success();
      },
      [](DialectRegistry &registry) {
        registry.insert<pi::PIDialect, func::FuncDialect>();
      });
}
