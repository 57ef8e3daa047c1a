//===- GraphBuilder.h - An ONNX graph that grows by a node a call ---------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_TARGET_ONNX_GRAPHBUILDER_H
#define AERO_LIB_TARGET_ONNX_GRAPHBUILDER_H

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <string>
#include <vector>

#include <onnx/onnx_pb.h>

namespace aero {

/// A weight of the file, whose elements stay where they are until they are
/// written.
struct Initializer {
  std::string name;
  mlir::ElementsAttr data;
};

/// What the model says, but for what the caller knows of it. Nodes are in the
/// order in which they run.
struct ExportedGraph {
  std::string name;
  std::vector<onnx::NodeProto> nodes;
  std::vector<Initializer> initializers;
  std::vector<onnx::ValueInfoProto> inputs, outputs;
  /// The table of learnable scalars, or empty; see ParameterTable.h.
  std::string parameters;
};

/// The TensorProto type of a `pi` element type.
onnx::TensorProto::DataType getDataType(mlir::Type elementType);
/// Bytes of an element in the file.
uint64_t getElementBytes(mlir::Type elementType);
uint64_t getNumBytes(mlir::ElementsAttr data);

/// Makes nodes and names. Values are known by their names.
class GraphBuilder {
public:
  using Ints = llvm::ArrayRef<int64_t>;

  explicit GraphBuilder(int64_t opset) : opset(opset) {}

  int64_t getOpset() const { return opset; }
  ExportedGraph &getGraph() { return graph; }

  /// No value will be called `name` but the one whose name it is.
  void reserve(llvm::StringRef name) { names.insert(name); }
  bool isReserved(llvm::StringRef name) const { return names.contains(name); }
  /// `name`, or with a number behind it if there is such a value; reserved.
  std::string makeName(llvm::StringRef name);

  /// The nodes that follow are parts of one op, which came from node `base`.
  void begin(llvm::StringRef base);
  /// What begin() started is over; its result has the name that is returned:
  /// `wished` unless that is empty. A single node gets the name `base` itself.
  std::string end(std::string result, llvm::StringRef wished);

  /// One attribute of a node.
  struct Attribute {
    Attribute(llvm::StringRef name, int64_t value);
    Attribute(llvm::StringRef name, float value);
    Attribute(llvm::StringRef name, llvm::StringRef value);
    Attribute(llvm::StringRef name, Ints value);
    onnx::AttributeProto proto;
  };

  /// Adds a node with one result and returns the name of that.
  std::string add(llvm::StringRef op, llvm::ArrayRef<std::string> inputs,
                  llvm::ArrayRef<Attribute> attributes = {});

  /// Public constants that the graph needs; equal ones are made once.
  std::string scalar(float value);
  std::string integer(int64_t value);
  std::string ints(Ints values);
  std::string bools(Ints shape, llvm::ArrayRef<uint8_t> values);

  /// A Constant node of its own.
  llvm::Expected<std::string> constant(mlir::ElementsAttr data);

  std::string reshape(const std::string &value, Ints shape);
  std::string transpose(const std::string &value, Ints permutation);
  /// [start, end) of dimension `axis`.
  std::string slice(const std::string &value, int64_t axis, int64_t start,
                    int64_t end);

private:
  std::string shared(onnx::TensorProto tensor);
  std::string addConstant(onnx::TensorProto tensor, llvm::StringRef name);

  int64_t opset;
  ExportedGraph graph;
  llvm::StringSet<> names, nodeNames;
  llvm::StringMap<unsigned> lastNumber;
  /// Constants by their bytes.
  llvm::StringMap<std::string> constants;
  std::string base;
  /// Nodes of the current op that are no constants.
  std::vector<size_t> current;
};

/// The name that a location gives, or an empty string.
llvm::StringRef getLocationName(mlir::Location loc);

} // namespace aero

#endif // AERO_LIB_TARGET_ONNX_GRAPHBUILDER_H
