//===- ReportCommand.cpp - aero report ------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Report.h"

#include "aero/Driver/Table.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Format.h"

#include <nlohmann/json.hpp>

using namespace aero;

//===----------------------------------------------------------------------===//
// What both forms share
//===----------------------------------------------------------------------===//

std::vector<GroupRow>
aero::joinGroups(const ModelReport &report,
                 std::vector<CostGroup> CostReport::*groups) {
  std::vector<GroupRow> rows;
  llvm::StringMap<size_t> places;
  for (auto [i, config] : llvm::enumerate(report.configs))
    for (const CostGroup &group : config.costs.*groups) {
      auto [place, added] = places.try_emplace(group.name, rows.size());
      if (added)
        rows.push_back({group.name, std::vector<const CostGroup *>(
                                        report.configs.size(), nullptr)});
      rows[place->second].groups[i] = &group;
    }
  return rows;
}

std::optional<double> aero::getRatio(double first, double second) {
  if (second == 0)
    return std::nullopt;
  return first / second;
}

std::string aero::formatRatio(double first, double second) {
  std::optional<double> ratio = getRatio(first, second);
  return ratio ? formatFixed(*ratio, 2) + "x" : "-";
}

static std::string formatThree(double value, const char *unit) {
  unsigned digits = value < 10 ? 2 : value < 100 ? 1 : 0;
  return formatFixed(value, digits) + unit;
}

std::string aero::formatSeconds(double seconds) {
  if (seconds <= 0)
    return "0";
  if (seconds < 1e-3)
    return formatThree(seconds * 1e6, " us");
  return seconds < 1 ? formatThree(seconds * 1e3, " ms")
                     : formatThree(seconds, " s");
}

std::string aero::describeLine(const NetworkProfile &profile) {
  std::string text;
  llvm::raw_string_ostream os(text);
  if (profile.bitsPerSecond >= 1e9)
    os << llvm::format("%g Gbit/s", profile.bitsPerSecond / 1e9);
  else
    os << llvm::format("%g Mbit/s", profile.bitsPerSecond / 1e6);
  os << llvm::format(", %g ms round trip", profile.roundTripSeconds * 1e3);
  return text;
}

static double real(uint64_t value) { return static_cast<double>(value); }

//===----------------------------------------------------------------------===//
// Tables
//===----------------------------------------------------------------------===//

namespace {

/// Nodes, or layers and kinds, then the total.
class Tables {
public:
  Tables(const ModelReport &report, bool nodes) : report(report) {
    if (nodes)
      sections = {joinGroups(report, &CostReport::nodes)};
    else
      sections = {joinGroups(report, &CostReport::layers),
                  joinGroups(report, &CostReport::kinds)};
    GroupRow total{"total", {}};
    for (const ConfiguredReport &config : report.configs)
      total.groups.push_back(&config.costs.total);
    sections.push_back({total});
  }

  void print() const {
    if (report.isComparison())
      printComparison();
    else
      printCosts();
    llvm::outs() << "\n";
    printExchanges();
    llvm::outs() << "\n";
    printSeconds();
    llvm::outs() << "\n";
    printNetworks();
  }

private:
  /// One row for each group, rules between the sections.
  template <typename MakeRow>
  void print(std::vector<std::string> header, MakeRow makeRow,
             bool local) const {
    Table table(std::move(header));
    for (auto [i, section] : llvm::enumerate(sections)) {
      if (i)
        table.addRule();
      for (const GroupRow &row : section) {
        // Local instructions take a little time and nothing else.
        if (!local && llvm::all_of(row.groups, [](const CostGroup *group) {
              return !group || group->cost == rt::Cost();
            }))
          continue;
        std::vector<std::string> cells = makeRow(row);
        cells.insert(cells.begin(), row.name.empty() ? "(no node)" : row.name);
        table.addRow(std::move(cells));
      }
    }
    table.print(llvm::outs());
  }

  void printCosts() const {
    print(
        {"", "client to server", "server to client", "offline",
         "once a session", "exchanges", "multiply-adds"},
        [](const GroupRow &row) -> std::vector<std::string> {
          const rt::Cost &cost = row.groups.front()->cost;
          return {formatBytes(cost.clientToServer),
                  formatBytes(cost.serverToClient),
                  formatBytes(cost.offline()),
                  formatBytes(cost.setupServerToClient),
                  std::to_string(cost.exchanges),
                  formatScaled(real(cost.multiplyAdds))};
        },
        /*local=*/false);
  }

