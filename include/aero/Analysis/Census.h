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

#include <array>
#include <string>
#include <vector>

namespace aero::pi {

//===----------------------------------------------------------------------===//
// Nonlinear operations
//===----------------------------------------------------------------------===//

/// Where an op stands. GPT-2 has a final norm that the paper's counts leave
/// out, BERT one before its first block. Unknown is every place of a network
/// without blocks.
enum class NetworkPlace { Unknown, BeforeBlocks, Block, AfterBlocks };

/// One nonlinear op.
struct NonlinearUse {
  NonlinearKind kind;
  /// How many maps of `shape` it holds: one a head for softmax.
  int64_t maps = 1;
  llvm::SmallVector<int64_t> shape;
  NetworkPlace place = NetworkPlace::Block;
  /// The transformer layer, or -1 outside of all blocks.
  int64_t layer = -1;
  /// The ONNX nodes that it came from.
  std::string node;
};

/// All nonlinear ops of one kind, map shape and place, as a row of the paper's
/// tables: "SM 144x128x128".
struct NonlinearGroup {
  /// Layers that hold the same number of maps.
  struct Layers {
    int64_t maps = 0;
    llvm::SmallVector<int64_t> layers;
  };

  NonlinearKind kind;
  NetworkPlace place = NetworkPlace::Block;
  int64_t maps = 0;
  llvm::SmallVector<int64_t> shape;
  /// In blocks: layers that have such maps, those with the same number
  /// together; the most common number comes first.
  std::vector<Layers> layers;

  int64_t getElements() const;
};

//===----------------------------------------------------------------------===//
// Parameters
//===----------------------------------------------------------------------===//

/// What a weight is for. Norms count as such wherever they stand, biases with
/// the matrix they belong to.
enum class ParameterKind {
  TokenEmbedding,
  PositionEmbedding,
  Attention,
  FeedForward,
  Norm,
  VocabularyProjection,
  Other
};
inline constexpr unsigned kParameterKinds = 7;

struct ParameterCount {
  int64_t weights = 0;
  int64_t elements = 0;
};

/// A weight that is used in several places: of two kinds or layers. It is
/// counted once, in the first.
struct TiedWeight {
  std::string name;
  int64_t elements = 0;
  /// The places, in program order, without repetition of a kind.
  llvm::SmallVector<ParameterKind> kinds;
  /// Weights under another name that hold its transpose, which are not counted.
  std::vector<std::string> copies;
};

//===----------------------------------------------------------------------===//
// Multiply-adds
//===----------------------------------------------------------------------===//

/// What a product of matrices is for.
enum class ProductKind {
  FeedForward,
  /// Q, K, V and output projection.
  AttentionProjection,
  /// q k^T and its softmax times v: 2 T^2 d multiply-adds for T queries and
  /// keys.
  AttentionScores,
  VocabularyProjection,
  /// A lookup of a private index in a table of V rows is a product with a
  /// one-hot vector under private inference: T V d. In the clear it is free.
  Embedding,
  Other
};
inline constexpr unsigned kProductKinds = 6;

//===----------------------------------------------------------------------===//
// All of it
//===----------------------------------------------------------------------===//

struct Census {
  int64_t layers = 0;

  /// In program order, and grouped in order of first appearance.
  std::vector<NonlinearUse> uses;
  std::vector<NonlinearGroup> groups;

  /// Float weights by kind, each counted once.
  std::array<ParameterCount, kParameterKinds> parameters;
  std::vector<TiedWeight> tied;

  std::array<int64_t, kProductKinds> multiplyAdds = {};

  const ParameterCount &getParameters(ParameterKind kind) const {
    return parameters[static_cast<unsigned>(kind)];
  }
  ParameterCount getAllParameters() const;

  int64_t getMultiplyAdds(ProductKind kind) const {
    return multiplyAdds[static_cast<unsigned>(kind)];
  }
  /// A multiply-add is two FLOPs.
  int64_t getFlops(ProductKind kind) const { return 2 * getMultiplyAdds(kind); }

  /// The paper's "Attn FLOPs" column: the projections, and 3 T^2 d for scores
  /// and context. (Its "FFN FLOPs" column is that of ProductKind::FeedForward;
  /// vocabulary projection and embedding are in neither.)
  int64_t getPaperAttentionFlops() const;
  /// The same with the 4 T^2 d that dense scores and context take.
  int64_t getDenseAttentionFlops() const;
};

/// "feed_forward": for JSON; with spaces instead of underscores, for people.
llvm::StringRef stringify(ParameterKind kind);
llvm::StringRef stringify(ProductKind kind);
llvm::StringRef stringify(NetworkPlace place);

class LayerAnalysis;
NetworkPlace getPlace(const LayerAnalysis &layers, mlir::Operation *op);

/// Takes the census of a function of raised `pi`. Weights without data count
/// with their shape; a weight seen through `pi.transpose` is that weight.
Census takeCensus(mlir::func::FuncOp func);

} // namespace aero::pi

#endif // AERO_ANALYSIS_CENSUS_H
