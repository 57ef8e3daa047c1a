//===- GraphImporter.cpp - An ONNX graph into a pi function ---------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "ReadModel.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <onnx/onnx_pb.h>

using namespace aero;
using namespace mlir;

GraphImporter::GraphImporter(onnx::ModelProto &model, TensorReader &reader,
                             MLIRContext &context, const ImportOptions &options,
                             ImportSummary &summary)
    : model(model), reader(reader), context(context), options(options),
      summary(summary), builder(&context) {}

void GraphImporter::addProblem(const Twine &message) {
  problems.push_back(message.str());
}

//===----------------------------------------------------------------------===//
// Which nodes and values matter
//===----------------------------------------------------------------------===//

std::vector<bool> GraphImporter::findLiveNodes() {
  const std::vector<FlatNode> &nodes = graph.getNodes();
  llvm::StringMap<int> producers;
  for (auto [i, node] : llvm::enumerate(nodes))
    for (const std::string &output : node.proto->output())
      if (!output.empty())
        producers.try_emplace(output, i);

  std::vector<bool> live(nodes.size(), false);
  std::vector<int> worklist;
  auto need = [&](const std::string &name) {
    readNames.insert(name);
    auto found = producers.find(name);
    if (found == producers.end() || live[found->second])
      return;
    live[found->second] = true;
    worklist.push_back(found->second);
  };
  for (const onnx::ValueInfoProto &output : model.graph().output())
    if (wantsOutput(output.name()))
      need(output.name());
  while (!worklist.empty()) {
    const onnx::NodeProto &node = *nodes[worklist.back()].proto;
    worklist.pop_back();
    forEachRead(node, need);
  }
  return live;
}

