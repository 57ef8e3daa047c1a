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

/// Splits what a pass reported into the op, the reason and the place. The
/// passes write the node and the layer of the location into their messages, for
/// commands that print them one by one.
Obstacle makeObstacle(const Problem &problem,
                      const llvm::StringMap<pi::NetworkPlace> &places) {
  Obstacle::Place place;
  place.node = pi::getNodeName(problem.loc);
  place.layer = pi::getLayer(problem.loc);
  if (place.layer >= 0)
    place.place = pi::NetworkPlace::Block;
  else if (auto found = places.find(place.node); found != places.end())
    place.place = found->second;

  Obstacle obstacle;
  obstacle.reason = problem.message;
  std::string node = "node '" + place.node + "'";
  std::string layer = "layer " + std::to_string(place.layer);
  for (const std::string &phrase :
       {": " + node + " in " + layer, ": " + node, ": " + layer,
        " (ONNX " + node + ")", "(ONNX " + node + ") "})
    if (eraseFirst(obstacle.reason, phrase))
      break;
  obstacle.op = findOp(obstacle.reason);
  if (!obstacle.op.empty() &&
      !eraseFirst(obstacle.reason, "'" + obstacle.op + "' op "))
    eraseFirst(obstacle.reason, " of " + obstacle.op);
  obstacle.places.push_back(std::move(place));
  return obstacle;
}

std::vector<Obstacle> findObstacles(Model &model) {
  // Where the nodes outside of all blocks stand, which no location tells.
  llvm::StringMap<pi::NetworkPlace> places;
  pi::LayerAnalysis layers(model.getFunction());
  model.getFunction().walk([&](mlir::Operation *op) {
    if (layers.isData(op) && layers.getLayer(op) < 0)
      places[pi::getNodeName(op->getLoc())] =
          layers.getDepth(op) > 0 ? pi::NetworkPlace::AfterBlocks
                                  : pi::NetworkPlace::BeforeBlocks;
  });
  places.erase("");

  std::vector<Obstacle> obstacles;
  for (const Problem &problem : model.findProblems()) {
    Obstacle one = makeObstacle(problem, places);
    auto same = llvm::find_if(obstacles, [&](const Obstacle &other) {
      return other.op == one.op && other.reason == one.reason;
    });
    if (same == obstacles.end())
      obstacles.push_back(std::move(one));
    else
      llvm::append_range(same->places, one.places);
  }
  return obstacles;
}

} // namespace

Inspection aero::makeInspection(Model &model) {
  Inspection inspection;
  inspection.model = model.getName().str();
  inspection.config = getName(model.getConfiguration()).str();
  llvm::sys::fs::file_size(model.getPath(), inspection.fileBytes);
  inspection.summary = model.getSummary();
  inspection.architecture = pi::describeArchitecture(model.getFunction());
  inspection.census = pi::takeCensus(model.getFunction());
  inspection.obstacles = findObstacles(model);
  return inspection;
}
