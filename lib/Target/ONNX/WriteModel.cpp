//===- WriteModel.cpp - An ONNX model onto a stream -----------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// A ModelProto would hold a copy of every weight. So the fields of the graph
/// are written one after the other, framed by hand as protobuf does it: a tag,
/// the number of bytes, the bytes. Everything else is protobuf's own.
///
//===----------------------------------------------------------------------===//

#include "WriteModel.h"

#include "aero/Support/Elements.h"

#include <google/protobuf/io/coded_stream.h>

using namespace aero;
using google::protobuf::io::CodedOutputStream;
using llvm::StringRef;

namespace {

/// Fields of a message that hold bytes; all of ours have tags of one byte.
constexpr unsigned kGraphField = 7;
constexpr unsigned kRawDataField = 9;
enum GraphField : unsigned { Node = 1, Name = 2, Init = 5, In = 11, Out = 12 };

uint64_t getFieldSize(uint64_t bytes) {
  return 1 + CodedOutputStream::VarintSize64(bytes) + bytes;
}

void writeHeader(llvm::raw_ostream &os, unsigned field, uint64_t bytes) {
  constexpr unsigned delimited = 2;
  uint8_t buffer[16];
  buffer[0] = static_cast<uint8_t>(field << 3 | delimited);
  uint8_t *end = CodedOutputStream::WriteVarint64ToArray(bytes, buffer + 1);
  os.write(reinterpret_cast<const char *>(buffer), end - buffer);
}

void writeField(llvm::raw_ostream &os, unsigned field, StringRef bytes) {
  writeHeader(os, field, bytes.size());
  os << bytes;
}

template <typename T>
llvm::Error writeElements(llvm::Expected<ElementsData<T>> elements,
                          llvm::raw_ostream &os) {
  if (!elements)
    return elements.takeError();
  llvm::ArrayRef<T> values = *elements;
  os.write(reinterpret_cast<const char *>(values.data()),
           values.size() * sizeof(T));
  return llvm::Error::success();
}

llvm::Error writeElements(const Initializer &weight, llvm::raw_ostream &os) {
  mlir::Type type = weight.data.getElementType();
  if (type.isF32())
    return writeElements(getFloatData(weight.data), os);
  if (type.isInteger(1))
    return writeElements(getBoolData(weight.data), os);
  return writeElements(getInt64Data(weight.data), os);
}

/// The TensorProto of a weight without its elements.
onnx::TensorProto makeHeader(const Initializer &weight) {
  onnx::TensorProto tensor;
  for (int64_t dim : weight.data.getShapedType().getShape())
    tensor.add_dims(dim);
  tensor.set_data_type(getDataType(weight.data.getElementType()));
  tensor.set_name(weight.name);
  return tensor;
}

void setExternal(onnx::TensorProto &tensor, StringRef file, uint64_t offset,
                 uint64_t length) {
  tensor.set_data_location(onnx::TensorProto::EXTERNAL);
  auto add = [&](const char *key, std::string value) {
    onnx::StringStringEntryProto &entry = *tensor.add_external_data();
    entry.set_key(key);
    entry.set_value(std::move(value));
  };
  add("location", file.str());
  add("offset", std::to_string(offset));
  add("length", std::to_string(length));
}

} // namespace

uint64_t aero::getWeightBytes(const ExportedGraph &graph) {
  uint64_t bytes = 0;
  for (const Initializer &weight : graph.initializers)
    bytes += getNumBytes(weight.data);
  return bytes;
}

llvm::Error aero::writeModel(const onnx::ModelProto &model,
                             const ExportedGraph &graph, llvm::raw_ostream &os,
                             llvm::raw_ostream *data, StringRef dataName) {
  // ONNX Runtime maps data that lies at such offsets.
  constexpr uint64_t alignment = 64, smallestExternal = 1024;

  struct Piece {
    std::string header;
    const Initializer *weight;
    bool external;
  };
  std::vector<Piece> pieces;
  uint64_t size = getFieldSize(graph.name.size()), offset = 0;
  for (const Initializer &weight : graph.initializers) {
    uint64_t bytes = getNumBytes(weight.data);
    onnx::TensorProto tensor = makeHeader(weight);
    bool external = data && bytes >= smallestExternal;
    if (external) {
      offset = llvm::alignTo(offset, alignment);
      setExternal(tensor, dataName, offset, bytes);
      offset += bytes;
    }
    std::string header = tensor.SerializeAsString();
    size += getFieldSize(header.size() + (external ? 0 : getFieldSize(bytes)));
    pieces.push_back({std::move(header), &weight, external});
  }
  for (const onnx::NodeProto &node : graph.nodes)
    size += getFieldSize(node.ByteSizeLong());
  for (const onnx::ValueInfoProto &input : graph.inputs)
    size += getFieldSize(input.ByteSizeLong());
  for (const onnx::ValueInfoProto &output : graph.outputs)
    size += getFieldSize(output.ByteSizeLong());

  os << model.SerializeAsString();
  writeHeader(os, kGraphField, size);
  for (const onnx::NodeProto &node : graph.nodes)
    writeField(os, GraphField::Node, node.SerializeAsString());
  writeField(os, GraphField::Name, graph.name);
  offset = 0;
  for (const Piece &piece : pieces) {
    uint64_t bytes = getNumBytes(piece.weight->data);
    uint64_t inside = piece.external ? 0 : getFieldSize(bytes);
    writeHeader(os, GraphField::Init, piece.header.size() + inside);
    os << piece.header;
    llvm::raw_ostream &to = piece.external ? *data : os;
    if (piece.external) {
      uint64_t aligned = llvm::alignTo(offset, alignment);
      data->write_zeros(aligned - offset);
      offset = aligned + bytes;
    } else {
      writeHeader(os, kRawDataField, bytes);
    }
    if (llvm::Error error = writeElements(*piece.weight, to))
      return error;
  }
  for (const onnx::ValueInfoProto &input : graph.inputs)
    writeField(os, GraphField::In, input.SerializeAsString());
  for (const onnx::ValueInfoProto &output : graph.outputs)
    writeField(os, GraphField::Out, output.SerializeAsString());
  return llvm::Error::success();
}
