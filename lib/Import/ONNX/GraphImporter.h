//===- GraphImporter.h - An ONNX graph into a pi function -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The graph importer walks the live nodes of a graph in file order. A node
/// whose inputs are all public constants is evaluated (Fold.cpp); any other is
/// translated by the handler of its operator (MathOps.cpp, ShapeOps.cpp).
/// Faults are collected, so that one run names all of them.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
#define AERO_LIB_IMPORT_ONNX_GRAPHIMPORTER_H

#include "HostTensor.h"

#include "aero/Import/ONNX/Import.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <memory>
#include <string>
#include <vector>

namespace onnx {
class AttributeProto;
class ModelProto;
class NodeProto;
class TensorProto;
class ValueInfoProto;
} // namespace onnx

namespace aero {

/// What the name of an ONNX value stands for.
struct Slot {
  ElementKind kind = ElementKind::Float;
  Shape shape;
  /// Set for a public constant.
  std::shared_ptr<const HostTensor> constant;
  /// Set for a server's parameter: the name it keeps, and its data.
  std::string weightName;
  mlir::ElementsAttr weight;
  /// Where the constant, if any, came from.
  mlir::Location loc;
  /// Made on first use for constants and weights.
  mlir::Value value;
  /// The node that makes it could not be imported.
  bool failed = false;

  explicit Slot(mlir::Location loc) : loc(loc) {}
};

class GraphImporter {
public:
  GraphImporter(onnx::ModelProto &model, mlir::MLIRContext &context,
                const ImportOptions &options);

  /// The module, or nothing with at least one message.
  mlir::OwningOpRef<mlir::ModuleOp> run();

  /// Phrases to be put after the file's name.
  std::vector<std::string> takeMessages();

private:
  friend class Node;

  void addProblem(const llvm::Twine &message);
  void importInitializers();
  void importInputs();
  std::vector<bool> findLiveNodes();
  void importNode(const onnx::NodeProto &node, int index);
  llvm::SmallVector<mlir::Value> importOutputs();

  std::optional<Slot> makeInitializer(onnx::TensorProto &tensor);
  mlir::RankedTensorType getInputType(const onnx::ValueInfoProto &input);
  mlir::Value materialize(Slot &slot);

  onnx::ModelProto &model;
  mlir::MLIRContext &context;
  const ImportOptions &options;
  mlir::OpBuilder builder;
  int64_t opset;

  llvm::StringMap<Slot> slots;
  /// Initializers whose data is not taken over before a live node asks.
  llvm::StringMap<onnx::TensorProto *> pending;
  std::vector<std::string> unsupported, problems;
};

/// One node while it is imported: its inputs, attributes and results.
///
/// The accessors of attributes record a fault of the attribute and return the
/// default; nothing that a node sets counts if it has recorded one.
class Node {
public:
  Node(GraphImporter &importer, const onnx::NodeProto &proto,
       mlir::Location loc, std::string title)
      : importer(importer), proto(proto), loc(loc), title(std::move(title)) {}

  llvm::StringRef getOperator() const;
  int64_t getOpset() const { return importer.opset; }
  const ImportOptions &getOptions() const { return importer.options; }
  mlir::Location getLoc() const { return loc; }
  mlir::OpBuilder &getBuilder() { return importer.builder; }
  mlir::MLIRContext *getContext() { return &importer.context; }

  unsigned getNumInputs() const;
  unsigned getNumOutputs() const;
  /// An optional input may be absent or have an empty name.
  bool hasInput(unsigned i) const { return i < inputs.size() && inputs[i]; }
  /// The output is there, is named, and somebody reads it.
  bool usesOutput(unsigned i) const;
  llvm::StringRef getOutputName(unsigned i) const;

  Slot &getInput(unsigned i) { return *inputs[i]; }
  const Shape &getShape(unsigned i) const { return inputs[i]->shape; }
  int64_t getRank(unsigned i) const { return inputs[i]->shape.size(); }
  ElementKind getKind(unsigned i) const { return inputs[i]->kind; }
  const HostTensor *getConstant(unsigned i) const {
    return inputs[i]->constant.get();
  }
  mlir::Value getValue(unsigned i) { return importer.materialize(*inputs[i]); }
  /// All inputs that are there are public constants.
  bool hasOnlyConstants() const;
  /// The elements of a constant integer input, or a recorded fault.
  std::optional<Shape> getConstantInts(unsigned i, llvm::StringRef what);

  int64_t getInt(llvm::StringRef name, int64_t otherwise);
  float getFloat(llvm::StringRef name, float otherwise);
  std::optional<Shape> getInts(llvm::StringRef name);
  const onnx::AttributeProto *findAttribute(llvm::StringRef name) const;

  mlir::RankedTensorType getType(llvm::ArrayRef<int64_t> shape,
                                 ElementKind kind = ElementKind::Float);
  void setResult(unsigned i, mlir::Value value);
  void setConstant(unsigned i, HostTensor value);
  /// The output is the input under another name.
  void setAlias(unsigned i, const Slot &slot);

  /// Records that nothing here can import the node, and why.
  mlir::LogicalResult unsupported(const llvm::Twine &why);
  /// Records that the node contradicts the ONNX specification.
  mlir::LogicalResult invalid(const llvm::Twine &why);
  bool hasFault() const { return fault; }

  /// Looks the inputs up. False if one comes from a node that failed, or (then
  /// with a recorded fault) is not defined.
  bool resolveInputs();

private:
  void define(unsigned i, Slot slot);

  GraphImporter &importer;
  const onnx::NodeProto &proto;
  mlir::Location loc;
  std::string title;
  llvm::SmallVector<Slot *> inputs;
  bool fault = false;
};

using Handler = mlir::LogicalResult (*)(Node &);

/// What imports an operator of the default domain.
struct OperatorInfo {
  Handler handler = nullptr;
  unsigned minInputs = 0, maxInputs = 0;
};

void addMathOperators(llvm::StringMap<OperatorInfo> &operators);
void addShapeOperators(llvm::StringMap<OperatorInfo> &operators);

/// Evaluates a node all of whose inputs are constants. False if it has to be
/// imported instead: no evaluator, or operands that only a handler explains. A
/// fault may be recorded in `node`.
bool foldNode(Node &node);

/// `text` in quotes, with control characters replaced: names of a file may hold
/// anything, and a message is one line.
std::string quoted(llvm::StringRef text);

/// `axis` in [0, rank), or nullopt.
std::optional<int64_t> normalizeAxis(int64_t axis, int64_t rank);

/// The shape that Reshape asks for (0 copies a dimension, -1 is inferred).
std::optional<Shape> resolveReshape(llvm::ArrayRef<int64_t> from,
                                    llvm::ArrayRef<int64_t> target,
                                    bool allowZero);

/// One dimension of a Slice of step 1 (or of another step, for folding).
struct SliceRange {
  int64_t axis, start, step, size;
};
/// The dimensions that a Slice node cuts, with a recorded fault if they are
/// impossible or not constant.
std::optional<llvm::SmallVector<SliceRange>> getSliceRanges(Node &node);

/// The shape of Squeeze, Unsqueeze, Flatten or Reshape, or a recorded fault.
std::optional<Shape> getReshapedShape(Node &node);

/// The axis and the piece sizes of a Split node, or a recorded fault.
std::optional<std::pair<int64_t, Shape>> getSplit(Node &node);

/// The permutation of a Transpose node, or a recorded fault.
std::optional<Shape> getPermutation(Node &node);

} // namespace aero

#endif // AERO_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
