//===- Flatten.h - Nodes of a graph with its functions inlined ------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_IMPORT_ONNX_FLATTEN_H
#define AERO_LIB_IMPORT_ONNX_FLATTEN_H

#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace onnx {
class FunctionProto;
class GraphProto;
class ModelProto;
class NodeProto;
} // namespace onnx

namespace aero {

/// A node as it stands after inlining.
struct FlatNode {
  const onnx::NodeProto *proto = nullptr;
  /// The version of the default operator set where the node was written.
  int64_t opset = 0;
  /// Its own name, or that of its first output; inside a function after the
  /// name of the call, "/layer.0/norm/Sqrt".
  std::string name;
};

/// The nodes of a graph in file order, calls of model-local functions replaced
/// by the functions' nodes. Values inside of a function get names of their own,
/// so that a function can be called many times.
class FlatGraph {
public:
  /// Takes problems as phrases.
  using Report = llvm::function_ref<void(const std::string &)>;

  void flatten(const onnx::ModelProto &model, int64_t opset, Report report);

  const std::vector<FlatNode> &getNodes() const { return nodes; }

  /// The nodes of a subgraph, its values renamed by `prefix`; for a branch that
  /// is taken for certain. `rename` translates the names of its outputs.
  std::vector<FlatNode> inlineSubgraph(const onnx::GraphProto &graph,
                                       int64_t opset, const std::string &name,
                                       const std::string &prefix,
                                       llvm::StringMap<std::string> &rename);

private:
  void add(const onnx::NodeProto &node, int64_t opset,
           const std::string &caller, unsigned depth, Report report);
  void inlineCall(const onnx::NodeProto &call,
                  const onnx::FunctionProto &function, int64_t opset,
                  const std::string &name, unsigned depth, Report report);

  std::vector<FlatNode> nodes;
  /// By domain and name.
  llvm::StringMap<const onnx::FunctionProto *> functions;
  /// Nodes that inlining made; a deque, so that they stay where they are.
  std::deque<onnx::NodeProto> owned;
  unsigned calls = 0;
  bool overflown = false;
};

/// Visits every value that `node` reads, including those that its subgraphs
/// take from outside.
void forEachRead(const onnx::NodeProto &node,
                 llvm::function_ref<void(const std::string &)> visit);

} // namespace aero

#endif // AERO_LIB_IMPORT_ONNX_FLATTEN_H
