//===- GraphImporter.h - An ONNX graph into a pi function -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The graph importer walks the live nodes of a graph in file order. A node
/// whose inputs are all public constants is evaluated (Fold/); any other is
/// translated by the builder of its operator (Ops/, see Registry.h). Faults are
/// collected, so that one run names all of them.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
#define AERO_LIB_IMPORT_ONNX_GRAPHIMPORTER_H

#include "Flatten.h"
#include "Node.h"
#include "TensorReader.h"
#include "TiedWeights.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringSet.h"

#include <string>
#include <vector>

namespace onnx {
class GraphProto;
class ModelProto;
class TensorProto;
class ValueInfoProto;
} // namespace onnx

namespace aero {

class GraphImporter {
public:
  GraphImporter(onnx::ModelProto &model, TensorReader &reader,
                mlir::MLIRContext &context, const ImportOptions &options,
                ImportSummary &summary);

  /// The module, or nothing with at least one fault.
  mlir::OwningOpRef<mlir::ModuleOp> run();

  std::vector<UnsupportedNode> takeUnsupported() {
    return std::move(unsupported);
  }
  /// Phrases to be put after the file's name.
  std::vector<std::string> takeProblems() { return std::move(problems); }

private:
  friend class Node;

  // Inputs.cpp
  void importInitializers();
  std::optional<Slot> makeInitializer(onnx::TensorProto &tensor);
  void importInputs();
  std::optional<Slot> makeInput(const onnx::ValueInfoProto &input);
  std::optional<Shape> bindShape(const onnx::ValueInfoProto &value,
                                 llvm::StringRef title,
                                 std::vector<GraphValue::Dimension> &dims);
  std::optional<int64_t> findBinding(llvm::StringRef symbol,
                                     llvm::StringRef place);
  std::optional<HostTensor> fixInput(const FixedInput &fixed, ElementKind kind,
                                     llvm::ArrayRef<int64_t> shape);
  void checkOptions();
  /// The results, and a name for each.
  llvm::SmallVector<mlir::Value>
  importOutputs(llvm::SmallVectorImpl<mlir::Location> &names);

  // Thresholds.cpp
  void importThresholds(mlir::func::FuncOp function);
  std::optional<std::vector<float>> readThresholds(onnx::TensorProto &tensor,
                                                   int64_t heads);

  // GraphImporter.cpp
  void addProblem(const llvm::Twine &message);
  std::vector<bool> findLiveNodes();
  void findParameters(llvm::ArrayRef<FlatNode> nodes);
  void findAngles(const std::vector<bool> &live);
  void importNode(const FlatNode &flat);
  bool importResolved(Node &node, const onnx::NodeProto &proto, int64_t opset);
  bool importIf(Node &node, const FlatNode &flat);
  Slot *findSlot(llvm::StringRef name);
  mlir::Value materialize(Slot &slot);
  bool wantsOutput(llvm::StringRef name) const;
  bool chargeWork(int64_t elements);
  bool chargeMemory(int64_t elements);
  int64_t getLimit(int64_t factor) const;
  void countReads(const std::vector<bool> &live);
  void dropConstants(const onnx::NodeProto &node);

  onnx::ModelProto &model;
  TensorReader &reader;
  mlir::MLIRContext &context;
  const ImportOptions &options;
  ImportSummary &summary;
  mlir::OpBuilder builder;

  FlatGraph graph;
  llvm::StringMap<Slot> slots;
  /// Initializers whose data is not taken over before a live node asks.
  llvm::StringMap<onnx::TensorProto *> pending;
  /// Names that a node or an output of the graph reads.
  llvm::StringSet<> readNames;
  /// Names that some node makes, whether it is live or not.
  llvm::StringSet<> madeNames;
  /// Names that a node reads where parameters stand: as the matrix of a
  /// product, a table, a scale or shift.
  llvm::StringSet<> parameterNames;
  /// Float initializers that only turn positions into angles; public.
  llvm::StringSet<> angles;
  /// Bindings that a dimension asked for.
  llvm::StringSet<> usedBindings;
  TiedWeights tied;
  /// How many reads of a name are to come; a constant that nobody reads any
  /// more is given up.
  llvm::StringMap<unsigned> readsLeft;
  /// Elements of constants that exist, and elements that were ever computed.
  int64_t aliveElements = 0, computedElements = 0;
  /// They were too many; nothing more is imported.
  bool exhausted = false;
  std::vector<UnsupportedNode> unsupported;
  std::vector<std::string> problems;
  unsigned ifDepth = 0;
};

} // namespace aero

#endif // AERO_LIB_IMPORT_ONNX_GRAPHIMPORTER_H
