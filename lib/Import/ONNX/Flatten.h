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

  explicit FlatGraph(int64_t maxNodes) : maxNodes(maxNodes) {}

  void flatten(const onnx::ModelProto &model, int64_t opset, Report report);

  const std::vector<FlatNode> &getNodes() const { return nodes; }

  /// A branch that is taken for certain, its values renamed.
  struct Branch {
    std::vector<FlatNode> nodes;
    llvm::StringMap<std::string> names;

    /// What a name of the branch is called now.
    std::string getName(const std::string &name) const {
      auto found = names.find(name);
      return found == names.end() ? name : found->second;
    }
  };
  Branch inlineSubgraph(const onnx::GraphProto &graph, int64_t opset,
                        const std::string &name, Report report);

  /// A limit was reached and reported; what was made so far is not complete.
  bool isOverflown() const { return overflown; }

private:
  /// Where nodes go, and from where they come.
  struct Target {
    std::vector<FlatNode> &nodes;
    Report report;
  };

  void add(const onnx::NodeProto &node, int64_t opset,
           const std::string &caller, unsigned depth, Target target);
  void inlineCall(const onnx::NodeProto &call,
                  const onnx::FunctionProto &function, int64_t opset,
                  const std::string &name, unsigned depth, Target target);
  /// Counts what inlining makes; false, with a report, beyond a limit.
  bool charge(uint64_t nodes, uint64_t bytes, Report report);
  void overflow(const std::string &why, Report report);

  std::vector<FlatNode> nodes;
  /// By domain and name.
  llvm::StringMap<const onnx::FunctionProto *> functions;
  /// Nodes that inlining made; a deque, so that they stay where they are.
  std::deque<onnx::NodeProto> owned;
  unsigned bodies = 0;
  uint64_t maxNodes, maxBytes = 0, madeNodes = 0, madeBytes = 0;
  bool overflown = false;
};

/// A value's name without what inlining put before it.
llvm::StringRef getOriginalName(llvm::StringRef name);

/// Visits every value that `node` reads, including those that its subgraphs
/// take from outside.
void forEachRead(const onnx::NodeProto &node,
                 llvm::function_ref<void(const std::string &)> visit);

} // namespace aero

#endif // AERO_LIB_IMPORT_ONNX_FLATTEN_H
