//===- InspectCommand.cpp - aero inspect ----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Commands.h"

#include "aero/Analysis/Census.h"
#include "aero/Driver/Table.h"

#include "llvm/Support/raw_ostream.h"

#include <nlohmann/json.hpp>

using namespace aero;

static std::string kindName(pi::NonlinearKind kind) {
  return pi::stringifyNonlinearKind(kind).str();
}

static std::string shapeText(llvm::ArrayRef<int64_t> shape) {
  std::string text;
  for (int64_t size : shape)
    text += "x" + std::to_string(size);
  return text;
}

static std::string flops(int64_t count) {
  return formatScaled(static_cast<double>(count));
}

/// What stands between the network and a private run: the lowering's own
/// words, or nothing.
static std::vector<std::string> findObstacles(Model &model) {
  std::vector<std::string> obstacles;
  if (llvm::Error error = model.lower(/*lastTokenOnly=*/true)) {
    std::string text = llvm::toString(std::move(error));
    llvm::SmallVector<llvm::StringRef> lines;
    llvm::StringRef(text).split(lines, '\n', -1, /*KeepEmpty=*/false);
    for (llvm::StringRef line : lines) {
      line.consume_front(model.getPath() + ": ");
      obstacles.push_back(line.str());
    }
  }
  return obstacles;
}

llvm::Error aero::inspect(const InspectArguments &arguments) {
  auto opened = openModel(arguments);
  if (!opened)
    return opened.takeError();
  Model &model = **opened;
  pi::Census census = pi::takeCensus(model.getFunction());
  std::vector<std::string> obstacles = findObstacles(model);

  if (arguments.json) {
    nlohmann::json groups = nlohmann::json::array();
    for (const pi::NonlinearGroup &group : census.groups)
      groups.push_back({{"kind", kindName(group.kind)},
                        {"in_blocks", group.inBlocks},
                        {"maps", group.maps},
                        {"shape", std::vector<int64_t>(group.shape.begin(),
                                                       group.shape.end())}});
    nlohmann::json uses = nlohmann::json::array();
    for (const pi::NonlinearUse &use : census.uses)
      uses.push_back({{"kind", kindName(use.kind)},
                      {"layer", use.layer},
                      {"node", use.node}});
    llvm::outs() << nlohmann::json{{"model", model.getName()},
                                   {"config", arguments.config},
                                   {"layers", census.layers},
                                   {"context", model.getContext()},
                                   {"vocabulary", model.getVocabulary()},
                                   {"parameters", census.parameters},
                                   {"tied_parameters", census.tiedParameters},
                                   {"nonlinear", groups},
                                   {"nonlinear_ops", uses},
                                   {"ffn_flops", census.ffnFlops},
                                   {"attention_flops", census.attentionFlops},
                                   {"other_flops", census.otherFlops},
                                   {"obstacles", obstacles}}
                        .dump(2)
                 << "\n";
    return llvm::Error::success();
  }

  llvm::raw_ostream &os = llvm::outs();
  os << model.getName() << " as " << arguments.config << ": " << census.layers
     << " layers, context " << model.getContext() << ", vocabulary "
     << model.getVocabulary() << ", "
     << formatCount(static_cast<uint64_t>(census.parameters)) << " parameters";
  if (census.tiedParameters)
    os << " (" << formatCount(static_cast<uint64_t>(census.tiedParameters))
       << " of them a second copy of tied ones)";
  os << "\n\n";

  Table nonlinear({"nonlinear operation", "maps", "elements"});
  for (const pi::NonlinearGroup &group : census.groups) {
    uint64_t elements = static_cast<uint64_t>(group.maps);
    for (int64_t size : group.shape)
      elements *= static_cast<uint64_t>(size);
    nonlinear.addRow(
        {kindName(group.kind) + (group.inBlocks ? "" : " (outside blocks)"),
         std::to_string(group.maps) + shapeText(group.shape),
         formatCount(elements)});
  }
  nonlinear.print(os);
  os << "\n";
  Table linear({"linear part", "FLOPs"});
  linear.addRow({"feed-forward", flops(census.ffnFlops)});
  linear.addRow({"attention", flops(census.attentionFlops)});
  linear.addRow({"vocabulary projection", flops(census.otherFlops)});
  linear.print(os);
  os << "\n";
  if (obstacles.empty()) {
    os << "Nothing blocks private inference.\n";
  } else {
    os << "What blocks private inference:\n";
    for (const std::string &obstacle : obstacles)
      os << "  " << obstacle << "\n";
  }
  return llvm::Error::success();
}
