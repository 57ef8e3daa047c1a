//===- Thresholds.cpp - Entropy thresholds of a rewritten model -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// No node reads the entropy thresholds of attention. They are initializers
/// that the table of learnable scalars in the metadata links to a Softmax node;
/// see docs/onnx-export.md. Programs that optimise a model drop such
/// initializers, and may merge the node with others: what is gone is passed
/// over. What is there has to be right.
///
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Support/OnnxMetadata.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/Support/JSON.h"

#include <onnx/onnx_pb.h>

using namespace aero;
using namespace mlir;

namespace {

/// A table for a thousand layers has a megabyte.
constexpr size_t kMaxTableBytes = 1 << 24;
constexpr unsigned kMaxTableDepth = 8;

/// The parser of JSON calls itself for each bracket.
bool isShallow(StringRef text) {
  unsigned depth = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (inString && c == '\\')
      ++i;
    else if (c == '"')
      inString = !inString;
    else if (!inString && (c == '[' || c == '{') && ++depth > kMaxTableDepth)
      return false;
    else if (!inString && (c == ']' || c == '}') && depth > 0)
      --depth;
  }
  return true;
}

/// The table's entries, or a phrase to be put after its name.
llvm::Expected<llvm::json::Array> parseTable(StringRef text) {
  if (text.size() > kMaxTableBytes || !isShallow(text))
    return llvm::createStringError("is no table of learnable scalars");
  llvm::Expected<llvm::json::Value> parsed = llvm::json::parse(text);
  if (!parsed) {
    llvm::consumeError(parsed.takeError());
    return llvm::createStringError("is not JSON");
  }
  llvm::json::Object *object = parsed->getAsObject();
  llvm::json::Array *entries =
      object ? object->getArray("parameters") : nullptr;
  if (!entries)
    return llvm::createStringError("is no table of learnable scalars");
  if (object->getInteger("version") != metadata::kParametersVersion)
    return llvm::createStringError("has an unknown version");
  return std::move(*entries);
}

} // namespace

/// The elements of an initializer of `heads` thresholds, or nothing with a
/// recorded fault.
std::optional<std::vector<float>>
GraphImporter::readThresholds(onnx::TensorProto &tensor, int64_t heads) {
  auto refuse = [&](const Twine &why) {
    addProblem("initializer " + quoted(tensor.name()) + " " + why);
    return std::nullopt;
  };
  auto checked = reader.check(tensor);
  if (!checked)
    return refuse(llvm::toString(checked.takeError()));
  if (checked->first != ElementKind::Float ||
      ArrayRef<int64_t>(checked->second) != ArrayRef<int64_t>(heads))
    return refuse("holds entropy thresholds, and has to be a float for each of "
                  "the " +
                  Twine(heads) + " heads; train the exported model itself");
  if (isExternal(tensor))
    if (llvm::Error error = reader.claimExternal(tensor))
      return refuse(llvm::toString(std::move(error)));
  auto values = reader.read(tensor);
  if (!values)
    return refuse(llvm::toString(values.takeError()));
  for (float value : values->floats)
    if (!(value >= 0 && value <= 1))
      return refuse("has an entropy threshold of " + std::to_string(value) +
                    ", which is not in [0, 1], a part of the largest entropy; "
                    "clamp them in training");
  return std::vector<float>(values->floats.begin(), values->floats.end());
}

void GraphImporter::importThresholds(func::FuncOp function) {
  auto found = llvm::find_if(model.metadata_props(), [](const auto &property) {
    return property.key() == metadata::kParameters;
  });
  if (found == model.metadata_props().end())
    return;
  std::string title = "metadata " + quoted(metadata::kParameters);
  llvm::Expected<llvm::json::Array> entries = parseTable(found->value());
  if (!entries) {
    addProblem(title + " " + llvm::toString(entries.takeError()) +
               "; delete the entry, or export the model again");
    return;
  }
  llvm::StringMap<pi::SoftmaxOp> softmaxes;
  function.walk([&](pi::SoftmaxOp op) {
    if (auto name = dyn_cast<NameLoc>(op.getLoc()))
      softmaxes[name.getName().getValue()] = op;
  });
  for (const llvm::json::Value &value : *entries) {
    const llvm::json::Object *entry = value.getAsObject();
    auto role = entry ? entry->getString("role") : std::nullopt;
    auto name = entry ? entry->getString("name") : std::nullopt;
    auto node = entry ? entry->getString("node") : std::nullopt;
    if (!role || !name || !node) {
      addProblem(title + " has an entry without role, name and node; delete "
                         "the metadata, or export the model again");
      return;
    }
    auto tensor = pending.find(*name);
    auto softmax = softmaxes.find(*node);
    if (*role != metadata::kThresholds || tensor == pending.end() ||
        softmax == softmaxes.end())
      continue;
    pi::SoftmaxOp op = softmax->second;
    auto type = cast<RankedTensorType>(op.getInput().getType());
    if (type.getRank() != 4) {
      addProblem(title + " gives entropy thresholds to node " + quoted(*node) +
                 ", which is not over (batch, heads, queries, keys); delete "
                 "the metadata, or export the model again");
      continue;
    }
    if (auto thresholds = readThresholds(*tensor->second, type.getDimSize(1)))
      op.setEntropyThresholds(*thresholds);
  }
}
