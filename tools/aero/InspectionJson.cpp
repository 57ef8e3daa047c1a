//===- InspectionJson.cpp - aero inspect --json ---------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Inspection.h"

#include <nlohmann/json.hpp>

using namespace aero;
using nlohmann::json;

namespace {

json toJson(llvm::ArrayRef<int64_t> numbers) {
  return std::vector<int64_t>(numbers.begin(), numbers.end());
}

json toJson(const std::optional<int64_t> &number) {
  return number ? json(*number) : json();
}

std::string kindName(pi::NonlinearKind kind) {
  return pi::stringifyNonlinearKind(kind).str();
}

json toJson(llvm::ArrayRef<GraphValue> values, llvm::StringRef roleOfValue) {
  json list = json::array();
  for (const GraphValue &value : values) {
    json declared = json::array(), shape = json::array();
    for (const GraphValue::Dimension &dimension : value.shape) {
      // Null is a dimension that the file leaves open without a name for it.
      if (!dimension.symbol.empty())
        declared.push_back(dimension.symbol);
      else
        declared.push_back(dimension.bound ? json() : json(dimension.size));
      shape.push_back(dimension.size);
    }
    llvm::StringRef role = value.role == GraphValue::Role::Value   ? roleOfValue
                           : value.role == GraphValue::Role::Fixed ? "fixed"
                                                                   : "dropped";
    list.push_back({{"name", value.name},
                    {"type", value.elementType},
                    {"declared", declared},
                    {"shape", shape},
                    {"role", role.str()}});
  }
  return list;
}

json toJson(const pi::Architecture &a) {
  json activations = json::array();
  for (pi::NonlinearKind kind : a.activations)
    activations.push_back(kindName(kind));
  return {{"family", pi::guessFamily(a)},
          {"evidence", pi::getEvidence(a)},
          {"layers", a.layers},
          {"heads", toJson(a.heads)},
          {"key_heads", toJson(a.keyHeads)},
          {"width", toJson(a.width)},
          {"head_width", toJson(a.headWidth)},
          {"ffn_width", toJson(a.ffnWidth)},
          {"context", toJson(a.context)},
          {"vocabulary", toJson(a.vocabulary)},
          {"positions", pi::stringify(a.positions).str()},
          {"norm", a.norm ? json(kindName(*a.norm)) : json()},
          {"norm_place", pi::stringify(a.normPlace).str()},
          {"residual",
           a.residual ? json(pi::stringify(*a.residual).str()) : json()},
          {"activations", activations},
          {"gated", a.gated},
          {"attention", a.mask ? json(pi::stringify(*a.mask).str()) : json()},
          {"tied_embedding", a.tiedEmbedding}};
}

json parametersToJson(const pi::Census &census) {
  auto count = [](const pi::ParameterCount &parameters) -> json {
    return {{"weights", parameters.weights},
            {"elements", parameters.elements},
            {"bytes", 4 * parameters.elements}};
  };
  json kinds = json::object(), tied = json::array();
  for (unsigned i = 0; i < pi::kParameterKinds; ++i)
    kinds[pi::stringify(static_cast<pi::ParameterKind>(i)).str()] =
        count(census.parameters[i]);
  for (const pi::TiedWeight &weight : census.tied) {
    json uses = json::array();
    for (pi::ParameterKind kind : weight.kinds)
      uses.push_back(pi::stringify(kind).str());
    tied.push_back({{"name", weight.name},
                    {"elements", weight.elements},
                    {"kinds", uses},
                    {"copies", weight.copies}});
  }
  return {{"total", count(census.getAllParameters())},
          {"kinds", kinds},
          {"tied", tied}};
}

json nonlinearToJson(const pi::Census &census) {
  json groups = json::array();
  for (const pi::NonlinearGroup &group : census.groups) {
    json layers = json::array();
    for (const pi::NonlinearGroup::Layers &some : group.layers)
      layers.push_back({{"maps", some.maps}, {"layers", toJson(some.layers)}});
    groups.push_back({{"kind", kindName(group.kind)},
                      {"place", pi::stringify(group.place).str()},
                      {"shape", toJson(group.shape)},
                      {"maps", group.maps},
                      {"elements", group.getElements()},
                      {"per_layer", layers}});
  }
  return groups;
}

json usesToJson(const pi::Census &census) {
  json uses = json::array();
  for (const pi::NonlinearUse &use : census.uses)
    uses.push_back({{"kind", kindName(use.kind)},
                    {"place", pi::stringify(use.place).str()},
                    {"layer", use.layer},
                    {"node", use.node},
                    {"maps", use.maps},
                    {"shape", toJson(use.shape)}});
  return uses;
}

json productsToJson(const pi::Census &census) {
  json kinds = json::object();
  int64_t total = 0;
  for (unsigned i = 0; i < pi::kProductKinds; ++i) {
    auto kind = static_cast<pi::ProductKind>(i);
    total += census.multiplyAdds[i];
    kinds[pi::stringify(kind).str()] = {
        {"multiply_adds", census.getMultiplyAdds(kind)},
        {"flops", census.getFlops(kind)}};
  }
  return {{"total", {{"multiply_adds", total}, {"flops", 2 * total}}},
          {"kinds", kinds},
          {"paper",
           {{"ffn_flops", census.getFlops(pi::ProductKind::FeedForward)},
            {"attention_flops_3t2d", census.getPaperAttentionFlops()},
            {"attention_flops_4t2d", census.getDenseAttentionFlops()}}}};
}

json obstaclesToJson(llvm::ArrayRef<Obstacle> obstacles) {
  json list = json::array();
  for (const Obstacle &obstacle : obstacles) {
    json places = json::array();
    for (const Obstacle::Place &place : obstacle.places)
      places.push_back({{"node", place.node},
                        {"layer", place.layer},
                        {"place", pi::stringify(place.place).str()},
                        {"message", place.message}});
    list.push_back({{"op", obstacle.op.empty() ? json() : json(obstacle.op)},
                    {"reason", obstacle.reason},
                    {"count", obstacle.places.size()},
                    {"places", places}});
  }
  return list;
}

/// Names in a file may hold bytes that are no UTF-8.
std::string dump(const json &value) {
  return value.dump(2, ' ', /*ensure_ascii=*/false,
                    json::error_handler_t::replace) +
         "\n";
}

} // namespace

