//===- Node.h - One ONNX node while it is imported ------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_IMPORT_ONNX_NODE_H
#define AERO_LIB_IMPORT_ONNX_NODE_H

#include "HostTensor.h"
#include "Registry.h"

#include "aero/Import/ONNX/Import.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinAttributes.h"

#include <map>
#include <memory>
#include <string>

namespace onnx {
class AttributeProto;
class NodeProto;
} // namespace onnx

namespace aero {

class GraphImporter;

/// What the name of an ONNX value stands for.
struct Slot {
  ElementKind kind = ElementKind::Float;
  Shape shape;
  /// Set for a public constant.
  std::shared_ptr<const HostTensor> constant;
  /// Set for a server's parameter: the name it keeps, and its data.
  std::string weightName;
  mlir::ElementsAttr weight;
  /// `weight` is the transpose of this value: the file held a matrix twice.
  bool transposed = false;
  /// `weight` is one number, or was computed from such: a fill of masks or a
  /// scale, as some exporters store it.
  bool isScalarWeight = false;
  /// Where the constant or weight, if any, came from.
  mlir::Location loc;
  /// Made on first use for constants and weights.
  mlir::Value value;
  /// The node that makes it could not be imported.
  bool failed = false;

  explicit Slot(mlir::Location loc) : loc(loc) {}
};

/// One node while it is imported: its inputs, attributes and results.
///
/// The accessors of attributes record a fault of the attribute and return the
/// default; nothing that a node sets counts if it has recorded one.
class Node {
public:
  Node(GraphImporter &importer, const onnx::NodeProto &proto, int64_t opset,
       std::string name);

  llvm::StringRef getOperator() const;
  /// The version of the default operator set where the node stands.
  int64_t getOpset() const { return opset; }
  const ImportOptions &getOptions() const;
  mlir::Location getLoc() const { return loc; }
  mlir::OpBuilder &getBuilder();
  mlir::MLIRContext *getContext();

  //===--------------------------------------------------------------------===//
  // Inputs
  //===--------------------------------------------------------------------===//

  unsigned getNumInputs() const;
  /// An optional input may be absent or have an empty name.
  bool hasInput(unsigned i) const { return i < inputs.size() && inputs[i]; }
  Slot &getInput(unsigned i) { return *inputs[i]; }
  const Shape &getShape(unsigned i) const { return inputs[i]->shape; }
  int64_t getRank(unsigned i) const { return inputs[i]->shape.size(); }
  ElementKind getKind(unsigned i) const { return inputs[i]->kind; }
  const HostTensor *getConstant(unsigned i) const {
    return inputs[i]->constant.get();
  }
  mlir::Value getValue(unsigned i);
  /// All inputs that are there are public constants.
  bool hasOnlyConstants() const;
  /// All inputs that are there are public constants or scalar weights.
  bool hasOnlyKnownNumbers() const;
  /// Evaluates a node whose inputs are only known numbers, the results being
  /// weights again: they tell of the server's numbers. False if it cannot be.
  bool foldWeights(Evaluator evaluate);
  /// The elements of a constant integer input, or a recorded fault.
  std::optional<Shape> getConstantInts(unsigned i, llvm::StringRef what);

  //===--------------------------------------------------------------------===//
  // Attributes
  //===--------------------------------------------------------------------===//

  int64_t getInt(llvm::StringRef name, int64_t otherwise);
  float getFloat(llvm::StringRef name, float otherwise);
  std::string getString(llvm::StringRef name, llvm::StringRef otherwise);
  std::optional<Shape> getInts(llvm::StringRef name);
  std::optional<HostTensor> getTensor(llvm::StringRef name);
  const onnx::AttributeProto *findAttribute(llvm::StringRef name) const;
  /// Null, with a recorded fault, if the attribute is there but is of another
  /// type (AttributeProto::AttributeType), which is not `expected`.
  const onnx::AttributeProto *findAttribute(llvm::StringRef name, int type,
                                            llvm::StringRef expected);
  /// The attribute in [0, rank), or nullopt with a recorded fault.
  std::optional<int64_t> getAxis(llvm::StringRef name, int64_t otherwise,
                                 int64_t rank);

  //===--------------------------------------------------------------------===//
  // Results
  //===--------------------------------------------------------------------===//

  unsigned getNumOutputs() const;
  /// What a parameter that the node holds is called.
  std::string getParameterName() const;
  /// A node reads the first output where parameters stand: as the matrix of a
  /// product, a table, a scale or shift.
  bool isReadAsParameter() const;
  /// The output is there, is named, and somebody reads it.
  bool usesOutput(unsigned i) const;

