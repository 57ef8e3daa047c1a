//===- CompareCommand.cpp - aero compare ----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Driver/Comparison.h"
#include "aero/Driver/Engines.h"
#include "aero/Driver/Table.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace aero;

//===----------------------------------------------------------------------===//
// Running
//===----------------------------------------------------------------------===//

namespace {

/// One line on a terminal that says what runs, until it is destroyed.
class Progress {
public:
  explicit Progress(bool shown) : shown(shown && llvm::errs().is_displayed()) {}
  ~Progress() {
    if (shown)
      llvm::errs() << "\r\033[K";
  }
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  void show(const llvm::Twine &text) const {
    if (shown)
      llvm::errs() << "\r\033[K  " << text << " ";
  }

private:
  bool shown;
};

} // namespace

static llvm::Expected<std::vector<Tokens>>
choosePrompts(const Model &model, const CompareArguments &arguments) {
  if (!arguments.prompts.empty())
    return readPrompts(model, arguments.prompts);
  if (arguments.prompt.empty() && arguments.tokens.empty())
    return randomPrompts(model, arguments.samples);
  auto prompt = arguments.tokens.empty() ? encodeText(model, arguments.prompt)
                                         : parseTokens(model, arguments.tokens);
  if (!prompt)
    return prompt.takeError();
  return std::vector<Tokens>{std::move(*prompt)};
}

/// "layer 3 (ONNX node '/h.3/Add_1')"
static std::string nameLayer(const LayeredModel &model, size_t layer) {
  std::string node = pi::getNodeName(model.getLayers()[layer]->getLoc());
  return "layer " + std::to_string(model.getLayerNumber(layer)) +
         (node.empty() ? "" : " (ONNX node '" + node + "')");
}

/// What was asked for besides the reference, each once.
static llvm::Expected<std::vector<std::string>>
chooseEngines(llvm::ArrayRef<std::string> asked) {
  std::vector<std::string> known = getEngineNames(), chosen;
  for (const std::string &name : asked) {
    if (name == "float" || llvm::is_contained(chosen, name))
      continue;
    if (!llvm::is_contained(known, name))
      return llvm::createStringError("no engine '" + name +
                                     "'; choose from float, " +
                                     llvm::join(known, ", "));
    chosen.push_back(name);
  }
  if (chosen.empty())
    return llvm::createStringError("float is what others are compared with; "
                                   "add one of them to --engines: " +
                                   llvm::join(known, ", "));
  return chosen;
}

/// Fails if none of the engines is there: nothing would be compared.
static llvm::Error requireOneOf(llvm::ArrayRef<std::string> engines) {
  std::vector<std::string> reasons;
  for (const std::string &name : engines) {
    std::string missing = whyEngineIsMissing(name);
    if (missing.empty())
      return llvm::Error::success();
    reasons.push_back((llvm::Twine(name) + ": " + missing).str());
  }
  return llvm::createStringError(llvm::join(reasons, "; "));
}

static llvm::Error addReference(Comparison &comparison,
                                const LayeredModel &model,
                                llvm::ArrayRef<Tokens> prompts) {
  size_t width = static_cast<size_t>(model.getModel().getVocabulary());
  bool allRows = model.getAnswer() == Answer::AllLogits;
  for (const Tokens &tokens : prompts) {
    auto answer = model.runFloat(tokens);
    if (!answer)
      return answer.takeError();
    auto unfolded = model.getModel().runFloat(tokens);
    if (!unfolded)
      return unfolded.takeError();
    llvm::ArrayRef<double> rows = *unfolded;
    size_t last = tokens.size() - 1;
    if (llvm::Error error = comparison.addPrompt(
            std::move(*answer),
            allRows ? rows : rows.slice(last * width, width),
            allRows ? last : 0))
      return error;
  }
  return llvm::Error::success();
}

