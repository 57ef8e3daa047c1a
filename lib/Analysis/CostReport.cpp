//===- CostReport.cpp - What a secure program costs, before it runs -------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/CostReport.h"

#include "aero/Dialect/MPC/IR/MPCOps.h"
#include "aero/Dialect/PI/IR/PIOps.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/TypeSwitch.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <tuple>

using namespace mlir;
using namespace aero;

void CostGroup::add(const InstructionCost &instruction) {
  ++instructions;
  cost += instruction.cost;
  times.resize(instruction.times.size());
  for (auto [sum, time] : llvm::zip_equal(times, instruction.times))
    sum += time;
}

static std::string layerName(int64_t layer) {
  return layer < 0 ? "outside layers" : "layer " + std::to_string(layer);
}

/// Moves the groups out, in the order in which they were found.
template <typename Map> static std::vector<CostGroup> takeGroups(Map &groups) {
  std::vector<CostGroup> all;
  for (auto &[key, costs] : groups)
    all.push_back(std::move(costs));
  return all;
}

/// Sorts the instructions into nodes, layers and kinds.
static void group(CostReport &report) {
  llvm::MapVector<llvm::StringRef, CostGroup> nodes, kinds;
  llvm::MapVector<int64_t, CostGroup> layers;
  for (const InstructionCost &instruction : report.instructions) {
    auto addTo = [&](CostGroup &group, const std::string &name, int64_t layer) {
      group.name = name;
      group.layer = layer;
      group.add(instruction);
    };
    addTo(nodes[instruction.node], instruction.node,
          instruction.node.empty() ? -1 : instruction.layer);
    addTo(layers[instruction.layer], layerName(instruction.layer),
          instruction.layer);
    addTo(kinds[instruction.op], instruction.op, -1);
    addTo(report.total, "total", -1);
  }
  report.nodes = takeGroups(nodes);
  report.layers = takeGroups(layers);
  report.kinds = takeGroups(kinds);
  llvm::sort(report.layers, [](const CostGroup &a, const CostGroup &b) {
    return uint64_t(a.layer) < uint64_t(b.layer); // -1 comes last
  });
  llvm::sort(report.kinds, [](const CostGroup &a, const CostGroup &b) {
    return std::make_tuple(b.cost.online(), llvm::StringRef(a.name)) <
           std::make_tuple(a.cost.online(), llvm::StringRef(b.name));
  });
}

/// Of the largest shared operand or result; a server's weights do not count.
static uint64_t countElements(Operation &op) {
  auto count = [](Type type) -> int64_t {
    return llvm::TypeSwitch<Type, int64_t>(type)
        .Case<mpc::ShareType>([](auto share) { return share.getNumElements(); })
        .Case<RankedTensorType>(
            [](auto tensor) { return tensor.getNumElements(); })
        .Default([](Type) { return 0; });
  };
  int64_t elements = 0;
  for (Type type : op.getOperandTypes())
    elements = std::max(elements, count(type));
  for (Type type : op.getResultTypes())
    elements = std::max(elements, count(type));
  return static_cast<uint64_t>(elements);
}

static void addTimes(CostReport &report) {
  Seconds none;
  report.total.times.assign(report.profiles.size(), none);
  for (auto [i, profile] : llvm::enumerate(report.profiles)) {
    TimePrediction prediction = predictTimes(report.instructions, profile);
    for (auto [instruction, time] :
         llvm::zip_equal(report.instructions, prediction.instructions))
      instruction.times.push_back(time);
    report.total.times[i] = prediction.total;
  }
}

