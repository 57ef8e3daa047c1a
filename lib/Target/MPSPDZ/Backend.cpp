//===- Backend.cpp - The target mpspdz ------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ProgramWriter.h"

#include "aero/Dialect/PI/IR/PIDialect.h"
#include "aero/Support/Elements.h"
#include "aero/Target/MPSPDZ/MPSPDZ.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace mlir;
using namespace aero;

static constexpr char clientScript[] =
#include "client.py.inc"
    ;
static constexpr char readme[] =
#include "README.md.in.inc"
    ;

static std::string makeClient(const MPSPDZProgram &program) {
  std::string text = clientScript;
  replaceAll(text, "TOKENS, VOCABULARY, ROWS, HAS_POSITION = 0, 0, 0, False",
             llvm::formatv(
                 "TOKENS, VOCABULARY, ROWS, HAS_POSITION = {0}, {1}, {2}, {3}",
                 program.model.tokens, program.model.vocabulary,
                 program.model.rows,
                 program.model.hasPosition ? "True" : "False")
                 .str());
  return text;
}

static std::string makeReadme(const MPSPDZProgram &program,
                              const EmitOptions &options, uint64_t numbers) {
  std::string text = readme;
  replaceAll(text, "{name}", options.name);
  replaceAll(text, "{model}", options.model);
  replaceAll(text, "{config}", options.config);
  replaceAll(text, "{tokens}", std::to_string(program.model.tokens));
  replaceAll(text, "{weights}", std::to_string(numbers));
  replaceAll(text, "{rows}",
             program.model.rows == 1 ? "its last token" : "all its tokens");
  replaceAll(text, "{length}",
             program.model.hasPosition ? " and how long the prompt is" : "");
  return text;
}

/// Little-endian single precision, from where the weights lie.
static llvm::Error writeWeights(llvm::ArrayRef<ReadWeight> weights,
                                llvm::raw_ostream &os) {
  static_assert(llvm::endianness::native == llvm::endianness::little);
  for (const ReadWeight &weight : weights) {
    auto data = getFloatData(weight.data);
    if (!data)
      return llvm::createStringError(
          "weight '" + weight.name +
          "' cannot be read: " + llvm::toString(data.takeError()));
    llvm::ArrayRef<float> values = *data;
    std::vector<float> changed;
    if (weight.form == ReadWeight::Form::Columns) {
      llvm::ArrayRef<int64_t> shape = weight.data.getShapedType().getShape();
      changed.resize(values.size());
      transposeMatrix(values.data(), changed.data(), shape[0], shape[1]);
      values = changed;
    } else if (weight.form == ReadWeight::Form::Inverse) {
      for (float value : values)
        changed.push_back(1 / value);
      if (!llvm::all_of(changed, [](float x) { return std::isfinite(x); }))
        return llvm::createStringError("temperature '" + weight.name +
                                       "' has an element without an inverse");
      values = changed;
    }
    os.write(reinterpret_cast<const char *>(values.data()),
             values.size() * sizeof(float));
  }
  return llvm::Error::success();
}

static llvm::Error addFiles(const MPSPDZProgram &program,
                            const EmitOptions &options, OutputFolder &folder) {
  uint64_t numbers = 0;
  for (const ReadWeight &weight : program.weights)
    numbers += weight.data.getNumElements();
  if (llvm::Error error =
          folder.addText("README.md", makeReadme(program, options, numbers)))
    return error;
  if (llvm::Error error = folder.addText(options.name + ".mpc", program.text))
    return error;
  if (llvm::Error error =
          folder.addText("client.py", makeClient(program), /*executable=*/true))
    return error;
  auto os = folder.add("Input-Binary-P0-0");
  if (!os)
    return os.takeError();
  return writeWeights(program.weights, **os);
}

namespace {

class MPSPDZBackend : public Backend {
public:
  llvm::StringRef getName() const override { return "mpspdz"; }
  llvm::StringRef getDescription() const override {
    return "a program for MP-SPDZ";
  }
  llvm::Error emit(ModuleOp module, const EmitOptions &options,
                   OutputFolder &folder) const override;
};

} // namespace

llvm::Error MPSPDZBackend::emit(ModuleOp module, const EmitOptions &options,
                                OutputFolder &folder) const {
  auto program = writeMPSPDZProgram(module, options);
  if (!program)
    return program.takeError();
  return addFiles(*program, options, folder);
}

llvm::Error aero::emitInsecureMPSPDZ(ModuleOp module,
                                     const EmitOptions &options,
                                     OutputFolder &folder,
                                     ArrayRef<Operation *> insecure) {
  auto program = writeMPSPDZProgram(module, options, insecure);
  if (!program)
    return program.takeError();
  return addFiles(*program, options, folder);
}

const Backend &aero::getMPSPDZBackend() {
  static const MPSPDZBackend backend;
  return backend;
}

void aero::registerMPSPDZTranslation() {
  static TranslateFromMLIRRegistration registration(
      "pi-to-mpspdz", "write a folded module of pi as a program for MP-SPDZ",
      [](ModuleOp module, llvm::raw_ostream &os) -> LogicalResult {
        auto program =
            writeMPSPDZProgram(module, {"a module", "as-is", "program"});
        if (!program)
          return emitError(module.getLoc())
                 << llvm::toString(program.takeError());
        os << program->text;
        return success();
      },
      [](DialectRegistry &registry) {
        registry.insert<pi::PIDialect, func::FuncDialect>();
      });
}
