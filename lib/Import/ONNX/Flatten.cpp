//===- Flatten.cpp - Nodes of a graph with its functions inlined ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Flatten.h"

#include "Node.h"

#include <google/protobuf/repeated_field.h>
#include <onnx/onnx_pb.h>

using namespace aero;
using llvm::StringRef;

namespace {

/// Functions may call functions, but a small file must not grow without bound:
/// neither in nodes nor in the bytes of their names and attributes.
constexpr unsigned kMaxDepth = 64;
constexpr uint64_t kBytesPerNode = 256;

std::string getKey(StringRef domain, StringRef name) {
  return (domain + "::" + name).str();
}

std::string getName(const onnx::NodeProto &node, const std::string &caller,
                    size_t index) {
  std::string name = node.name();
  if (name.empty() && node.output_size())
    name = node.output(0);
  if (name.empty())
    name = node.op_type() + "_" + std::to_string(index);
  return caller.empty() ? name : caller + "/" + name;
}

/// New names of the values of one inlined body.
class Renaming {
public:
  /// Of a body that sees all names outside of it, or only those that are set.
  Renaming(std::string prefix, bool isClosed)
      : prefix(std::move(prefix)), isClosed(isClosed) {}

  void set(StringRef from, std::string to) { names[from] = std::move(to); }
  /// A value that the body makes itself.
  void define(const std::string &name) {
    if (!name.empty())
      names.try_emplace(name, prefix + name);
  }
  /// Names that the body does not know come from outside and stay, or else
  /// must not be found there.
  std::string get(const std::string &name) const {
    for (const Renaming *scope = this; scope; scope = scope->outer)
      if (auto found = scope->names.find(name); found != scope->names.end())
        return found->second;
    return isClosed && !name.empty() ? prefix + name : name;
  }
  const llvm::StringMap<std::string> &getNames() const { return names; }

  void apply(onnx::NodeProto &node) const {
    for (std::string &input : *node.mutable_input())
      input = get(input);
    for (std::string &output : *node.mutable_output())
      output = get(output);
    for (onnx::AttributeProto &attribute : *node.mutable_attribute()) {
      if (attribute.has_g())
        apply(*attribute.mutable_g());
      for (onnx::GraphProto &graph : *attribute.mutable_graphs())
        apply(graph);
    }
  }

private:
  /// What a subgraph reads from outside; its own values keep their names, also
  /// those that hide one from outside.
  void apply(onnx::GraphProto &graph) const {
    Renaming inner(prefix, isClosed);
    inner.outer = this;
    for (const onnx::TensorProto &tensor : graph.initializer())
      inner.set(tensor.name(), tensor.name());
    for (const onnx::ValueInfoProto &input : graph.input())
      inner.set(input.name(), input.name());
    for (const onnx::NodeProto &node : graph.node())
      for (const std::string &output : node.output())
        inner.set(output, output);
    for (onnx::NodeProto &node : *graph.mutable_node())
      inner.apply(node);
    for (onnx::ValueInfoProto &output : *graph.mutable_output())
      output.set_name(inner.get(output.name()));
  }

  std::string prefix;
  bool isClosed;
  const Renaming *outer = nullptr;
  llvm::StringMap<std::string> names;
};

/// Gives the attributes of a function's node, and of the nodes of its
/// subgraphs, that refer to attributes of the call the values that the call, or
/// else the function, sets.
/// Asks before each copy whether there may be one of so many bytes; false if it
/// may not.
bool bindAttributes(onnx::NodeProto &node,
                    const llvm::StringMap<const onnx::AttributeProto *> &values,
                    llvm::function_ref<bool(uint64_t)> charge) {
  google::protobuf::RepeatedPtrField<onnx::AttributeProto> attributes;
  attributes.Swap(node.mutable_attribute());
  for (onnx::AttributeProto &attribute : attributes) {
    if (attribute.has_g())
      for (onnx::NodeProto &inner : *attribute.mutable_g()->mutable_node())
        if (!bindAttributes(inner, values, charge))
          return false;
    if (attribute.ref_attr_name().empty()) {
      node.add_attribute()->Swap(&attribute);
      continue;
    }
    // Not set: the node's own default counts.
    const onnx::AttributeProto *value =
        values.lookup(attribute.ref_attr_name());
    if (!value)
      continue;
    if (!charge(value->ByteSizeLong()))
      return false;
    onnx::AttributeProto &copy = *node.add_attribute();
    copy = *value;
    copy.set_name(attribute.name());
  }
  return true;
}

/// The defaults of a function's attributes (IR version 9, field 11), which this
/// protobuf schema may not know yet: read from the unknown fields.
std::vector<onnx::AttributeProto>
getDefaults(const onnx::FunctionProto &function) {
  constexpr int field = 11;
  std::vector<onnx::AttributeProto> defaults;
  const auto &unknown = function.GetReflection()->GetUnknownFields(function);
  for (int i = 0; i < unknown.field_count(); ++i) {
    if (unknown.field(i).number() != field ||
        unknown.field(i).type() !=
            google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED)
      continue;
    onnx::AttributeProto attribute;
    if (attribute.ParseFromString(unknown.field(i).length_delimited()))
      defaults.push_back(std::move(attribute));
  }
  return defaults;
}

} // namespace