  /// Both configurations and their ratio, so that neither stands alone.
  void printComparison() const {
    llvm::outs() << "A: " << report.configs[0].config
                 << "\nB: " << report.configs[1].config << "\n\n";
    print(
        {"", "online A", "B", "A/B", "offline A", "B", "A/B", "exchanges A",
         "B", "A/B", "multiply-adds A", "B", "A/B"},
        [](const GroupRow &row) {
          std::vector<std::string> cells;
          auto add = [&](auto get, auto format) {
            uint64_t values[2] = {0, 0};
            for (auto [value, group] : llvm::zip_equal(values, row.groups))
              if (group) {
                value = get(group->cost);
                cells.push_back(format(value));
              } else {
                cells.emplace_back("");
              }
            cells.push_back(formatRatio(real(values[0]), real(values[1])));
          };
          add([](const rt::Cost &cost) { return cost.online(); }, formatBytes);
          add([](const rt::Cost &cost) { return cost.offline(); }, formatBytes);
          add([](const rt::Cost &cost) { return cost.exchanges; },
              [](uint64_t value) { return std::to_string(value); });
          add([](const rt::Cost &cost) { return cost.multiplyAdds; },
              [](uint64_t value) { return formatScaled(real(value)); });
          return cells;
        },
        /*local=*/false);
  }

  void printExchanges() const {
    for (const ConfiguredReport &config : report.configs) {
      if (report.isComparison())
        llvm::outs() << config.config << ": ";
      llvm::outs() << config.costs.criticalPath
                   << " exchanges in a row: independent operations share "
                      "them.\n";
      if (config.collapse)
        llvm::outs() << (report.isComparison() ? config.config + ", " : "")
                     << config.collapse->describe() << "\n";
    }
  }

  /// Online and offline seconds of each group.
  void printSeconds() const {
    std::vector<std::string> header{"predicted"};
    for (const NetworkProfile &profile : report.profiles())
      for (const char *phase : {" online", " offline"}) {
        header.push_back(profile.name + phase +
                         (report.isComparison() ? " A" : ""));
        if (report.isComparison())
          header.insert(header.end(), {"B", "A/B"});
      }
    print(
        header,
        [&](const GroupRow &row) {
          std::vector<std::string> cells;
          for (size_t i = 0; i < report.profiles().size(); ++i)
            for (double Seconds::*phase :
                 {&Seconds::online, &Seconds::offline}) {
              std::vector<double> values;
              for (const CostGroup *group : row.groups) {
                values.push_back(group ? group->times[i].*phase : 0);
                cells.push_back(group ? formatSeconds(values.back()) : "");
              }
              if (report.isComparison())
                cells.push_back(formatRatio(values[0], values[1]));
            }
          return cells;
        },
        /*local=*/true);
  }

  /// What a session takes before its first inference.
  void printNetworks() const {
    std::vector<std::string> header{"network", "line"};
    for (const ConfiguredReport &config : report.configs)
      header.push_back("once a session" +
                       (report.isComparison() ? ", " + config.config : ""));
    Table table(header, /*leftColumns=*/2);
    for (auto [i, profile] : llvm::enumerate(report.profiles())) {
      std::vector<std::string> row{profile.name, describeLine(profile)};
      for (const ConfiguredReport &config : report.configs)
        row.push_back(formatSeconds(config.costs.total.times[i].setup));
      table.addRow(row);
    }
    table.print(llvm::outs());
  }

  const ModelReport &report;
  std::vector<std::vector<GroupRow>> sections;
};

} // namespace

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

