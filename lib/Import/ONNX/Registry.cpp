//===- Registry.cpp - Which ONNX operators are imported, and how ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Registry.h"

#include "aero/Import/ONNX/Import.h"
#include "llvm/ADT/StringMap.h"

#include <map>

using namespace aero;
using llvm::StringRef;

namespace {

/// All rows of an operator, the oldest first.
using Rows = llvm::SmallVector<const OperatorInfo *, 2>;

const llvm::StringMap<Rows> &getOperators() {
  static const llvm::StringMap<Rows> operators = [] {
    llvm::StringMap<Rows> map;
    for (llvm::ArrayRef<OperatorInfo> table :
         {getActivationOperators(), getArithmeticOperators(),
          getAttentionOperators(), getConstantOperators(),
          getIndexingOperators(), getLinearAlgebraOperators(),
          getLogicOperators(), getNormalizationOperators(),
          getShapeOperators()})
      for (const OperatorInfo &info : table)
        map[info.name].push_back(&info);
    for (auto &entry : map)
      llvm::sort(entry.second,
                 [](const OperatorInfo *a, const OperatorInfo *b) {
                   return a->since < b->since;
                 });
    return map;
  }();
  return operators;
}

} // namespace

const OperatorInfo *aero::findOperator(StringRef name, int64_t opset) {
  auto found = getOperators().find(name);
  if (found == getOperators().end())
    return nullptr;
  const OperatorInfo *newest = nullptr;
  for (const OperatorInfo *info : found->second)
    if (info->since <= opset)
      newest = info;
  return newest;
}

Evaluator aero::findEvaluator(StringRef name) {
  static const llvm::StringMap<Evaluator> evaluators = [] {
    llvm::StringMap<Evaluator> map;
    for (llvm::ArrayRef<EvaluatorInfo> table :
         {getElementwiseEvaluators(), getMovementEvaluators(),
          getReductionEvaluators(), getGeneratorEvaluators()})
      for (const EvaluatorInfo &info : table)
        map[info.name] = info.evaluate;
    return map;
  }();
  return evaluators.lookup(name);
}

StringRef aero::getHint(StringRef domain, StringRef name) {
  static const llvm::StringMap<StringRef> hints = {
      {"Loop", "unroll it: export with a fixed number of steps, by tracing "
               "instead of scripting"},
      {"Scan", "unroll it: export with a fixed number of steps, by tracing "
               "instead of scripting"},
      {"BatchNormalization", "fold it into the layer before it: export in "
                             "evaluation mode, with constant folding"},
      {"QuantizeLinear", "export the model before quantization"},
      {"DequantizeLinear", "export the model before quantization"},
      {"DynamicQuantizeLinear", "export the model before quantization"},
      {"MatMulInteger", "export the model before quantization"},
      {"QLinearMatMul", "export the model before quantization"},
      {"NonZero", "its size depends on the data; write the selection with "
                  "Where or a mask"},
      {"Multinomial", "export the logits and sample outside of the model"},
      {"RandomNormalLike",
       "export the model in evaluation mode (model.eval())"},
      {"RandomUniformLike",
       "export the model in evaluation mode (model.eval())"},
      {"TopK", "export the logits and choose tokens outside of the model"},
      {"ArgMax", "export the logits and choose tokens outside of the model"},
      {"Conv", "only transformers are imported"},
      {"LSTM", "only transformers are imported"},
      {"GRU", "only transformers are imported"},
  };
  if (domain == kDefaultDomain)
    return hints.lookup(name);
  if (domain == "com.microsoft")
    return "ONNX Runtime's optimizer made it; use the file from before "
           "optimization, or disable graph fusions";
  if (domain.starts_with("ai.onnx.ml"))
    return "only neural networks are imported";
  if (domain.starts_with("pkg.") || domain.starts_with("org.pytorch"))
    return "the model says nothing about this function; export it with its "
           "functions, or inline them (onnx.inliner.inline_local_functions)";
  return "";
}

std::vector<SupportedOperator> aero::getSupportedOperators() {
  std::map<std::string, SupportedOperator> sorted;
  for (const auto &entry : getOperators()) {
    SupportedOperator op;
    op.domain = kDefaultDomain;
    op.name = entry.first().str();
    op.firstOpset = std::max(entry.second.front()->since, kFirstOpset);
    op.lastOpset = kLastOpset;
    op.atRunTime = entry.second.back()->build;
    sorted[op.name] = op;
  }
  std::vector<SupportedOperator> list;
  list.reserve(sorted.size());
  for (auto &[name, op] : sorted)
    list.push_back(std::move(op));
  return list;
}
