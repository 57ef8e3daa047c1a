//===- InspectCommand.cpp - aero inspect ----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"
#include "Inspection.h"

#include "aero/Driver/Table.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <tuple>

using namespace aero;

namespace {

/// "feed_forward" to "feed-forward", "token_embedding" to "token embedding".
std::string toWords(llvm::StringRef name) {
  std::string words = name.str();
  std::replace(words.begin(), words.end(), '_', ' ');
  llvm::StringRef rest = words;
  if (rest.consume_front("feed forward"))
    return ("feed-forward" + rest).str();
  return words;
}

std::string percent(int64_t part, int64_t whole) {
  return whole == 0 ? std::string("-")
                    : formatFixed(100.0 * static_cast<double>(part) /
                                      static_cast<double>(whole),
                                  1) +
                          "%";
}

std::string count(int64_t number) {
  return formatCount(static_cast<uint64_t>(number));
}

std::string scaled(int64_t number) {
  return formatScaled(static_cast<double>(number));
}

std::string shapeText(llvm::ArrayRef<int64_t> shape) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(shape, os, "x");
  return text;
}

std::string placeText(pi::NetworkPlace place) {
  switch (place) {
  case pi::NetworkPlace::Unknown:
    return "";
  case pi::NetworkPlace::BeforeBlocks:
    return "embedding";
  case pi::NetworkPlace::Block:
    return "block";
  case pi::NetworkPlace::AfterBlocks:
    return "final";
  }
  llvm_unreachable("unknown place");
}

//===----------------------------------------------------------------------===//
// Sections, in the order in which they are printed
//===----------------------------------------------------------------------===//

void printHeader(llvm::raw_ostream &os, const Inspection &inspection) {
  const ImportSummary &summary = inspection.summary;
  os << inspection.model;
  if (inspection.config != getName(Configuration::AsIs))
    os << " as " << inspection.config;
  os << ": " << formatBytes(inspection.fileBytes);
  if (!summary.producer.empty())
    os << ", from " << summary.producer;
  if (summary.opset)
    os << ", opset " << summary.opset << ", " << count(summary.nodes)
       << " nodes";
  os << "\n";

  const pi::Architecture &a = inspection.architecture;
  os << pi::guessFamily(a) << " (" << llvm::join(pi::getEvidence(a), ", ")
     << ")\n";
  std::vector<std::string> figures;
  auto add = [&](const char *name, const std::optional<int64_t> &value) {
    if (value)
      figures.push_back(std::string(name) + " " + std::to_string(*value));
  };
  if (a.layers)
    figures.push_back("L " + std::to_string(a.layers));
  add("H", a.heads);
  if (a.keyHeads != a.heads)
    add("key heads", a.keyHeads);
  add("d", a.width);
  add("dk", a.headWidth);
  add("FFN width", a.ffnWidth);
  add("T", a.context);
  add("V", a.vocabulary);
  os << llvm::join(figures, ", ") << "\n\n";
}

void addValues(Table &table, llvm::ArrayRef<GraphValue> values,
               const char *role, const char *noun) {
  for (const GraphValue &value : values) {
    std::vector<std::string> declared, bound;
    for (const GraphValue::Dimension &dimension : value.shape) {
      bound.push_back(std::to_string(dimension.size));
      if (!dimension.symbol.empty())
        declared.push_back(dimension.symbol);
      else
        declared.push_back(dimension.bound ? "?" : bound.back());
    }
    std::string text = role;
    if (value.role == GraphValue::Role::Fixed)
      text = std::string("fixed ") + noun;
    else if (value.role == GraphValue::Role::Dropped)
      text = std::string("dropped ") + noun;
    table.addRow({value.name, value.elementType,
                  "[" + llvm::join(declared, ", ") + "]",
                  "[" + llvm::join(bound, ", ") + "]", text});
  }
}

void printInterface(llvm::raw_ostream &os, const ImportSummary &summary) {
  if (summary.inputs.empty() && summary.outputs.empty())
    return;
  Table table({"input or output", "type", "declared", "bound", "role"}, 5);
  addValues(table, summary.inputs, "argument", "input");
  addValues(table, summary.outputs, "result", "output");
  table.print(os);
  os << "\n";
}

