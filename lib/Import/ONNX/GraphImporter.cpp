//===- GraphImporter.cpp - An ONNX graph into a pi function ---------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphImporter.h"

#include "ReadModel.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Support/Elements.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/StringExtras.h"

#include <onnx/onnx_pb.h>

using namespace aero;
using namespace mlir;

namespace {

/// Weights below this many elements are printed in the module itself, which
/// keeps scalars (learnable scales) readable; larger ones are resources.
constexpr int64_t kInlineElements = 2;

constexpr StringRef kDefaultDomain = "ai.onnx";

StringRef getDomain(const onnx::NodeProto &node) {
  return node.domain().empty() ? kDefaultDomain : StringRef(node.domain());
}

/// "'/h.0/mlp/Erf' (Erf, domain ai.onnx)".
std::string getTitle(const onnx::NodeProto &node, StringRef name) {
  return quoted(name) + " (" +
         StringRef(quoted(node.op_type())).trim('\'').str() + ", domain " +
         StringRef(quoted(getDomain(node))).trim('\'').str() + ")";
}

const llvm::StringMap<OperatorInfo> &getOperators() {
  static const llvm::StringMap<OperatorInfo> operators = [] {
    llvm::StringMap<OperatorInfo> map;
    addMathOperators(map);
    addShapeOperators(map);
    return map;
  }();
  return operators;
}

/// The data of an f32 tensor whose bytes move from protobuf into a resource.
ElementsAttr takeRawData(onnx::TensorProto &tensor, RankedTensorType type) {
  std::unique_ptr<std::string> bytes(tensor.release_raw_data());
  auto address = reinterpret_cast<uintptr_t>(bytes->data());
  if (address % alignof(float) != 0)
    return makeRawResource(type, ArrayRef<char>(bytes->data(), bytes->size()),
                           tensor.name());
  ArrayRef<char> data(bytes->data(), bytes->size());
  size_t alignment = std::min<size_t>(address & -address, kBlobAlignment);
  AsmResourceBlob blob(
      data, alignment,
      [owner = std::move(bytes)](void *, size_t, size_t) mutable {
        owner.reset();
      },
      /*dataIsMutable=*/false);
  return DenseResourceElementsAttr::get(type, tensor.name(), std::move(blob));
}

} // namespace

std::string aero::quoted(StringRef text) {
  std::string result = "'";
  for (char c : text)
    result += static_cast<unsigned char>(c) < ' ' || c == 127 ? '?' : c;
  return result + "'";
}

GraphImporter::GraphImporter(onnx::ModelProto &model, MLIRContext &context,
                             const ImportOptions &options)
    : model(model), context(context), options(options), builder(&context),
      opset(aero::getOpset(model)) {}

void GraphImporter::addProblem(const Twine &message) {
  problems.push_back(message.str());
}

std::vector<std::string> GraphImporter::takeMessages() {
  std::vector<std::string> messages;
  if (!unsupported.empty()) {
    std::string line =
        unsupported.size() == 1
            ? "1 node is not supported: "
            : std::to_string(unsupported.size()) + " nodes are not supported: ";
    line += llvm::join(unsupported, "; ");
    messages.push_back(line + "; change them in the model and export it again");
  }
  messages.insert(messages.end(), problems.begin(), problems.end());
  return messages;
}

//===----------------------------------------------------------------------===//
// Inputs, initializers and outputs
//===----------------------------------------------------------------------===//

std::optional<Slot> GraphImporter::makeInitializer(onnx::TensorProto &tensor) {
  auto checked = checkTensor(tensor);
  if (!checked) {
    addProblem("initializer " + quoted(tensor.name()) + " " +
               llvm::toString(checked.takeError()));
    return std::nullopt;
  }
  auto [kind, shape] = *checked;
  Slot slot(NameLoc::get(builder.getStringAttr(tensor.name())));
  slot.kind = kind;
  slot.shape = shape;
  int64_t count = *countElements(shape);
  bool moves = kind == ElementKind::Float && tensor.has_raw_data() &&
               tensor.data_type() == onnx::TensorProto::FLOAT &&
               count >= kInlineElements;
  if (moves) {
    slot.weightName = tensor.name();
    slot.weight =
        takeRawData(tensor, RankedTensorType::get(shape, builder.getF32Type()));
    return slot;
  }

  HostTensor host = llvm::cantFail(readTensor(tensor));
  if (kind != ElementKind::Float) {
    slot.constant = std::make_shared<HostTensor>(std::move(host));
    return slot;
  }
  slot.weightName = tensor.name();
  RankedTensorType type = host.getType(&context);
  if (count < kInlineElements)
    slot.weight = host.getAttr(&context);
  else
    slot.weight =
        makeFloatResource(type, std::move(host.floats), tensor.name());
  return slot;
}

