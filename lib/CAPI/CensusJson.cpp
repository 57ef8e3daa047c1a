//===- CensusJson.cpp - A census as JSON ----------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "CensusJson.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"

using namespace aero;
using llvm::json::Array;
using llvm::json::Object;
using llvm::json::Value;

static Object toJson(const pi::ParameterCount &count) {
  return Object{{"weights", count.weights},
                {"elements", count.elements},
                {"bytes", 4 * count.elements}};
}

static Object parametersToJson(const pi::Census &census) {
  Object kinds;
  for (unsigned i = 0; i < pi::kParameterKinds; ++i)
    kinds[pi::stringify(static_cast<pi::ParameterKind>(i))] =
        toJson(census.parameters[i]);
  return Object{{"total", toJson(census.getAllParameters())},
                {"kinds", std::move(kinds)}};
}

static Array nonlinearToJson(const pi::Census &census) {
  Array groups;
  for (const pi::NonlinearGroup &group : census.groups) {
    Array layers;
    for (const pi::NonlinearGroup::Layers &some : group.layers)
      layers.push_back(
          Object{{"maps", some.maps}, {"layers", Array(some.layers)}});
    groups.push_back(Object{{"kind", pi::stringifyNonlinearKind(group.kind)},
                            {"place", pi::stringify(group.place)},
                            {"shape", Array(group.shape)},
                            {"maps", group.maps},
                            {"elements", group.getElements()},
                            {"per_layer", std::move(layers)}});
  }
  return groups;
}

static Object productsToJson(const pi::Census &census) {
  auto count = [](int64_t multiplyAdds) {
    return Object{{"multiply_adds", multiplyAdds}, {"flops", 2 * multiplyAdds}};
  };
  Object kinds;
  int64_t total = 0;
  for (unsigned i = 0; i < pi::kProductKinds; ++i) {
    total += census.multiplyAdds[i];
    kinds[pi::stringify(static_cast<pi::ProductKind>(i))] =
        count(census.multiplyAdds[i]);
  }
  return Object{
      {"total", count(total)},
      {"kinds", std::move(kinds)},
      {"paper",
       Object{{"ffn_flops", census.getFlops(pi::ProductKind::FeedForward)},
              {"attention_flops_3t2d", census.getPaperAttentionFlops()},
              {"attention_flops_4t2d", census.getDenseAttentionFlops()}}}};
}

std::string aero::censusToJson(const pi::Census &census) {
  Value report = Object{{"layers", census.layers},
                        {"parameters", parametersToJson(census)},
                        {"nonlinear", nonlinearToJson(census)},
                        {"products", productsToJson(census)}};
  return llvm::formatv("{0:2}\n", report).str();
}
