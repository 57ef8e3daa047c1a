//===- ReportChart.cpp - The bars of aero report --html -------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Report.h"

#include "aero/Driver/Table.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Format.h"

#include <algorithm>

using namespace aero;

namespace {

/// Kinds with a colour of their own; those with fewer bytes are "other".
constexpr size_t kColours = 7;

constexpr double kWidth = 860, kNames = 110, kConfigs = 130, kValues = 90;
constexpr double kBars = kWidth - kNames - kConfigs - kValues;
constexpr double kRow = 18, kBar = 13, kGap = 8, kHeading = 30;

// Colours that people with colour-blindness tell apart (Okabe and Ito), dark
// enough for white paper and light enough for a dark screen.
constexpr llvm::StringLiteral kStyle = R"(<style>
.aero-chart { font: 12px system-ui, sans-serif; max-width: 100%; height: auto; }
.aero-chart text { fill: #1f2328; }
.aero-chart .heading { font-size: 14px; font-weight: 600; }
.aero-chart .minor { fill: #59636e; }
.aero-chart rect { stroke: #ffffff; stroke-width: .5; }
.aero-chart .k0 { fill: #0072b2; } .aero-chart .k1 { fill: #e69f00; }
.aero-chart .k2 { fill: #009e73; } .aero-chart .k3 { fill: #cc79a7; }
.aero-chart .k4 { fill: #56b4e9; } .aero-chart .k5 { fill: #d55e00; }
.aero-chart .k6 { fill: #c5b800; } .aero-chart .k7 { fill: #8c959f; }
@media (prefers-color-scheme: dark) {
.aero-chart text { fill: #e6edf3; }
.aero-chart .minor { fill: #9da7b3; }
.aero-chart rect { stroke: #0d1117; }
}
</style>
)";

struct Segment {
  size_t colour;
  std::string label;
  double value;
};

/// Bars of one configuration in one group of bars.
struct Bar {
  std::string config, value;
  std::vector<Segment> segments;

  double length() const {
    double sum = 0;
    for (const Segment &segment : segments)
      sum += segment.value;
    return sum;
  }
};

struct BarGroup {
  std::string name;
  std::vector<Bar> bars;
};

class Chart {
public:
  explicit Chart(const ModelReport &report) : report(report), body(bodyText) {
    chooseColours();
    heading("Online bytes by layer and kind of instruction");
    legend();
    bytesByLayer();
    heading("Online seconds by network, and what they go to");
    secondsByNetwork();
  }

  void write(llvm::raw_ostream &os) const {
    os << "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"aero-chart\" "
          "role=\"img\" aria-labelledby=\"chart-title chart-text\" width=\""
       << llvm::format("%.0f", kWidth) << "\" height=\""
       << llvm::format("%.0f", y) << "\" viewBox=\"0 0 "
       << llvm::format("%.0f %.0f", kWidth, y) << "\">\n"
       << "<title id=\"chart-title\">Predicted online bytes and seconds of ";
    writeText(os, report.model);
    os << "</title>\n<desc id=\"chart-text\">";
    for (const ConfiguredReport &config : report.configs) {
      writeText(os, config.config);
      os << ": " << formatBytes(config.costs.total.cost.online())
         << " online in " << config.costs.criticalPath << " exchanges";
      for (auto [profile, time] :
           llvm::zip_equal(report.profiles(), config.costs.total.times)) {
        os << "; ";
        writeText(os, profile.name);
        os << " " << formatSeconds(time.online);
      }
      os << ". ";
    }
    os << "</desc>\n" << kStyle << bodyText << "</svg>\n";
  }

private:
  /// The kinds with most online bytes in all configurations together.
  void chooseColours() {
    std::vector<std::pair<uint64_t, std::string>> kinds;
    for (const GroupRow &row : joinGroups(report, &CostReport::kinds)) {
      uint64_t bytes = 0;
      for (const CostGroup *group : row.groups)
        bytes += group ? group->cost.online() : 0;
      if (bytes)
        kinds.emplace_back(bytes, row.name);
    }
    llvm::sort(kinds, [](const auto &a, const auto &b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    for (auto &[bytes, name] : llvm::ArrayRef(kinds).take_front(kColours)) {
      colours[name] = legendNames.size();
      legendNames.push_back(name);
    }
    // Local instructions take time and no bytes, so there is always a rest.
    legendNames.emplace_back("other");
  }

  size_t getColour(llvm::StringRef kind) const {
    auto found = colours.find(kind);
    return found == colours.end() ? legendNames.size() - 1 : found->second;
  }

  /// The rest has the last colour, however many there are.
  size_t getClass(size_t colour) const {
    return colour + 1 == legendNames.size() ? kColours : colour;
  }

  void text(double x, double baseline, llvm::StringRef content,
            llvm::StringRef attributes = "") {
    body << llvm::format("<text x=\"%.1f\" y=\"%.1f\"", x, baseline)
         << attributes << ">";
    writeText(body, content);
    body << "</text>\n";
  }

  void rectangle(double x, double top, double width, double height,
                 size_t colour, llvm::StringRef label) {
    body << llvm::format("<rect class=\"k%u\" x=\"%.1f\" y=\"%.1f\" "
                         "width=\"%.2f\" height=\"%.1f\">",
                         unsigned(colour), x, top, width, height)
         << "<title>";
    writeText(body, label);
    body << "</title></rect>\n";
  }

  void heading(llvm::StringRef content) {
    y += kHeading;
    text(0, y - 10, content, " class=\"heading\"");
  }

  void legend() {
    double x = 0;
    for (auto [i, name] : llvm::enumerate(legendNames)) {
      rectangle(x, y, kBar, kBar, getClass(i), name);
      text(x + kBar + 5, y + kBar - 2, name);
      x += kBar + 22 + 7 * static_cast<double>(name.size());
    }
    y += kRow + kGap;
  }

  void draw(const BarGroup &group, double longest) {
    for (auto [i, bar] : llvm::enumerate(group.bars)) {
      double baseline = y + kBar - 2, x = kNames + kConfigs;
      if (i == 0)
        text(0, baseline, group.name);
      text(kNames, baseline, bar.config, " class=\"minor\"");
      for (const Segment &segment : bar.segments) {
        double width = longest > 0 ? kBars * segment.value / longest : 0;
        if (width <= 0)
          continue;
        rectangle(x, y, width, kBar, segment.colour, segment.label);
        x += width;
      }
      text(x + 6, baseline, bar.value, " class=\"minor\"");
      y += kRow;
    }
    y += kGap;
  }

  /// Sums by colour; several kinds are "other".
  template <typename GetValue>
  std::vector<Segment> segments(const CostReport &costs, GetValue getValue) {
    std::vector<Segment> parts;
    for (auto [i, name] : llvm::enumerate(legendNames))
      parts.push_back({getClass(i), name, 0});
    for (const InstructionCost &one : costs.instructions)
      parts[getColour(one.op)].value += getValue(one);
    return parts;
  }

  void bytesByLayer() {
    std::vector<BarGroup> groups;
    double longest = 0;
    for (const GroupRow &row : joinGroups(report, &CostReport::layers)) {
      BarGroup group{row.name, {}};
      for (auto [config, costs] : llvm::zip_equal(report.configs, row.groups)) {
        if (!costs)
          continue;
        int64_t layer = costs->layer;
        Bar bar{config.config, formatBytes(costs->cost.online()),
                segments(config.costs, [&](const InstructionCost &one) {
                  return one.layer == layer
                             ? static_cast<double>(one.cost.online())
                             : 0;
                })};
        for (Segment &segment : bar.segments)
          segment.label += ": " + formatBytes(uint64_t(segment.value));
        longest = std::max(longest, bar.length());
        group.bars.push_back(std::move(bar));
      }
      groups.push_back(std::move(group));
    }
    for (const BarGroup &group : groups)
      draw(group, longest);
  }

  /// Each network has a scale of its own: they differ by a factor of a hundred.
  void secondsByNetwork() {
    for (auto [i, profile] : llvm::enumerate(report.profiles())) {
      BarGroup group{profile.name, {}};
      double longest = 0;
      for (const ConfiguredReport &config : report.configs) {
        Bar bar{config.config,
                formatSeconds(config.costs.total.times[i].online),
                segments(config.costs, [&](const InstructionCost &one) {
                  return one.times[i].online;
                })};
        for (Segment &segment : bar.segments)
          segment.label += ": " + formatSeconds(segment.value);
        longest = std::max(longest, bar.length());
        group.bars.push_back(std::move(bar));
      }
      draw(group, longest);
    }
  }

  const ModelReport &report;
  llvm::StringMap<size_t> colours;
  std::vector<std::string> legendNames;
  std::string bodyText;
  llvm::raw_string_ostream body;
  double y = 0;
};

} // namespace

void aero::writeChart(llvm::raw_ostream &os, const ModelReport &report) {
  Chart(report).write(os);
}