  mlir::RankedTensorType getType(llvm::ArrayRef<int64_t> shape,
                                 ElementKind kind = ElementKind::Float);
  void setResult(unsigned i, mlir::Value value);
  void setConstant(unsigned i, HostTensor value);
  /// The output is a parameter of the server; `isScalar` if it is one number,
  /// or was computed from such.
  void setWeight(unsigned i, HostTensor value, llvm::StringRef weightName,
                 bool isScalar);
  /// The output is the input under another name.
  void setAlias(unsigned i, const Slot &slot);

  /// Records that nothing here can import the node, and why.
  mlir::LogicalResult unsupported(const llvm::Twine &why,
                                  llvm::StringRef hint = "");
  /// Records that the node contradicts the ONNX specification.
  mlir::LogicalResult invalid(const llvm::Twine &why);
  bool hasFault() const { return fault; }

  //===--------------------------------------------------------------------===//
  // What builders share
  //===--------------------------------------------------------------------===//

  /// A fault unless the input is a float.
  mlir::LogicalResult requireFloat(unsigned i);
  /// A fault if a tensor of that shape is beyond every limit.
  mlir::LogicalResult requireSize(llvm::ArrayRef<int64_t> shape);
  /// A fault if the input has no elements.
  mlir::LogicalResult requireElements(unsigned i);
  /// Counts elements that are computed at import time; a fault if they are too
  /// many in all.
  mlir::LogicalResult chargeWork(int64_t elements);
  /// A public scalar.
  mlir::Value makeScalar(float value);
  /// The value in another shape; itself if it has that.
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  mlir::Value broadcast(mlir::Value value, llvm::ArrayRef<int64_t> shape);
  /// [offset, offset + size) of a dimension; the value itself if that is all.
  mlir::Value slice(mlir::Value value, int64_t axis, int64_t offset,
                    int64_t size);
  /// Makes a `pi` op of inferred result type at the node's location.
  template <typename OpTy, typename... Args>
  mlir::Value create(Args &&...args) {
    return OpTy::create(getBuilder(), loc, std::forward<Args>(args)...);
  }

  /// Looks the inputs up. False if one comes from a node that failed, or (then
  /// with a recorded fault) is not defined.
  bool resolveInputs();

private:
  void define(unsigned i, Slot slot);
  mlir::LogicalResult chargeConstant(const HostTensor &value);
  std::string getTitle() const;

  GraphImporter &importer;
  const onnx::NodeProto &proto;
  int64_t opset;
  std::string name;
  mlir::Location loc;
  llvm::SmallVector<Slot *> inputs;
  bool fault = false;
};

/// The domain of a node, "ai.onnx" by default.
llvm::StringRef getDomain(const onnx::NodeProto &node);

/// The kind of a `pi` element type.
ElementKind getElementKind(mlir::Type elementType);

/// `text` with control characters replaced, cut if it is very long: names of a
/// file may hold anything, and a message is one line.
std::string printable(llvm::StringRef text);
/// The same in quotes.
std::string quoted(llvm::StringRef text);

/// `axis` in [0, rank), or nullopt.
std::optional<int64_t> normalizeAxis(int64_t axis, int64_t rank);

/// Whether a constant of `shape` may be made. Records a fault if not.
bool fitsFolding(Node &node, llvm::ArrayRef<int64_t> shape);

//===----------------------------------------------------------------------===//
// Shapes of results, shared by builders and evaluators
//===----------------------------------------------------------------------===//

/// The shape that Reshape asks for (0 copies a dimension, -1 is inferred).
std::optional<Shape> resolveReshape(llvm::ArrayRef<int64_t> from,
                                    llvm::ArrayRef<int64_t> target,
                                    bool allowZero);

/// One dimension of a Slice.
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

/// The kind that a Cast node casts to, or a recorded fault.
std::optional<ElementKind> getTargetKind(Node &node);

/// The repetitions of a Tile node, or a recorded fault.
std::optional<Shape> getRepeats(Node &node);

/// The dimensions that a reduction is over, sorted: an attribute, or an input
/// since `inputSince`. None means all, unless the node says that it means none.
std::optional<Shape> getReducedAxes(Node &node, int64_t inputSince);

/// The shape of a reduction.
Shape getReducedShape(llvm::ArrayRef<int64_t> shape,
                      llvm::ArrayRef<int64_t> axes, bool keepdims);

/// The equation of an Einsum node: a letter for each dimension of each input
/// and of the result, digits for those that an ellipsis stands for. Nothing
/// with a recorded fault if it does not fit the inputs.
struct Equation {
  llvm::SmallVector<std::string, 2> inputs;
  std::string output;
  std::map<char, int64_t> sizes;
};
std::optional<Equation> getEquation(Node &node);

} // namespace aero

#endif // AERO_LIB_IMPORT_ONNX_NODE_H
