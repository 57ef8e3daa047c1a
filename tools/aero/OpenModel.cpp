//===- OpenModel.cpp - The model that a command is given ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "llvm/ADT/STLExtras.h"

#include <nlohmann/json.hpp>

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

llvm::Error aero::lower(Model &model, const LoweringArguments &arguments) {
  LowerOptions options;
  auto isLeftOut = [&](llvm::StringRef name) {
    return llvm::is_contained(arguments.without, name);
  };
  if (isLeftOut("collapse"))
    options.collapse = CollapseLinear::Never;
  options.join = !isLeftOut("join");
  options.provedRanges = !isLeftOut("proved-ranges");
  if (arguments.optimizeFor.empty())
    return model.lower(arguments.answer, options);
  if (isLeftOut("collapse"))
    return llvm::createStringError(
        "--optimize-for decides whether linear maps are collapsed, which "
        "--without collapse leaves out; give one of them");
  auto network = findNetworkProfile(arguments.optimizeFor);
  if (!network)
    return network.takeError();
  return model.lower(arguments.answer, options, &*network);
}

void aero::addCollapse(nlohmann::json &json,
                       const std::optional<CollapseChoice> &choice) {
  if (!choice)
    return;
  json["collapse"] = {{"network", choice->network},
                      {"chosen", choice->isCollapsed()},
                      {"seconds_apart", choice->apart},
                      {"seconds_collapsed", nullptr}};
  if (choice->collapsed)
    json["collapse"]["seconds_collapsed"] = *choice->collapsed;
  else
    json["collapse"]["obstacle"] = choice->obstacle;
}
