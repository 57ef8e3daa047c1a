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
     std::nullopt, false, false, Presence::Any, PromisedActivation::Any},
    {Configuration::SmLnG, "SM+LN+G", "softmax, LayerNorm, GELU", false,
     std::nullopt, false, false, Presence::Required, PromisedActivation::Gelu},
    {Configuration::SmLnR, "SM+LN+R", "softmax, LayerNorm, ReLU", false,
     ReplacementActivation::Relu, false, false, Presence::Required,
     PromisedActivation::Relu},
    {Configuration::SmLn, "SM+LN", "softmax, LayerNorm, no FFN activation",
     false, ReplacementActivation::Identity, false, false, Presence::Required,
     PromisedActivation::None},
    {Configuration::SmG, "SM+G", "softmax, GELU, no LayerNorm", true,
     std::nullopt, false, false, Presence::Absent, PromisedActivation::Gelu},
    {Configuration::SmR, "SM+R", "softmax, ReLU, no LayerNorm", true,
     ReplacementActivation::Relu, false, false, Presence::Absent,
     PromisedActivation::Relu},
    {Configuration::Sm, "SM", "softmax only", true,
     ReplacementActivation::Identity, false, false, Presence::Absent,
     PromisedActivation::None},
    {Configuration::SmScFFN, "SM+ScFFN",
     "softmax only, scaled FFN of two matrices", true,
     ReplacementActivation::Identity, true, false, Presence::Absent,
     PromisedActivation::None},
    {Configuration::SmScFuFFN, "SM+ScFuFFN",
     "softmax only, scaled FFN fused into one matrix", true,
     ReplacementActivation::Identity, true, true, Presence::Absent,
     PromisedActivation::None},
};

// Which variants there are, for messages and for the parser: the rows of the
// paper's tables, and what differs from them in n alone.
static bool canHaveTemperature(Configuration::Base base) {
  return base == Configuration::Sm || base == Configuration::SmScFFN ||
         base == Configuration::SmScFuFFN;
}
static bool canBeSimplified(Configuration::Base base) {
  return base == Configuration::SmScFFN || base == Configuration::SmScFuFFN;
}
static bool canBePruned(Configuration::Base base) {
  return base == Configuration::SmScFuFFN;
}

Configuration Configuration::withTemperature() const {
  assert(canHaveTemperature(base) && !simplified && "no such configuration");
  Configuration result = *this;
  result.temperature = true;
  return result;
}

Configuration Configuration::simplify() const {
  assert(canBeSimplified(base) && !temperature && "no such configuration");
  Configuration result = *this;
  result.simplified = true;
  return result;
}

Configuration Configuration::prune(int64_t layers) const {
  assert(canBePruned(base) && layers > 0 && "no such configuration");
  Configuration result = *this;
  result.prunedLayers = layers;
  return result;
}

llvm::ArrayRef<ConfigurationInfo> aero::getConfigurations() {
  return kConfigurations;
}

ConfigurationInfo aero::getInfo(Configuration configuration) {
  ConfigurationInfo info = kConfigurations[configuration.getBase()];
  assert(info.base == configuration.getBase() && "table out of order");
  if (configuration.isSimplified())
    info.promisedNorm = Presence::Required;
  return info;
}

std::string aero::getName(Configuration configuration) {
  std::string name = kConfigurations[configuration.getBase()].name.str();
  if (configuration.hasTemperature())
    name.insert(2, "(t)"); // Behind SM.
  if (configuration.isSimplified())
    name = "SOTA " + name;
  if (int64_t layers = configuration.getPrunedLayers())
    name += "_i(" + std::to_string(layers) + ")";
  return name;
}

static llvm::Error makeUnknownError(llvm::StringRef name) {
  auto names = llvm::map_range(
      kConfigurations, [](const ConfigurationInfo &info) -> llvm::StringRef {
        return info.name;
      });
  return llvm::createStringError(
      "unknown configuration '" + name + "'; known are " +
      llvm::join(names, ", ") +
      ", SM+ScFuFFN_i(n) without the FFNs of the n deepest layers, SM(t), "
      "SM(t)+ScFFN, SM(t)+ScFuFFN and SM(t)+ScFuFFN_i(n) with a temperature, "
      "SOTA SM+ScFFN, SOTA SM+ScFuFFN and SOTA SM+ScFuFFN_i(n)");
}

llvm::Expected<Configuration> aero::parseConfiguration(llvm::StringRef name) {
  llvm::StringRef rest = name.trim();
  bool simplified = rest.consume_front_insensitive("SOTA ");
  rest = rest.ltrim();

  std::optional<llvm::StringRef> layers;
  if (size_t begin = rest.find_insensitive("_i(");
      begin != llvm::StringRef::npos) {
    layers = rest.drop_front(begin + 3);
    if (!layers->consume_back(")"))
      return makeUnknownError(name);
    rest = rest.take_front(begin);
  }
  // What is behind SM(t) is the name of the base behind SM.
  std::string base = rest.str();
  bool temperature = rest.starts_with_insensitive("SM(t)");
  if (temperature)
    base.erase(2, 3);

  auto found = llvm::find_if(kConfigurations, [&](const auto &info) {
    return info.name.equals_insensitive(base);
  });
  if (found == std::end(kConfigurations))
    return makeUnknownError(name);
  Configuration result = found->base;
  if ((simplified && (temperature || !canBeSimplified(found->base))) ||
      (temperature && !canHaveTemperature(found->base)) ||
      (layers && !canBePruned(found->base)))
    return makeUnknownError(name);
  if (simplified)
    result = result.simplify();
  if (temperature)
    result = result.withTemperature();
  if (layers) {
    int64_t count = 0;
    if (layers->trim().getAsInteger(10, count) || count < 1)
      return llvm::createStringError("expected a number of layers, from 1 on, "
                                     "in configuration '" +
                                     name + "', got '" + *layers + "'");
    result = result.prune(count);
  }
  return result;
}
