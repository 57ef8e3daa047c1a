//===- Census.h - What a network costs before any protocol ----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The figures by which the AERO paper (arXiv 2410.13060) describes a network:
/// its nonlinear operations, its parameters, and its FLOPs by part.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_ANALYSIS_CENSUS_H
#define AERO_ANALYSIS_CENSUS_H

#include "aero/Dialect/PI/IR/PIDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <string>
#include <vector>

namespace aero::pi {

/// One nonlinear op.
struct NonlinearUse {
  NonlinearKind kind;
  /// How many maps of `shape` it holds: one a head for softmax.
  int64_t maps = 1;
  llvm::SmallVector<int64_t> shape;
  /// The transformer layer, or -1 outside of all blocks (the final norm).
  int64_t layer = -1;
  /// The ONNX nodes that it came from.
  std::string node;
};

/// All nonlinear ops of one kind and map shape, as a row of the paper's tables:
/// "SM 144x128x128".
struct NonlinearGroup {
  NonlinearKind kind;
  /// In a transformer block, or outside of all. GPT-2 has a final norm that the
  /// paper's counts leave out.
  bool inBlocks = true;
  int64_t maps = 0;
  llvm::SmallVector<int64_t> shape;
};

struct Census {
  int64_t layers = 0;
  /// In program order, and grouped in order of first appearance.
  std::vector<NonlinearUse> uses;
  std::vector<NonlinearGroup> groups;

  /// Elements of all float weights, each name once.
  int64_t parameters = 0;
  /// Of these, elements of weights that are the transpose of another weight:
  /// exporters store a vocabulary matrix that is shared with the embedding
  /// twice.
  int64_t tiedParameters = 0;

  /// A multiply-add is two FLOPs. Linear maps of the feed-forward networks:
  /// 2 rows K N each, which is the paper's "FFN FLOPs" column.
  int64_t ffnFlops = 0;
  /// Linear maps of attention, and 3 T^2 d for scores and context: the paper's
  /// "Attn FLOPs" column.
  int64_t attentionFlops = 0;
  /// The same with the 4 T^2 d that dense scores and context take.
  int64_t denseAttentionFlops = 0;
  /// Linear maps outside of all blocks (the vocabulary projection), which the
  /// paper does not count.
  int64_t otherFlops = 0;
};

/// Takes the census of a function of raised `pi`. Weights without data count
/// with their shape.
Census takeCensus(mlir::func::FuncOp func);

} // namespace aero::pi

#endif // AERO_ANALYSIS_CENSUS_H