/// What the first configuration takes, as a multiple of the second one.
static nlohmann::json ratiosJson(const ModelReport &report) {
  const CostReport &a = report.configs[0].costs, &b = report.configs[1].costs;
  auto ratio = [](double first, double second) -> nlohmann::json {
    if (std::optional<double> value = getRatio(first, second))
      return *value;
    return nullptr;
  };
  auto ofCosts = [&](auto get) {
    return ratio(real(get(a.total.cost)), real(get(b.total.cost)));
  };
  nlohmann::json json = {
      {"online_bytes", ofCosts([](auto &cost) { return cost.online(); })},
      {"offline_bytes", ofCosts([](auto &cost) { return cost.offline(); })},
      {"setup_bytes",
       ofCosts([](auto &cost) { return cost.setupServerToClient; })},
      {"multiply_adds", ofCosts([](auto &cost) { return cost.multiplyAdds; })},
      {"critical_path_exchanges", ratio(a.criticalPath, b.criticalPath)},
      {"seconds", nlohmann::json::object()}};
  for (auto [profile, x, y] :
       llvm::zip_equal(report.profiles(), a.total.times, b.total.times))
    json["seconds"][profile.name] = {{"online", ratio(x.online, y.online)},
                                     {"offline", ratio(x.offline, y.offline)},
                                     {"setup", ratio(x.setup, y.setup)}};
  return json;
}

static nlohmann::json reportJson(const ModelReport &report) {
  nlohmann::json json = toJson(report.configs.front().costs);
  json["model"] = report.model;
  json["context"] = report.context;
  json["config"] = report.configs.front().config;
  addCollapse(json, report.configs.front().collapse);
  if (report.isComparison()) {
    json["compare"] = toJson(report.configs[1].costs);
    json["compare"]["config"] = report.configs[1].config;
    addCollapse(json["compare"], report.configs[1].collapse);
    json["ratio"] = ratiosJson(report);
  }
  return json;
}

//===----------------------------------------------------------------------===//
// The command
//===----------------------------------------------------------------------===//

static llvm::Expected<std::vector<NetworkProfile>>
findProfiles(llvm::ArrayRef<std::string> names) {
  if (names.empty())
    return getNetworkProfiles().vec();
  std::vector<NetworkProfile> profiles;
  llvm::StringSet<> seen;
  llvm::Error errors = llvm::Error::success();
  for (const std::string &name : names) {
    auto profile = findNetworkProfile(name);
    if (!profile) {
      errors = llvm::joinErrors(std::move(errors), profile.takeError());
      continue;
    }
    if (!seen.insert(profile->name).second)
      errors = llvm::joinErrors(
          std::move(errors),
          llvm::createStringError("--network '" + name +
                                  "': there are two profiles named '" +
                                  profile->name + "'; rename one"));
    profiles.push_back(std::move(*profile));
  }
  if (errors)
    return errors;
  return profiles;
}

/// Compiles the model as `config` and adds what it costs.
static llvm::Error addConfiguration(ModelReport &report,
                                    const ReportArguments &arguments,
                                    llvm::StringRef config,
                                    llvm::ArrayRef<NetworkProfile> profiles) {
  ModelArguments modelArguments = arguments;
  modelArguments.config = config.str();
  auto model = openModel(modelArguments);
  if (!model)
    return model.takeError();
  if (llvm::Error error = lower(**model, arguments))
    return error;
  auto costs = computeCostReport((*model)->getLoweredFunction(), profiles);
  if (!costs)
    return costs.takeError();
  report.model = (*model)->getName().str();
  report.context = (*model)->getContext();
  report.configs.push_back(
      {config.str(), std::move(*costs), (*model)->getCollapseChoice()});
  return llvm::Error::success();
}

llvm::Error aero::report(const ReportArguments &arguments) {
  auto profiles = findProfiles(arguments.networks);
  if (!profiles)
    return profiles.takeError();
  std::vector<std::string> configs{arguments.config};
  if (!arguments.compare.empty())
    configs.push_back(arguments.compare);
  ModelReport report;
  for (const std::string &config : configs)
    if (llvm::Error error =
            addConfiguration(report, arguments, config, *profiles))
      return error;

  if (!arguments.html.empty())
    if (llvm::Error error = writeHtml(report, arguments.html))
      return error;
  if (arguments.json)
    llvm::outs() << reportJson(report).dump(
                        2, ' ', /*ensure_ascii=*/false,
                        nlohmann::json::error_handler_t::replace)
                 << "\n";
  else
    Tables(report, arguments.nodes).print();
  return llvm::Error::success();
}
