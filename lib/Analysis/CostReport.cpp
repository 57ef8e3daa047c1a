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

#include <nlohmann/json.hpp>

#include <algorithm>
#include <tuple>

using namespace mlir;
using namespace aero;

llvm::ArrayRef<NetworkProfile> aero::getNetworkProfiles() {
  static constexpr NetworkProfile profiles[] = {
      {"loopback", 30e9, 52e-6}, {"lan", 1e9, 1e-3}, {"wan", 100e6, 80e-3}};
  return profiles;
}

void CostGroup::add(const InstructionCost &instruction) {
  ++instructions;
  cost += instruction.cost;
}

NetworkTime aero::predictTime(const CostReport &report,
                              const NetworkProfile &profile) {
  double oneWay = profile.roundTripSeconds / 2;
  auto seconds = [&](uint64_t bytes) {
    return double(bytes) * 8 / profile.bitsPerSecond;
  };
  uint64_t busier = 0;
  for (const InstructionCost &instruction : report.instructions)
    busier += std::max(instruction.cost.clientToServer,
                       instruction.cost.serverToClient);
  NetworkTime time;
  time.profile = profile.name;
  time.online = report.criticalPath * oneWay + seconds(busier);
  const rt::Cost &total = report.total.cost;
  // Corrections follow each other without waiting for an answer.
  if (total.offline())
    time.offline = oneWay + seconds(total.offline());
  if (total.setupServerToClient)
    time.setup = oneWay + seconds(total.setupServerToClient);
  return time;
}

static std::string layerName(int64_t layer) {
  return layer < 0 ? "outside layers" : "layer " + std::to_string(layer);
}

/// Sorts the instructions into layers and kinds.
static void group(CostReport &report) {
  llvm::MapVector<int64_t, CostGroup> layers;
  llvm::MapVector<llvm::StringRef, CostGroup> kinds;
  for (const InstructionCost &instruction : report.instructions) {
    layers[instruction.layer].add(instruction);
    kinds[instruction.op].add(instruction);
    report.total.add(instruction);
  }
  report.total.name = "total";
  for (auto &[layer, costs] : layers) {
    costs.name = layerName(layer);
    costs.layer = layer;
    report.layers.push_back(std::move(costs));
  }
  llvm::sort(report.layers, [](const CostGroup &a, const CostGroup &b) {
    return uint64_t(a.layer) < uint64_t(b.layer); // -1 comes last
  });
  for (auto &[op, costs] : kinds) {
    costs.name = op.str();
    report.kinds.push_back(std::move(costs));
  }
  llvm::sort(report.kinds, [](const CostGroup &a, const CostGroup &b) {
    return std::make_tuple(b.cost.online(), llvm::StringRef(a.name)) <
           std::make_tuple(a.cost.online(), llvm::StringRef(b.name));
  });
}

llvm::Expected<CostReport> aero::computeCostReport(func::FuncOp func) {
  if (func.isExternal() || !func.getBody().hasOneBlock())
    return llvm::createStringError("expected a function body of one block");
  CostReport report;
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
    instruction.node = pi::getNodeName(op.getLoc());
    instruction.layer = pi::getLayer(op.getLoc());
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
  group(report);
  for (const NetworkProfile &profile : getNetworkProfiles())
    report.times.push_back(predictTime(report, profile));
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

static nlohmann::json toJson(const CostGroup &group) {
  nlohmann::json json = aero::toJson(group.cost);
  json["name"] = group.name;
  json["instructions"] = group.instructions;
  return json;
}

static nlohmann::json toJson(const InstructionCost &instruction) {
  nlohmann::json json = aero::toJson(instruction.cost);
  json["index"] = instruction.index;
  json["op"] = instruction.op;
  json["node"] = instruction.node;
  json["layer"] = instruction.layer;
  json["start"] = instruction.start;
  return json;
}

nlohmann::json aero::toJson(const CostReport &report, bool withInstructions) {
  nlohmann::json json;
  json["total"] = ::toJson(report.total);
  json["critical_path_exchanges"] = report.criticalPath;
  json["layers"] = nlohmann::json::array();
  for (const CostGroup &layer : report.layers) {
    json["layers"].push_back(::toJson(layer));
    json["layers"].back()["layer"] = layer.layer;
  }
  json["kinds"] = nlohmann::json::array();
  for (const CostGroup &kind : report.kinds)
    json["kinds"].push_back(::toJson(kind));
  json["networks"] = nlohmann::json::array();
  for (auto [profile, time] :
       llvm::zip_equal(getNetworkProfiles(), report.times))
    json["networks"].push_back(
        {{"name", profile.name},
         {"bits_per_second", profile.bitsPerSecond},
         {"round_trip_seconds", profile.roundTripSeconds},
         {"online_seconds", time.online},
         {"offline_seconds", time.offline},
         {"setup_seconds", time.setup}});
  if (withInstructions) {
    json["instructions"] = nlohmann::json::array();
    for (const InstructionCost &instruction : report.instructions)
      json["instructions"].push_back(::toJson(instruction));
  }
  return json;
}
