//===- RunCommand.cpp - aero run ------------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Profile.h"

#include "aero/Driver/Parties.h"
#include "aero/Driver/Prompts.h"
#include "aero/Driver/Table.h"

#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <map>

using namespace aero;
using nlohmann::json;

namespace {

/// One generated token, and how the private logits compare with the float
/// ones on the same input.
struct Step {
  PrivateResult result;
  int64_t token = 0;
  double difference = 0;
};

struct Generation {
  std::vector<Step> steps;
  Tokens privateTokens, floatTokens;

  double maxDifference() const {
    double maximum = 0;
    for (const Step &step : steps)
      if (!(step.difference <= maximum))
        maximum = step.difference;
    return maximum;
  }
  size_t sameTokens() const {
    size_t same = 0;
    while (same < privateTokens.size() &&
           privateTokens[same] == floatTokens[same])
      ++same;
    return same;
  }
};

/// What one layer spends on one kind of operation, in one inference.
struct Spent {
  uint64_t online = 0, offline = 0;
  uint64_t exchanges = 0;
  double seconds = 0;

  Spent &operator+=(const Spent &other) {
    online += other.online;
    offline += other.offline;
    exchanges += other.exchanges;
    seconds += other.seconds;
    return *this;
  }
};

int64_t argmax(llvm::ArrayRef<double> row) {
  return std::distance(row.begin(), std::max_element(row.begin(), row.end()));
}

llvm::Expected<Tokens> readPrompt(const Model &model,
                                  const RunArguments &arguments) {
  auto prompt = arguments.tokens.empty() ? encodeText(model, arguments.prompt)
                                         : parseTokens(model, arguments.tokens);
  if (!prompt)
    return prompt.takeError();
  int64_t room = model.getContext() - static_cast<int64_t>(prompt->size()) + 1;
  if (static_cast<int64_t>(arguments.newTokens) > room)
    return llvm::createStringError(
        "a prompt of " + llvm::Twine(prompt->size()) + " tokens and " +
        llvm::Twine(arguments.newTokens) +
        " new ones do not fit into the context of " +
        llvm::Twine(model.getContext()) + ": use --new-tokens " +
        llvm::Twine(room) + " or a shorter prompt");
  return prompt;
}

/// The last prompt token's row of the float reference.
llvm::Expected<std::vector<double>> floatRow(Model &model,
                                             const Tokens &tokens) {
  auto logits = model.runFloat(tokens);
  if (!logits)
    return logits.takeError();
  auto row = logits->begin() +
             (static_cast<int64_t>(tokens.size()) - 1) * model.getVocabulary();
  return std::vector<double>(row, row + model.getVocabulary());
}

llvm::Expected<Generation> generate(Model &model, PrivateSession &session,
                                    const Tokens &prompt, unsigned count,
                                    bool progress) {
  Generation generation;
  Tokens privately = prompt, floating = prompt;
  for (unsigned i = 0; i < count; ++i) {
    auto result = session.infer(privately);
    if (!result)
      return result.takeError();
    auto expected = floatRow(model, privately);
    if (!expected)
      return expected.takeError();
    Step step;
    // Without logits there is nothing to compare but the token.
    for (size_t v = 0; v < result->logits.size(); ++v) {
      double distance = std::abs(result->logits[v] - (*expected)[v]);
      if (!(distance <= step.difference))
        step.difference = distance;
    }
    step.token = result->token ? *result->token : argmax(result->logits);
    step.result = std::move(*result);
    // Once the two continuations part, float goes on from its own.
    if (floating != privately) {
      expected = floatRow(model, floating);
      if (!expected)
        return expected.takeError();
    }
    floating.push_back(argmax(*expected));
    privately.push_back(step.token);
    generation.floatTokens.push_back(floating.back());
    generation.privateTokens.push_back(step.token);
    generation.steps.push_back(std::move(step));
    if (progress)
      llvm::errs() << "\r  token " << i + 1 << " of " << count << " ";
  }
  if (progress)
    llvm::errs() << "\r\033[K";
  return generation;
}

double secondsOf(const json &instruction) {
  return instruction.value("compute_seconds", 0.0) +
         instruction.value("exchange_seconds", 0.0);
}

/// The parties' statistics by layer (-1: outside of them) and kind. Server and
/// client see the same exchanges; the server's view holds the dealer's bytes.
std::map<std::pair<int64_t, std::string>, Spent>
spentByLayerAndKind(const PartyStatistics &statistics) {
  std::map<std::pair<int64_t, std::string>, Spent> table;
  double inferences =
      std::max<double>(1, statistics.server.value("inferences", 1));
  for (const json &instruction : statistics.server["instructions"]) {
    const json &bytes = instruction["bytes"];
    auto perInference = [&](const char *key) {
      return static_cast<uint64_t>(bytes.value(key, 0.0) / inferences);
    };
    table[{instruction.value("layer", int64_t(-1)),
           instruction.value("op", "")}] += Spent{
        perInference("client_to_server") + perInference("server_to_client"),
        perInference("dealer_to_server"), perInference("exchanges"),
        secondsOf(instruction) / inferences};
  }
  return table;
}

uint64_t exchangesPerInference(const PartyStatistics &statistics) {
  return statistics.server.value("exchanges", uint64_t(0)) /
         std::max<uint64_t>(1,
                            statistics.server.value("inferences", uint64_t(1)));
}

std::vector<std::string> row(std::string layer, std::string kind,
                             const Spent &spent) {
  return {std::move(layer),
          std::move(kind),
          formatBytes(spent.online),
          formatBytes(spent.offline),
          std::to_string(spent.exchanges),
          formatFixed(spent.seconds * 1e3, 1)};
}

void printText(Model &model, const RunArguments &arguments,
               const Tokens &prompt, const Generation &generation,
               const PartyStatistics &statistics) {
  llvm::raw_ostream &os = llvm::outs();
  os << model.getName() << " as " << arguments.config
     << ": client, server and dealer in three processes\n\n"
     << "prompt   " << showTokens(model, prompt) << "\n"
     << "private  " << showTokens(model, generation.privateTokens) << "\n"
     << "float    " << showTokens(model, generation.floatTokens) << "\n\n";
  size_t count = generation.steps.size(), same = generation.sameTokens();
  os << (same == count ? "They agree" : "They part after") << " on " << same
     << " of " << count << " tokens; ";
  if (arguments.answer == Answer::NextToken)
    os << "the client saw no logits.\n\n";
  else
    os << "largest logit difference "
       << formatFixed(generation.maxDifference(), 5) << ".\n\n";
  if (model.getCollapseChoice())
    os << model.getCollapseChoice()->describe() << "\n\n";

  Table table({"layer", "operation", "online", "offline", "exchanges", "ms"});
  Spent total;
  int64_t last = -2;
  for (const auto &[key, spent] : spentByLayerAndKind(statistics)) {
    total += spent;
    // Local instructions cost nothing worth a row.
    if (spent.online + spent.offline == 0)
      continue;
    if (last != -2 && key.first != last)
      table.addRule();
    std::string layer = key.first < 0 ? "model" : std::to_string(key.first);
    table.addRow(row(key.first == last ? "" : layer, key.second, spent));
    last = key.first;
  }
  table.addRule();
  table.addRow(row("total", "", total));
  table.print(os);

  auto milliseconds = [&](const char *key) {
    return formatFixed(statistics.server.value(key, 0.0) * 1e3 /
                           static_cast<double>(count),
                       0);
  };
  os << "\nEvery instruction sent exactly the bytes that aero report predicts. "
        "In a row, an inference takes\n"
     << exchangesPerInference(statistics)
     << " exchanges: independent operations share them. A token took "
     << milliseconds("offline_seconds") << " ms of correlations and\n"
     << milliseconds("online_seconds")
     << " ms online. Once a session, the server sent "
     << formatBytes(statistics.server["bytes"].value("setup_server_to_client",
                                                     uint64_t(0)))
     << " of masked weights.\n";
}

json toJson(Model &model, const RunArguments &arguments, const Tokens &prompt,
            const Generation &generation, const PartyStatistics &statistics) {
  json inferences = json::array();
  for (const Step &step : generation.steps)
    inferences.push_back({{"token", step.token},
                          {"seconds", step.result.seconds},
                          {"offline_seconds", step.result.offlineSeconds},
                          {"logit_difference", step.difference}});
  Spent total;
  json cells = json::array();
  for (const auto &[key, spent] : spentByLayerAndKind(statistics)) {
    total += spent;
    cells.push_back({{"layer", key.first},
                     {"op", key.second},
                     {"online", spent.online},
                     {"offline", spent.offline},
                     {"exchanges", spent.exchanges},
                     {"seconds", spent.seconds}});
  }
  json instructions = json::array();
  for (size_t i = 0; i < statistics.server["instructions"].size(); ++i) {
    const json &one = statistics.server["instructions"][i];
    instructions.push_back(
        {{"op", one["op"]},
         {"node", one["node"]},
         {"layer", one["layer"]},
         {"client", statistics.client["instructions"][i]["bytes"]},
         {"server", one["bytes"]},
         {"dealer", statistics.dealer["instructions"][i]["bytes"]}});
  }
  json parties;
  for (auto [name, statistic] : {std::pair("client", &statistics.client),
                                 std::pair("server", &statistics.server),
                                 std::pair("dealer", &statistics.dealer)}) {
    parties[name] = *statistic;
    parties[name].erase("instructions");
    parties[name].erase("event");
  }
  json result = {{"model", model.getName()},
                 {"config", arguments.config},
                 {"prompt", prompt},
                 {"private",
                  {{"tokens", generation.privateTokens},
                   {"logits", generation.steps.back().result.logits}}},
                 {"float", {{"tokens", generation.floatTokens}}},
                 {"same_tokens", generation.sameTokens()},
                 {"max_logit_difference", generation.maxDifference()},
                 {"inferences", std::move(inferences)},
                 {"exchanges_per_inference", exchangesPerInference(statistics)},
                 {"total",
                  {{"online", total.online},
                   {"offline", total.offline},
                   {"setup", statistics.server["bytes"].value(
                                 "setup_server_to_client", uint64_t(0))}}},
                 {"by_layer_and_op", std::move(cells)},
                 {"profile", aero::toJson(profile(statistics))},
                 {"instructions", std::move(instructions)},
                 {"parties", std::move(parties)}};
  addCollapse(result, model.getCollapseChoice());
  return result;
}

} // namespace

llvm::Error aero::run(const RunArguments &arguments) {
  auto opened = openModel(arguments);
  if (!opened)
    return opened.takeError();
  Model &model = **opened;
  auto prompt = readPrompt(model, arguments);
  if (!prompt)
    return prompt.takeError();
  if (llvm::Error error = lower(model, arguments))
    return error;

  PartiesOptions options;
  options.serverPort = arguments.serverPort;
  options.dealerPort = arguments.dealerPort;
  options.threads = arguments.threads;
  auto session = PrivateSession::start(model, options);
  if (!session)
    return session.takeError();
  bool progress = !arguments.json && llvm::errs().is_displayed();
  auto generation =
      generate(model, **session, *prompt, arguments.newTokens, progress);
  if (!generation)
    return generation.takeError();
  auto statistics = (*session)->finish();
  if (!statistics)
    return statistics.takeError();

  if (arguments.json)
    llvm::outs()
        << toJson(model, arguments, *prompt, *generation, *statistics).dump(2)
        << "\n";
  else
    printText(model, arguments, *prompt, *generation, *statistics);
  if (arguments.profile && !arguments.json)
    printProfile(profile(*statistics), llvm::outs());
  return llvm::Error::success();
}
