//===- Engines.cpp - One model on several engines -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Driver/Engines.h"

#include "MPSPDZEngine.h"

#include "aero/Analysis/Layers.h"
#include "aero/Dialect/MPC/IR/MPCOps.h"
#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Driver/Parties.h"
#include "aero/Reference/FloatInterpreter.h"

#include "llvm/ADT/DenseMap.h"

#include <cmath>
#include <map>

using namespace aero;

//===----------------------------------------------------------------------===//
// Layers
//===----------------------------------------------------------------------===//

/// The last sum of each layer by its number, which is that with the stream.
/// What is behind it may count as the layer's too: a product that the next
/// layer shares with the stream.
static std::map<int64_t, mlir::Operation *>
findLayers(mlir::func::FuncOp function) {
  pi::LayerAnalysis analysis(function);
  std::map<int64_t, mlir::Operation *> layers;
  for (mlir::Operation &op : function.front().without_terminator()) {
    int64_t layer = analysis.getLayer(&op);
    if (layer >= 0 && analysis.isData(&op) && llvm::isa<pi::AddOp>(op))
      layers[layer] = &op;
  }
  return layers;
}

llvm::Expected<LayeredModel> LayeredModel::create(Model &model, Answer answer) {
  LayeredModel layered;
  layered.model = &model;
  layered.answer = answer;
  auto folded = model.fold(answer);
  if (!folded)
    return folded.takeError();
  layered.folded = std::move(*folded);
  for (auto [number, op] :
       findLayers(layered.folded->lookupSymbol<mlir::func::FuncOp>("main"))) {
    layered.layers.push_back(op);
    layered.numbers.push_back(number);
  }
  return std::move(layered);
}

std::vector<int64_t> LayeredModel::pad(const Tokens &tokens) const {
  std::vector<int64_t> padded(tokens);
  padded.resize(static_cast<size_t>(model->getContext()), 0);
  return padded;
}

static std::vector<double> toDoubles(const reference::Tensor &tensor) {
  llvm::ArrayRef<float> floats = tensor.getFloats();
  return {floats.begin(), floats.end()};
}

llvm::Expected<EngineAnswer>
LayeredModel::runFloat(const Tokens &tokens) const {
  EngineAnswer answer;
  answer.layers.resize(layers.size());
  auto observe = [&](mlir::Operation *op,
                     llvm::ArrayRef<reference::Tensor> results) {
    for (auto [layer, values] : llvm::zip_equal(layers, answer.layers))
      if (op == layer)
        values = toDoubles(results.front());
  };
  mlir::ModuleOp module = *folded;
  auto function = module.lookupSymbol<mlir::func::FuncOp>("main");
  llvm::SmallVector<reference::Tensor> inputs{
      reference::Tensor::fromInts({1, model->getContext()}, pad(tokens))};
  if (function.getNumArguments() == 2)
    inputs.push_back(reference::Tensor::fromInts(
        {}, {static_cast<int64_t>(tokens.size()) - 1}));
  auto results = reference::interpret(function, inputs, observe);
  if (!results)
    return results.takeError();
  answer.logits = toDoubles(results->front());
  return answer;
}

//===----------------------------------------------------------------------===//
// Fixed point without parties
//===----------------------------------------------------------------------===//

namespace {

class FixedEngine : public Engine {
public:
  explicit FixedEngine(const LayeredModel &model) : model(model) {
    // The lowered ops have the locations of those that they come from; the last
    // one is the result.
    mlir::func::FuncOp lowered = model.getModel().getLoweredFunction();
    for (auto [index, layer] : llvm::enumerate(model.getLayers())) {
      auto type =
          llvm::cast<mlir::RankedTensorType>(layer->getResult(0).getType());
      mlir::Operation *last = nullptr;
      for (mlir::Operation &op : lowered.front().without_terminator())
        if (auto share =
                op.getNumResults() == 1
                    ? llvm::dyn_cast<mpc::ShareType>(op.getResult(0).getType())
                    : nullptr;
            share && op.getLoc() == layer->getLoc() &&
            share.getNumElements() == type.getNumElements())
          last = &op;
      if (last)
        places[last].push_back(index);
    }
  }

