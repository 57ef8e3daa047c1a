//===- OpenModel.cpp - The model that a command is given ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

using namespace aero;

static llvm::Expected<ImportOptions>
getImportOptions(const ModelArguments &arguments) {
  ImportOptions options;
  llvm::Error errors = llvm::Error::success();
  for (const std::string &text : arguments.bindings)
    errors = llvm::joinErrors(std::move(errors), parseBinding(text, options));
  for (const std::string &text : arguments.fixedInputs)
    errors =
        llvm::joinErrors(std::move(errors), parseFixedInput(text, options));
  if (errors)
    return errors;
  options.outputs = arguments.keptOutputs;
  return options;
}

using Opener = llvm::Expected<std::unique_ptr<Model>>(llvm::StringRef,
                                                      const ModelOptions &);

static llvm::Expected<std::unique_ptr<Model>>
openWith(Opener *opener, const ModelArguments &arguments) {
  auto config = parseConfiguration(arguments.config);
  if (!config)
    return config.takeError();
  auto import = getImportOptions(arguments);
  if (!import)
    return import.takeError();
  ModelOptions options;
  options.import = std::move(*import);
  options.rewrite = arguments.rewrite;
  options.rewrite.config = *config;
  options.calibration = arguments.calibrate;
  return opener(arguments.path, options);
}

llvm::Expected<std::unique_ptr<Model>>
aero::openModel(const ModelArguments &arguments) {
  return openWith(&Model::open, arguments);
}

llvm::Expected<std::unique_ptr<Model>>
aero::openAnyModel(const ModelArguments &arguments) {
  return openWith(&Model::openAny, arguments);
}

llvm::Expected<std::unique_ptr<Model>>
aero::openTracedModel(const ModelArguments &arguments) {
  return openWith(&Model::openTraced, arguments);
}
