//===- CompareCommand.cpp - aero compare ----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Driver/Engines.h"
#include "aero/Driver/Table.h"

#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace aero;

namespace {

/// How far an engine is from float behind one layer, over all prompts.
struct LayerDifference {
  /// Nothing of it was seen.
  bool isHidden = true;
  double largest = 0;

  void add(llvm::ArrayRef<double> expected, llvm::ArrayRef<double> actual) {
    if (actual.empty())
      return;
    isHidden = false;
    // Of another size is as wrong as can be.
    if (actual.size() != expected.size())
      largest = std::numeric_limits<double>::infinity();
    for (auto [e, a] : llvm::zip(expected, actual))
      // A NaN is the largest difference there is.
      if (double distance = std::abs(e - a); !(distance <= largest))
        largest = std::isnan(distance) ? std::numeric_limits<double>::infinity()
                                       : distance;
  }
};

struct ComparedEngine {
  std::string name;
  /// Why it did not run.
  std::string missing;
  std::vector<LayerDifference> layers;
  LayerDifference logits;
  unsigned sameNextToken = 0;
  std::optional<EngineCost> cost;
};

size_t argmax(llvm::ArrayRef<double> row) {
  return static_cast<size_t>(
      std::distance(row.begin(), std::max_element(row.begin(), row.end())));
}

double largestOf(llvm::ArrayRef<double> values) {
  double largest = 0;
  for (double value : values)
    largest = std::max(largest, std::abs(value));
  return largest;
}

llvm::Expected<std::vector<Tokens>>
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
std::string nameLayer(const LayeredModel &model, size_t layer) {
  std::string node = pi::getNodeName(model.getLayers()[layer]->getLoc());
  return "layer " + std::to_string(model.getLayerNumber(layer)) +
         (node.empty() ? "" : " (ONNX node '" + node + "')");
}

class Comparison {
public:
  Comparison(const CompareArguments &arguments, const LayeredModel &model,
             std::vector<Tokens> prompts)
      : arguments(arguments), model(model), prompts(std::move(prompts)) {}

  llvm::Error computeReference();
  llvm::Error run(llvm::StringRef name);
  /// The first place at which an engine leaves its bound, or an empty string.
  std::string findFirstOutside() const;
  void print() const;
  nlohmann::json toJson() const;

private:
  double getBound(size_t layer) const {
    // A reference without a largest value bounds nothing.
    double magnitude = magnitudes[layer];
    return arguments.maxError *
           (std::isfinite(magnitude) ? std::max(1.0, magnitude) : 1.0);
  }

  const CompareArguments &arguments;
  const LayeredModel &model;
  std::vector<Tokens> prompts;
  std::vector<EngineAnswer> references;
  /// The largest value of the reference behind each layer, and of its logits.
  std::vector<double> magnitudes;
  double logitMagnitude = 0;
  std::vector<ComparedEngine> engines;
};

} // namespace

llvm::Error Comparison::computeReference() {
  magnitudes.assign(model.getLayers().size(), 0);
  for (const Tokens &tokens : prompts) {
    auto answer = model.runFloat(tokens);
    if (!answer)
      return answer.takeError();
    for (auto [magnitude, values] : llvm::zip_equal(magnitudes, answer->layers))
      magnitude = std::max(magnitude, largestOf(values));
    logitMagnitude = std::max(logitMagnitude, largestOf(answer->logits));
    references.push_back(std::move(*answer));
  }
  return llvm::Error::success();
}

llvm::Error Comparison::run(llvm::StringRef name) {
  ComparedEngine &compared = engines.emplace_back();
  compared.name = name;
  compared.layers.resize(model.getLayers().size());
  compared.missing = whyEngineIsMissing(name);
  if (!compared.missing.empty())
    return llvm::Error::success();
  EngineOptions options;
  options.timeLimitSeconds = arguments.timeLimit;
  auto engine = startEngine(name, model, options);
  auto fail = [&](llvm::Error error) {
    return llvm::createStringError(name + ": " +
                                   llvm::toString(std::move(error)));
  };
  if (!engine)
    return fail(engine.takeError());
  size_t width = static_cast<size_t>(model.getModel().getVocabulary());
  for (auto [tokens, expected] : llvm::zip_equal(prompts, references)) {
    auto answer = (*engine)->run(tokens);
    if (!answer)
      return fail(answer.takeError());
    for (auto [difference, e, a] :
         llvm::zip_equal(compared.layers, expected.layers, answer->layers))
      difference.add(e, a);
    compared.logits.add(expected.logits, answer->logits);
    size_t row = model.getAnswer() == Answer::AllLogits ? tokens.size() - 1 : 0;
    if (answer->logits.size() == expected.logits.size())
      compared.sameNextToken +=
          argmax(llvm::ArrayRef(answer->logits).slice(row * width, width)) ==
          argmax(llvm::ArrayRef(expected.logits).slice(row * width, width));
  }
  auto cost = (*engine)->finish();
  if (!cost)
    return fail(cost.takeError());
  compared.cost = *cost;
  return llvm::Error::success();
}

std::string Comparison::findFirstOutside() const {
  for (size_t layer = 0; layer < magnitudes.size(); ++layer)
    for (const ComparedEngine &engine : engines)
      if (!(engine.layers[layer].largest <= getBound(layer)))
        return engine.name + " leaves its bound first behind " +
               nameLayer(model, layer) + ": it differs from float by " +
               formatFixed(engine.layers[layer].largest, 5) + ", more than " +
               formatFixed(getBound(layer), 5);
  for (const ComparedEngine &engine : engines) {
    if (engine.missing.empty() && engine.logits.isHidden)
      return engine.name + " gave no logits";
    if (!(engine.logits.largest <= arguments.maxError))
      return engine.name +
             " leaves its bound in the logits: it differs from "
             "float by " +
             formatFixed(engine.logits.largest, 5) +
             ", more than --max-error " + formatFixed(arguments.maxError, 5);
  }
  return "";
}