  llvm::Expected<EngineAnswer> run(const Tokens &tokens) override {
    EngineAnswer answer;
    answer.layers.resize(model.getLayers().size());
    auto observe = [&](uint32_t, mlir::Operation *op,
                       llvm::MutableArrayRef<int64_t> values) {
      auto found = places.find(op);
      if (found == places.end())
        return;
      int frac =
          llvm::cast<mpc::ShareType>(op->getResult(0).getType()).getFrac();
      for (size_t layer : found->second)
        for (int64_t value : values)
          answer.layers[layer].push_back(
              std::ldexp(static_cast<double>(value), -frac));
    };
    auto logits = model.getModel().runFixed(
        tokens, static_cast<int64_t>(tokens.size()) - 1, observe);
    if (!logits)
      return logits.takeError();
    answer.logits = std::move(*logits);
    return answer;
  }

  llvm::Expected<std::optional<EngineCost>> finish() override {
    return std::nullopt;
  }

private:
  const LayeredModel &model;
  llvm::DenseMap<mlir::Operation *, llvm::SmallVector<size_t, 1>> places;
};

//===----------------------------------------------------------------------===//
// The embedded engine
//===----------------------------------------------------------------------===//

class DealerEngine : public Engine {
public:
  DealerEngine(const LayeredModel &model,
               std::unique_ptr<PrivateSession> session)
      : model(model), session(std::move(session)) {}

  llvm::Expected<EngineAnswer> run(const Tokens &tokens) override {
    auto result = session->infer(tokens);
    if (!result)
      return result.takeError();
    seconds = result->seconds + result->offlineSeconds;
    EngineAnswer answer;
    // What is behind a layer are shares, which nobody puts together.
    answer.layers.resize(model.getLayers().size());
    answer.logits = std::move(result->logits);
    return answer;
  }

  llvm::Expected<std::optional<EngineCost>> finish() override {
    auto statistics = session->finish();
    if (!statistics)
      return statistics.takeError();
    const nlohmann::json &server = statistics->server;
    auto inferences =
        std::max<uint64_t>(1, server.value("inferences", uint64_t(1)));
    EngineCost cost;
    for (const auto &[party, way] : {std::pair("client", "client_to_server"),
                                     std::pair("server", "server_to_client"),
                                     std::pair("dealer", "dealer_to_server")}) {
      uint64_t bytes = 0;
      for (const nlohmann::json &instruction : server["instructions"])
        bytes += instruction["bytes"].value(way, uint64_t(0));
      cost.parties.push_back({party, bytes / inferences});
      cost.bytes += cost.parties.back().bytes;
    }
    cost.rounds = server.value("exchanges", uint64_t(0)) / inferences;
    cost.seconds = seconds;
    return cost;
  }

private:
  const LayeredModel &model;
  std::unique_ptr<PrivateSession> session;
  double seconds = 0;
};

} // namespace

//===----------------------------------------------------------------------===//
// By name
//===----------------------------------------------------------------------===//

std::vector<std::string> aero::getEngineNames() {
  std::vector<std::string> names{"fixed", "dealer"};
  llvm::append_range(names, getMPSPDZEngineNames());
  return names;
}

std::string aero::whyEngineIsMissing(llvm::StringRef name) {
  return isMPSPDZEngine(name) ? whyMPSPDZIsMissing() : "";
}

llvm::Expected<std::unique_ptr<Engine>>
aero::startEngine(llvm::StringRef name, const LayeredModel &model,
                  const EngineOptions &options) {
  if (isMPSPDZEngine(name))
    return startMPSPDZEngine(name, model, options);
  if (llvm::Error error =
          model.getModel().lower(model.getAnswer(), options.lower))
    return error;
  if (name == "fixed")
    return std::make_unique<FixedEngine>(model);
  PartiesOptions parties;
  parties.timeLimitSeconds = options.timeLimitSeconds;
  auto session = PrivateSession::start(model.getModel(), parties);
  if (!session)
    return session.takeError();
  return std::make_unique<DealerEngine>(model, std::move(*session));
}