void printTied(llvm::raw_ostream &os, llvm::ArrayRef<pi::TiedWeight> tied) {
  if (tied.empty())
    return;
  // An exporter may share hundreds of equal biases; the matrices matter.
  constexpr size_t most = 4;
  std::vector<const pi::TiedWeight *> sorted;
  for (const pi::TiedWeight &weight : tied)
    sorted.push_back(&weight);
  llvm::sort(sorted, [](const auto *a, const auto *b) {
    return std::tie(b->elements, a->name) < std::tie(a->elements, b->name);
  });
  os << "Tied, and counted once:\n";
  for (const pi::TiedWeight *weight : llvm::ArrayRef(sorted).take_front(most)) {
    std::vector<std::string> kinds;
    for (pi::ParameterKind kind : weight->kinds)
      kinds.push_back(toWords(pi::stringify(kind)));
    os << "  '" << weight->name << "': " << llvm::join(kinds, " and ");
    if (kinds.size() < 2)
      os << ", in several places";
    if (!weight->copies.empty())
      os << " (transposed again as '" << llvm::join(weight->copies, "', '")
         << "')";
    os << "\n";
  }
  if (sorted.size() > most)
    os << "  and " << sorted.size() - most << " smaller ones\n";
}

void printParameters(llvm::raw_ostream &os, const pi::Census &census) {
  pi::ParameterCount all = census.getAllParameters();
  Table table({"parameters", "weights", "elements", "as float32", "share"});
  auto add = [&](const std::string &name, const pi::ParameterCount &one) {
    table.addRow({name, count(one.weights), count(one.elements),
                  formatBytes(4 * static_cast<uint64_t>(one.elements)),
                  percent(one.elements, all.elements)});
  };
  for (unsigned i = 0; i < pi::kParameterKinds; ++i)
    if (census.parameters[i].weights)
      add(toWords(pi::stringify(static_cast<pi::ParameterKind>(i))),
          census.parameters[i]);
  table.addRule();
  add("total", all);
  table.print(os);
  printTied(os, census.tied);
  os << "\n";
}

void printNonlinear(llvm::raw_ostream &os, const pi::Census &census) {
  if (census.groups.empty()) {
    os << "No nonlinear operations.\n\n";
    return;
  }
  Table table({"nonlinear operation", "map", "per layer", "layers", "maps",
               "elements"});
  auto add = [&](const pi::NonlinearGroup &group, const std::string &name,
                 const std::string &perLayer, const std::string &layers,
                 int64_t maps) {
    int64_t elements = group.maps ? group.getElements() / group.maps * maps : 0;
    table.addRow({name, shapeText(group.shape), perLayer, layers, count(maps),
                  count(elements)});
  };
  int64_t total = 0;
  for (const pi::NonlinearGroup &group : census.groups) {
    total += group.getElements();
    std::string name = pi::stringifyNonlinearKind(group.kind).str();
    // Layers that differ from the others have a row of their own.
    for (const pi::NonlinearGroup::Layers &some : group.layers)
      add(group, name, count(some.maps), formatRanges(some.layers),
          some.maps * static_cast<int64_t>(some.layers.size()));
    if (group.place == pi::NetworkPlace::Block)
      continue;
    if (std::string place = placeText(group.place); !place.empty())
      name += ", " + place;
    add(group, name, "", "", group.maps);
  }
  table.addRule();
  table.addRow({"total", "", "", "", "", count(total)});
  table.print(os);
  os << "\n";
}

void printProducts(llvm::raw_ostream &os, const pi::Census &census) {
  int64_t total = 0;
  for (int64_t multiplyAdds : census.multiplyAdds)
    total += multiplyAdds;
  Table table({"linear algebra", "multiply-adds", "FLOPs", "share"});
  for (unsigned i = 0; i < pi::kProductKinds; ++i) {
    auto kind = static_cast<pi::ProductKind>(i);
    int64_t multiplyAdds = census.getMultiplyAdds(kind);
    if (!multiplyAdds)
      continue;
    std::string name = toWords(pi::stringify(kind));
    if (kind == pi::ProductKind::AttentionScores)
      name += " and context";
    // What a lookup of a token that nobody may know costs.
    if (kind == pi::ProductKind::Embedding)
      name += " as one-hot product";
    table.addRow({name, scaled(multiplyAdds), scaled(census.getFlops(kind)),
                  percent(multiplyAdds, total)});
  }
  table.addRule();
  table.addRow({"total", scaled(total), scaled(2 * total), "100.0%"});
  table.print(os);
  if (census.getMultiplyAdds(pi::ProductKind::AttentionScores))
    os << "In the paper's columns: FFN "
       << scaled(census.getFlops(pi::ProductKind::FeedForward))
       << " FLOPs, attention " << scaled(census.getPaperAttentionFlops())
       << " with its 3 T^2 d for scores and context ("
       << scaled(census.getDenseAttentionFlops()) << " with 4 T^2 d).\n";
  os << "\n";
}