void GraphImporter::importInitializers() {
  for (onnx::TensorProto &tensor :
       *model.mutable_graph()->mutable_initializer()) {
    if (tensor.name().empty())
      addProblem("an initializer has no name; export the model again");
    else if (!pending.try_emplace(tensor.name(), &tensor).second)
      addProblem("initializer " + quoted(tensor.name()) +
                 " is defined twice; export the model again");
  }
  if (model.graph().sparse_initializer_size())
    addProblem("sparse initializers are not supported; store the weights as "
               "dense tensors");
}

RankedTensorType
GraphImporter::getInputType(const onnx::ValueInfoProto &input) {
  std::string title = "input " + quoted(input.name());
  if (!input.has_type() || !input.type().has_tensor_type() ||
      !input.type().tensor_type().has_shape()) {
    addProblem(title + " has no tensor type and shape; export the model with "
                       "static shapes");
    return {};
  }
  const auto &tensor = input.type().tensor_type();
  std::optional<ElementKind> kind = getElementKind(tensor.elem_type());
  if (!kind) {
    addProblem(title + " has element type " +
               getElementTypeName(tensor.elem_type()) +
               ", which is not supported; use int64 or float");
    return {};
  }
  Shape shape;
  for (const auto &[i, dim] : llvm::enumerate(tensor.shape().dim())) {
    if (!dim.has_dim_value() || dim.dim_value() <= 0) {
      std::string symbol =
          dim.has_dim_param() ? " (" + quoted(dim.dim_param()) + ")" : "";
      addProblem(title + " has no fixed size in dimension " + Twine(i) +
                 symbol + "; export with static shapes, without dynamic_axes");
      return {};
    }
    shape.push_back(dim.dim_value());
  }
  if (!countElements(shape)) {
    addProblem(title + " has impossible dimensions; export the model again");
    return {};
  }
  return HostTensor{*kind, shape, {}, {}}.getType(&context);
}

void GraphImporter::importInputs() {
  Block *entry = builder.getInsertionBlock();
  for (const onnx::ValueInfoProto &input : model.graph().input()) {
    // Before IR version 4 every initializer was an input as well.
    if (pending.contains(input.name()))
      continue;
    Slot slot(NameLoc::get(builder.getStringAttr(input.name())));
    if (RankedTensorType type = getInputType(input)) {
      slot.kind = type.getElementType().isF32()         ? ElementKind::Float
                  : type.getElementType().isInteger(64) ? ElementKind::Int
                                                        : ElementKind::Bool;
      slot.shape = Shape(type.getShape());
      slot.value = entry->addArgument(type, slot.loc);
    } else {
      slot.failed = true;
    }
    if (!slots.try_emplace(input.name(), slot).second)
      addProblem("input " + quoted(input.name()) +
                 " is defined twice; export the model again");
  }
}

SmallVector<Value> GraphImporter::importOutputs() {
  SmallVector<Value> results;
  if (model.graph().output().empty())
    addProblem("the graph has no output; export the model again");
  for (const onnx::ValueInfoProto &output : model.graph().output()) {
    auto found = slots.find(output.name());
    if (found == slots.end())
      addProblem("output " + quoted(output.name()) +
                 " is computed by no node; export the model again");
    else if (!found->second.failed)
      results.push_back(materialize(found->second));
  }
  return results;
}

