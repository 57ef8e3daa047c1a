//===- Node.cpp - One ONNX node while it is imported ----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Node.h"

#include "GraphImporter.h"

#include "aero/Dialect/PI/IR/PIOps.h"
#include "aero/Support/Elements.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"

#include <onnx/onnx_pb.h>

using namespace aero;
using namespace mlir;

std::string aero::printable(StringRef text) {
  constexpr size_t longest = 200;
  std::string result;
  for (char c : text.take_front(longest))
    result += static_cast<unsigned char>(c) < ' ' || c == 127 ? '?' : c;
  return text.size() > longest ? result + "..." : result;
}

std::string aero::quoted(StringRef text) { return "'" + printable(text) + "'"; }

StringRef aero::getDomain(const onnx::NodeProto &node) {
  return node.domain().empty() ? StringRef(kDefaultDomain)
                               : StringRef(node.domain());
}

ElementKind aero::getElementKind(Type elementType) {
  return elementType.isF32()         ? ElementKind::Float
         : elementType.isInteger(64) ? ElementKind::Int
                                     : ElementKind::Bool;
}

Node::Node(GraphImporter &importer, const onnx::NodeProto &proto, int64_t opset,
           std::string name)
    : importer(importer), proto(proto), opset(opset), name(std::move(name)),
      loc(NameLoc::get(importer.builder.getStringAttr(this->name))) {}

StringRef Node::getOperator() const { return proto.op_type(); }
const ImportOptions &Node::getOptions() const { return importer.options; }
OpBuilder &Node::getBuilder() { return importer.builder; }
MLIRContext *Node::getContext() { return &importer.context; }

std::string Node::getTitle() const {
  return quoted(name) + " (" + printable(proto.op_type()) + ", domain " +
         printable(getDomain(proto)) + ")";
}

//===----------------------------------------------------------------------===//
// Inputs
//===----------------------------------------------------------------------===//

unsigned Node::getNumInputs() const { return proto.input_size(); }

Value Node::getValue(unsigned i) { return importer.materialize(*inputs[i]); }

bool Node::resolveInputs() {
  bool complete = true;
  for (const std::string &input : proto.input()) {
    if (input.empty()) {
      inputs.push_back(nullptr);
      continue;
    }
    Slot *slot = importer.findSlot(input);
    if (!slot) {
      // A later node may define it: then the nodes are in no order.
      bool later = importer.madeNames.contains(input);
      StringRef original = getOriginalName(input);
      bool inside = original.size() != input.size();
      (void)invalid("it reads " + quoted(original) + ", which " +
                    (later ? "only a later node defines, so that the nodes are "
                             "in a wrong order or form a cycle"
                     : inside ? "nothing before it in its function defines"
                              : "nothing before it defines"));
      return false;
    }
    complete &= !slot->failed;
    inputs.push_back(slot);
  }
  return complete;
}

bool Node::hasOnlyConstants() const {
  return llvm::all_of(inputs,
                      [](const Slot *slot) { return !slot || slot->constant; });
}

bool Node::hasOnlyKnownNumbers() const {
  return llvm::all_of(inputs, [](const Slot *slot) {
    return !slot || slot->constant || slot->isScalarWeight;
  });
}

bool Node::foldWeights(Evaluator evaluate) {
  std::vector<Slot> known;
  known.reserve(inputs.size());
  llvm::SmallVector<Slot *> original = inputs;
  // Each once: a value may be added to itself any number of times.
  llvm::SmallSetVector<StringRef, 4> names;
  for (Slot *&slot : inputs) {
    if (!slot || slot->constant)
      continue;
    auto data = getFloatData(slot->weight);
    if (!data) {
      llvm::consumeError(data.takeError());
      inputs = original;
      return false;
    }
    if (failed(chargeWork(data->size()))) {
      inputs = original;
      return false;
    }
    Slot &copy = known.emplace_back(*slot);
    HostTensor host = HostTensor::makeZeros(ElementKind::Float, slot->shape);
    llvm::copy(*data, host.floats.begin());
    copy.constant = std::make_shared<HostTensor>(std::move(host));
    SmallVector<StringRef> pieces;
    StringRef(slot->weightName).split(pieces, '+');
    names.insert(pieces.begin(), pieces.end());
    slot = &copy;
  }
  auto results = evaluate(*this);
  inputs = original;
  bool isFloat =
      results && llvm::all_of(*results, [](const HostTensor &result) {
        return result.kind == ElementKind::Float;
      });
  if (!isFloat || fault)
    return false;
  for (auto [i, result] : llvm::enumerate(*results))
    setWeight(i, std::move(result), llvm::join(names, "+"), /*isScalar=*/true);
  return true;
}

/// Shapes, axes and sizes of pieces are lists of a few numbers; copying much
/// longer ones for each of many nodes would take for ever.
constexpr int64_t kMaxListed = 1 << 16;