/// "layers 0-3, final", and the node if there is only one.
std::string describePlaces(llvm::ArrayRef<Obstacle::Place> places) {
  llvm::SmallVector<int64_t> layers;
  bool before = false, after = false;
  for (const Obstacle::Place &place : places) {
    if (place.layer >= 0)
      layers.push_back(place.layer);
    before |= place.place == pi::NetworkPlace::BeforeBlocks;
    after |= place.place == pi::NetworkPlace::AfterBlocks;
  }
  llvm::sort(layers);
  layers.erase(llvm::unique(layers), layers.end());
  std::vector<std::string> parts;
  if (before)
    parts.push_back(placeText(pi::NetworkPlace::BeforeBlocks));
  if (!layers.empty())
    parts.push_back((layers.size() == 1 ? "layer " : "layers ") +
                    formatRanges(layers));
  if (after)
    parts.push_back(placeText(pi::NetworkPlace::AfterBlocks));
  if (places.size() == 1 && !places.front().node.empty())
    parts.push_back("node '" + places.front().node + "'");
  return llvm::join(parts, ", ");
}

void printObstacles(llvm::raw_ostream &os, llvm::ArrayRef<Obstacle> obstacles) {
  if (obstacles.empty()) {
    os << "Nothing blocks private inference.\n";
    return;
  }
  os << "What blocks private inference:\n";
  for (const Obstacle &obstacle : obstacles) {
    os << "  ";
    std::string where = describePlaces(obstacle.places);
    if (!obstacle.places.empty()) {
      os << obstacle.places.size() << " x "
         << (obstacle.op.empty() ? "node" : obstacle.op);
      if (!where.empty())
        os << " (" << where << ")";
      os << ": ";
    }
    os << obstacle.reason << "\n";
  }
}

//===----------------------------------------------------------------------===//
// A model that cannot be imported
//===----------------------------------------------------------------------===//

/// Prints all that is unsupported; what is returned is for standard error.
llvm::Error explain(const InspectArguments &arguments,
                    const ImportError &error) {
  llvm::StringRef name = llvm::sys::path::filename(arguments.path);
  size_t count = error.getUnsupported().size();
  if (arguments.json) {
    llvm::outs() << toJsonText(name, error);
  } else if (count) {
    llvm::outs() << name << " cannot be imported because of "
                 << (count == 1 ? "this node:" : "these nodes:") << "\n\n";
    Table table({"node", "operator", "domain", "opset", "why", "what to do"},
                6);
    for (const UnsupportedNode &node : error.getUnsupported())
      table.addRow({node.name, node.op,
                    node.domain.empty() ? "ai.onnx" : node.domain,
                    std::to_string(node.opset), node.why, node.hint});
    table.print(llvm::outs());
    llvm::outs() << "\n";
  }
  llvm::outs().flush();

  std::vector<std::string> lines;
  if (count)
    lines.push_back(arguments.path + ": " + std::to_string(count) +
                    (count == 1 ? " node is" : " nodes are") +
                    " not supported, as listed");
  for (const std::string &problem : error.getProblems())
    lines.push_back(arguments.path + ": " + problem);
  return llvm::createStringError(llvm::join(lines, "\n"));
}

} // namespace

llvm::Error aero::inspect(const InspectArguments &arguments) {
  auto opened = openAnyModel(arguments);
  if (!opened)
    return llvm::handleErrors(
        opened.takeError(),
        [&](const ImportError &error) { return explain(arguments, error); });
  Inspection inspection = makeInspection(**opened);
  llvm::raw_ostream &os = llvm::outs();
  if (arguments.json) {
    os << toJsonText(inspection);
    return llvm::Error::success();
  }
  printHeader(os, inspection);
  printInterface(os, inspection.summary);
  printParameters(os, inspection.census);
  printNonlinear(os, inspection.census);
  printProducts(os, inspection.census);
  printObstacles(os, inspection.obstacles);
  return llvm::Error::success();
}