Value GraphImporter::materialize(Slot &slot) {
  if (slot.value)
    return slot.value;
  if (slot.weight)
    slot.value =
        pi::WeightOp::create(builder, slot.loc, slot.weightName, slot.weight);
  else
    slot.value = pi::ConstantOp::create(builder, slot.loc,
                                        slot.constant->getAttr(&context));
  return slot.value;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

std::vector<bool> GraphImporter::findLiveNodes() {
  const onnx::GraphProto &graph = model.graph();
  llvm::StringMap<int> producers;
  for (int i = 0; i < graph.node_size(); ++i)
    for (const std::string &output : graph.node(i).output())
      if (!output.empty())
        producers.try_emplace(output, i);

  std::vector<bool> live(graph.node_size(), false);
  std::vector<int> worklist;
  auto need = [&](const std::string &name) {
    auto found = producers.find(name);
    if (found == producers.end() || live[found->second])
      return;
    live[found->second] = true;
    worklist.push_back(found->second);
  };
  for (const onnx::ValueInfoProto &output : graph.output())
    need(output.name());
  while (!worklist.empty()) {
    const onnx::NodeProto &node = graph.node(worklist.back());
    worklist.pop_back();
    for (const std::string &input : node.input())
      need(input);
  }
  return live;
}

void GraphImporter::importNode(const onnx::NodeProto &proto, int index) {
  // An unnamed node goes by the name of its first output.
  std::string name = proto.name();
  if (name.empty() && proto.output_size())
    name = proto.output(0);
  if (name.empty())
    name = proto.op_type() + "_" + std::to_string(index);
  Node node(*this, proto, NameLoc::get(builder.getStringAttr(name)),
            getTitle(proto, name));

  auto import = [&]() -> bool {
    if (getDomain(proto) != kDefaultDomain) {
      (void)node.unsupported("this operator domain is unknown");
      return false;
    }
    auto found = getOperators().find(proto.op_type());
    if (found == getOperators().end()) {
      (void)node.unsupported("no pi operation computes it");
      return false;
    }
    if (!node.resolveInputs())
      return false;
    const OperatorInfo &info = found->second;
    unsigned inputs = node.getNumInputs();
    bool enough = inputs >= info.minInputs && inputs <= info.maxInputs;
    for (unsigned i = 0; i < info.minInputs && enough; ++i)
      enough = node.hasInput(i);
    if (!enough) {
      (void)node.invalid("it has " + Twine(inputs) + " inputs");
      return false;
    }
    if (node.hasOnlyConstants() && foldNode(node))
      return !node.hasFault();
    return succeeded(info.handler(node)) && !node.hasFault();
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
  OwningOpRef<ModuleOp> module = ModuleOp::create(
      NameLoc::get(builder.getStringAttr(model.graph().name())));
  auto function = func::FuncOp::create(
      NameLoc::get(builder.getStringAttr(model.graph().name())), "main",
      builder.getFunctionType({}, {}));
  module->push_back(function);
  builder.setInsertionPointToStart(function.addEntryBlock());

  importInitializers();
  importInputs();
  std::vector<bool> live = findLiveNodes();
  for (int i = 0; i < model.graph().node_size(); ++i)
    if (live[i])
      importNode(model.graph().node(i), i);
  // An output may be an initializer itself.
  for (const onnx::ValueInfoProto &output : model.graph().output())
    if (auto found = pending.find(output.name()); found != pending.end())
      if (std::optional<Slot> slot = makeInitializer(*found->second))
        slots.try_emplace(output.name(), *slot);
  SmallVector<Value> results = importOutputs();
  if (!problems.empty() || !unsupported.empty())
    return {};

  func::ReturnOp::create(builder, function.getLoc(), results);
  function.setFunctionType(builder.getFunctionType(
      function.getBody().getArgumentTypes(), ValueRange(results).getTypes()));
  return module;
}

//===----------------------------------------------------------------------===//
// Node
//===----------------------------------------------------------------------===//

StringRef Node::getOperator() const { return proto.op_type(); }
unsigned Node::getNumInputs() const { return proto.input_size(); }
unsigned Node::getNumOutputs() const { return proto.output_size(); }

StringRef Node::getOutputName(unsigned i) const { return proto.output(i); }

bool Node::usesOutput(unsigned i) const {
  if (i >= getNumOutputs() || proto.output(i).empty())
    return false;
  const onnx::GraphProto &graph = importer.model.graph();
  for (const onnx::NodeProto &node : graph.node())
    if (llvm::is_contained(node.input(), proto.output(i)))
      return true;
  return llvm::any_of(graph.output(), [&](const onnx::ValueInfoProto &output) {
    return output.name() == proto.output(i);
  });
}

bool Node::resolveInputs() {
  bool complete = true;
  for (const std::string &name : proto.input()) {
    if (name.empty()) {
      inputs.push_back(nullptr);
      continue;
    }
    auto found = importer.slots.find(name);
    if (found == importer.slots.end()) {
      auto waiting = importer.pending.find(name);
      if (waiting == importer.pending.end()) {
        (void)invalid("it reads " + quoted(name) +
                      ", which nothing before it defines");
        return false;
      }
      std::optional<Slot> slot = importer.makeInitializer(*waiting->second);
      if (!slot) {
        slot = Slot(loc);
        slot->failed = true;
      }
      found = importer.slots.try_emplace(name, *slot).first;
    }
    complete &= !found->second.failed;
    inputs.push_back(&found->second);
  }
  return complete;
}

bool Node::hasOnlyConstants() const {
  return llvm::all_of(inputs,
                      [](const Slot *slot) { return !slot || slot->constant; });
}

std::optional<Shape> Node::getConstantInts(unsigned i, StringRef what) {
  const HostTensor *constant = getConstant(i);
  if (!constant) {
    (void)unsupported("its " + what +
                      " depends on an input or a weight; export with static "
                      "shapes");
    return std::nullopt;
  }
  if (constant->kind != ElementKind::Int) {
    (void)invalid("its " + what + " is not an integer tensor");
    return std::nullopt;
  }
  return Shape(constant->ints.begin(), constant->ints.end());
}

const onnx::AttributeProto *Node::findAttribute(StringRef name) const {
  for (const onnx::AttributeProto &attribute : proto.attribute())
    if (name == attribute.name())
      return &attribute;
  return nullptr;
}

int64_t Node::getInt(StringRef name, int64_t otherwise) {
  const onnx::AttributeProto *attribute = findAttribute(name);
  if (!attribute)
    return otherwise;
  if (!attribute->has_i())
    (void)invalid("attribute " + name + " is not an integer");
  return attribute->has_i() ? attribute->i() : otherwise;
}

float Node::getFloat(StringRef name, float otherwise) {
  const onnx::AttributeProto *attribute = findAttribute(name);
  if (!attribute)
    return otherwise;
  if (!attribute->has_f())
    (void)invalid("attribute " + name + " is not a float");
  return attribute->has_f() ? attribute->f() : otherwise;
}

std::optional<Shape> Node::getInts(StringRef name) {
  const onnx::AttributeProto *attribute = findAttribute(name);
  if (!attribute)
    return std::nullopt;
  return Shape(attribute->ints().begin(), attribute->ints().end());
}

RankedTensorType Node::getType(ArrayRef<int64_t> shape, ElementKind kind) {
  return HostTensor{kind, Shape(shape), {}, {}}.getType(getContext());
}

void Node::define(unsigned i, Slot slot) {
  if (i >= getNumOutputs() || proto.output(i).empty())
    return;
  if (importer.pending.contains(proto.output(i)) ||
      !importer.slots.try_emplace(proto.output(i), std::move(slot)).second)
    (void)invalid("its output " + quoted(proto.output(i)) +
                  " is defined twice");
}

void Node::setResult(unsigned i, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  Slot slot(loc);
  slot.kind = type.getElementType().isF32()         ? ElementKind::Float
              : type.getElementType().isInteger(64) ? ElementKind::Int
                                                    : ElementKind::Bool;
  slot.shape = Shape(type.getShape());
  slot.value = value;
  define(i, std::move(slot));
}

void Node::setConstant(unsigned i, HostTensor value) {
  Slot slot(loc);
  slot.kind = value.kind;
  slot.shape = value.shape;
  slot.constant = std::make_shared<HostTensor>(std::move(value));
  define(i, std::move(slot));
}

void Node::setAlias(unsigned i, const Slot &slot) {
  Slot copy = slot;
  // torch.onnx.export stores equal parameters once and gives the others their
  // names through Identity nodes. They are different parameters all the same.
  StringRef name = i < getNumOutputs() ? StringRef(proto.output(i)) : "";
  bool named = !name.empty() && !name.contains("::") &&
               !name.starts_with("/") &&
               name.find_if([](char c) { return c < '0' || c > '9'; }) !=
                   StringRef::npos;
  if (copy.weight && named && getOperator() == "Identity") {
    copy.weightName = name.str();
    copy.loc = NameLoc::get(importer.builder.getStringAttr(name));
    copy.value = {};
  }
  define(i, std::move(copy));
}

LogicalResult Node::unsupported(const Twine &why) {
  if (!fault)
    importer.unsupported.push_back((Twine(title) + ": " + why).str());
  fault = true;
  return failure();
}

LogicalResult Node::invalid(const Twine &why) {
  if (!fault)
    importer.addProblem("node " + Twine(title) + " is not valid ONNX: " + why +
                        "; export the model again");
  fault = true;
  return failure();
}
