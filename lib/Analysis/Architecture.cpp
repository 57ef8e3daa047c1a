//===- Architecture.cpp - Which transformer a network is ------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/Architecture.h"

#include "Roles.h"

using namespace mlir;

namespace aero::pi {
namespace {

RankedTensorType getTensorType(Value value) {
  return cast<RankedTensorType>(value.getType());
}

bool isActivation(Operation *op) {
  return isa<GeluOp, ReluOp, LeakyReluOp, PReluOp, SiluOp>(op);
}

class Describer {
public:
  explicit Describer(func::FuncOp func)
      : func(func), layers(func), roles(findRoles(func, layers)) {}

  Architecture describe() {
    result.layers = layers.getNumLayers();
    describeEnds();
    describeAttention();
    describeNorms();
    describeFeedForward();
    return std::move(result);
  }

private:
  void describeEnds();
  void describeAttention();
  void describeNorms();
  void describeFeedForward();
  bool isData(Value value) const {
    Operation *op = value.getDefiningOp();
    return !op || layers.isData(op);
  }

  func::FuncOp func;
  LayerAnalysis layers;
  Roles roles;
  Architecture result;
};

void Describer::describeEnds() {
  if (EmbeddingOp tokens = roles.tokenEmbedding) {
    RankedTensorType table = getTensorType(tokens.getTable());
    result.vocabulary = table.getDimSize(0);
    result.width = table.getDimSize(1);
    RankedTensorType indices = getTensorType(tokens.getIndices());
    if (indices.getRank() > 0)
      result.context = indices.getShape().back();
  }
  if (Operation *projection = roles.vocabularyProjection) {
    result.vocabulary =
        getTensorType(projection->getResult(0)).getShape().back();
    if (roles.tokenEmbedding)
      result.tiedEmbedding = isSameParameter(
          getWeight(roles.tokenEmbedding.getTable()), getMatrix(projection));
  }
  if (!roles.positionTables.empty())
    result.positions = PositionKind::Learned;
}

void Describer::describeAttention() {
  for (AttentionOp op : func.getOps<AttentionOp>()) {
    MaskKind mask = op.getCausal() ? MaskKind::Causal : MaskKind::Bidirectional;
    result.mask = result.mask.value_or(mask) == mask ? mask : MaskKind::Mixed;
    if (op.getBias() && result.positions == PositionKind::None)
      result.positions = PositionKind::AttentionBias;
    if (result.heads)
      continue; // The first layer's figures stand for all.
    result.heads = static_cast<int64_t>(op.getHeads());
    result.keyHeads = op.getKeyHeadCount();
    result.headWidth = op.getHeadWidth();
    RankedTensorType query = getTensorType(op.getQuery());
    if (!result.width)
      result.width = query.getDimSize(2);
    if (!result.context)
      result.context = query.getDimSize(1);
  }
  for (RotaryEmbeddingOp op : func.getOps<RotaryEmbeddingOp>()) {
    result.positions = PositionKind::Rotary;
    result.interleavedRotary |= op.getInterleaved();
  }
  for ([[maybe_unused]] SoftmaxOp op : func.getOps<SoftmaxOp>())
    ++result.looseSoftmaxes;
}

void Describer::describeNorms() {
  bool several = false;
  for (Operation &op : func.getOps()) {
    if (!isa<LayerNormOp, RMSNormOp>(op) || layers.getLayer(&op) < 0)
      continue;
    NonlinearKind kind = cast<NonlinearOpInterface>(op).getNonlinearKind();
    several |= result.norm.value_or(kind) != kind;
    result.norm = kind;
    result.normPlace = layers.hasPostNorms() ? NormPlace::Post : NormPlace::Pre;
  }
  if (several)
    result.norm.reset();
}

void Describer::describeFeedForward() {
  for (Operation &op : func.getOps()) {
    if (layers.getPart(&op) != BlockPart::FeedForward || !layers.isData(&op))
      continue;
    if (auto linear = dyn_cast<LinearOp>(op)) {
      result.hasFeedForward = true;
      // A parallel network does not depend on its layer's attention.
      ResidualKind kind = layers.getDepth(&op) > layers.getLayer(&op)
                              ? ResidualKind::Sequential
                              : ResidualKind::Parallel;
      result.residual = result.residual.value_or(kind);
      // The widest input is the hidden layer: the other matrices read d.
      // Without two matrices there is none.
      int64_t input = getTensorType(linear.getInput()).getShape().back();
      if (result.width && input > *result.width)
        result.ffnWidth = std::max(result.ffnWidth.value_or(0), input);
    }
    if (!isActivation(&op))
      continue;
    NonlinearKind kind = cast<NonlinearOpInterface>(op).getNonlinearKind();
    if (!llvm::is_contained(result.activations, kind))
      result.activations.push_back(kind);
    for (Operation *user : op.getUsers())
      result.gated |= isa<MulOp>(user) &&
                      llvm::all_of(user->getOperands(), [&](Value operand) {
                        return isData(operand);
                      });
  }
}

StringRef getNormName(NonlinearKind kind) {
  return kind == NonlinearKind::RMSNorm ? "RMSNorm" : "LayerNorm";
}

StringRef getActivationName(NonlinearKind kind) {
  switch (kind) {
  case NonlinearKind::Gelu:
    return "GELU";
  case NonlinearKind::Relu:
    return "ReLU";
  case NonlinearKind::LeakyRelu:
    return "leaky ReLU";
  case NonlinearKind::Silu:
    return "SiLU";
  default:
    return stringifyNonlinearKind(kind);
  }
}

} // namespace

Architecture describeArchitecture(func::FuncOp func) {
  return Describer(func).describe();
}

std::string guessFamily(const Architecture &a) {
  if (!a.mask)
    return a.looseSoftmaxes ? "unknown transformer" : "no transformer";
  if (*a.mask == MaskKind::Mixed)
    return "transformer";
  bool causal = *a.mask == MaskKind::Causal;
  auto activation = a.activations.size() == 1
                        ? std::optional(a.activations.front())
                        : std::nullopt;
  bool gelu = activation == NonlinearKind::Gelu && !a.gated;
  bool layerNorm = a.norm == NonlinearKind::LayerNorm;
  bool pre = a.normPlace == NormPlace::Pre;
  bool parallel = a.residual == ResidualKind::Parallel;
  if (causal && pre && layerNorm && !parallel && !a.gated &&
      a.positions == PositionKind::Learned) {
    if (gelu)
      return "GPT-2";
    if (activation == NonlinearKind::Relu)
      return "OPT";
  }
  // Sequential ones exist too (use_parallel_residual=False).
  if (causal && pre && layerNorm && gelu &&
      a.positions == PositionKind::Rotary && !a.interleavedRotary)
    return "GPT-NeoX";
  if (causal && pre && a.norm == NonlinearKind::RMSNorm && !parallel &&
      activation == NonlinearKind::Silu && a.gated &&
      a.positions == PositionKind::Rotary)
    return "LLaMA";
  if (!causal && a.normPlace == NormPlace::Post && layerNorm && gelu &&
      a.positions == PositionKind::Learned)
    return "BERT";
  return causal ? "decoder-only transformer" : "encoder";
}

std::vector<std::string> getEvidence(const Architecture &a) {
  std::vector<std::string> words;
  if (!a.mask) {
    words.push_back("no attention recognised");
    if (a.looseSoftmaxes)
      words.push_back(std::to_string(a.looseSoftmaxes) + " softmax");
    return words;
  }
  if (a.normPlace == NormPlace::None)
    words.push_back("no norms in blocks");
  else
    words.push_back(
        (a.normPlace == NormPlace::Post ? "post-" : "") +
        (a.norm ? getNormName(*a.norm).str() : "norms of two kinds"));
  if (!a.hasFeedForward) {
    words.push_back("no FFN");
  } else if (a.activations.empty()) {
    words.push_back("linear FFN");
  } else {
    std::string text;
    for (NonlinearKind kind : a.activations)
      text += (text.empty() ? "" : " and ") + getActivationName(kind).str();
    words.push_back(text + (a.gated ? "-gated FFN" : " FFN"));
  }
  switch (a.positions) {
  case PositionKind::None:
    words.push_back("no positions");
    break;
  case PositionKind::Learned:
    words.push_back("learned positions");
    break;
  case PositionKind::Rotary:
    words.push_back(a.interleavedRotary ? "interleaved rotary positions"
                                        : "rotary positions");
    break;
  case PositionKind::AttentionBias:
    words.push_back("attention biases");
    break;
  }
  if (a.residual == ResidualKind::Parallel)
    words.push_back("parallel FFN");
  if (*a.mask == MaskKind::Mixed)
    words.push_back("causal and bidirectional attention");
  if (a.keyHeads != a.heads)
    words.push_back(std::to_string(*a.keyHeads) +
                    (*a.keyHeads == 1 ? " key head" : " key heads"));
  if (a.tiedEmbedding)
    words.push_back("tied embedding");
  return words;
}

StringRef stringify(PositionKind kind) {
  switch (kind) {
  case PositionKind::None:
    return "none";
  case PositionKind::Learned:
    return "learned";
  case PositionKind::Rotary:
    return "rotary";
  case PositionKind::AttentionBias:
    return "attention_bias";
  }
  llvm_unreachable("unknown kind");
}

StringRef stringify(NormPlace place) {
  switch (place) {
  case NormPlace::None:
    return "none";
  case NormPlace::Pre:
    return "pre";
  case NormPlace::Post:
    return "post";
  }
  llvm_unreachable("unknown place");
}

StringRef stringify(ResidualKind kind) {
  return kind == ResidualKind::Parallel ? "parallel" : "sequential";
}

StringRef stringify(MaskKind kind) {
  switch (kind) {
  case MaskKind::Causal:
    return "causal";
  case MaskKind::Bidirectional:
    return "bidirectional";
  case MaskKind::Mixed:
    return "mixed";
  }
  llvm_unreachable("unknown kind");
}

} // namespace aero::pi
