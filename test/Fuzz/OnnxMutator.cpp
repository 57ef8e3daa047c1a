//===- OnnxMutator.cpp - Changes to ONNX models for fuzzing ---------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OnnxMutator.h"

#include "aero/Import/ONNX/Import.h"

#include <iterator>

using namespace aero;
using namespace aero::fuzz;
using onnx::AttributeProto;
using onnx::GraphProto;
using onnx::ModelProto;
using onnx::NodeProto;
using onnx::TensorProto;

int64_t fuzz::pick(Random &random, int64_t count) {
  return count ? std::uniform_int_distribution<int64_t>(0, count - 1)(random)
               : 0;
}

namespace {

template <typename T, size_t size>
const T &pickFrom(Random &random, const T (&list)[size]) {
  return list[pick(random, size)];
}

/// A random element of a repeated field, or null.
template <typename T>
T *pickFrom(Random &random, google::protobuf::RepeatedPtrField<T> &field) {
  return field.empty() ? nullptr : &field[pick(random, field.size())];
}

const std::string &pickOperator(Random &random) {
  static const std::vector<std::string> operators = [] {
    std::vector<std::string> list;
    for (const SupportedOperator &op : getSupportedOperators())
      list.push_back(op.name);
    for (const char *name : {"Elu", "Loop", "Scan", "NonZero"})
      list.push_back(name);
    return list;
  }();
  return operators[pick(random, operators.size())];
}

//===----------------------------------------------------------------------===//
// Values and tensors
//===----------------------------------------------------------------------===//

/// The name of any value of the graph.
std::string pickValue(GraphProto &graph, Random &random) {
  switch (pick(random, 4)) {
  case 0:
    if (TensorProto *tensor = pickFrom(random, *graph.mutable_initializer()))
      return tensor->name();
    break;
  case 1:
    if (auto *input = pickFrom(random, *graph.mutable_input()))
      return input->name();
    break;
  default:
    if (NodeProto *node = pickFrom(random, *graph.mutable_node()))
      if (node->output_size())
        return node->output(pick(random, node->output_size()));
  }
  return "";
}

void mutateExternal(TensorProto &tensor, Random &random) {
  static const char *const locations[] = {"weights.bin",
                                          "./weights.bin",
                                          "folder/weights.bin",
                                          "inside",
                                          "outside",
                                          "empty",
                                          "folder",
                                          "../weights.bin",
                                          "missing",
                                          "/dev/zero",
                                          "pipe",
                                          "",
                                          "."};
  static const char *const keys[] = {"location", "offset", "length",
                                     "checksum"};
  static const char *const numbers[] = {
      "0",  "4",  "1", "4096", "65536", "18446744073709551615",
      "-1", "no", "",  "8"};
  tensor.set_data_location(TensorProto::EXTERNAL);
  tensor.clear_raw_data();
  onnx::StringStringEntryProto *entry =
      pickFrom(random, *tensor.mutable_external_data());
  if (!entry || pick(random, 4) == 0) {
    entry = tensor.add_external_data();
    entry->set_key(pickFrom(random, keys));
  }
  entry->set_value(entry->key() == "location" ? pickFrom(random, locations)
                                              : pickFrom(random, numbers));
}

void mutateTensor(TensorProto &tensor, Random &random) {
  switch (pick(random, 6)) {
  case 0:
    if (tensor.dims_size())
      tensor.set_dims(pick(random, tensor.dims_size()), pickNumber(random));
    break;
  case 1:
    tensor.set_data_type(pick(random, 24));
    break;
  case 2:
    if (!tensor.raw_data().empty())
      (*tensor.mutable_raw_data())[pick(random, tensor.raw_data().size())] =
          static_cast<char>(pickNumber(random));
    break;
  case 3:
    mutateExternal(tensor, random);
    break;
  case 4: {
    // Consistent again, so that it is read: a list of numbers.
    int64_t count = pick(random, 4);
    tensor.clear_dims();
    tensor.clear_raw_data();
    tensor.clear_int64_data();
    tensor.clear_float_data();
    tensor.clear_data_location();
    if (pick(random, 4))
      tensor.add_dims(count);
    else
      count = 1;
    bool isFloat = pick(random, 2);
    tensor.set_data_type(isFloat ? TensorProto::FLOAT : TensorProto::INT64);
    for (int64_t i = 0; i < count; ++i) {
      if (isFloat)
        tensor.add_float_data(static_cast<float>(pickNumber(random)));
      else
        tensor.add_int64_data(pickNumber(random));
    }
    break;
  }
  default:
    tensor.add_dims(pickNumber(random));
  }
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

void addAttribute(NodeProto &node, Random &random) {
  static const char *const ints[] = {"axis",
                                     "keepdims",
                                     "to",
                                     "start",
                                     "end",
                                     "upper",
                                     "transA",
                                     "transB",
                                     "allowzero",
                                     "num_outputs",
                                     "batch_dims",
                                     "exclusive",
                                     "reverse",
                                     "is_causal",
                                     "interleaved",
                                     "q_num_heads",
                                     "kv_num_heads",
                                     "num_heads",
                                     "value_int",
                                     "rotary_embedding_dim",
                                     "noop_with_empty_axes"};
  static const char *const floats[] = {"alpha", "beta",    "epsilon",
                                       "scale", "softcap", "value_float"};
  static const char *const lists[] = {"axes", "perm", "split", "value_ints"};
  static const char *const strings[] = {"equation", "approximate", "reduction"};
  static const char *const texts[] = {
      "ij,jk->ik",   "bij,bkj->bik", "ii->i", "i,j->ij", "ij,jk",
      "...i,i->...", "tanh",         "none",  "add"};
  AttributeProto &attribute = *node.add_attribute();
  switch (pick(random, 6)) {
  case 0:
    attribute.set_name(pickFrom(random, floats));
    attribute.set_type(AttributeProto::FLOAT);
    attribute.set_f(static_cast<float>(pickNumber(random)) / 2);
    break;
  case 1:
    attribute.set_name(pickFrom(random, lists));
    attribute.set_type(AttributeProto::INTS);
    for (int64_t i = 0, e = pick(random, 4); i < e; ++i)
      attribute.add_ints(pickNumber(random));
    break;
  case 2:
    attribute.set_name(pickFrom(random, strings));
    attribute.set_type(AttributeProto::STRING);
    attribute.set_s(pickFrom(random, texts));
    break;
  case 3:
    attribute.set_name("value");
    attribute.set_type(AttributeProto::TENSOR);
    mutateTensor(*attribute.mutable_t(), random);
    break;
  default:
    attribute.set_name(pickFrom(random, ints));
    attribute.set_type(AttributeProto::INT);
    attribute.set_i(pickNumber(random));
  }
  // Seldom of another type than its name says.
  if (pick(random, 16) == 0)
    attribute.set_type(
        static_cast<AttributeProto::AttributeType>(pick(random, 12)));
}

void mutateGraph(GraphProto &graph, Random &random);

void mutateAttribute(AttributeProto &attribute, Random &random) {
  if (attribute.has_g())
    mutateGraph(*attribute.mutable_g(), random);
  else if (attribute.has_t())
    mutateTensor(*attribute.mutable_t(), random);
  else if (attribute.ints_size())
    attribute.set_ints(pick(random, attribute.ints_size()), pickNumber(random));
  else if (attribute.has_s() && !attribute.s().empty())
    (*attribute.mutable_s())[pick(random, attribute.s().size())] =
        "ijkb,->. "[pick(random, 9)];
  else
    attribute.set_i(pickNumber(random));
}

void mutateNode(GraphProto &graph, NodeProto &node, Random &random) {
  switch (pick(random, 9)) {
  case 0:
    node.set_op_type(pickOperator(random));
    break;
  case 1:
    node.add_input(pickValue(graph, random));
    break;
  case 2:
    if (node.input_size())
      node.mutable_input()->RemoveLast();
    break;
  case 3:
    node.add_output("extra" + std::to_string(pick(random, 4)));
    break;
  case 4:
    if (AttributeProto *attribute = pickFrom(random, *node.mutable_attribute()))
      mutateAttribute(*attribute, random);
    break;
  case 5:
    addAttribute(node, random);
    break;
  case 6:
    if (node.attribute_size())
      node.mutable_attribute()->DeleteSubrange(
          pick(random, node.attribute_size()), 1);
    break;
  default:
    if (node.input_size())
      node.set_input(pick(random, node.input_size()), pickValue(graph, random));
  }
}

/// A new node between another one and its readers.
void insertNode(GraphProto &graph, Random &random) {
  if (graph.node().empty())
    return;
  int at = pick(random, graph.node_size());
  if (graph.node(at).output().empty())
    return;
  graph.add_node();
  for (int i = graph.node_size() - 1; i > at + 1; --i)
    graph.mutable_node()->SwapElements(i, i - 1);
  NodeProto &before = *graph.mutable_node(at),
            &inserted = *graph.mutable_node(at + 1);
  std::string inner = "n" + std::to_string(pick(random, 1 << 20));
  inserted.set_op_type(pickOperator(random));
  inserted.add_input(inner);
  for (int64_t i = 0, e = pick(random, 4); i < e; ++i)
    inserted.add_input(pickValue(graph, random));
  inserted.add_output(before.output(0));
  before.set_output(0, inner);
}

/// Replaces a node by an If whose branch holds it.
void wrapInBranch(GraphProto &graph, NodeProto &node, Random &random) {
  NodeProto inner = node;
  node.Clear();
  node.set_op_type("If");
  node.add_input(pickValue(graph, random));
  for (const char *name : {"then_branch", "else_branch"}) {
    AttributeProto &attribute = *node.add_attribute();
    attribute.set_name(name);
    attribute.set_type(AttributeProto::GRAPH);
    GraphProto &branch = *attribute.mutable_g();
    NodeProto &copy = *branch.add_node();
    copy = inner;
    for (int i = 0; i < copy.output_size(); ++i) {
      copy.set_output(i, "b" + std::to_string(i));
      branch.add_output()->set_name("b" + std::to_string(i));
    }
  }
  *node.mutable_output() = inner.output();
  // A condition that is public, mostly.
  if (pick(random, 4)) {
    TensorProto &condition = *graph.add_initializer();
    condition.set_name("condition");
    condition.set_data_type(TensorProto::BOOL);
    condition.add_int32_data(pick(random, 2));
    node.set_input(0, "condition");
  }
}

void mutateGraph(GraphProto &graph, Random &random) {
  switch (pick(random, 12)) {
  case 0:
    if (TensorProto *tensor = pickFrom(random, *graph.mutable_initializer()))
      mutateTensor(*tensor, random);
    return;
  case 1:
    if (auto *input = pickFrom(random, *graph.mutable_input())) {
      auto &tensor = *input->mutable_type()->mutable_tensor_type();
      auto &dims = *tensor.mutable_shape()->mutable_dim();
      if (auto *dim = pickFrom(random, dims)) {
        static const char *const symbols[] = {
            "n", "past", "past + n", "past + 1", "n+n+n", "+", ""};
        if (pick(random, 2))
          dim->set_dim_value(pickNumber(random));
        else
          dim->set_dim_param(pickFrom(random, symbols));
      } else {
        tensor.set_elem_type(pick(random, 18));
      }
    }
    return;
  case 2:
    if (auto *output = pickFrom(random, *graph.mutable_output()))
      output->set_name(pickValue(graph, random));
    return;
  case 3:
    if (graph.node_size() > 1)
      graph.mutable_node()->SwapElements(pick(random, graph.node_size()),
                                         pick(random, graph.node_size()));
    return;
  case 4:
    insertNode(graph, random);
    return;
  case 5:
    if (NodeProto *node = pickFrom(random, *graph.mutable_node()))
      wrapInBranch(graph, *node, random);
    return;
  case 6:
    graph.add_output()->set_name(pickValue(graph, random));
    return;
  default:
    if (NodeProto *node = pickFrom(random, *graph.mutable_node()))
      mutateNode(graph, *node, random);
  }
}

//===----------------------------------------------------------------------===//
// Functions and options
//===----------------------------------------------------------------------===//

/// Makes a function of a node of the graph, or of one of a function, and calls
/// it there.
template <typename Body>
void outline(ModelProto &model, Body &body, Random &random) {
  NodeProto *node = pickFrom(random, *body.mutable_node());
  if (!node)
    return;
  NodeProto inner = *node;
  onnx::FunctionProto &function = *model.add_functions();
  function.set_name("f" + std::to_string(pick(random, 8)));
  function.set_domain("fuzz");
  for (int i = 0; i < inner.input_size(); ++i) {
    function.add_input("i" + std::to_string(i));
    if (!inner.input(i).empty())
      inner.set_input(i, function.input(i));
  }
  for (int i = 0; i < inner.output_size(); ++i) {
    function.add_output("o" + std::to_string(i));
    inner.set_output(i, function.output(i));
  }
  for (AttributeProto &attribute : *inner.mutable_attribute())
    if (pick(random, 2))
      attribute.set_ref_attr_name(attribute.name());
  *function.add_node() = inner;
  node->set_op_type(function.name());
  node->set_domain("fuzz");
}

void mutateFunction(ModelProto &model, onnx::FunctionProto &function,
                    Random &random) {
  switch (pick(random, 5)) {
  case 0:
    outline(model, function, random);
    return;
  case 1:
    // A call of any function from any other, in circles too.
    if (NodeProto *node = pickFrom(random, *function.mutable_node())) {
      node->set_op_type(
          model.functions(pick(random, model.functions_size())).name());
      node->set_domain("fuzz");
    }
    return;
  case 2:
    function.add_output(function.input_size() ? function.input(0) : "o");
    return;
  case 3:
    if (function.node_size())
      *function.add_node() = function.node(pick(random, function.node_size()));
    return;
  default: {
    onnx::OperatorSetIdProto &import = *function.add_opset_import();
    import.set_version(8 + pick(random, 18));
  }
  }
}

void mutateOptions(ModelProto &model, Random &random) {
  onnx::StringStringEntryProto *entry = nullptr;
  for (auto &candidate : *model.mutable_metadata_props())
    if (candidate.key() == kOptionsKey)
      entry = &candidate;
  if (!entry) {
    entry = model.add_metadata_props();
    entry->set_key(kOptionsKey);
  }
  std::string &bytes = *entry->mutable_value();
  if (bytes.size() > 24 || (!bytes.empty() && pick(random, 4) == 0))
    bytes[pick(random, bytes.size())] = static_cast<char>(pick(random, 128));
  else
    for (int i = 0; i < 3; ++i)
      bytes += static_cast<char>(pick(random, 128));
}

} // namespace

int64_t fuzz::pickNumber(Random &random) {
  static const int64_t numbers[] = {0,
                                    1,
                                    2,
                                    3,
                                    4,
                                    8,
                                    -1,
                                    -2,
                                    -3,
                                    7,
                                    16,
                                    64,
                                    1000,
                                    1 << 20,
                                    INT32_MAX,
                                    INT32_MIN,
                                    int64_t(1) << 40,
                                    INT64_MAX,
                                    INT64_MIN,
                                    INT64_MAX - 1};
  // Sizes of things mostly.
  return numbers[pick(random, pick(random, 4) ? 10 : std::size(numbers))];
}

void fuzz::mutate(ModelProto &model, Random &random) {
  switch (pick(random, 16)) {
  case 0:
    if (model.opset_import_size())
      model.mutable_opset_import(0)->set_version(10 + pick(random, 15));
    return;
  case 1:
    mutateOptions(model, random);
    return;
  case 2:
    outline(model, *model.mutable_graph(), random);
    return;
  case 3:
  case 4:
    if (auto *function = pickFrom(random, *model.mutable_functions()))
      return mutateFunction(model, *function, random);
    [[fallthrough]];
  default:
    mutateGraph(*model.mutable_graph(), random);
  }
}

void fuzz::merge(ModelProto &model, const ModelProto &other, Random &random) {
  GraphProto &graph = *model.mutable_graph();
  const GraphProto &source = other.graph();
  int begin = pick(random, source.node_size());
  int end = std::min<int>(source.node_size(), begin + 1 + pick(random, 8));
  for (int i = begin; i < end; ++i) {
    NodeProto &node = *graph.add_node();
    node = source.node(i);
    // Fed by what is there, or not at all.
    for (std::string &input : *node.mutable_input())
      if (!input.empty() && pick(random, 2))
        input = pickValue(graph, random);
  }
  for (const TensorProto &tensor : source.initializer())
    if (pick(random, 4) == 0)
      *graph.add_initializer() = tensor;
  for (const onnx::FunctionProto &function : other.functions())
    if (pick(random, 2))
      *model.add_functions() = function;
  // The last is read, or else all of it would be dead.
  if (graph.node_size() && graph.output_size() &&
      graph.node(graph.node_size() - 1).output_size())
    graph.mutable_output(0)->set_name(
        graph.node(graph.node_size() - 1).output(0));
}