StringRef aero::getOriginalName(StringRef name) {
  for (;;) {
    StringRef rest = name;
    if (!rest.consume_front("call") && !rest.consume_front("branch"))
      return name;
    rest = rest.ltrim("0123456789");
    if (!rest.consume_front("::"))
      return name;
    name = rest;
  }
}

void aero::forEachRead(const onnx::NodeProto &node,
                       llvm::function_ref<void(const std::string &)> visit) {
  for (const std::string &input : node.input())
    if (!input.empty())
      visit(input);
  auto visitGraph = [&](const onnx::GraphProto &graph) {
    // Names that the subgraph defines itself are visited too; they are unique
    // in the model.
    for (const onnx::NodeProto &inner : graph.node())
      forEachRead(inner, visit);
    for (const onnx::ValueInfoProto &output : graph.output())
      visit(output.name());
  };
  for (const onnx::AttributeProto &attribute : node.attribute()) {
    if (attribute.has_g())
      visitGraph(attribute.g());
    for (const onnx::GraphProto &graph : attribute.graphs())
      visitGraph(graph);
  }
}

void FlatGraph::flatten(const onnx::ModelProto &model, int64_t opset,
                        Report report) {
  // A function that is called once may be as large as the file.
  maxBytes = kBytesPerNode * maxNodes;
  for (const onnx::FunctionProto &function : model.functions()) {
    maxBytes += 2 * function.ByteSizeLong();
    if (!functions
             .try_emplace(getKey(function.domain(), function.name()), &function)
             .second)
      report("function " + quoted(function.name()) +
             " is defined twice; export the model again");
  }
  nodes.reserve(model.graph().node_size());
  for (const onnx::NodeProto &node : model.graph().node())
    add(node, opset, /*caller=*/"", /*depth=*/0, {nodes, report});
}

void FlatGraph::overflow(const std::string &why, Report report) {
  if (!overflown)
    report(why + "; export the model without functions");
  overflown = true;
}

bool FlatGraph::charge(uint64_t nodes, uint64_t bytes, Report report) {
  madeNodes += nodes;
  madeBytes += bytes;
  if (madeNodes > maxNodes)
    overflow("unfolds to more than " + std::to_string(maxNodes) + " nodes",
             report);
  else if (madeBytes > maxBytes)
    overflow("unfolds to nodes of more than " + std::to_string(maxBytes >> 20) +
                 " MB",
             report);
  return !overflown;
}

void FlatGraph::add(const onnx::NodeProto &node, int64_t opset,
                    const std::string &caller, unsigned depth, Target target) {
  if (overflown || !charge(1, caller.size(), target.report))
    return;
  std::string name = getName(node, caller, target.nodes.size());
  auto found = functions.find(getKey(node.domain(), node.op_type()));
  if (found == functions.end()) {
    target.nodes.push_back({&node, opset, std::move(name)});
    return;
  }
  if (depth == kMaxDepth)
    return overflow("function " + quoted(node.op_type()) +
                        " calls itself, or is called from more than " +
                        std::to_string(kMaxDepth) + " others",
                    target.report);
  inlineCall(node, *found->second, opset, name, depth, target);
}