/// Finds float initializers that are no parameters but the frequencies of
/// rotary positions: one falling row of positive numbers that reaches nothing
/// but sines and cosines, through products and moves.
void GraphImporter::findAngles(const std::vector<bool> &live) {
  static const llvm::StringSet<> passing = {
      "MatMul",  "Mul",       "Div",    "Einsum", "Unsqueeze", "Squeeze",
      "Reshape", "Transpose", "Expand", "Concat", "Cast",      "Identity"};
  const std::vector<FlatNode> &nodes = graph.getNodes();
  llvm::StringMap<SmallVector<int, 2>> readers;
  for (auto [i, node] : llvm::enumerate(nodes))
    if (live[i])
      for (const std::string &input : node.proto->input())
        readers[input].push_back(i);
  for (const onnx::ValueInfoProto &output : model.graph().output())
    readers[output.name()].push_back(-1);

  std::vector<bool> turns(nodes.size(), false);
  auto onlyTurned = [&](StringRef name) {
    auto found = readers.find(name);
    // The size of a value says nothing about its elements.
    return found != readers.end() &&
           llvm::all_of(found->second, [&](int reader) {
             return reader >= 0 && (turns[reader] ||
                                    nodes[reader].proto->op_type() == "Shape");
           });
  };
  for (size_t i = nodes.size(); i-- > 0;) {
    const onnx::NodeProto &node = *nodes[i].proto;
    turns[i] = node.op_type() == "Cos" || node.op_type() == "Sin" ||
               (passing.contains(node.op_type()) && node.output_size() == 1 &&
                onlyTurned(node.output(0)));
  }
  for (const auto &entry : pending) {
    const onnx::TensorProto &tensor = *entry.second;
    int64_t largest = 1, count = 1;
    for (int64_t dim : tensor.dims()) {
      largest = std::max(largest, dim);
      count = std::min<int64_t>(count * std::max<int64_t>(dim, 0), 1 << 20);
    }
    if (count == 0 || count != largest || !onlyTurned(entry.first()))
      continue;
    auto values = reader.read(tensor);
    if (!values) {
      llvm::consumeError(values.takeError());
      continue; // Reported when it is imported.
    }
    if (values->kind == ElementKind::Float && values->floats.back() > 0 &&
        llvm::is_sorted(values->floats, std::greater<>()))
      angles.insert(entry.first());
  }
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

Slot *GraphImporter::findSlot(StringRef name) {
  if (auto found = slots.find(name); found != slots.end())
    return &found->second;
  auto waiting = pending.find(name);
  if (waiting == pending.end())
    return nullptr;
  std::optional<Slot> slot = makeInitializer(*waiting->second);
  if (!slot) {
    slot = Slot(UnknownLoc::get(&context));
    slot->failed = true;
  }
  return &slots.try_emplace(name, *slot).first->second;
}

Value GraphImporter::materialize(Slot &slot) {
  if (slot.value)
    return slot.value;
  if (!slot.weight) {
    slot.value = pi::ConstantOp::create(builder, slot.loc,
                                        slot.constant->getAttr(&context));
    return slot.value;
  }
  slot.value =
      pi::WeightOp::create(builder, slot.loc, slot.weightName, slot.weight);
  if (slot.transposed)
    slot.value = pi::TransposeOp::create(builder, slot.loc, slot.value,
                                         ArrayRef<int64_t>{1, 0});
  return slot.value;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

/// If(condition) with a public condition: the nodes of the branch that is
/// taken.
bool GraphImporter::importIf(Node &node, const FlatNode &flat) {
  constexpr unsigned maxDepth = 32;
  const HostTensor *condition =
      node.hasInput(0) ? node.getConstant(0) : nullptr;
  if (!condition || condition->size() != 1) {
    (void)node.unsupported(
        "its condition depends on an input or a weight",
        "export by tracing instead of scripting, with static "
        "shapes");
    return false;
  }
  const onnx::AttributeProto *branch =
      node.findAttribute(condition->at(0) != 0 ? "then_branch" : "else_branch");
  if (!branch || !branch->has_g() ||
      branch->g().output_size() < static_cast<int>(node.getNumOutputs())) {
    (void)node.invalid("it has no branch for its condition");
    return false;
  }
  if (ifDepth == maxDepth) {
    (void)node.unsupported("it is nested too deep");
    return false;
  }
  // The outputs of a branch are unique, and so is the name of this one.
  llvm::StringMap<std::string> rename;
  std::string prefix = flat.name + "::";
  std::vector<FlatNode> inlined =
      graph.inlineSubgraph(branch->g(), flat.opset, flat.name, prefix, rename);
  for (const onnx::TensorProto &tensor : branch->g().initializer())
    pending.try_emplace(prefix + tensor.name(),
                        const_cast<onnx::TensorProto *>(&tensor));
  auto nameOf = [&](const std::string &name) {
    auto found = rename.find(name);
    return found == rename.end() ? name : found->second;
  };
  for (const FlatNode &inner : inlined)
    forEachRead(*inner.proto,
                [&](const std::string &name) { readNames.insert(name); });
  for (const onnx::ValueInfoProto &output : branch->g().output())
    readNames.insert(nameOf(output.name()));
  ++ifDepth;
  for (const FlatNode &inner : inlined)
    importNode(inner);
  --ifDepth;
  bool complete = true;
  for (unsigned i = 0; i < node.getNumOutputs(); ++i) {
    Slot *slot = findSlot(nameOf(branch->g().output(i).name()));
    if (!slot)
      return (void)node.invalid("its branch does not compute its output"),
             false;
    if (slot->failed)
      complete = false;
    else
      node.setAlias(i, *slot);
  }
  return complete;
}

bool GraphImporter::importResolved(Node &node, const onnx::NodeProto &proto,
                                   int64_t opset) {
  const OperatorInfo *info = findOperator(proto.op_type(), opset);
  if (!info) {
    StringRef name = proto.op_type();
    (void)node.unsupported("no pi operation computes it",
                           getHint(kDefaultDomain, name));
    return false;
  }
  unsigned inputs = node.getNumInputs();
  bool enough = inputs >= info->minInputs && inputs <= info->maxInputs;
  for (unsigned i = 0; i < info->minInputs && enough; ++i)
    enough = node.hasInput(i);
  if (!enough) {
    (void)node.invalid("it has " + Twine(inputs) + " inputs");
    return false;
  }
  Evaluator evaluate = findEvaluator(proto.op_type());
  if (evaluate && !node.hasOnlyConstants() && node.hasOnlyKnownNumbers()) {
    if (node.foldWeights(evaluate))
      return !node.hasFault();
    if (node.hasFault())
      return false;
  }
  if (evaluate && node.hasOnlyConstants()) {
    auto results = evaluate(node);
    if (!results || node.hasFault())
      return false;
    for (auto [i, result] : llvm::enumerate(*results))
      node.setConstant(i, std::move(result));
    return !node.hasFault();
  }
  if (!info->build) {
    (void)node.unsupported("it depends on an input or a weight; only public "
                           "shapes and masks are evaluated");
    return false;
  }
  return succeeded(info->build(node)) && !node.hasFault();
}

void GraphImporter::importNode(const FlatNode &flat) {
  const onnx::NodeProto &proto = *flat.proto;
  Node node(*this, proto, flat.opset, flat.name);
  auto import = [&]() -> bool {
    if (getDomain(proto) != kDefaultDomain) {
      (void)node.unsupported("this operator domain is unknown",
                             getHint(getDomain(proto), proto.op_type()));
      return false;
    }
    // Names it even if something that it reads is missing.
    if (!findOperator(proto.op_type(), flat.opset) && proto.op_type() != "If") {
      (void)node.unsupported("no pi operation computes it",
                             getHint(kDefaultDomain, proto.op_type()));
      return false;
    }
    if (!node.resolveInputs())
      return false;
    if (proto.op_type() == "If")
      return importIf(node, flat) && !node.hasFault();
    return importResolved(node, proto, flat.opset);
  };
  bool imported = import();
  for (int i = 0; i < proto.output_size(); ++i) {
    if (proto.output(i).empty() || slots.contains(proto.output(i)))
      continue;
    // Consumers of a node that failed stay silent.
    Slot slot(node.getLoc());
    slot.failed = true;
    if (imported && node.usesOutput(i))
      (void)node.unsupported("nothing computes its output " + Twine(i));
    slots.try_emplace(proto.output(i), slot);
  }
  if (imported)
    return;
  for (const std::string &output : proto.output())
    if (auto found = slots.find(output); found != slots.end())
      found->second.failed = true;
}

OwningOpRef<ModuleOp> GraphImporter::run() {
  Location loc = NameLoc::get(builder.getStringAttr(model.graph().name()));
  OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
  auto function =
      func::FuncOp::create(loc, "main", builder.getFunctionType({}, {}));
  module->push_back(function);
  builder.setInsertionPointToStart(function.addEntryBlock());

  importInitializers();
  graph.flatten(model, summary.opset,
                [&](const std::string &problem) { addProblem(problem); });
  if (!problems.empty())
    return {};
  summary.nodes = graph.getNodes().size();
  std::vector<bool> live = findLiveNodes();
  findAngles(live);
  importInputs();
  checkOptions();
  for (auto [i, node] : llvm::enumerate(graph.getNodes()))
    if (live[i])
      importNode(node);
  SmallVector<Value> results = importOutputs();
  if (!problems.empty() || !unsupported.empty())
    return {};

  func::ReturnOp::create(builder, function.getLoc(), results);
  function.setFunctionType(builder.getFunctionType(
      function.getBody().getArgumentTypes(), ValueRange(results).getTypes()));
  return module;
}
