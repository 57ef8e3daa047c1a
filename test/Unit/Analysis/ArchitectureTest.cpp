//===- ArchitectureTest.cpp - Which transformer a network is --------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/Architecture.h"

#include "TestModel.h"
#include "TextModel.h"
#include "aero/Analysis/Census.h"
#include "aero/Analysis/Layers.h"
#include "gmock/gmock.h"

using namespace aero::pi;
using namespace aero::pi::test;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

namespace {

/// Token and learned position embedding.
std::string embedWithPositions(TextModel &m) {
  std::string x = m.embed(m.weight("wte", m.matrix(11, 8)), 11, "%ids");
  return m.add(x, m.weight("wpe", m.matrix(4, 8)), "tensor<4x8xf32>");
}

std::string name(int layer) { return "h" + std::to_string(layer); }

/// Two pre-norm blocks with learned positions.
mlir::func::FuncOp makeDecoder(TextModel &m, const std::string &activation,
                               const std::string &flags = "causal") {
  std::string x = embedWithPositions(m);
  for (int i = 0; i < 2; ++i) {
    x = m.add(x, m.attention(m.layerNorm(x), name(i), flags));
    x = m.add(x, m.feedForward(m.layerNorm(x), name(i), activation));
  }
  return m.finish(m.linear(m.layerNorm(x), "head", 8, 11));
}

/// Two blocks of GPT-NeoX, which has both residual forms.
mlir::func::FuncOp makeNeoX(TextModel &m, bool parallel) {
  std::string x = m.embed(m.weight("wte", m.matrix(11, 8)), 11, "%ids");
  for (int i = 0; i < 2; ++i) {
    std::string a =
        m.attention(m.layerNorm(x), name(i), "causal", /*withRotary=*/true);
    std::string y = parallel ? x : m.add(x, a);
    std::string f = m.feedForward(m.layerNorm(y), name(i), "gelu");
    x = parallel ? m.add(m.add(f, a), x) : m.add(y, f);
  }
  return m.finish(m.linear(m.layerNorm(x), "head", 8, 11));
}

mlir::func::FuncOp makeLLaMA(TextModel &m, int64_t keyHeads,
                             bool tied = false) {
  std::string table = m.weight("wte", m.matrix(11, 8));
  std::string x = m.embed(table, 11, "%ids");
  for (int i = 0; i < 2; ++i) {
    x = m.add(x, m.attention(m.rmsNorm(x), name(i), "causal",
                             /*withRotary=*/true, keyHeads));
    std::string n = m.rmsNorm(x);
    std::string gate = m.unary("silu", m.linear(n, name(i) + "g", 8, 24), 24);
    std::string up = m.linear(n, name(i) + "u", 8, 24);
    std::string type = m.tokens(24);
    std::string product = m.emit("pi.mul " + gate + ", " + up + " : " + type +
                                 ", " + type + " -> " + type);
    x = m.add(x, m.linear(product, name(i) + "d", 24, 8));
  }
  x = m.rmsNorm(x);
  if (!tied)
    return m.finish(m.linear(x, "head", 8, 11));
  std::string head = m.emit("pi.transpose " + table +
                            " [1, 0] : tensor<11x8xf32> -> tensor<8x11xf32>");
  return m.finish(m.multiply(x, head, 8, 11));
}

mlir::func::FuncOp makeBERT(TextModel &m) {
  std::string x = embedWithPositions(m);
  // Sentence A and B: fewer rows than tokens.
  x = m.add(x, m.embed(m.weight("types", m.matrix(2, 8)), 2, "%types"));
  x = m.layerNorm(x);
  for (int i = 0; i < 2; ++i) {
    x = m.layerNorm(m.add(x, m.attention(x, name(i), "")));
    x = m.layerNorm(m.add(x, m.feedForward(x, name(i), "gelu")));
  }
  return m.finish(m.unary("tanh", m.linear(x, "pooler"), 8),
                  "tensor<1x4x8xf32>",
                  "%ids: tensor<1x4xi64>, %types: tensor<1x4xi64>");
}

TEST(ArchitectureTest, GPT2) {
  ModelOptions options;
  TestModel model(options);
  Architecture a = describeArchitecture(model.getFunc());
  EXPECT_EQ(guessFamily(a), "GPT-2");
  EXPECT_THAT(getEvidence(a),
              ElementsAre("LayerNorm", "GELU FFN", "learned positions"));
  EXPECT_EQ(a.layers, 12);
  EXPECT_EQ(a.heads, 12);
  EXPECT_EQ(a.keyHeads, 12);
  EXPECT_EQ(a.width, 768);
  EXPECT_EQ(a.headWidth, 64);
  EXPECT_EQ(a.ffnWidth, 3072);
  EXPECT_EQ(a.context, 128);
  EXPECT_EQ(a.vocabulary, 50257);
  EXPECT_EQ(a.normPlace, NormPlace::Pre);
  EXPECT_EQ(a.residual, ResidualKind::Sequential);
  EXPECT_FALSE(a.tiedEmbedding);
}

TEST(ArchitectureTest, SoftmaxOnlyIsNoKnownFamily) {
  ModelOptions options;
  options.norms = options.gelu = false;
  TestModel model(options);
  Architecture a = describeArchitecture(model.getFunc());
  EXPECT_EQ(guessFamily(a), "decoder-only transformer");
  EXPECT_THAT(getEvidence(a), ElementsAre("no norms in blocks", "linear FFN",
                                          "learned positions"));
}

TEST(ArchitectureTest, FusedFeedForwardHasNoHiddenWidth) {
  ModelOptions options;
  options.fused = true;
  TestModel model(options);
  EXPECT_EQ(describeArchitecture(model.getFunc()).ffnWidth, std::nullopt);
}

TEST(ArchitectureTest, WithoutFeedForward) {
  ModelOptions options;
  options.layers = options.pruned = 2;
  TestModel model(options);
  Architecture a = describeArchitecture(model.getFunc());
  EXPECT_FALSE(a.hasFeedForward);
  EXPECT_THAT(getEvidence(a), Contains("no FFN"));
}

TEST(ArchitectureTest, OPT) {
  TextModel model;
  Architecture a = describeArchitecture(makeDecoder(model, "relu"));
  EXPECT_EQ(guessFamily(a), "OPT");
  EXPECT_EQ(a.ffnWidth, 32);
}

TEST(ArchitectureTest, BidirectionalPreNormIsNoBERT) {
  TextModel model;
  Architecture a = describeArchitecture(makeDecoder(model, "gelu", ""));
  EXPECT_EQ(guessFamily(a), "encoder");
  EXPECT_EQ(a.mask, MaskKind::Bidirectional);
}

TEST(ArchitectureTest, GPTNeoX) {
  TextModel model;
  Architecture a = describeArchitecture(makeNeoX(model, /*parallel=*/true));
  EXPECT_EQ(guessFamily(a), "GPT-NeoX");
  EXPECT_THAT(getEvidence(a), ElementsAre("LayerNorm", "GELU FFN",
                                          "rotary positions", "parallel FFN"));
  EXPECT_EQ(a.residual, ResidualKind::Parallel);
  EXPECT_EQ(a.normPlace, NormPlace::Pre);
}

TEST(ArchitectureTest, SequentialGPTNeoX) {
  TextModel model;
  Architecture a = describeArchitecture(makeNeoX(model, /*parallel=*/false));
  EXPECT_EQ(guessFamily(a), "GPT-NeoX");
  EXPECT_EQ(a.residual, ResidualKind::Sequential);
}

TEST(ArchitectureTest, LLaMA) {
  TextModel model;
  Architecture a = describeArchitecture(makeLLaMA(model, /*keyHeads=*/2));
  EXPECT_EQ(guessFamily(a), "LLaMA");
  EXPECT_THAT(getEvidence(a), ElementsAre("RMSNorm", "SiLU-gated FFN",
                                          "rotary positions", "2 key heads"));
  EXPECT_EQ(a.heads, 4);
  EXPECT_EQ(a.keyHeads, 2);
  EXPECT_EQ(a.ffnWidth, 24);
  EXPECT_TRUE(a.gated);
}

TEST(ArchitectureTest, TiedThroughATranspose) {
  TextModel model;
  mlir::func::FuncOp func = makeLLaMA(model, /*keyHeads=*/4, /*tied=*/true);
  Architecture a = describeArchitecture(func);
  EXPECT_TRUE(a.tiedEmbedding);
  EXPECT_THAT(getEvidence(a), Contains("tied embedding"));
  EXPECT_THAT(getEvidence(a), Not(Contains("4 key heads")));

  Census census = takeCensus(func);
  EXPECT_EQ(census.getParameters(ParameterKind::TokenEmbedding).elements, 88);
  EXPECT_EQ(census.getParameters(ParameterKind::VocabularyProjection).elements,
            0);
  EXPECT_EQ(census.getMultiplyAdds(ProductKind::VocabularyProjection), 4 * 88);
  ASSERT_EQ(census.tied.size(), 1u);
  EXPECT_EQ(census.tied[0].name, "wte");
  EXPECT_THAT(census.tied[0].kinds,
              ElementsAre(ParameterKind::TokenEmbedding,
                          ParameterKind::VocabularyProjection));
  EXPECT_TRUE(census.tied[0].copies.empty());
}

TEST(ArchitectureTest, BERT) {
  TextModel model;
  mlir::func::FuncOp func = makeBERT(model);
  Architecture a = describeArchitecture(func);
  EXPECT_EQ(guessFamily(a), "BERT");
  EXPECT_THAT(getEvidence(a),
              ElementsAre("post-LayerNorm", "GELU FFN", "learned positions"));
  EXPECT_EQ(a.mask, MaskKind::Bidirectional);
  EXPECT_EQ(a.vocabulary, 11);

  // The norm after the last sum is of the last block, that of the embedding of
  // none.
  Census census = takeCensus(func);
  std::vector<std::string> groups;
  for (const NonlinearGroup &group : census.groups)
    groups.push_back(stringifyNonlinearKind(group.kind).str() + " " +
                     std::to_string(group.maps) + " " +
                     stringify(group.place).str());
  EXPECT_THAT(groups, ElementsAre("layer_norm 1 before_blocks",
                                  "softmax 8 block", "layer_norm 4 block",
                                  "gelu 2 block", "tanh 1 after_blocks"));
  EXPECT_EQ(census.getParameters(ParameterKind::PositionEmbedding).elements,
            32);
  // The table of sentences and the pooler.
  EXPECT_EQ(census.getParameters(ParameterKind::Other).elements, 16 + 64);
  EXPECT_EQ(census.getMultiplyAdds(ProductKind::Other), 4 * 64);
  EXPECT_EQ(census.getMultiplyAdds(ProductKind::Embedding), 4 * (11 + 2) * 8);
}

TEST(ArchitectureTest, PostNormsAreOfTheirBlocks) {
  TextModel model;
  LayerAnalysis layers(makeBERT(model));
  EXPECT_TRUE(layers.hasPostNorms());
  TextModel other;
  EXPECT_FALSE(LayerAnalysis(makeDecoder(other, "gelu")).hasPostNorms());
}

TEST(ArchitectureTest, NoAttention) {
  TextModel model;
  std::string x = embedWithPositions(model);
  Architecture a = describeArchitecture(model.finish(x, "tensor<1x4x8xf32>"));
  EXPECT_EQ(guessFamily(a), "no transformer");
  EXPECT_THAT(getEvidence(a), ElementsAre("no attention recognised"));
  EXPECT_EQ(a.heads, std::nullopt);
  EXPECT_EQ(a.vocabulary, 11);

  TextModel other;
  x = embedWithPositions(other);
  a = describeArchitecture(other.finish(
      other.emit("pi.softmax " + x + " axis 2 : tensor<1x4x8xf32>"),
      "tensor<1x4x8xf32>"));
  EXPECT_EQ(guessFamily(a), "unknown transformer");
  EXPECT_THAT(getEvidence(a),
              ElementsAre("no attention recognised", "1 softmax"));
}

} // namespace