void FlatGraph::inlineCall(const onnx::NodeProto &call,
                           const onnx::FunctionProto &function, int64_t opset,
                           const std::string &name, unsigned depth,
                           Target target) {
  Report report = target.report;
  if (call.input_size() > function.input_size() ||
      call.output_size() > function.output_size()) {
    report("node " + quoted(name) + " passes more values than function " +
           quoted(function.name()) + " has; export the model again");
    return;
  }
  // A function may be written against another operator set than the graph.
  for (const onnx::OperatorSetIdProto &import : function.opset_import())
    if (import.domain().empty() || import.domain() == kDefaultDomain)
      opset = import.version();
  if (opset < kFirstOpset || opset > kLastOpset) {
    report("function " + quoted(function.name()) + " uses operator set " +
           std::to_string(opset) + ", but " + std::to_string(kFirstOpset) +
           " to " + std::to_string(kLastOpset) +
           " are supported; export the model with a supported one");
    return;
  }
  if (!charge(function.output_size(),
              function.ByteSizeLong() + call.ByteSizeLong(), report))
    return;

  // No name of a file holds this separator by accident, and if it does on
  // purpose, a value is defined twice, which is an error.
  Renaming renaming("call" + std::to_string(bodies++) + "::",
                    /*isClosed=*/true);
  llvm::StringMap<std::string> given;
  for (int i = 0; i < function.input_size(); ++i)
    given[function.input(i)] =
        i < call.input_size() ? call.input(i) : std::string();
  for (const auto &entry : given)
    renaming.set(entry.first(), entry.second);
  for (int i = 0; i < call.output_size(); ++i) {
    if (call.output(i).empty())
      continue;
    auto input = given.find(function.output(i));
    if (input == given.end()) {
      renaming.set(function.output(i), call.output(i));
      continue;
    }
    // An output that is an input: nothing inside makes it.
    owned.emplace_back();
    onnx::NodeProto &copy = owned.back();
    copy.set_op_type("Identity");
    copy.add_input(input->second);
    copy.add_output(call.output(i));
    target.nodes.push_back({&copy, opset, name + "/" + function.output(i)});
  }
  for (const onnx::NodeProto &node : function.node())
    for (const std::string &output : node.output())
      renaming.define(output);

  llvm::StringMap<const onnx::AttributeProto *> attributes;
  for (const onnx::AttributeProto &attribute : call.attribute())
    attributes.try_emplace(attribute.name(), &attribute);
  std::vector<onnx::AttributeProto> defaults = getDefaults(function);
  for (const onnx::AttributeProto &attribute : defaults)
    attributes.try_emplace(attribute.name(), &attribute);
  for (const onnx::NodeProto &node : function.node()) {
    owned.push_back(node);
    onnx::NodeProto &copy = owned.back();
    renaming.apply(copy);
    if (!bindAttributes(copy, attributes, [&](uint64_t bytes) {
          return charge(0, bytes, report);
        }))
      return;
    // Names as they were, for messages.
    if (copy.name().empty())
      copy.set_name(node.output_size() ? node.output(0) : node.op_type());
    add(copy, opset, name, depth + 1, target);
    if (overflown)
      return;
  }
}

FlatGraph::Branch FlatGraph::inlineSubgraph(const onnx::GraphProto &graph,
                                            int64_t opset,
                                            const std::string &name,
                                            Report report) {
  Branch branch;
  Renaming renaming("branch" + std::to_string(bodies++) + "::",
                    /*isClosed=*/false);
  for (const onnx::TensorProto &tensor : graph.initializer())
    renaming.define(tensor.name());
  for (const onnx::NodeProto &node : graph.node())
    for (const std::string &output : node.output())
      renaming.define(output);
  for (const onnx::NodeProto &node : graph.node()) {
    if (!charge(0, node.ByteSizeLong(), report))
      return branch;
    owned.push_back(node);
    onnx::NodeProto &copy = owned.back();
    renaming.apply(copy);
    if (copy.name().empty())
      copy.set_name(node.output_size() ? node.output(0) : node.op_type());
    add(copy, opset, name, /*depth=*/0, {branch.nodes, report});
  }
  branch.names = renaming.getNames();
  return branch;
}
