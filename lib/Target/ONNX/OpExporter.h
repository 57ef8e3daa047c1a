//===- OpExporter.h - One pi op as ONNX nodes -----------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_TARGET_ONNX_OPEXPORTER_H
#define AERO_LIB_TARGET_ONNX_OPEXPORTER_H

#include "GraphBuilder.h"

#include "aero/Dialect/PI/IR/PIOps.h"

#include <optional>

namespace aero {

/// Translates the ops of a function one by one. Weights, constants and names
/// of results are the caller's.
class OpExporter {
public:
  explicit OpExporter(GraphBuilder &graph) : graph(graph) {}

  void setName(mlir::Value value, std::string name) {
    names[value] = std::move(name);
  }
  std::string getName(mlir::Value value) const { return names.lookup(value); }

  /// The name of the op's result, or nothing if it has no ONNX form.
  std::optional<std::string> exportOp(mlir::Operation &op);

private:
  /// Operators of ONNX with the same operands. ElementwiseOps.cpp
  std::optional<std::string> exportElementwise(mlir::Operation &op);
  /// Moves of elements. ShapeOps.cpp
  std::optional<std::string> exportShape(mlir::Operation &op);

  // NetworkOps.cpp
  std::string exportGelu(pi::GeluOp op);
  std::string exportLayerNorm(pi::LayerNormOp op);
  std::string exportRMSNorm(pi::RMSNormOp op);
  std::string exportLinear(pi::LinearOp op);

  // AttentionOps.cpp
  std::string exportAttention(pi::AttentionOp op);
  std::string exportRotary(pi::RotaryEmbeddingOp op);
  /// Which keys a query sees, as truth values that broadcast to the scores;
  /// nothing if it sees all.
  std::optional<std::string> getVisible(pi::AttentionOp op);

  std::string reduceMean(const std::string &value, llvm::ArrayRef<int64_t> axes,
                         bool keepdims);
  /// The value, where ONNX reads parameters. A public constant is taken for
  /// the server's there when the file is imported, unless a node that moves
  /// elements stands before it.
  std::string getParameter(mlir::Value value);

  GraphBuilder &graph;
  llvm::DenseMap<mlir::Value, std::string> names;
};

inline llvm::ArrayRef<int64_t> getShape(mlir::Value value) {
  return llvm::cast<mlir::RankedTensorType>(value.getType()).getShape();
}

} // namespace aero

#endif // AERO_LIB_TARGET_ONNX_OPEXPORTER_H