std::string aero::toJsonText(const Inspection &inspection) {
  const ImportSummary &summary = inspection.summary;
  return dump({{"model", inspection.model},
               {"config", inspection.config},
               {"supported", true},
               {"file",
                {{"bytes", inspection.fileBytes},
                 {"producer", summary.producer},
                 {"opset", summary.opset},
                 {"nodes", summary.nodes}}},
               {"inputs", toJson(summary.inputs, "argument")},
               {"outputs", toJson(summary.outputs, "result")},
               {"architecture", toJson(inspection.architecture)},
               {"parameters", parametersToJson(inspection.census)},
               {"nonlinear", nonlinearToJson(inspection.census)},
               {"nonlinear_ops", usesToJson(inspection.census)},
               {"products", productsToJson(inspection.census)},
               {"runnable", inspection.obstacles.empty()},
               {"obstacles", obstaclesToJson(inspection.obstacles)}});
}

std::string aero::toJsonText(llvm::StringRef model, const ImportError &error) {
  json unsupported = json::array();
  for (const UnsupportedNode &node : error.getUnsupported())
    unsupported.push_back({{"name", node.name},
                           {"op", node.op},
                           {"domain", node.domain},
                           {"opset", node.opset},
                           {"why", node.why},
                           {"hint", node.hint}});
  return dump({{"model", model.str()},
               {"supported", false},
               {"unsupported", unsupported},
               {"problems", error.getProblems().vec()}});
}
