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
      summary(summary), builder(&context), graph(options.maxNodes) {}

/// Of more faults than this nobody reads the last.
constexpr size_t kMaxFaults = 10000;

void GraphImporter::addProblem(const Twine &message) {
  if (problems.size() < kMaxFaults)
    problems.push_back(message.str());
}

//===----------------------------------------------------------------------===//
// Which nodes and values matter
//===----------------------------------------------------------------------===//

std::vector<bool> GraphImporter::findLiveNodes() {
  const std::vector<FlatNode> &nodes = graph.getNodes();
  // A name that two nodes make is an error, but only where somebody reads it.
  llvm::StringMap<SmallVector<int, 1>> producers;
  for (auto [i, node] : llvm::enumerate(nodes))
    for (const std::string &output : node.proto->output())
      if (!output.empty()) {
        producers[output].push_back(i);
        madeNames.insert(output);
      }

  std::vector<bool> live(nodes.size(), false);
  std::vector<int> worklist;
  auto need = [&](const std::string &name) {
    auto found = producers.find(name);
    if (!readNames.insert(name).second || found == producers.end())
      return;
    for (int producer : found->second)
      if (!live[producer]) {
        live[producer] = true;
        worklist.push_back(producer);
      }
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

void GraphImporter::findParameters(ArrayRef<FlatNode> nodes) {
  auto isParameter = [](StringRef op, int input) {
    if (op == "MatMul" || op == "Gemm" || op == "LayerNormalization" ||
        op == "RMSNormalization")
      return input >= 1;
    return op == "Gather" && input == 0;
  };
  // Readers come after what they read.
  for (const FlatNode &node : llvm::reverse(nodes)) {
    StringRef op = node.proto->op_type();
    bool passes = (op == "Identity" || op == "Transpose") &&
                  node.proto->output_size() == 1 &&
                  parameterNames.contains(node.proto->output(0));
    for (auto [i, input] : llvm::enumerate(node.proto->input()))
      if (passes || isParameter(op, i))
        parameterNames.insert(input);
  }
}

/// Finds float initializers that are no parameters but the frequencies of
/// rotary positions: one falling row of positive numbers that reaches nothing
/// but sines and cosines, through products and moves.
void GraphImporter::findAngles(const std::vector<bool> &live) {
  constexpr int64_t kMaxAngles = 1 << 12;
  static const llvm::StringSet<> passing = {
      "MatMul",  "Mul",       "Div",    "Einsum", "Unsqueeze", "Squeeze",
      "Reshape", "Transpose", "Expand", "Concat", "Cast",      "Identity"};
  const std::vector<FlatNode> &nodes = graph.getNodes();
  llvm::StringMap<SmallVector<int, 2>> readers;
  for (auto [i, node] : llvm::enumerate(nodes)) {
    if (!live[i])
      continue;
    // What a subgraph does with a value is not followed.
    bool hasSubgraph =
        llvm::any_of(node.proto->attribute(),
                     [](const auto &attribute) { return attribute.has_g(); });
    forEachRead(*node.proto, [&, i = i](const std::string &name) {
      readers[name].push_back(hasSubgraph ? -1 : static_cast<int>(i));
    });
  }
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
    std::optional<int64_t> count =
        countElements(Shape(tensor.dims().begin(), tensor.dims().end()));
    // One row, of half the width of a head at most.
    if (!count || *count == 0 || *count > kMaxAngles ||
        !llvm::is_contained(tensor.dims(), *count) ||
        !onlyTurned(entry.first()))
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
    // Many names of one constant are many copies on the way to one attribute.
    if (!chargeWork(slot.constant->size()))
      addProblem("the graph reads large constants too often; export it with "
                 "shorter masks");
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

/// What all constants together may take, in constants of the largest size; what
/// the file itself stores in nodes is not meant.
int64_t GraphImporter::getLimit(int64_t factor) const {
  return factor * std::max(options.maxFoldedElements, int64_t(1) << 16);
}

/// Counts elements that are computed or copied. False if they are too many in
/// all: far above the masks of the longest texts, and seconds of work.
bool GraphImporter::chargeWork(int64_t elements) {
  computedElements += elements;
  exhausted |= computedElements > getLimit(64);
  return !exhausted;
}

/// Counts elements of a constant that is kept. False if there are too many.
bool GraphImporter::chargeMemory(int64_t elements) {
  aliveElements += elements;
  exhausted |= aliveElements > getLimit(4);
  return !exhausted;
}

void GraphImporter::countReads(const std::vector<bool> &live) {
  for (auto [i, node] : llvm::enumerate(graph.getNodes()))
    if (live[i])
      forEachRead(*node.proto,
                  [&](const std::string &name) { ++readsLeft[name]; });
  for (const onnx::ValueInfoProto &output : model.graph().output())
    ++readsLeft[output.name()];
}

/// Gives up the constants that `node` was the last to read. Chains of masks
/// would otherwise need many times the memory of the largest.
void GraphImporter::dropConstants(const onnx::NodeProto &node) {
  forEachRead(node, [&](const std::string &name) {
    auto left = readsLeft.find(name);
    if (left == readsLeft.end() || --left->second > 0)
      return;
    auto found = slots.find(name);
    if (found == slots.end() || !found->second.constant)
      return;
    std::shared_ptr<const HostTensor> &constant = found->second.constant;
    // What an op holds stays, but truth values take a bit there.
    int64_t size = constant->size();
    int64_t kept = !found->second.value                  ? 0
                   : constant->kind == ElementKind::Bool ? size / 8
                                                         : size;
    if (constant.use_count() == 1)
      aliveElements -= size - kept;
    constant.reset();
  });
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

/// If(condition) with a public condition: the nodes of the branch that is
/// taken.
bool GraphImporter::importIf(Node &node, const FlatNode &flat) {
  constexpr unsigned maxDepth = 32;
  if (node.getNumInputs() != 1 || !node.hasInput(0)) {
    (void)node.invalid("it has no condition");
    return false;
  }
  const HostTensor *condition = node.getConstant(0);
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
    (void)node.unsupported("it is nested more than " + Twine(maxDepth) +
                               " deep",
                           "export by tracing instead of scripting");
    return false;
  }
  FlatGraph::Branch inlined = graph.inlineSubgraph(
      branch->g(), flat.opset, flat.name,
      [&](const std::string &problem) { addProblem(problem); });
  if (graph.isOverflown())
    return false;
  for (const onnx::TensorProto &tensor : branch->g().initializer())
    if (!tensor.name().empty())
      pending.try_emplace(inlined.getName(tensor.name()),
                          const_cast<onnx::TensorProto *>(&tensor));
  for (const onnx::ValueInfoProto &output : branch->g().output())
    readNames.insert(inlined.getName(output.name()));
  // What the branch's outputs do not need may be anything here too.
  std::vector<const FlatNode *> live;
  for (const FlatNode &inner : llvm::reverse(inlined.nodes)) {
    bool isRead =
        llvm::any_of(inner.proto->output(), [&](const std::string &output) {
          return readNames.contains(output);
        });
    for (const std::string &output : inner.proto->output())
      madeNames.insert(output);
    if (!isRead)
      continue;
    live.push_back(&inner);
    forEachRead(*inner.proto,
                [&](const std::string &name) { readNames.insert(name); });
  }
  findParameters(inlined.nodes);
  ++ifDepth;
  for (const FlatNode *inner : llvm::reverse(live))
    if (!exhausted && !graph.isOverflown())
      importNode(*inner);
  --ifDepth;
  bool complete = true;
  for (unsigned i = 0; i < node.getNumOutputs(); ++i) {
    Slot *slot = findSlot(inlined.getName(branch->g().output(i).name()));
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
  if (inputs < info->minInputs || inputs > info->maxInputs) {
    (void)node.invalid("it has " + Twine(inputs) +
                       (inputs == 1 ? " input" : " inputs"));
    return false;
  }
  for (unsigned i = 0; i < info->minInputs; ++i)
    if (!node.hasInput(i)) {
      (void)node.invalid("its input " + Twine(i) + " is missing");
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
  findParameters(graph.getNodes());
  findAngles(live);
  countReads(live);
  importInputs();
  checkOptions();
  for (auto [i, node] : llvm::enumerate(graph.getNodes()))
    if (live[i] && !graph.isOverflown() && !exhausted &&
        unsupported.size() < kMaxFaults) {
      importNode(node);
      dropConstants(*node.proto);
    }
  // A limit was reached; outputs are missing for no other reason.
  if (exhausted || graph.isOverflown() || unsupported.size() >= kMaxFaults)
    return {};
  SmallVector<Location> names;
  SmallVector<Value> results = importOutputs(names);
  importThresholds(function);
  if (!problems.empty() || !unsupported.empty())
    return {};

  // The exporter finds the names of the outputs where those of the inputs are
  // too: in locations.
  func::ReturnOp::create(builder, builder.getFusedLoc(names), results);
  // What builders asked for and did not need, such as tensors without elements.
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(function.getBody().front())))
    if (op.use_empty() && !isa<func::ReturnOp>(op))
      op.erase();
  function.setFunctionType(builder.getFunctionType(
      function.getBody().getArgumentTypes(), ValueRange(results).getTypes()));
  return module;
}