llvm::Expected<CostReport>
aero::computeCostReport(func::FuncOp func,
                        llvm::ArrayRef<NetworkProfile> profiles) {
  if (func.isExternal() || !func.getBody().hasOneBlock())
    return llvm::createStringError("expected a function body of one block");
  CostReport report;
  report.profiles = profiles.vec();
  llvm::DenseMap<Value, uint32_t> ready;
  for (Operation &op : func.getBody().front()) {
    if (isa<mpc::WeightOp, func::ReturnOp>(op))
      continue;
    if (!mpc::isInstruction(&op))
      return llvm::createStringError(
          op.getName().getStringRef() +
          " is not an instruction of the secure engine: run convert-pi-to-mpc "
          "first");
    InstructionCost instruction;
    instruction.index = uint32_t(report.instructions.size());
    instruction.op = op.getName().stripDialect().str();
    // A test sees to it that there are rates for the whole dialect.
    for (const NetworkProfile &profile : profiles)
      if (!profile.compute.operations.contains(instruction.op))
        return llvm::createStringError("network profile " + profile.name +
                                       " has no rates for " +
                                       op.getName().getStringRef());
    instruction.node = pi::getNodeName(op.getLoc());
    instruction.layer = pi::getLayer(op.getLoc());
    instruction.elements = countElements(op);
    instruction.cost = cast<mpc::CostOpInterface>(op).getCost();
    uint32_t start = 0;
    for (Value operand : op.getOperands())
      start = std::max(start, ready.lookup(operand));
    start = cast<mpc::ScheduledOpInterface>(op).getStart().value_or(start);
    instruction.start = start;
    uint32_t finish = start + instruction.cost.exchanges;
    ready[op.getResult(0)] = finish;
    report.criticalPath = std::max(report.criticalPath, finish);
    report.instructions.push_back(std::move(instruction));
  }
  addTimes(report);
  std::vector<Seconds> total = report.total.times;
  group(report);
  report.total.times = std::move(total);
  return report;
}

//===----------------------------------------------------------------------===//
// JSON
//===----------------------------------------------------------------------===//

nlohmann::json aero::toJson(const rt::Cost &cost) {
  return {{"client_to_server_bytes", cost.clientToServer},
          {"server_to_client_bytes", cost.serverToClient},
          {"online_bytes", cost.online()},
          {"dealer_to_server_bytes", cost.dealerToServer},
          {"dealer_to_client_bytes", cost.dealerToClient},
          {"offline_bytes", cost.offline()},
          {"setup_bytes", cost.setupServerToClient},
          {"exchanges", cost.exchanges},
          {"multiply_adds", cost.multiplyAdds}};
}

/// {"lan": {"online": ..., "offline": ..., "setup": ...}, ...}
static nlohmann::json timesJson(llvm::ArrayRef<Seconds> times,
                                const CostReport &report) {
  nlohmann::json json = nlohmann::json::object();
  for (auto [profile, time] : llvm::zip_equal(report.profiles, times))
    json[profile.name] = {{"online", time.online},
                          {"offline", time.offline},
                          {"setup", time.setup}};
  return json;
}

static nlohmann::json groupJson(const CostGroup &group,
                                const CostReport &report) {
  nlohmann::json json = aero::toJson(group.cost);
  json["name"] = group.name;
  json["instructions"] = group.instructions;
  json["seconds"] = timesJson(group.times, report);
  return json;
}

static nlohmann::json groupsJson(llvm::ArrayRef<CostGroup> groups,
                                 const CostReport &report, bool withLayer) {
  nlohmann::json json = nlohmann::json::array();
  for (const CostGroup &group : groups) {
    json.push_back(groupJson(group, report));
    if (withLayer)
      json.back()["layer"] = group.layer;
  }
  return json;
}

static nlohmann::json instructionJson(const InstructionCost &instruction,
                                      const CostReport &report) {
  nlohmann::json json = aero::toJson(instruction.cost);
  json["index"] = instruction.index;
  json["op"] = instruction.op;
  json["node"] = instruction.node;
  json["layer"] = instruction.layer;
  json["start"] = instruction.start;
  json["elements"] = instruction.elements;
  json["seconds"] = timesJson(instruction.times, report);
  return json;
}

nlohmann::json aero::toJson(const CostReport &report) {
  nlohmann::json json;
  json["total"] = groupJson(report.total, report);
  json["critical_path_exchanges"] = report.criticalPath;
  json["nodes"] = groupsJson(report.nodes, report, /*withLayer=*/true);
  json["layers"] = groupsJson(report.layers, report, /*withLayer=*/true);
  json["kinds"] = groupsJson(report.kinds, report, /*withLayer=*/false);
  json["networks"] = nlohmann::json::array();
  for (auto [profile, time] :
       llvm::zip_equal(report.profiles, report.total.times))
    json["networks"].push_back(
        {{"name", profile.name},
         {"bits_per_second", profile.bitsPerSecond},
         {"round_trip_seconds", profile.roundTripSeconds},
         {"online_seconds", time.online},
         {"offline_seconds", time.offline},
         {"setup_seconds", time.setup}});
  json["instructions"] = nlohmann::json::array();
  for (const InstructionCost &instruction : report.instructions)
    json["instructions"].push_back(instructionJson(instruction, report));
  return json;
}
