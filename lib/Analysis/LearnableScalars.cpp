//===- LearnableScalars.cpp - What AERO networks are trained with ---------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/LearnableScalars.h"

#include "Roles.h"

#include "aero/Analysis/FeedForwards.h"

using namespace mlir;

namespace aero::pi {

llvm::StringRef stringifyRole(ScalarRole role) {
  switch (role) {
  case ScalarRole::Alpha:
    return "ffn_alpha";
  case ScalarRole::Beta:
    return "ffn_beta";
  case ScalarRole::Temperature:
    return "temperature";
  case ScalarRole::LeakySlope:
    return "leaky_slope";
  }
  llvm_unreachable("unknown role");
}

std::vector<LearnableScalar> findLearnableScalars(func::FuncOp func,
                                                  const LayerAnalysis &layers) {
  // What the ops of a scaled network divide and multiply by. A factor on the
  // other side, or in the other direction, is none of the two.
  DenseMap<Operation *, std::pair<ScalarRole, int64_t>> factors;
  for (const FeedForward &network : findFeedForwards(func, layers)) {
    for (Operation *factor : network.branchFactors)
      if (isa<DivOp>(factor))
        factors.try_emplace(factor, ScalarRole::Alpha, network.layer);
    for (Operation *factor : network.streamFactors)
      if (isa<MulOp>(factor))
        factors.try_emplace(factor, ScalarRole::Beta, network.layer);
  }

  std::vector<LearnableScalar> found;
  auto add = [&](ScalarRole role, int64_t layer, Value value, Operation *op) {
    if (!value)
      return;
    if (WeightOp weight = getWeight(value))
      found.push_back({role, layer, weight, op});
  };
  func.walk([&](Operation *op) {
    if (auto factor = factors.find(op); factor != factors.end()) {
      auto [role, layer] = factor->second;
      for (Value operand : op->getOperands())
        add(role, layer, operand, op);
    } else if (auto attention = dyn_cast<AttentionOp>(op)) {
      add(ScalarRole::Temperature, layers.getLayer(op),
          attention.getTemperature(), op);
    } else if (auto prelu = dyn_cast<PReluOp>(op)) {
      add(ScalarRole::LeakySlope, layers.getLayer(op), prelu.getSlope(), op);
    }
  });
  return found;
}

} // namespace aero::pi
