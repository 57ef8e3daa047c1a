//===- Configurations.cpp - The networks of the AERO paper ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Pipelines/Configurations.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace aero;
using pi::Presence;
using pi::PromisedActivation;
using pi::ReplacementActivation;

static constexpr ConfigurationInfo kConfigurations[] = {
    {Configuration::AsIs, "as-is", "the model as it was exported", false,
     std::nullopt, false, Presence::Any, PromisedActivation::Any},
    {Configuration::SmLnG, "SM+LN+G", "softmax, LayerNorm, GELU", false,
     std::nullopt, false, Presence::Required, PromisedActivation::Gelu},
    {Configuration::SmLnR, "SM+LN+R", "softmax, LayerNorm, ReLU", false,
     ReplacementActivation::Relu, false, Presence::Required,
     PromisedActivation::Relu},
    {Configuration::SmLn, "SM+LN", "softmax, LayerNorm, no FFN activation",
     false, ReplacementActivation::Identity, false, Presence::Required,
     PromisedActivation::None},
    {Configuration::SmG, "SM+G", "softmax, GELU, no LayerNorm", true,
     std::nullopt, false, Presence::Absent, PromisedActivation::Gelu},
    {Configuration::SmR, "SM+R", "softmax, ReLU, no LayerNorm", true,
     ReplacementActivation::Relu, false, Presence::Absent,
     PromisedActivation::Relu},
    {Configuration::Sm, "SM", "softmax only", true,
     ReplacementActivation::Identity, false, Presence::Absent,
     PromisedActivation::None},
    {Configuration::SmScFFN, "SM+ScFFN",
     "softmax only, scaled FFN of two matrices", true,
     ReplacementActivation::Identity, false, Presence::Absent,
     PromisedActivation::None},
    {Configuration::SmScFuFFN, "SM+ScFuFFN",
     "softmax only, scaled FFN fused into one matrix", true,
     ReplacementActivation::Identity, true, Presence::Absent,
     PromisedActivation::None},
};

llvm::ArrayRef<ConfigurationInfo> aero::getConfigurations() {
  return kConfigurations;
}

const ConfigurationInfo &aero::getInfo(Configuration configuration) {
  const ConfigurationInfo &info =
      kConfigurations[static_cast<size_t>(configuration)];
  assert(info.configuration == configuration && "table out of order");
  return info;
}

llvm::StringRef aero::getName(Configuration configuration) {
  return getInfo(configuration).name;
}

llvm::Expected<Configuration> aero::parseConfiguration(llvm::StringRef name) {
  for (const ConfigurationInfo &info : kConfigurations)
    if (info.name.equals_insensitive(name))
      return info.configuration;
  auto names = llvm::map_range(
      kConfigurations, [](const ConfigurationInfo &info) -> llvm::StringRef {
        return info.name;
      });
  return llvm::createStringError("unknown configuration '" + name +
                                 "'; known are " + llvm::join(names, ", "));
}