static llvm::Error runEngine(llvm::StringRef name, const LayeredModel &model,
                             llvm::ArrayRef<Tokens> prompts,
                             const EngineOptions &options,
                             const Progress &progress, Comparison &comparison) {
  ComparedEngine &compared =
      comparison.addEngine(name, whyEngineIsMissing(name));
  if (!compared.missing.empty())
    return llvm::Error::success();
  progress.show(name + ": starting");
  auto engine = startEngine(name, model, options);
  if (!engine)
    return engine.takeError();
  for (auto [index, tokens] : llvm::enumerate(prompts)) {
    progress.show(name + ": prompt " + llvm::Twine(index + 1) + " of " +
                  llvm::Twine(prompts.size()));
    auto answer = (*engine)->run(tokens);
    if (!answer)
      return answer.takeError();
    if (llvm::Error error = comparison.addAnswer(compared, index, *answer))
      return error;
  }
  return (*engine)->finish().moveInto(compared.cost);
}

//===----------------------------------------------------------------------===//
// Printing
//===----------------------------------------------------------------------===//

static std::string show(const Difference &difference) {
  return difference.isHidden() ? "-" : formatFixed(difference.getLargest(), 5);
}

static void printDifferences(const Comparison &comparison,
                             const LayeredModel &model) {
  std::vector<std::string> header{"behind", "largest value"};
  for (const ComparedEngine &engine : comparison.getEngines())
    if (engine.missing.empty())
      header.push_back(engine.name);
  Table table(header);
  auto addRow = [&](std::string place, double magnitude, auto get) {
    std::vector<std::string> row{std::move(place), formatFixed(magnitude, 2)};
    for (const ComparedEngine &engine : comparison.getEngines())
      if (engine.missing.empty())
        row.push_back(show(get(engine)));
    table.addRow(row);
  };
  for (auto [layer, magnitude] : llvm::enumerate(comparison.getMagnitudes()))
    addRow("layer " + std::to_string(model.getLayerNumber(layer)), magnitude,
           [layer = layer](const ComparedEngine &engine) {
             return engine.layers[layer];
           });
  table.addRule();
  addRow("logits", comparison.getLogitMagnitude(),
         [](const ComparedEngine &engine) { return engine.logits; });
  table.print(llvm::outs());
}

static void printCosts(const Comparison &comparison) {
  Table table({"engine", "same next token", "sent by all", "rounds", "seconds",
               "compiling"});
  std::string parties;
  for (const ComparedEngine &engine : comparison.getEngines()) {
    if (!engine.missing.empty())
      continue;
    std::string same = std::to_string(engine.sameNextToken) + " of " +
                       std::to_string(comparison.getNumPrompts());
    if (!engine.cost) {
      table.addRow({engine.name, same, "-", "-", "-", "-"});
      continue;
    }
    const EngineCost &cost = *engine.cost;
    table.addRow(
        {engine.name, same, formatBytes(cost.bytes), formatCount(cost.rounds),
         formatFixed(cost.seconds, 2),
         cost.compileSeconds ? formatFixed(*cost.compileSeconds, 2) : "-"});
    parties += engine.name + " sent: ";
    llvm::interleave(
        cost.parties,
        [&](const PartyBytes &sent) {
          parties += sent.party + " " + formatBytes(sent.bytes);
        },
        [&] { parties += ", "; });
    parties += "\n";
  }
  table.print(llvm::outs());
  llvm::outs() << "\n" << parties;
}

static void print(const Comparison &comparison, const LayeredModel &model,
                  llvm::StringRef config) {
  size_t count = comparison.getNumPrompts();
  llvm::outs() << model.getModel().getName() << " as " << config
               << ", largest difference from float over " << count
               << (count == 1 ? " prompt" : " prompts") << "\n\n";
  printDifferences(comparison, model);
  llvm::outs() << "\n";
  printCosts(comparison);
  for (const ComparedEngine &engine : comparison.getEngines())
    if (!engine.missing.empty())
      llvm::outs() << engine.name << ": " << engine.missing << "\n";
  llvm::outs() << "Folding constants changes float's logits by at most "
               << formatFixed(comparison.getFolding().getLargest(), 7) << ".\n";
}

