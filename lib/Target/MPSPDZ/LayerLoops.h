//===- LayerLoops.h - Layers that differ in their weights only -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AERO_LIB_TARGET_MPSPDZ_LAYERLOOPS_H
#define AERO_LIB_TARGET_MPSPDZ_LAYERLOOPS_H

#include "aero/Dialect/PI/IR/PIOps.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"

namespace aero {

/// Consecutive ops, `count` times the `period` ops from `first` on. With a
/// count of 1 they are not repeated.
struct LayerLoop {
  size_t first, period, count;

  size_t getEnd() const { return first + period * count; }
};

/// Finds the loops that a list of ops can be written as. Two iterations do the
/// same if their ops have the same attributes and types and their operands are
/// the same, or as far before; weights may be others of the same type. An
/// iteration uses results of the one before it, and none of those earlier.
class LayerLoops {
public:
  /// The ops of a function that compute: no weights, constants or transposes
  /// of weights, and not the return. An op that is `marked` is the same only as
  /// others that are.
  explicit LayerLoops(mlir::func::FuncOp function,
                      llvm::ArrayRef<mlir::Operation *> marked = {});

  llvm::ArrayRef<mlir::Operation *> getOps() const { return ops; }
  /// All ops, in their order.
  llvm::ArrayRef<LayerLoop> getLoops() const { return loops; }
  /// Where the op stands in getOps(), if it is one of them.
  std::optional<size_t> getIndex(mlir::Operation *op) const;

private:
  bool areSame(mlir::Value a, mlir::Value b, size_t indexA, size_t indexB,
               size_t first, size_t period) const;
  bool areSame(size_t a, size_t b, size_t first, size_t period) const;
  bool isUsedLater(const LayerLoop &loop) const;
  std::optional<LayerLoop> findBest(size_t begin, size_t end) const;
  void split(size_t begin, size_t end);

  llvm::SmallVector<mlir::Operation *> ops;
  llvm::DenseMap<mlir::Operation *, size_t> indices;
  llvm::DenseSet<mlir::Operation *> marked;
  llvm::SmallVector<LayerLoop> loops;
};

} // namespace aero

#endif // AERO_LIB_TARGET_MPSPDZ_LAYERLOOPS_H
