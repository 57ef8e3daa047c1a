//===- Inspection.cpp - What aero inspect finds in a model ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inspection.h"

#include "aero/Analysis/Layers.h"
#include "aero/Dialect/PI/IR/PIOps.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/FileSystem.h"

using namespace aero;

namespace {

/// Takes the first `part` out of `text`.
bool eraseFirst(std::string &text, llvm::StringRef part) {
  size_t at = text.find(part);
  if (part.empty() || at == std::string::npos)
    return false;
  text.erase(at, part.size());
  return true;
}

/// The op that a message is about: "pi.gelu".
std::string findOp(llvm::StringRef message) {
  size_t at = message.find("pi.");
  // Not the end of another word.
  if (at == llvm::StringRef::npos || (at && llvm::isAlnum(message[at - 1])))
    return {};
  llvm::StringRef rest = message.drop_front(at + 3);
  llvm::StringRef name =
      rest.take_while([](char c) { return llvm::isAlpha(c) || c == '_'; });
  return name.empty() ? std::string() : "pi." + name.str();
}

/// Takes out which nodes a message names, so that equal reasons are equal. The
/// passes write node and layer of an op into their messages, for commands that
/// print them one by one.
std::string removeNodes(std::string text, const Obstacle::Place &place) {
  std::string node = ": node '" + place.node + "'";
  std::string layer = "layer " + std::to_string(place.layer);
  if (!eraseFirst(text, (node + " in ").append(layer)) &&
      !eraseFirst(text, node))
    eraseFirst(text, ": " + layer);
  static constexpr llvm::StringLiteral start = "(ONNX node '", end = "')";
  for (size_t at; (at = text.find(start)) != std::string::npos;) {
    size_t last = text.find(end, at + start.size());
    if (last == std::string::npos)
      break;
    // With the space on one of its sides.
    size_t first = at && text[at - 1] == ' ' ? at - 1 : at;
    text.erase(first, last + end.size() - first);
  }
  return text;
}

std::vector<Obstacle> findObstacles(Model &model) {
  // Where the nodes outside of all blocks stand, which no location tells.
  llvm::StringMap<pi::NetworkPlace> places;
  pi::LayerAnalysis layers(model.getFunction());
  model.getFunction().walk([&](mlir::Operation *op) {
    if (layers.isData(op))
      places[pi::getNodeName(op->getLoc())] = getPlace(layers, op);
  });
  places.erase("");

  std::vector<Obstacle> obstacles;
  for (const Problem &problem : model.findProblems()) {
    Obstacle one;
    if (problem.loc == model.getFunction().getLoc()) {
      one.reason = problem.message;
      obstacles.push_back(std::move(one));
      continue;
    }
    Obstacle::Place place;
    place.node = pi::getNodeName(problem.loc);
    place.layer = pi::getLayer(problem.loc);
    place.place = places.lookup(place.node);
    place.message = problem.message;
    one.reason = removeNodes(problem.message, place);
    one.op = findOp(one.reason);
    if (!one.op.empty() && !eraseFirst(one.reason, "'" + one.op + "' op "))
      eraseFirst(one.reason, " of " + one.op);

    auto same = llvm::find_if(obstacles, [&](const Obstacle &other) {
      return other.op == one.op && other.reason == one.reason;
    });
    if (same == obstacles.end())
      same = obstacles.insert(same, std::move(one));
    same->places.push_back(std::move(place));
  }
  return obstacles;
}

} // namespace

Inspection aero::makeInspection(Model &model) {
  Inspection inspection;
  inspection.model = model.getName().str();
  inspection.config = getName(model.getConfiguration());
  // The file was read; should it be gone by now, its size does not matter.
  if (llvm::sys::fs::file_size(model.getPath(), inspection.fileBytes))
    inspection.fileBytes = 0;
  inspection.summary = model.getSummary();
  inspection.architecture = pi::describeArchitecture(model.getFunction());
  inspection.census = pi::takeCensus(model.getFunction());
  inspection.obstacles = findObstacles(model);
  return inspection;
}
