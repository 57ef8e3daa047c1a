//===- Architecture.h - Which transformer a network is --------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// What distinguishes the transformers in use, told from raised `pi` alone:
/// names of nodes and weights differ between exporters, the arithmetic does
/// not.
///
//===----------------------------------------------------------------------===//

#ifndef AERO_ANALYSIS_ARCHITECTURE_H
#define AERO_ANALYSIS_ARCHITECTURE_H

#include "aero/Dialect/PI/IR/PIDialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>
#include <string>
#include <vector>

namespace aero::pi {

/// How tokens learn where they stand.
enum class PositionKind { None, Learned, Rotary, AttentionBias };
/// Where the norms of a block stand: before attention and feed-forward network,
/// or after each residual sum.
enum class NormPlace { None, Pre, Post };
/// Whether the feed-forward network reads what attention wrote.
enum class ResidualKind { Sequential, Parallel };
enum class MaskKind { Causal, Bidirectional, Mixed };

/// A figure is absent where the network does not tell, or has no such thing.
struct Architecture {
  int64_t layers = 0;
  std::optional<int64_t> heads, keyHeads, headWidth;
  /// d, the hidden width of the feed-forward network, T and V.
  std::optional<int64_t> width, ffnWidth, context, vocabulary;

  PositionKind positions = PositionKind::None;
  /// Rotary pairs are neighbouring columns (GPT-J), not halves of the head.
  bool interleavedRotary = false;

  /// The norms within blocks; absent if there are none, or several kinds.
  std::optional<NonlinearKind> norm;
  NormPlace normPlace = NormPlace::None;

  std::optional<ResidualKind> residual;
  bool hasFeedForward = false;
  /// The activations of the feed-forward networks, each once.
  llvm::SmallVector<NonlinearKind> activations;
  /// The activation multiplies a second linear map (SwiGLU).
  bool gated = false;

  std::optional<MaskKind> mask;
  /// The vocabulary projection is the token table.
  bool tiedEmbedding = false;

  /// Softmaxes that are no part of a known attention.
  int64_t looseSoftmaxes = 0;
};

/// Describes a function of raised `pi`.
Architecture describeArchitecture(mlir::func::FuncOp func);

/// A name for people: "GPT-2", "GPT-NeoX", "OPT", "LLaMA", "BERT" where all
/// that is characteristic fits; else "decoder-only transformer", "encoder",
/// "transformer" (some attention is causal, some is not), "unknown transformer"
/// (softmax, but no attention that `pi-raise` knows) or "no transformer".
std::string guessFamily(const Architecture &architecture);

/// What the guess rests on, in a few words each: "RMSNorm", "SiLU-gated FFN",
/// "rotary positions", "2 key heads".
std::vector<std::string> getEvidence(const Architecture &architecture);

/// Stable lower-case names, for JSON.
llvm::StringRef stringify(PositionKind kind);
llvm::StringRef stringify(NormPlace place);
llvm::StringRef stringify(ResidualKind kind);
llvm::StringRef stringify(MaskKind kind);

} // namespace aero::pi

#endif // AERO_ANALYSIS_ARCHITECTURE_H