void Comparison::print() const {
  llvm::outs() << model.getModel().getName() << " as " << arguments.config
               << ", largest difference from float over " << prompts.size()
               << (prompts.size() == 1 ? " prompt" : " prompts") << "\n\n";
  std::vector<std::string> header{"behind", "largest value"};
  for (const ComparedEngine &engine : engines)
    if (engine.missing.empty())
      header.push_back(engine.name);
  Table table(header);
  auto addRow = [&](std::string place, double magnitude, auto get) {
    std::vector<std::string> row{std::move(place), formatFixed(magnitude, 2)};
    for (const ComparedEngine &engine : engines) {
      if (!engine.missing.empty())
        continue;
      const LayerDifference &difference = get(engine);
      row.push_back(difference.isHidden ? "-"
                                        : formatFixed(difference.largest, 5));
    }
    table.addRow(row);
  };
  for (size_t layer = 0; layer < magnitudes.size(); ++layer)
    addRow("layer " + std::to_string(model.getLayerNumber(layer)),
           magnitudes[layer],
           [&](const ComparedEngine &engine) -> const LayerDifference & {
             return engine.layers[layer];
           });
  table.addRule();
  addRow("logits", logitMagnitude,
         [](const ComparedEngine &engine) -> const LayerDifference & {
           return engine.logits;
         });
  table.print(llvm::outs());

  llvm::outs() << "\n";
  Table costs(
      {"engine", "same next token", "sent by all", "rounds", "seconds"});
  for (const ComparedEngine &engine : engines) {
    if (!engine.missing.empty())
      continue;
    costs.addRow({engine.name,
                  std::to_string(engine.sameNextToken) + " of " +
                      std::to_string(prompts.size()),
                  engine.cost ? formatBytes(engine.cost->bytes) : "-",
                  engine.cost ? std::to_string(engine.cost->rounds) : "-",
                  engine.cost ? formatFixed(engine.cost->seconds, 2) : "-"});
  }
  costs.print(llvm::outs());
  for (const ComparedEngine &engine : engines)
    if (!engine.missing.empty())
      llvm::outs() << engine.name << ": " << engine.missing << "\n";
}

/// Infinity has no form in JSON.
static nlohmann::json toJson(const LayerDifference &difference) {
  if (difference.isHidden)
    return nullptr;
  if (!std::isfinite(difference.largest))
    return "infinite";
  return difference.largest;
}

nlohmann::json Comparison::toJson() const {
  nlohmann::json json = {
      {"model", model.getModel().getName()}, {"config", arguments.config},
      {"prompts", prompts.size()},           {"max_error", arguments.maxError},
      {"largest_values", magnitudes},        {"largest_logit", logitMagnitude},
      {"engines", nlohmann::json::object()}};
  for (const ComparedEngine &engine : engines) {
    nlohmann::json &entry = json["engines"][engine.name];
    if (!engine.missing.empty()) {
      entry = {{"missing", engine.missing}};
      continue;
    }
    entry = {{"layers", nlohmann::json::array()},
             {"logits", ::toJson(engine.logits)},
             {"same_next_token", engine.sameNextToken},
             {"bytes", nullptr},
             {"rounds", nullptr},
             {"seconds", nullptr}};
    for (const LayerDifference &difference : engine.layers)
      entry["layers"].push_back(::toJson(difference));
    if (engine.cost) {
      entry["bytes"] = engine.cost->bytes;
      entry["rounds"] = engine.cost->rounds;
      entry["seconds"] = engine.cost->seconds;
    }
  }
  return json;
}

llvm::Error aero::compare(const CompareArguments &arguments) {
  for (const std::string &name : arguments.engines)
    if (name != "float" && !isEngineName(name))
      return llvm::createStringError(
          "no engine '" + name +
          "'; choose from float, fixed, dealer, mpspdz:ring, "
          "mpspdz:dealer-ring, mpspdz:sy-rep-ring, mpspdz:ps-rep-ring and "
          "mpspdz:mal-rep-ring");
  auto opened = openModel(arguments);
  if (!opened)
    return opened.takeError();
  auto prompts = choosePrompts(**opened, arguments);
  if (!prompts)
    return prompts.takeError();
  auto layered = LayeredModel::create(**opened, arguments.answer);
  if (!layered)
    return layered.takeError();
  Comparison comparison(arguments, *layered, std::move(*prompts));
  if (llvm::Error error = comparison.computeReference())
    return error;
  bool ran = false;
  for (const std::string &name : arguments.engines) {
    if (name == "float")
      continue; // the reference, named or not
    if (llvm::Error error = comparison.run(name))
      return error;
    ran |= whyEngineIsMissing(name).empty();
  }
  if (!ran)
    return llvm::createStringError(
        arguments.engines.size() == 1 && arguments.engines[0] != "float"
            ? arguments.engines[0] + ": " +
                  whyEngineIsMissing(arguments.engines[0])
            : "none of the engines is there to be compared with float");
  if (arguments.json)
    llvm::outs() << comparison.toJson().dump(2) << "\n";
  else
    comparison.print();
  std::string outside = comparison.findFirstOutside();
  return outside.empty() ? llvm::Error::success()
                         : llvm::createStringError(outside);
}