std::optional<Shape> Node::getConstantInts(unsigned i, StringRef what) {
  const HostTensor *constant = getConstant(i);
  if (!constant) {
    (void)unsupported("its " + what + " depends on an input or a weight",
                      "export with static shapes, or fix a public input with "
                      "--fix");
    return std::nullopt;
  }
  if (constant->kind != ElementKind::Int) {
    (void)invalid("its " + what + " is not an integer tensor");
    return std::nullopt;
  }
  if (constant->size() > kMaxListed) {
    (void)invalid("its " + what + " has too many numbers");
    return std::nullopt;
  }
  return Shape(constant->ints.begin(), constant->ints.end());
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

const onnx::AttributeProto *Node::findAttribute(StringRef attribute) const {
  for (const onnx::AttributeProto &candidate : proto.attribute())
    if (attribute == candidate.name())
      return &candidate;
  return nullptr;
}

const onnx::AttributeProto *Node::findAttribute(StringRef attribute, int type,
                                                StringRef expected) {
  const onnx::AttributeProto *found = findAttribute(attribute);
  if (!found)
    return nullptr;
  // Writers leave the type out, or values that are zero.
  bool has = found->type() == type;
  if (found->type() == onnx::AttributeProto::UNDEFINED)
    has = type == onnx::AttributeProto::INT      ? found->has_i()
          : type == onnx::AttributeProto::FLOAT  ? found->has_f()
          : type == onnx::AttributeProto::STRING ? found->has_s()
          : type == onnx::AttributeProto::TENSOR ? found->has_t()
          : type == onnx::AttributeProto::INTS   ? found->ints_size() > 0
          : type == onnx::AttributeProto::FLOATS ? found->floats_size() > 0
                                                 : false;
  if (has && found->ref_attr_name().empty())
    return found;
  (void)invalid("attribute " + attribute + " is not " + expected);
  return nullptr;
}

int64_t Node::getInt(StringRef attribute, int64_t otherwise) {
  const auto *found =
      findAttribute(attribute, onnx::AttributeProto::INT, "an integer");
  return found ? found->i() : otherwise;
}

float Node::getFloat(StringRef attribute, float otherwise) {
  const auto *found =
      findAttribute(attribute, onnx::AttributeProto::FLOAT, "a float");
  return found ? found->f() : otherwise;
}

std::string Node::getString(StringRef attribute, StringRef otherwise) {
  const auto *found =
      findAttribute(attribute, onnx::AttributeProto::STRING, "a string");
  return found ? found->s() : otherwise.str();
}

std::optional<Shape> Node::getInts(StringRef attribute) {
  const auto *found = findAttribute(attribute, onnx::AttributeProto::INTS,
                                    "a list of integers");
  if (!found)
    return std::nullopt;
  return Shape(found->ints().begin(), found->ints().end());
}

std::optional<HostTensor> Node::getTensor(StringRef attribute) {
  const auto *found =
      findAttribute(attribute, onnx::AttributeProto::TENSOR, "a tensor");
  if (!found)
    return std::nullopt;
  auto tensor = importer.reader.read(found->t());
  if (tensor)
    return std::move(*tensor);
  (void)unsupported("its " + attribute + " " +
                    llvm::toString(tensor.takeError()));
  return std::nullopt;
}

std::optional<int64_t> Node::getAxis(StringRef attribute, int64_t otherwise,
                                     int64_t rank) {
  std::optional<int64_t> axis =
      normalizeAxis(getInt(attribute, otherwise), rank);
  if (hasFault())
    return std::nullopt;
  if (!axis)
    (void)invalid("its axis does not fit its input");
  return axis;
}

//===----------------------------------------------------------------------===//
// Results
//===----------------------------------------------------------------------===//

unsigned Node::getNumOutputs() const { return proto.output_size(); }

bool Node::usesOutput(unsigned i) const {
  return i < getNumOutputs() && !proto.output(i).empty() &&
         importer.readNames.contains(proto.output(i));
}

std::string Node::getParameterName() const {
  // In a function the name of the call tells it from those of other calls.
  bool isOriginal =
      getNumOutputs() && getOriginalName(proto.output(0)) == proto.output(0);
  return isOriginal ? proto.output(0) : name;
}

bool Node::isReadAsParameter() const {
  return getNumOutputs() && importer.parameterNames.contains(proto.output(0));
}

RankedTensorType Node::getType(ArrayRef<int64_t> shape, ElementKind kind) {
  return HostTensor{kind, Shape(shape), {}, {}}.getType(getContext());
}

void Node::define(unsigned i, Slot slot) {
  if (i >= getNumOutputs() || proto.output(i).empty())
    return;
  if (importer.pending.contains(proto.output(i)) ||
      !importer.slots.try_emplace(proto.output(i), std::move(slot)).second)
    (void)invalid("its output " + quoted(getOriginalName(proto.output(i))) +
                  " is defined twice");
}

void Node::setResult(unsigned i, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  // Nothing that anybody could own.
  if (type.getNumElements() == 0)
    return setConstant(
        i, HostTensor::makeZeros(aero::getElementKind(type.getElementType()),
                                 type.getShape()));
  Slot slot(loc);
  slot.kind = aero::getElementKind(type.getElementType());
  slot.shape = Shape(type.getShape());
  slot.value = value;
  define(i, std::move(slot));
}

LogicalResult Node::chargeWork(int64_t elements) {
  if (importer.chargeWork(elements))
    return success();
  return unsupported("the constants up to it take too long to compute",
                     "export with constant folding, or with shorter masks");
}

LogicalResult Node::chargeConstant(const HostTensor &value) {
  if (importer.chargeMemory(value.size()))
    return chargeWork(value.size());
  return unsupported("the constants up to it take too much memory",
                     "export with constant folding, or with shorter masks");
}

void Node::setConstant(unsigned i, HostTensor value) {
  if (failed(chargeConstant(value)))
    return;
  Slot slot(loc);
  slot.kind = value.kind;
  slot.shape = value.shape;
  slot.constant = std::make_shared<HostTensor>(std::move(value));
  define(i, std::move(slot));
}

void Node::setWeight(unsigned i, HostTensor value, StringRef weightName,
                     bool isScalar) {
  if (failed(chargeConstant(value)))
    return;
  Slot slot(loc);
  slot.kind = value.kind;
  slot.shape = value.shape;
  slot.weightName = weightName.str();
  slot.isScalarWeight = isScalar;
  if (value.size() < kInlineElements)
    slot.weight = value.getAttr(getContext());
  else
    slot.weight = makeFloatResource(value.getType(getContext()),
                                    std::move(value.floats), slot.weightName);
  define(i, std::move(slot));
}

void Node::setAlias(unsigned i, const Slot &slot) {
  Slot copy = slot;
  // torch.onnx.export stores equal parameters once and gives the others their
  // names through Identity nodes. They are different parameters all the same.
  StringRef alias = i < getNumOutputs() ? StringRef(proto.output(i)) : "";
  bool named = !alias.empty() && !alias.contains("::") &&
               !alias.starts_with("/") &&
               alias.find_if([](char c) { return c < '0' || c > '9'; }) !=
                   StringRef::npos;
  if (copy.weight && named && getOperator() == "Identity") {
    copy.weightName = alias.str();
    copy.loc = NameLoc::get(importer.builder.getStringAttr(alias));
    copy.value = {};
  }
  define(i, std::move(copy));
}

LogicalResult Node::unsupported(const Twine &why, StringRef hint) {
  if (!fault)
    importer.unsupported.push_back({printable(name), printable(proto.op_type()),
                                    printable(getDomain(proto)), opset,
                                    why.str(), hint.str()});
  fault = true;
  return failure();
}

LogicalResult Node::invalid(const Twine &why) {
  if (!fault)
    importer.addProblem("node " + getTitle() + " is not valid ONNX: " + why +
                        "; export the model again");
  fault = true;
  return failure();
}

//===----------------------------------------------------------------------===//
// What builders share
//===----------------------------------------------------------------------===//

LogicalResult Node::requireFloat(unsigned i) {
  if (getKind(i) == ElementKind::Float)
    return success();
  return unsupported("it computes with integers or truth values that depend on "
                     "an input",
                     "fix a public input with --fix");
}

LogicalResult Node::requireSize(ArrayRef<int64_t> shape) {
  if (countElements(shape))
    return success();
  return invalid("its result is too large");
}

LogicalResult Node::requireElements(unsigned i) {
  if (countElements(getShape(i)) != 0)
    return success();
  return unsupported("it reads a tensor without elements");
}

Value Node::makeScalar(float value) { return create<pi::ConstantOp>(value); }

Value Node::reshape(Value value, ArrayRef<int64_t> shape) {
  if (cast<RankedTensorType>(value.getType()).getShape() == shape)
    return value;
  return create<pi::ReshapeOp>(value, shape);
}

Value Node::transpose(Value value, ArrayRef<int64_t> permutation) {
  if (llvm::equal(permutation, llvm::seq<int64_t>(permutation.size())))
    return value;
  return create<pi::TransposeOp>(value, permutation);
}

Value Node::broadcast(Value value, ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getShape() == shape)
    return value;
  return create<pi::BroadcastOp>(type.clone(shape), value);
}

Value Node::slice(Value value, int64_t axis, int64_t offset, int64_t size) {
  auto type = cast<RankedTensorType>(value.getType());
  if (offset == 0 && size == type.getDimSize(axis))
    return value;
  return create<pi::SliceOp>(value, axis, offset, size);
}