/// Infinity has no form in JSON.
static nlohmann::json toJson(const Difference &difference) {
  if (difference.isHidden())
    return nullptr;
  if (!std::isfinite(difference.getLargest()))
    return "infinite";
  return difference.getLargest();
}

static nlohmann::json toJson(const ComparedEngine &engine) {
  if (!engine.missing.empty())
    return {{"missing", engine.missing}};
  nlohmann::json json = {{"layers", nlohmann::json::array()},
                         {"logits", toJson(engine.logits)},
                         {"same_next_token", engine.sameNextToken},
                         {"bytes", nullptr},
                         {"bytes_by_party", nullptr},
                         {"rounds", nullptr},
                         {"seconds", nullptr},
                         {"compile_seconds", nullptr}};
  for (const Difference &difference : engine.layers)
    json["layers"].push_back(toJson(difference));
  if (!engine.cost)
    return json;
  json["bytes"] = engine.cost->bytes;
  for (const PartyBytes &sent : engine.cost->parties)
    json["bytes_by_party"][sent.party] = sent.bytes;
  json["rounds"] = engine.cost->rounds;
  json["seconds"] = engine.cost->seconds;
  if (engine.cost->compileSeconds)
    json["compile_seconds"] = *engine.cost->compileSeconds;
  return json;
}

static nlohmann::json toJson(const Comparison &comparison,
                             const LayeredModel &model,
                             const CompareArguments &arguments) {
  nlohmann::json json = {{"model", model.getModel().getName()},
                         {"config", arguments.config},
                         {"prompts", comparison.getNumPrompts()},
                         {"max_error", arguments.maxError},
                         {"largest_values", comparison.getMagnitudes().vec()},
                         {"largest_logit", comparison.getLogitMagnitude()},
                         {"folding", toJson(comparison.getFolding())},
                         {"engines", nlohmann::json::object()}};
  for (const ComparedEngine &engine : comparison.getEngines())
    json["engines"][engine.name] = toJson(engine);
  return json;
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

llvm::Error aero::compare(const CompareArguments &arguments) {
  auto engines = chooseEngines(arguments.engines);
  if (!engines)
    return engines.takeError();
  if (llvm::Error error = requireOneOf(*engines))
    return error;
  auto opened = openModel(arguments);
  if (!opened)
    return opened.takeError();
  auto prompts = choosePrompts(**opened, arguments);
  if (!prompts)
    return prompts.takeError();
  auto model = LayeredModel::create(**opened, arguments.answer);
  if (!model)
    return model.takeError();

  std::vector<std::string> layers;
  for (size_t layer = 0; layer < model->getLayers().size(); ++layer)
    layers.push_back(nameLayer(*model, layer));
  Comparison comparison(std::move(layers),
                        static_cast<size_t>((*opened)->getVocabulary()),
                        arguments.maxError);
  EngineOptions options;
  options.timeLimitSeconds = arguments.timeLimit;
  {
    Progress progress(!arguments.json);
    progress.show("float");
    if (llvm::Error error = addReference(comparison, *model, *prompts))
      return error;
    for (const std::string &name : *engines)
      if (llvm::Error error =
              runEngine(name, *model, *prompts, options, progress, comparison))
        return llvm::createStringError(name + ": " +
                                       llvm::toString(std::move(error)));
  }
  if (arguments.json)
    llvm::outs() << toJson(comparison, *model, arguments).dump(2) << "\n";
  else
    print(comparison, *model, arguments.config);
  std::string outside = comparison.findFirstOutside();
  return outside.empty() ? llvm::Error::success()
                         : llvm::createStringError(outside);
}
