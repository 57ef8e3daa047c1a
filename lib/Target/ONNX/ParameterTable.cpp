//===- ParameterTable.cpp - Learnable scalars of a file, by role ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ParameterTable.h"

#include "aero/Analysis/LearnableScalars.h"
#include "aero/Support/OnnxMetadata.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/JSON.h"

using namespace aero;
using llvm::StringRef;

namespace {

llvm::json::Object makeEntry(StringRef role, int64_t layer, StringRef name,
                             llvm::ArrayRef<int64_t> shape, StringRef node) {
  // JSON has no words for bytes that are no text; names may have any.
  auto text = [](StringRef name) { return llvm::json::fixUTF8(name); };
  llvm::json::Object entry{{"role", role},
                           {"name", text(name)},
                           {"shape", llvm::json::Array(shape)},
                           {"node", text(node)}};
  if (layer >= 0)
    entry["layer"] = layer;
  else
    entry["layer"] = nullptr;
  return entry;
}

/// The thresholds of an op whose scores have heads, or nothing.
std::optional<llvm::ArrayRef<float>> getThresholds(mlir::Operation *op) {
  return llvm::TypeSwitch<mlir::Operation *,
                          std::optional<llvm::ArrayRef<float>>>(op)
      .Case<pi::AttentionOp, pi::SoftmaxOp>(
          [](auto op) { return op.getEntropyThresholds(); })
      .Default(std::nullopt);
}

} // namespace

void aero::addParameterTable(mlir::func::FuncOp function, const OpExporter &ops,
                             const NodeNames &nodes, GraphBuilder &graph) {
  pi::LayerAnalysis layers(function);
  llvm::json::Array entries;
  for (pi::LearnableScalar scalar : pi::findLearnableScalars(function, layers))
    entries.push_back(makeEntry(pi::stringifyRole(scalar.role), scalar.layer,
                                ops.getName(scalar.weight),
                                scalar.weight.getType().getShape(),
                                nodes.lookup(scalar.op)));

  // Named as pi-insert-entropy-scaling names temperatures.
  llvm::DenseMap<int64_t, int64_t> used;
  function.walk([&](mlir::Operation *op) {
    std::optional<llvm::ArrayRef<float>> thresholds = getThresholds(op);
    if (!thresholds)
      return;
    int64_t layer = layers.getLayer(op), index = used[layer]++;
    std::string name = "aero.entropy_thresholds";
    if (layer >= 0)
      name += "." + std::to_string(layer);
    if (index > 0)
      name += "." + std::to_string(index);
    name = graph.makeName(name);
    auto type =
        mlir::RankedTensorType::get(static_cast<int64_t>(thresholds->size()),
                                    mlir::Float32Type::get(op->getContext()));
    graph.getGraph().initializers.push_back(
        {name, mlir::DenseElementsAttr::get(type, *thresholds)});
    entries.push_back(makeEntry(metadata::kThresholds, layer, name,
                                type.getShape(), nodes.lookup(op)));
  });
  if (entries.empty())
    return;
  llvm::raw_string_ostream os(graph.getGraph().parameters);
  os << llvm::json::Value(
      llvm::json::Object{{"version", metadata::kParametersVersion},
                         {"parameters", std::move(entries)}});
}
