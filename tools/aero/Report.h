//===- Report.h - The forms of aero report --------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_TOOLS_AERO_REPORT_H
#define AERO_TOOLS_AERO_REPORT_H

#include "aero/Analysis/CostReport.h"
#include "aero/Driver/Model.h"

#include "llvm/Support/raw_ostream.h"

#include <optional>
#include <string>
#include <vector>

namespace aero {

/// The costs of one configuration.
struct ConfiguredReport {
  std::string config;
  CostReport costs;
  /// With --optimize-for.
  std::optional<CollapseChoice> collapse;
};

/// What a report is about: one configuration, or two to be compared. Both have
/// the same profiles.
struct ModelReport {
  std::string model; // the file's name
  int64_t context = 0;
  std::vector<ConfiguredReport> configs;

  bool isComparison() const { return configs.size() > 1; }
  llvm::ArrayRef<NetworkProfile> profiles() const {
    return configs.front().costs.profiles;
  }
};

/// The same group in each configuration; null where a configuration has none.
struct GroupRow {
  std::string name;
  std::vector<const CostGroup *> groups;
};

/// One row for each name, in the order of the first configuration, then what
/// only the second one has.
std::vector<GroupRow> joinGroups(const ModelReport &report,
                                 std::vector<CostGroup> CostReport::*groups);

/// How many times the second is in the first; none if that is no number.
std::optional<double> getRatio(double first, double second);
/// "4.03x", or "-".
std::string formatRatio(double first, double second);
/// Three digits and a unit: "812 us", "12.3 ms", "8.25 s", "0".
std::string formatSeconds(double seconds);
/// "100 Mbit/s, 80 ms round trip"
std::string describeLine(const NetworkProfile &profile);

/// Bars of online bytes by layer and kind, and of seconds by network, as one
/// SVG element that also stands alone in a file.
void writeChart(llvm::raw_ostream &os, const ModelReport &report);
/// `text` for HTML: escaped, valid UTF-8, without control characters.
void writeText(llvm::raw_ostream &os, llvm::StringRef text);
/// One page without scripts or other files; written whole or not at all.
llvm::Error writeHtml(const ModelReport &report, llvm::StringRef path);

} // namespace aero

#endif // AERO_TOOLS_AERO_REPORT_H
