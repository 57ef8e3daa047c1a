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

/// Functions may call functions, but a small file must not grow without bound.
constexpr unsigned kMaxDepth = 64;
constexpr size_t kMaxNodes = 1u << 20;

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
  explicit Renaming(std::string prefix) : prefix(std::move(prefix)) {}

  void set(StringRef from, std::string to) { names[from] = std::move(to); }
  /// A value that the body makes itself.
  void define(const std::string &name) {
    if (!name.empty())
      names.try_emplace(name, prefix + name);
  }
  /// Names that the body does not know come from outside and stay.
  std::string get(const std::string &name) const {
    auto found = names.find(name);
    return found == names.end() ? name : found->second;
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
  /// What a subgraph reads from outside; its own values keep their names.
  void apply(onnx::GraphProto &graph) const {
    for (onnx::NodeProto &node : *graph.mutable_node())
      apply(node);
    for (onnx::ValueInfoProto &output : *graph.mutable_output())
      output.set_name(get(output.name()));
  }

  std::string prefix;
  llvm::StringMap<std::string> names;
};

/// Gives the attributes of a function's node that refer to attributes of the
/// call the values that the call, or else the function, sets.
void bindAttributes(onnx::NodeProto &node, const onnx::NodeProto &call) {
  auto *attributes = node.mutable_attribute();
  for (int i = attributes->size(); i-- > 0;) {
    onnx::AttributeProto &attribute = (*attributes)[i];
    if (attribute.ref_attr_name().empty())
      continue;
    const onnx::AttributeProto *value = nullptr;
    for (const onnx::AttributeProto &given : call.attribute())
      if (given.name() == attribute.ref_attr_name())
        value = &given;
    if (!value) {
      // Not set: the node's own default counts.
      attributes->DeleteSubrange(i, 1);
      continue;
    }
    std::string name = attribute.name();
    attribute = *value;
    attribute.set_name(name);
  }
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
  for (const onnx::FunctionProto &function : model.functions())
    if (!functions
             .try_emplace(getKey(function.domain(), function.name()), &function)
             .second)
      report("function " + quoted(function.name()) +
             " is defined twice; export the model again");
  nodes.reserve(model.graph().node_size());
  for (const onnx::NodeProto &node : model.graph().node())
    add(node, opset, /*caller=*/"", /*depth=*/0, report);
  if (overflown)
    report("its functions unfold to more than " + std::to_string(kMaxNodes) +
           " nodes, or call each other without end; export the model without "
           "functions");
}

void FlatGraph::add(const onnx::NodeProto &node, int64_t opset,
                    const std::string &caller, unsigned depth, Report report) {
  if (overflown)
    return;
  if (nodes.size() >= kMaxNodes || depth > kMaxDepth) {
    overflown = true;
    return;
  }
  std::string name = getName(node, caller, nodes.size());
  auto found = functions.find(getKey(node.domain(), node.op_type()));
  if (found == functions.end()) {
    nodes.push_back({&node, opset, std::move(name)});
    return;
  }
  inlineCall(node, *found->second, opset, name, depth, report);
}

void FlatGraph::inlineCall(const onnx::NodeProto &call,
                           const onnx::FunctionProto &function, int64_t opset,
                           const std::string &name, unsigned depth,
                           Report report) {
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

  // No name of a file holds this separator by accident, and if it does on
  // purpose, a value is defined twice, which is an error.
  Renaming renaming("call" + std::to_string(calls++) + "::");
  for (int i = 0; i < function.input_size(); ++i)
    renaming.set(function.input(i),
                 i < call.input_size() ? call.input(i) : std::string());
  for (int i = 0; i < call.output_size(); ++i)
    if (!call.output(i).empty())
      renaming.set(function.output(i), call.output(i));
  for (const onnx::NodeProto &node : function.node())
    for (const std::string &output : node.output())
      renaming.define(output);

  onnx::NodeProto bound = call;
  for (onnx::AttributeProto &attribute : getDefaults(function)) {
    bool given = llvm::any_of(call.attribute(), [&](const auto &other) {
      return other.name() == attribute.name();
    });
    if (!given)
      *bound.add_attribute() = std::move(attribute);
  }
  for (const onnx::NodeProto &node : function.node()) {
    owned.push_back(node);
    onnx::NodeProto &copy = owned.back();
    renaming.apply(copy);
    bindAttributes(copy, bound);
    // Names as they were, for messages.
    if (copy.name().empty())
      copy.set_name(node.output_size() ? node.output(0) : node.op_type());
    add(copy, opset, name, depth + 1, report);
  }
  // An output that is an input: nothing inside makes it.
  for (int i = 0; i < call.output_size(); ++i) {
    bool isInput = llvm::is_contained(function.input(), function.output(i));
    if (!isInput || call.output(i).empty())
      continue;
    owned.emplace_back();
    onnx::NodeProto &copy = owned.back();
    copy.set_op_type("Identity");
    for (int k = 0; k < call.input_size(); ++k)
      if (function.input(k) == function.output(i))
        copy.add_input(call.input(k));
    copy.add_output(call.output(i));
    nodes.push_back({&copy, opset, name + "/" + function.output(i)});
  }
}

std::vector<FlatNode>
FlatGraph::inlineSubgraph(const onnx::GraphProto &graph, int64_t opset,
                          const std::string &name, const std::string &prefix,
                          llvm::StringMap<std::string> &rename) {
  Renaming renaming(prefix);
  for (const onnx::TensorProto &tensor : graph.initializer())
    renaming.define(tensor.name());
  for (const onnx::NodeProto &node : graph.node())
    for (const std::string &output : node.output())
      renaming.define(output);
  std::vector<FlatNode> inlined;
  for (const onnx::NodeProto &node : graph.node()) {
    owned.push_back(node);
    renaming.apply(owned.back());
    inlined.push_back(
        {&owned.back(), opset, getName(node, name, inlined.size())});
  }
  rename = renaming.getNames();
  return inlined;
}
