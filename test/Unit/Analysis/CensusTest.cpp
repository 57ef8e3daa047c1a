//===- CensusTest.cpp - The figures of the paper's tables -----------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "aero/Analysis/Census.h"

#include "TestModel.h"
#include "aero/Support/Elements.h"
#include "gmock/gmock.h"

using namespace aero::pi;
using namespace aero::pi::test;
using ::testing::ElementsAre;

namespace {

Census take(const ModelOptions &options) {
  TestModel model(options);
  return takeCensus(model.getFunc());
}

/// Billions, rounded to a decimal as the tables print them.
double billions(int64_t flops) { return std::round(flops / 1e8) / 10; }

std::string describe(const NonlinearGroup &group) {
  std::string text = stringifyNonlinearKind(group.kind).str() + " " +
                     std::to_string(group.maps);
  for (int64_t size : group.shape)
    text += "x" + std::to_string(size);
  return group.place == NetworkPlace::Block ? text : text + " final";
}

std::vector<std::string> describe(const Census &census) {
  std::vector<std::string> groups;
  for (const NonlinearGroup &group : census.groups)
    groups.push_back(describe(group));
  return groups;
}

// Table: GPT-2 L=12 H=12 d=768, T=128.
TEST(CensusTest, BaselineOfThePaper) {
  Census census = take({});
  EXPECT_EQ(census.layers, 12);
  EXPECT_EQ(billions(census.getFlops(ProductKind::FeedForward)), 14.5);
  EXPECT_EQ(billions(census.getPaperAttentionFlops()), 7.7);
  // The final norm is apart: the paper counts 24 block norms.
  EXPECT_THAT(describe(census),
              ElementsAre("layer_norm 24x128x768", "softmax 144x128x128",
                          "gelu 12x128x3072", "layer_norm 1x128x768 final"));
}

TEST(CensusTest, DenseScoresAndContextCostAQuarterMore) {
  Census census = take({});
  int64_t products = int64_t(12) * 128 * 128 * 768;
  EXPECT_EQ(census.getDenseAttentionFlops() - census.getPaperAttentionFlops(),
            products);
  EXPECT_EQ(census.getFlops(ProductKind::AttentionScores), 4 * products);
}

TEST(CensusTest, VocabularyIsApart) {
  Census census = take({});
  int64_t products = int64_t(128) * 768 * 50257;
  EXPECT_EQ(census.getMultiplyAdds(ProductKind::VocabularyProjection),
            products);
  // A private token is a one-hot vector.
  EXPECT_EQ(census.getMultiplyAdds(ProductKind::Embedding), products);
  EXPECT_EQ(census.getMultiplyAdds(ProductKind::Other), 0);
}

TEST(CensusTest, LongerContext) {
  ModelOptions options;
  options.tokens = 256;
  Census census = take(options);
  EXPECT_EQ(billions(census.getFlops(ProductKind::FeedForward)), 29.0);
  EXPECT_EQ(billions(census.getPaperAttentionFlops()), 16.3);
}

TEST(CensusTest, EighteenLayers) {
  ModelOptions options;
  options.layers = 18;
  Census census = take(options);
  EXPECT_EQ(billions(census.getFlops(ProductKind::FeedForward)), 21.7);
  EXPECT_EQ(billions(census.getPaperAttentionFlops()), 11.6);
}

TEST(CensusTest, Languini) {
  ModelOptions options;
  options.tokens = 512;
  options.vocab = 16384;
  Census census = take(options);
  EXPECT_EQ(billions(census.getFlops(ProductKind::FeedForward)), 58.0);
  EXPECT_EQ(billions(census.getPaperAttentionFlops()), 36.2);
}

// SM+ScFuFFN: softmax alone, one matrix a layer.
TEST(CensusTest, FusedFeedForward) {
  ModelOptions options;
  options.norms = false;
  options.fused = true;
  Census census = take(options);
  EXPECT_EQ(billions(census.getFlops(ProductKind::FeedForward)), 1.8);
  EXPECT_EQ(billions(census.getPaperAttentionFlops()), 7.7);
  EXPECT_THAT(describe(census), ElementsAre("softmax 144x128x128"));
}

// SM+ScFuFFN_i(6): the six deepest layers have no feed-forward network.
TEST(CensusTest, PrunedFeedForward) {
  ModelOptions options;
  options.norms = false;
  options.fused = true;
  options.pruned = 6;
  Census census = take(options);
  EXPECT_EQ(billions(census.getFlops(ProductKind::FeedForward)), 0.9);
  EXPECT_EQ(billions(census.getPaperAttentionFlops()), 7.7);
}

TEST(CensusTest, UsesNameTheirNodeAndLayer) {
  ModelOptions options;
  options.layers = 2;
  Census census = take(options);
  ASSERT_EQ(census.uses.size(), 9u);
  EXPECT_EQ(census.uses[0].node, "h.0.ln_1");
  EXPECT_EQ(census.uses[0].layer, 0);
  EXPECT_EQ(census.uses[5].kind, NonlinearKind::Softmax);
  EXPECT_EQ(census.uses[5].node, "h.1.attention");
  EXPECT_EQ(census.uses[5].layer, 1);
  EXPECT_EQ(census.uses[5].maps, 12);
  EXPECT_EQ(census.uses[8].node, "ln_f");
  EXPECT_EQ(census.uses[8].layer, -1);
  EXPECT_EQ(census.uses[8].place, NetworkPlace::AfterBlocks);
}

TEST(CensusTest, ParametersOfGPT2) {
  Census census = take({});
  // 12 blocks of 12 d^2 and the norms; the model has no biases.
  int64_t d = 768;
  auto elements = [&](ParameterKind kind) {
    return census.getParameters(kind).elements;
  };
  EXPECT_EQ(elements(ParameterKind::TokenEmbedding), 50257 * d);
  EXPECT_EQ(elements(ParameterKind::PositionEmbedding), 128 * d);
  EXPECT_EQ(elements(ParameterKind::Attention), 12 * 4 * d * d);
  EXPECT_EQ(elements(ParameterKind::FeedForward), 12 * 8 * d * d);
  EXPECT_EQ(elements(ParameterKind::Norm), 12 * 4 * d + 2 * d);
  EXPECT_EQ(elements(ParameterKind::VocabularyProjection), 50257 * d);
  EXPECT_EQ(elements(ParameterKind::Other), 0);
  EXPECT_EQ(census.getAllParameters().elements,
            12 * (12 * d * d + 4 * d) + 2 * d + (2 * 50257 + 128) * d);
  EXPECT_EQ(census.getAllParameters().weights, 12 * 8 + 5);
  EXPECT_TRUE(census.tied.empty());
}

TEST(CensusTest, LayersWithTheSameMapsStandTogether) {
  ModelOptions options;
  options.layers = 5;
  options.pruned = 2;
  Census census = take(options);
  // Two norms in the first three layers, one in the others; GELU in three.
  const NonlinearGroup &norms = census.groups[0];
  EXPECT_EQ(norms.maps, 8);
  EXPECT_EQ(norms.getElements(), 8 * 128 * 768);
  ASSERT_EQ(norms.layers.size(), 2u);
  EXPECT_EQ(norms.layers[0].maps, 2);
  EXPECT_THAT(norms.layers[0].layers, ElementsAre(0, 1, 2));
  EXPECT_EQ(norms.layers[1].maps, 1);
  EXPECT_THAT(norms.layers[1].layers, ElementsAre(3, 4));
  const NonlinearGroup &gelus = census.groups[2];
  ASSERT_EQ(gelus.layers.size(), 1u);
  EXPECT_THAT(gelus.layers[0].layers, ElementsAre(0, 1, 2));
  EXPECT_TRUE(census.groups[3].layers.empty());
}

TEST(CensusTest, TiedVocabularyIsFoundByItsElements) {
  mlir::MLIRContext context;
  context.loadDialect<PIDialect, mlir::func::FuncDialect>();
  mlir::OpBuilder builder(&context);
  mlir::Location loc = builder.getUnknownLoc();
  mlir::OwningOpRef<mlir::ModuleOp> module = mlir::ModuleOp::create(loc);
  builder.setInsertionPointToStart(module->getBody());
  auto func = mlir::func::FuncOp::create(builder, loc, "main",
                                         builder.getFunctionType({}, {}));
  builder.setInsertionPointToStart(func.addEntryBlock());
  auto makeWeight = [&](const char *name, int64_t rows, int64_t columns,
                        auto element) {
    std::vector<float> values;
    for (int64_t r = 0; r < rows; ++r)
      for (int64_t c = 0; c < columns; ++c)
        values.push_back(element(r, c));
    auto type =
        mlir::RankedTensorType::get({rows, columns}, builder.getF32Type());
    WeightOp::create(builder, loc, name,
                     aero::makeFloatResource(type, std::move(values), name));
  };
  makeWeight("wte", 40, 50, [](int64_t r, int64_t c) { return r * 50 + c; });
  makeWeight("head", 50, 40, [](int64_t r, int64_t c) { return c * 50 + r; });
  makeWeight("other", 50, 40,
             [](int64_t r, int64_t c) { return c * 50 + r + (r == 49); });
  mlir::func::ReturnOp::create(builder, loc);
  Census census = takeCensus(func);
  EXPECT_EQ(census.getAllParameters().elements, 4000);
  ASSERT_EQ(census.tied.size(), 1u);
  EXPECT_EQ(census.tied[0].name, "wte");
  EXPECT_EQ(census.tied[0].elements, 2000);
  EXPECT_THAT(census.tied[0].copies, ElementsAre("head"));
}

} // namespace
