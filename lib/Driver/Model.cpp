//===- Model.cpp - A model from ONNX to a program -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Driver/Model.h"

#include "aero/Import/ONNX/Import.h"
#include "aero/InitAll.h"
#include "aero/Pipelines/Pipelines.h"
#include "aero/Reference/FloatInterpreter.h"

#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"

using namespace aero;

/// Runs a pipeline; the error is what its passes reported, one line each, with
/// the file's name in front.
static llvm::Error
runPipeline(mlir::ModuleOp module, llvm::StringRef path,
            llvm::function_ref<void(mlir::OpPassManager &)> build) {
  std::vector<std::string> messages;
  mlir::ScopedDiagnosticHandler handler(
      module.getContext(), [&](mlir::Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != mlir::DiagnosticSeverity::Error)
          return mlir::success();
        std::string message = path.str() + ": " + diagnostic.str();
        for (mlir::Diagnostic &note : diagnostic.getNotes())
          message += "; " + note.str();
        messages.push_back(std::move(message));
        return mlir::success();
      });
  // People are told the node and the remedy, not the op in its generic form.
  module.getContext()->printOpOnDiagnostic(false);
  mlir::PassManager manager(module.getContext());
  build(manager);
  if (mlir::succeeded(manager.run(module)))
    return llvm::Error::success();
  if (messages.empty())
    messages.push_back(path.str() + ": a pass failed without a message");
  return llvm::createStringError(llvm::join(messages, "\n"));
}

Model::Model(llvm::StringRef path, Configuration config)
    : path(path), config(config) {
  mlir::DialectRegistry registry;
  registerAllDialects(registry);
  mlirContext.appendDialectRegistry(registry);
  mlirContext.loadAllAvailableDialects();
}

llvm::StringRef Model::getName() const {
  return llvm::sys::path::filename(path);
}

mlir::func::FuncOp Model::getFunction() {
  return rewritten->lookupSymbol<mlir::func::FuncOp>("main");
}

mlir::func::FuncOp Model::getLoweredFunction() {
  return lowered->lookupSymbol<mlir::func::FuncOp>("main");
}

llvm::Expected<std::unique_ptr<Model>> Model::open(llvm::StringRef path,
                                                   Configuration config) {
  std::unique_ptr<Model> model(new Model(path, config));
  auto module = importONNX(path, model->mlirContext);
  if (!module)
    return module.takeError();
  model->rewritten = std::move(*module);

  if (llvm::Error error =
          runPipeline(*model->rewritten, path, [&](mlir::OpPassManager &pm) {
            buildRewritePipeline(pm, RewriteOptions{config});
          }))
    return error;

  // Every engine takes one prompt of token ids and gives one row a token.
  mlir::func::FuncOp function = model->getFunction();
  mlir::FunctionType type = function.getFunctionType();
  auto input = type.getNumInputs() == 1
                   ? llvm::dyn_cast<mlir::RankedTensorType>(type.getInput(0))
                   : nullptr;
  auto output = type.getNumResults() == 1
                    ? llvm::dyn_cast<mlir::RankedTensorType>(type.getResult(0))
                    : nullptr;
  if (!input || !output || !input.getElementType().isInteger(64) ||
      input.getRank() != 2 || input.getDimSize(0) != 1 ||
      output.getRank() != 3 || output.getDimSize(0) != 1 ||
      output.getDimSize(1) != input.getDimSize(1))
    return llvm::createStringError(
        path +
        ": not a decoder-only language model: expected one input of token ids, "
        "int64 [1, T], and one output of logits, float [1, T, V]");
  model->context = input.getDimSize(1);
  model->vocabulary = output.getDimSize(2);
  return model;
}

llvm::Error Model::lower(bool lastTokenOnly) {
  lowered = rewritten->clone();
  return runPipeline(*lowered, path, [&](mlir::OpPassManager &pm) {
    LowerOptions options;
    options.lastTokenOnly = lastTokenOnly;
    buildLowerPipeline(pm, options);
  });
}

std::vector<int64_t> Model::pad(llvm::ArrayRef<int64_t> tokens) const {
  // Attention is causal: what follows the prompt does not change its logits.
  std::vector<int64_t> padded(tokens);
  padded.resize(static_cast<size_t>(context), 0);
  return padded;
}

llvm::Expected<std::vector<double>>
Model::runFloat(llvm::ArrayRef<int64_t> tokens) {
  reference::Tensor input =
      reference::Tensor::fromInts({1, context}, pad(tokens));
  auto results = reference::interpret(getFunction(), input);
  if (!results)
    return results.takeError();
  llvm::ArrayRef<float> logits = results->front().getFloats();
  return std::vector<double>(logits.begin(), logits.end());
}

llvm::Expected<std::vector<double>>
Model::runFixed(llvm::ArrayRef<int64_t> tokens, int64_t position) {
  if (!fixed) {
    auto created = reference::FixedInterpreter::create(getLoweredFunction());
    if (!created)
      return created.takeError();
    fixed.emplace(std::move(*created));
  }
  auto values = fixed->run(pad(tokens), position);
  if (!values)
    return values.takeError();
  return fixed->toDoubles(*values);
}
