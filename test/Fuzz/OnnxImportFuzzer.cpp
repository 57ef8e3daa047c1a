//===- OnnxImportFuzzer.cpp - Hostile ONNX models -------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Imports a model and, if that succeeds, raises it and takes its census.
/// Flipped bytes seldom leave a model that parses, so that most mutations
/// change the parsed message: names, types, dimensions, attributes, the order
/// of nodes.
///
//===----------------------------------------------------------------------===//

#include "aero/Analysis/Architecture.h"
#include "aero/Analysis/Census.h"
#include "aero/Dialect/PI/Transforms/Passes.h"
#include "aero/Import/ONNX/Import.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/Pass/PassManager.h"

#include <google/protobuf/stubs/logging.h>
#include <onnx/onnx_pb.h>

#include <random>

using namespace mlir;

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

namespace {

using Random = std::mt19937;

int64_t pick(Random &random, int64_t count) {
  return count ? std::uniform_int_distribution<int64_t>(0, count - 1)(random)
               : 0;
}

int64_t pickNumber(Random &random) {
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
  return numbers[pick(random, std::size(numbers))];
}

const char *pickOperator(Random &random) {
  static const char *operators[] = {
      "Add",      "Mul",        "Div",     "Pow",       "Sub",
      "MatMul",   "Gemm",       "Softmax", "Where",     "Cast",
      "Split",    "Slice",      "Reshape", "Transpose", "Concat",
      "Squeeze",  "Unsqueeze",  "Shape",   "Constant",  "ConstantOfShape",
      "Identity", "Dropout",    "Relu",    "LeakyRelu", "LayerNormalization",
      "Gather",   "ReduceMean", "Expand",  "Range",     "Trilu",
      "Equal",    "Less",       "Max",     "Not",       "Mod",
      "Flatten",  "Sqrt",       "Erf",     "Neg",       "Size",
      "Elu"};
  return operators[pick(random, std::size(operators))];
}

/// The name of any value of the graph.
std::string pickValue(onnx::GraphProto &graph, Random &random) {
  switch (pick(random, 4)) {
  case 0:
    if (graph.initializer_size())
      return graph.initializer(pick(random, graph.initializer_size())).name();
    break;
  case 1:
    if (graph.input_size())
      return graph.input(pick(random, graph.input_size())).name();
    break;
  default:
    if (graph.node_size()) {
      const onnx::NodeProto &node = graph.node(pick(random, graph.node_size()));
      if (node.output_size())
        return node.output(pick(random, node.output_size()));
    }
  }
  return "";
}

void mutateTensor(onnx::TensorProto &tensor, Random &random) {
  switch (pick(random, 4)) {
  case 0:
    if (tensor.dims_size())
      tensor.set_dims(pick(random, tensor.dims_size()), pickNumber(random));
    break;
  case 1:
    tensor.set_data_type(pick(random, 18));
    break;
  case 2:
    if (!tensor.raw_data().empty())
      (*tensor.mutable_raw_data())[pick(random, tensor.raw_data().size())] =
          static_cast<char>(pickNumber(random));
    break;
  default:
    tensor.add_dims(pickNumber(random));
  }
}

void mutateNode(onnx::GraphProto &graph, onnx::NodeProto &node,
                Random &random) {
  switch (pick(random, 8)) {
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
    if (node.attribute_size()) {
      onnx::AttributeProto &attribute =
          *node.mutable_attribute(pick(random, node.attribute_size()));
      if (attribute.has_t())
        mutateTensor(*attribute.mutable_t(), random);
      else if (attribute.ints_size())
        attribute.set_ints(pick(random, attribute.ints_size()),
                           pickNumber(random));
      else
        attribute.set_i(pickNumber(random));
    }
    break;
  case 5: {
    static const char *names[] = {
        "axis",  "axes",   "perm",      "keepdims", "to",    "start",  "end",
        "upper", "transB", "allowzero", "split",    "value", "epsilon"};
    onnx::AttributeProto &attribute = *node.add_attribute();
    attribute.set_name(names[pick(random, std::size(names))]);
    if (pick(random, 2))
      attribute.set_i(pickNumber(random));
    else
      attribute.add_ints(pickNumber(random));
    break;
  }
  default:
    if (node.input_size())
      node.set_input(pick(random, node.input_size()), pickValue(graph, random));
  }
}

void mutateModel(onnx::ModelProto &model, Random &random) {
  onnx::GraphProto &graph = *model.mutable_graph();
  switch (pick(random, 8)) {
  case 0:
    if (graph.initializer_size())
      mutateTensor(
          *graph.mutable_initializer(pick(random, graph.initializer_size())),
          random);
    break;
  case 1:
    if (graph.input_size()) {
      auto &tensor = *graph.mutable_input(pick(random, graph.input_size()))
                          ->mutable_type()
                          ->mutable_tensor_type();
      if (tensor.shape().dim_size())
        tensor.mutable_shape()
            ->mutable_dim(pick(random, tensor.shape().dim_size()))
            ->set_dim_value(pickNumber(random));
      else
        tensor.set_elem_type(pick(random, 18));
    }
    break;
  case 2:
    if (model.opset_import_size())
      model.mutable_opset_import(0)->set_version(11 + pick(random, 7));
    break;
  case 3:
    if (graph.output_size())
      graph.mutable_output(0)->set_name(pickValue(graph, random));
    break;
  default:
    if (graph.node_size())
      mutateNode(graph, *graph.mutable_node(pick(random, graph.node_size())),
                 random);
  }
}

} // namespace

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  static google::protobuf::LogSilencer silencer;
  Random random(seed);
  onnx::ModelProto model;
  if (pick(random, 8) == 0 ||
      !model.ParsePartialFromArray(data, static_cast<int>(size)))
    return LLVMFuzzerMutate(data, size, maxSize);
  for (int64_t i = 0, e = 1 + pick(random, 4); i < e; ++i)
    mutateModel(model, random);
  size_t mutated = model.ByteSizeLong();
  if (mutated == 0 || mutated > maxSize)
    return LLVMFuzzerMutate(data, size, maxSize);
  model.SerializePartialToArray(data, static_cast<int>(mutated));
  return mutated;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  ScopedDiagnosticHandler quiet(&context,
                                [](Diagnostic &) { return success(); });
  aero::ImportOptions options;
  // Enough for any mask of the seeds, little enough to stay fast.
  options.maxFoldedElements = 1 << 16;
  llvm::MemoryBufferRef buffer(
      llvm::StringRef(reinterpret_cast<const char *>(data), size), "model");
  auto module = aero::importONNX(buffer, context, options);
  if (!module) {
    std::string text = llvm::toString(module.takeError());
    // A fault of the file, told in lines that name it: not one of ours.
    if (!llvm::StringRef(text).starts_with("model: ") ||
        llvm::StringRef(text).contains("please report"))
      std::abort();
    return 0;
  }

  PassManager passes(&context);
  passes.addNestedPass<func::FuncOp>(aero::pi::createRaisePass());
  if (failed(passes.run(**module)))
    std::abort();
  for (auto func : (*module)->getOps<func::FuncOp>()) {
    (void)aero::pi::takeCensus(func);
    (void)aero::pi::getEvidence(aero::pi::describeArchitecture(func));
  }
  PassManager check(&context);
  check.addNestedPass<func::FuncOp>(aero::pi::createVerifyRaisedPass());
  (void)check.run(**module);
  return 0;
}
