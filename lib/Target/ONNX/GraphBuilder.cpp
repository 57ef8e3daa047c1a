//===- GraphBuilder.cpp - An ONNX graph that grows by a node a call -------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "GraphBuilder.h"

#include "aero/Support/Elements.h"
#include "mlir/IR/BuiltinTypes.h"

using namespace aero;
using llvm::StringRef;
using onnx::TensorProto;

TensorProto::DataType aero::getDataType(mlir::Type elementType) {
  if (elementType.isF32())
    return TensorProto::FLOAT;
  return elementType.isInteger(1) ? TensorProto::BOOL : TensorProto::INT64;
}

uint64_t aero::getElementBytes(mlir::Type elementType) {
  return elementType.isInteger(1) ? 1 : elementType.isF32() ? 4 : 8;
}

uint64_t aero::getNumBytes(mlir::ElementsAttr data) {
  return static_cast<uint64_t>(data.getNumElements()) *
         getElementBytes(data.getElementType());
}

StringRef aero::getLocationName(mlir::Location loc) {
  auto name = llvm::dyn_cast<mlir::NameLoc>(loc);
  return name ? name.getName().getValue() : StringRef();
}

//===----------------------------------------------------------------------===//
// Names
//===----------------------------------------------------------------------===//

static std::string makeUnique(StringRef name, llvm::StringSet<> &taken,
                              llvm::StringMap<unsigned> &lastNumber) {
  if (taken.insert(name).second)
    return name.str();
  for (unsigned &number = lastNumber[name];;) {
    std::string numbered = (name + "_" + llvm::Twine(++number)).str();
    if (taken.insert(numbered).second)
      return numbered;
  }
}

std::string GraphBuilder::makeName(StringRef name) {
  return makeUnique(name, names, lastNumber);
}

void GraphBuilder::begin(StringRef newBase) {
  base = newBase.str();
  current.clear();
}

std::string GraphBuilder::end(std::string result, StringRef wished) {
  // The result has to be what the last node makes, so that it can be renamed
  // before anybody reads it.
  if (current.empty() || graph.nodes[current.back()].output(0) != result)
    if (!wished.empty() || current.empty())
      result = add("Identity", {result});
  if (current.size() == 1) {
    onnx::NodeProto &node = graph.nodes[current.front()];
    nodeNames.erase(node.name());
    node.set_name(makeUnique(base, nodeNames, lastNumber));
    if (wished.empty() && node.output(0) == result) {
      names.erase(result);
      result = makeName(node.name() + "_output_0");
      node.set_output(0, result);
    }
  }
  if (!wished.empty()) {
    graph.nodes[current.back()].set_output(0, wished.str());
    result = wished.str();
  }
  return result;
}

//===----------------------------------------------------------------------===//
// Nodes
//===----------------------------------------------------------------------===//

GraphBuilder::Attribute::Attribute(StringRef name, int64_t value) {
  proto.set_name(name.str());
  proto.set_type(onnx::AttributeProto::INT);
  proto.set_i(value);
}

GraphBuilder::Attribute::Attribute(StringRef name, float value) {
  proto.set_name(name.str());
  proto.set_type(onnx::AttributeProto::FLOAT);
  proto.set_f(value);
}

GraphBuilder::Attribute::Attribute(StringRef name, StringRef value) {
  proto.set_name(name.str());
  proto.set_type(onnx::AttributeProto::STRING);
  proto.set_s(value.str());
}

GraphBuilder::Attribute::Attribute(StringRef name, Ints value) {
  proto.set_name(name.str());
  proto.set_type(onnx::AttributeProto::INTS);
  for (int64_t number : value)
    proto.add_ints(number);
}

std::string GraphBuilder::add(StringRef op, llvm::ArrayRef<std::string> inputs,
                              llvm::ArrayRef<Attribute> attributes) {
  std::string name = makeUnique((base + "/" + op).str(), nodeNames, lastNumber);
  onnx::NodeProto &node = graph.nodes.emplace_back();
  node.set_name(name);
  node.set_op_type(op.str());
  for (const std::string &input : inputs)
    node.add_input(input);
  std::string output = makeName(name + "_output_0");
  node.add_output(output);
  for (const Attribute &attribute : attributes)
    *node.add_attribute() = attribute.proto;
  current.push_back(graph.nodes.size() - 1);
  return output;
}

std::string GraphBuilder::reshape(const std::string &value, Ints shape) {
  // 0 would mean the dimension of the input.
  if (llvm::is_contained(shape, 0))
    return add("Reshape", {value, ints(shape)},
               Attribute("allowzero", int64_t(1)));
  return add("Reshape", {value, ints(shape)});
}

std::string GraphBuilder::transpose(const std::string &value,
                                    Ints permutation) {
  return add("Transpose", {value}, Attribute("perm", permutation));
}

std::string GraphBuilder::slice(const std::string &value, int64_t axis,
                                int64_t start, int64_t end) {
  return add("Slice", {value, ints(start), ints(end), ints(axis)});
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

std::string GraphBuilder::addConstant(TensorProto tensor, StringRef name) {
  onnx::NodeProto &node = graph.nodes.emplace_back();
  node.set_name(makeUnique(name, nodeNames, lastNumber));
  node.set_op_type("Constant");
  std::string output = makeName(node.name() + "_output_0");
  node.add_output(output);
  onnx::AttributeProto &value = *node.add_attribute();
  value.set_name("value");
  value.set_type(onnx::AttributeProto::TENSOR);
  *value.mutable_t() = std::move(tensor);
  return output;
}

std::string GraphBuilder::shared(TensorProto tensor) {
  std::string &name = constants[tensor.SerializeAsString()];
  if (name.empty())
    name = addConstant(std::move(tensor), "Constant");
  return name;
}

static TensorProto makeTensor(TensorProto::DataType type,
                              llvm::ArrayRef<int64_t> shape, StringRef bytes) {
  TensorProto tensor;
  tensor.set_data_type(type);
  for (int64_t dim : shape)
    tensor.add_dims(dim);
  tensor.set_raw_data(bytes.str());
  return tensor;
}

template <typename T> static StringRef getBytes(llvm::ArrayRef<T> values) {
  return {reinterpret_cast<const char *>(values.data()),
          values.size() * sizeof(T)};
}

std::string GraphBuilder::scalar(float value) {
  return shared(
      makeTensor(TensorProto::FLOAT, {}, getBytes(llvm::ArrayRef(value))));
}

std::string GraphBuilder::integer(int64_t value) {
  return shared(
      makeTensor(TensorProto::INT64, {}, getBytes(llvm::ArrayRef(value))));
}

std::string GraphBuilder::ints(Ints values) {
  return shared(makeTensor(TensorProto::INT64,
                           {static_cast<int64_t>(values.size())},
                           getBytes(values)));
}

std::string GraphBuilder::bools(Ints shape, llvm::ArrayRef<uint8_t> values) {
  return shared(makeTensor(TensorProto::BOOL, shape, getBytes(values)));
}

llvm::Expected<std::string> GraphBuilder::constant(mlir::ElementsAttr data) {
  mlir::Type type = data.getElementType();
  llvm::ArrayRef<int64_t> shape = data.getShapedType().getShape();
  auto make = [&](auto elements) -> llvm::Expected<std::string> {
    if (!elements)
      return elements.takeError();
    return addConstant(
        makeTensor(getDataType(type), shape, getBytes(elements->get())),
        base.empty() ? "Constant" : base);
  };
  if (type.isF32())
    return make(getFloatData(data));
  if (type.isInteger(1))
    return make(getBoolData(data));
  return make(getInt64Data(data));
}
