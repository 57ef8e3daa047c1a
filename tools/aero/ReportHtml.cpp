//===- ReportHtml.cpp - aero report --html --------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "aero/Driver/Table.h"
#include "aero/Support/PendingFile.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"

using namespace aero;

// Names come from a model's file: nothing may be fetched or run, whatever
// else goes wrong.
static constexpr llvm::StringLiteral kHead = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"/>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"/>
<meta name="viewport" content="width=device-width, initial-scale=1"/>
<meta name="color-scheme" content="light dark"/>
<style>
:root { color-scheme: light dark; --text: #1f2328; --minor: #59636e; --page: #ffffff; --line: #d1d9e0; --total: #f6f8fa; }
@media (prefers-color-scheme: dark) {
:root { --text: #e6edf3; --minor: #9da7b3; --page: #0d1117; --line: #3d444d; --total: #151b23; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--text); background: var(--page); margin: 2em auto; max-width: 72em; padding: 0 1em; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; margin: 1em 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding: .3em 0; }
th, td { padding: .2em .7em; text-align: right; white-space: nowrap; border-bottom: 1px solid var(--line); }
th[scope=row], thead th:first-child { text-align: left; }
tfoot { background: var(--total); font-weight: 600; }
.minor { color: var(--minor); }
summary { cursor: pointer; font-weight: 600; }
</style>
)";

void aero::writeText(llvm::raw_ostream &os, llvm::StringRef text) {
  std::string valid = llvm::json::fixUTF8(text);
  for (char &c : valid)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  llvm::printHTMLEscaped(valid, os);
}

namespace {

class Page {
public:
  Page(llvm::raw_ostream &os, const ModelReport &report)
      : os(os), report(report) {}

  void write() {
    os << kHead << "<title>Cost of ";
    writeText(os, report.model);
    os << "</title>\n</head>\n<body>\n<main>\n<h1>What <bdi>";
    writeText(os, report.model);
    os << "</bdi> costs privately</h1>\n<p>Predicted for one private inference "
          "of "
       << formatCount(static_cast<uint64_t>(report.context)) << " tokens, as ";
    llvm::interleave(
        report.configs, os,
        [&](const ConfiguredReport &config) {
          os << "<strong>";
          writeText(os, config.config);
          os << "</strong>";
        },
        " and ");
    os << ". Bytes and exchanges are exact; seconds are a model's.</p>\n";
    writeTotals();
    os << "<h2>Where it goes</h2>\n<div class=\"wide\">\n";
    writeChart(os, report);
    os << "</div>\n";
    writeGroups("By layer", &CostReport::layers);
    writeGroups("By kind of instruction", &CostReport::kinds);
    os << "<details>\n<summary>By ONNX node</summary>\n";
    writeGroups("By ONNX node", &CostReport::nodes);
    os << "</details>\n";
    writeNetworks();
    os << "</main>\n</body>\n</html>\n";
  }

private:
  void heading(llvm::StringRef text, llvm::StringRef attributes = "") {
    os << "<th scope=\"col\"" << attributes << ">";
    writeText(os, text);
    os << "</th>";
  }
  void rowHeading(llvm::StringRef text) {
    os << "<tr><th scope=\"row\"><bdi>";
    writeText(os, text);
    os << "</bdi></th>";
  }
  void cell(llvm::StringRef text) {
    os << "<td>";
    writeText(os, text);
    os << "</td>";
  }
  void beginTable(llvm::StringRef caption, llvm::StringRef first) {
    os << "<div class=\"wide\">\n<table>\n<caption>";
    writeText(os, caption);
    os << "</caption>\n<thead><tr>";
    heading(first);
  }
  void endTable() { os << "</table>\n</div>\n"; }

  /// A cell for each configuration, and one for the ratio.
  void cells(llvm::ArrayRef<std::optional<double>> values,
             llvm::function_ref<std::string(double)> format) {
    for (std::optional<double> value : values)
      cell(value ? format(*value) : "");
    if (report.isComparison())
      cell(formatRatio(values[0].value_or(0), values[1].value_or(0)));
  }

  /// One column for each configuration, and one for the ratio.
  void writeTotals() {
    beginTable("In total", "");
    for (const ConfiguredReport &config : report.configs)
      heading(config.config);
    if (report.isComparison())
      heading("ratio");
    os << "</tr></thead>\n<tbody>\n";
    auto row = [&](llvm::StringRef name, auto get, auto format) {
      rowHeading(name);
      std::vector<std::optional<double>> values;
      values.reserve(report.configs.size());
      for (const ConfiguredReport &config : report.configs)
        values.push_back(static_cast<double>(get(config.costs)));
      cells(values, format);
      os << "</tr>\n";
    };
    auto bytes = [](double value) { return formatBytes(uint64_t(value)); };
    auto count = [](double value) { return formatCount(uint64_t(value)); };
    row(
        "online bytes",
        [](const CostReport &costs) { return costs.total.cost.online(); },
        bytes);
    row(
        "offline bytes",
        [](const CostReport &costs) { return costs.total.cost.offline(); },
        bytes);
    row(
        "bytes once a session",
        [](const CostReport &costs) {
          return costs.total.cost.setupServerToClient;
        },
        bytes);
    row(
        "exchanges in a row",
        [](const CostReport &costs) { return costs.criticalPath; }, count);
    row(
        "multiply-adds",
        [](const CostReport &costs) { return costs.total.cost.multiplyAdds; },
        formatScaled);
    for (auto [i, profile] : llvm::enumerate(report.profiles()))
      for (auto [name, phase] :
           {std::pair(", online", &Seconds::online),
            std::pair(", offline", &Seconds::offline),
            std::pair(", once a session", &Seconds::setup)})
        row(
            profile.name + name,
            [i = i, phase = phase](const CostReport &costs) {
              return costs.total.times[i].*phase;
            },
            formatSeconds);
    os << "</tbody>\n";
    endTable();
  }

  void groupHeadings() {
    auto each = [&](const std::string &name) {
      for (const ConfiguredReport &config : report.configs)
        heading(report.isComparison() ? name + ", " + config.config : name);
      if (report.isComparison())
        heading("ratio");
    };
    each("online");
    each("offline");
    each("exchanges");
    each("multiply-adds");
    for (const NetworkProfile &profile : report.profiles()) {
      each(profile.name + " online");
      each(profile.name + " offline");
    }
  }

  void writeRow(const GroupRow &row) {
    rowHeading(row.name.empty() ? "(no node)" : row.name);
    auto each = [&](auto get, auto format) {
      std::vector<std::optional<double>> values;
      values.reserve(report.configs.size());
      for (const CostGroup *group : row.groups)
        values.push_back(
            group ? std::optional<double>(static_cast<double>(get(*group)))
                  : std::nullopt);
      cells(values, format);
    };
    auto bytes = [](double value) { return formatBytes(uint64_t(value)); };
    each([](const CostGroup &group) { return group.cost.online(); }, bytes);
    each([](const CostGroup &group) { return group.cost.offline(); }, bytes);
    each([](const CostGroup &group) { return group.cost.exchanges; },
         [](double value) { return formatCount(uint64_t(value)); });
    each([](const CostGroup &group) { return group.cost.multiplyAdds; },
         formatScaled);
    for (size_t i = 0; i < report.profiles().size(); ++i)
      for (double Seconds::*phase : {&Seconds::online, &Seconds::offline})
        each([=](const CostGroup &group) { return group.times[i].*phase; },
             formatSeconds);
    os << "</tr>\n";
  }

  void writeGroups(llvm::StringRef caption,
                   std::vector<CostGroup> CostReport::*groups) {
    beginTable(caption, "");
    groupHeadings();
    os << "</tr></thead>\n<tbody>\n";
    for (const GroupRow &row : joinGroups(report, groups))
      writeRow(row);
    os << "</tbody>\n<tfoot>\n";
    GroupRow total{"total", {}};
    for (const ConfiguredReport &config : report.configs)
      total.groups.push_back(&config.costs.total);
    writeRow(total);
    os << "</tfoot>\n";
    endTable();
  }

  void writeNetworks() {
    os << "<h2>How to read it</h2>\n<dl>\n";
    for (const NetworkProfile &profile : report.profiles()) {
      os << "<dt><bdi>";
      writeText(os, profile.name);
      os << "</bdi></dt><dd>" << describeLine(profile) << "</dd>\n";
    }
    os << "</dl>\n<p class=\"minor\">Seconds of a row are its share: an "
          "exchange that several instructions use is divided among them. The "
          "total also has the round trips that ask for correlations, and the "
          "handshakes of a session. Exchanges of a row are counted as if it "
          "had the line for itself. Not in the seconds: TCP's slow start, "
          "headers, losses, and more than one thread a party.</p>\n";
  }

  llvm::raw_ostream &os;
  const ModelReport &report;
};

} // namespace

llvm::Error aero::writeHtml(const ModelReport &report, llvm::StringRef path) {
  auto file = PendingFile::create(path);
  if (!file)
    return file.takeError();
  Page(file->stream(), report).write();
  if (llvm::Error error = file->finish())
    return error;
  return file->keep();
}
