//===- ReportCommand.cpp - aero report ------------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "aero/Analysis/CostReport.h"
#include "aero/Driver/Table.h"

#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

using namespace aero;

namespace {

llvm::Expected<CostReport> reportFor(const ReportArguments &arguments,
                                     llvm::StringRef config) {
  ModelArguments modelArguments = arguments;
  modelArguments.config = config.str();
  auto model = openModel(modelArguments);
  if (!model)
    return model.takeError();
  if (llvm::Error error = (*model)->lower(!arguments.allRows))
    return error;
  return computeCostReport((*model)->getLoweredFunction());
}

void addGroup(Table &table, const CostGroup &group) {
  table.addRow({group.name, formatBytes(group.cost.clientToServer),
                formatBytes(group.cost.serverToClient),
                formatBytes(group.cost.offline()),
                formatBytes(group.cost.setupServerToClient),
                std::to_string(group.cost.exchanges),
                formatScaled(static_cast<double>(group.cost.multiplyAdds))});
}

void printGroups(const CostReport &report) {
  Table table({"", "client to server", "server to client", "offline",
               "once a session", "exchanges", "multiply-adds"});
  for (const CostGroup &group : report.layers)
    addGroup(table, group);
  table.addRule();
  for (const CostGroup &group : report.kinds)
    if (group.cost != rt::Cost())
      addGroup(table, group);
  table.addRule();
  addGroup(table, report.total);
  table.print(llvm::outs());
}

void printInstructions(const CostReport &report) {
  Table table({"node", "layer", "operation", "start", "client to server",
               "server to client", "offline", "exchanges"});
  for (const InstructionCost &one : report.instructions)
    table.addRow(
        {one.node, one.layer < 0 ? "" : std::to_string(one.layer), one.op,
         std::to_string(one.start), formatBytes(one.cost.clientToServer),
         formatBytes(one.cost.serverToClient), formatBytes(one.cost.offline()),
         std::to_string(one.cost.exchanges)});
  table.print(llvm::outs());
}

void printTimes(const CostReport &report) {
  llvm::outs() << "\n"
               << report.criticalPath
               << " exchanges in a row: independent operations share them.\n\n";
  Table table({"network (without computation)", "offline s", "online s",
               "once a session s"});
  for (const NetworkTime &time : report.times)
    table.addRow({time.profile, formatFixed(time.offline, 3),
                  formatFixed(time.online, 3), formatFixed(time.setup, 3)});
  table.print(llvm::outs());
}

/// Both configurations and their ratio, so that neither stands alone.
void printComparison(llvm::StringRef firstName, const CostReport &first,
                     llvm::StringRef secondName, const CostReport &second) {
  Table table(
      {"configuration", "online", "offline", "exchanges", "multiply-adds"});
  auto add = [&](llvm::StringRef name, const CostReport &report) {
    const rt::Cost &cost = report.total.cost;
    table.addRow({name.str(), formatBytes(cost.online()),
                  formatBytes(cost.offline()),
                  std::to_string(report.criticalPath),
                  formatScaled(static_cast<double>(cost.multiplyAdds))});
  };
  add(firstName, first);
  add(secondName, second);
  auto ratio = [](double a, double b) {
    return b == 0 ? std::string("-") : formatFixed(a / b, 2) + "x";
  };
  const rt::Cost &a = first.total.cost, &b = second.total.cost;
  auto real = [](uint64_t value) { return static_cast<double>(value); };
  table.addRow({"ratio", ratio(real(a.online()), real(b.online())),
                ratio(real(a.offline()), real(b.offline())),
                ratio(first.criticalPath, second.criticalPath),
                ratio(real(a.multiplyAdds), real(b.multiplyAdds))});
  llvm::outs() << "\n";
  table.print(llvm::outs());
}

} // namespace

llvm::Error aero::report(const ReportArguments &arguments) {
  auto first = reportFor(arguments, arguments.config);
  if (!first)
    return first.takeError();
  std::optional<CostReport> second;
  if (!arguments.compare.empty()) {
    auto other = reportFor(arguments, arguments.compare);
    if (!other)
      return other.takeError();
    second = std::move(*other);
  }

  if (arguments.json) {
    nlohmann::json json = toJson(*first, /*withInstructions=*/true);
    json["config"] = arguments.config;
    if (second) {
      json["compare"] = toJson(*second, /*withInstructions=*/true);
      json["compare"]["config"] = arguments.compare;
    }
    llvm::outs() << json.dump(2) << "\n";
    return llvm::Error::success();
  }
  if (arguments.nodes)
    printInstructions(*first);
  else
    printGroups(*first);
  printTimes(*first);
  if (second)
    printComparison(arguments.config, *first, arguments.compare, *second);
  return llvm::Error::success();
}
