//===- OpWriter.h - One pi op as StableHLO --------------------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_TARGET_STABLEHLO_OPWRITER_H
#define AERO_LIB_TARGET_STABLEHLO_OPWRITER_H

#include "TextWriter.h"

#include "aero/Dialect/PI/IR/PIOps.h"

#include "llvm/ADT/DenseMap.h"

#include <optional>

namespace aero {

/// Translates the ops of a function one by one. Weights and arguments are the
/// caller's.
class OpWriter {
public:
  using Value = StableHLOWriter::Value;
  using Ints = StableHLOWriter::Ints;

  explicit OpWriter(StableHLOWriter &hlo) : hlo(hlo) {}

  void set(mlir::Value value, Value written) {
    values[value] = std::move(written);
  }
  /// The prompt: rows (tokens, vocabulary) with a 1 for each token id.
  void setTokens(mlir::Value ids, Value oneHot) {
    tokenIds = ids;
    tokens = std::move(oneHot);
  }
  /// What was written for a value; nothing if that has no form.
  std::optional<Value> get(mlir::Value value) const;

  /// Writes an op; nothing if it has no form, or one of its operands has none.
  std::optional<Value> write(mlir::Operation *op);

private:
  std::optional<Value> writeElementwise(mlir::Operation *op);
  std::optional<Value> writeShape(mlir::Operation *op);
  std::optional<Value> writeNetwork(mlir::Operation *op);

  Value broadcastBinary(llvm::StringRef op, const Value &x, const Value &y,
                        mlir::Type result);
  Value scaled(const Value &x, float factor);
  /// The mean over the last dimension, which stays with size 1.
  Value rowMeans(const Value &x);
  Value normalize(const Value &x, std::optional<Value> gamma,
                  std::optional<Value> beta, float epsilon, bool center);
  Value gelu(const Value &x, bool tanh);
  std::optional<Value> attention(pi::AttentionOp op);
  Value rotary(pi::RotaryEmbeddingOp op);
  Value softmax(const Value &x);

  StableHLOWriter &hlo;
  llvm::DenseMap<mlir::Value, Value> values;
  mlir::Value tokenIds;
  Value tokens;
};

} // namespace aero

#endif // AERO_LIB_TARGET_STABLEHLO_OPWRITER_H
