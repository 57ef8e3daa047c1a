//===- AttentionImportTest.cpp - Attention and rotary positions -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ImportTestSupport.h"

#include <cmath>

using namespace aero;
using namespace aero::test;
using reference::Tensor;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

std::string fault(const std::string &graph, int64_t opset = 23) {
  Imported imported = import(parseGraph(graph, opset));
  return imported ? "no error" : imported.messages.front();
}

std::string unsupported(const std::string &op, const std::string &why) {
  return "1 node is not supported: 'y' (" + op + ", domain ai.onnx): " + why +
         "; change them in the model and export it again";
}
std::string invalid(const std::string &op, const std::string &why) {
  return "node 'y' (" + op + ", domain ai.onnx) is not valid ONNX: " + why +
         "; export the model again";
}

//===----------------------------------------------------------------------===//
// Attention
//===----------------------------------------------------------------------===//

// Keys that a query scores either 0 or far above: what it attends to are then
// plain means of values.
constexpr float kFar = 100;

/// One head, two tokens: query 0 sees both keys alike, query 1 the second.
const Tensor kQuery = Tensor::fromFloats({1, 2, 1}, {0, kFar}),
             kKey = Tensor::fromFloats({1, 2, 1}, {0, 1}),
             kValue = Tensor::fromFloats({1, 2, 1}, {2, 6});

std::string attend(const std::string &inputs, const std::string &attributes,
                   const std::string &arguments = "q, k, v",
                   const std::string &rest = "") {
  return "(" + inputs + ") => (float[N] y) {" + rest + " y = Attention <" +
         attributes + "> (" + arguments + ") }";
}

constexpr char kOneHead[] = "float[1,2,1] q, float[1,2,1] k, float[1,2,1] v";

TEST(AttentionImportTest, ThreeDimensions) {
  Imported imported = import(parseGraph(
      attend(kOneHead, "q_num_heads = 1, kv_num_heads = 1, scale = 1.0")));
  EXPECT_EQ(imported.getOps<pi::AttentionOp>().size(), 1u);
  EXPECT_THAT(runFloats(imported, {kQuery, kKey, kValue}), areNear({4, 6}));
}

TEST(AttentionImportTest, Causal) {
  Imported imported = import(parseGraph(
      attend(kOneHead,
             "q_num_heads = 1, kv_num_heads = 1, scale = 1.0, is_causal = 1")));
  EXPECT_THAT(runFloats(imported, {kQuery, kKey, kValue}), areNear({2, 6}));
}

TEST(AttentionImportTest, DefaultScale) {
  // Width 4: half of the scores' difference of 2 ln 3, so that the weights are
  // 1/4 and 3/4.
  Imported imported =
      import(parseGraph(attend("float[1,1,4] q, float[1,2,4] k, float[1,2,4] v",
                               "q_num_heads = 1, kv_num_heads = 1")));
  float score = 2 * std::log(3.0f);
  EXPECT_THAT(
      runFloats(imported,
                {Tensor::fromFloats({1, 1, 4}, {1, 0, 0, 0}),
                 Tensor::fromFloats({1, 2, 4}, {0, 0, 0, 0, score, 0, 0, 0}),
                 Tensor::fromFloats({1, 2, 4}, {4, 0, 0, 8, 8, 0, 0, 16})}),
      areNear({7, 0, 0, 14}));
}

TEST(AttentionImportTest, FourDimensions) {
  // Two heads, (batch, heads, tokens, width): the second head's values are ten
  // times the first's, its queries the other way round.
  Imported imported = import(parseGraph(attend(
      "float[1,2,2,1] q, float[1,2,2,1] k, float[1,2,2,1] v", "scale = 1.0")));
  EXPECT_THAT(
      runFloats(imported, {Tensor::fromFloats({1, 2, 2, 1}, {0, kFar, kFar, 0}),
                           Tensor::fromFloats({1, 2, 2, 1}, {0, 1, 0, 1}),
                           Tensor::fromFloats({1, 2, 2, 1}, {2, 6, 20, 60})}),
      areNear({4, 6, 60, 40}));
}

TEST(AttentionImportTest, GroupedHeads) {
  // Two query heads share one of keys and values.
  Imported imported = import(
      parseGraph(attend("float[1,1,2] q, float[1,2,1] k, float[1,2,1] v",
                        "q_num_heads = 2, kv_num_heads = 1, scale = 1.0")));
  ASSERT_TRUE(imported) << imported.messages.front();
  EXPECT_EQ(imported.getOps<pi::AttentionOp>()[0].getKeyHeads(), 1);
  EXPECT_THAT(runFloats(imported, {Tensor::fromFloats({1, 1, 2}, {0, kFar}),
                                   kKey, kValue}),
              areNear({4, 6}));
}

TEST(AttentionImportTest, FloatMaskIsAdded) {
  Imported imported = import(parseGraph(
      attend(std::string(kOneHead) + ", float[2,2] m",
             "q_num_heads = 1, kv_num_heads = 1, scale = 1.0", "q, k, v, m")));
  // Query 0 gets the first key, query 1 both alike.
  Tensor mask = Tensor::fromFloats({2, 2}, {kFar, 0, kFar, 0});
  EXPECT_THAT(runFloats(imported, {kQuery, kKey, kValue, mask}),
              areNear({2, 4}));
}

TEST(AttentionImportTest, TruthMaskHides) {
  Imported imported = import(parseGraph(
      attend(std::string(kOneHead) + ", bool[1,1,2,2] m",
             "q_num_heads = 1, kv_num_heads = 1, scale = 1.0", "q, k, v, m")));
  Tensor mask = Tensor::fromBools({1, 1, 2, 2}, {0, 1, 1, 0});
  EXPECT_THAT(runFloats(imported, {kQuery, kKey, kValue, mask}),
              areNear({6, 2}));
}

TEST(AttentionImportTest, PublicTruthMask) {
  Imported imported = import(parseGraph(attend(
      kOneHead, "q_num_heads = 1, kv_num_heads = 1, scale = 1.0", "q, k, v, m",
      "m = Constant <value = bool[2,2] {0, 1, 1, 0}> ()")));
  EXPECT_THAT(runFloats(imported, {kQuery, kKey, kValue}), areNear({6, 2}));
}

TEST(AttentionImportTest, Past) {
  // Keys and values (batch, heads, tokens, width) of one token before.
  Imported imported = import(parseGraph(
      "(float[1,1,1] q, float[1,1,1] k, float[1,1,1] v, float[1,1,1,1] pk,"
      " float[1,1,1,1] pv) => (float[1,1,1] y, float[1,1,2,1] nk,"
      " float[1,1,2,1] nv) {"
      "  y, nk, nv = Attention <q_num_heads = 1, kv_num_heads = 1, scale = 1.0>"
      "    (q, k, v, , pk, pv) }"));
  std::vector<Tensor> results =
      run(imported, {Tensor::fromFloats({1, 1, 1}, {0}),
                     Tensor::fromFloats({1, 1, 1}, {1}),
                     Tensor::fromFloats({1, 1, 1}, {6}),
                     Tensor::fromFloats({1, 1, 1, 1}, {5}),
                     Tensor::fromFloats({1, 1, 1, 1}, {2})});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_THAT(results[0].getFloats(), ElementsAre(4));
  EXPECT_THAT(results[1].getFloats(), ElementsAre(5, 1));
  EXPECT_THAT(results[2].getFloats(), ElementsAre(2, 6));
}

TEST(AttentionImportTest, EmptyPast) {
  ImportOptions options;
  options.bindings["past"] = 0;
  Imported imported = import(
      parseGraph("(float[1,2,1] q, float[1,2,1] k, float[1,2,1] v, "
                 "float[1,1,past,1] pk, float[1,1,past,1] pv) => "
                 "(float[1,2,1] y, float[1,1,total,1] nk) {"
                 "  y, nk = Attention <q_num_heads = 1, kv_num_heads = 1, "
                 "scale = 1.0, is_causal = 1> (q, k, v, , pk, pv) }"),
      options);
  std::vector<Tensor> results = run(imported, {kQuery, kKey, kValue});
  ASSERT_EQ(results.size(), 2u);
  EXPECT_THAT(results[0].getFloats(), areNear({2, 6}));
  EXPECT_THAT(results[1].getFloats(), ElementsAre(0, 1));
}

TEST(AttentionImportTest, Refused) {
  std::string heads = "q_num_heads = 1, kv_num_heads = 1";
  EXPECT_EQ(fault(attend(kOneHead, heads + ", softcap = 2.0")),
            unsupported("Attention", "it caps its scores"));
  EXPECT_EQ(fault(attend(kOneHead, "q_num_heads = 0, kv_num_heads = 1")),
            invalid("Attention",
                    "its inputs are not (batch, heads, tokens, width) or "
                    "(batch, tokens, width) with a number of heads that "
                    "divides the width"));
  EXPECT_EQ(fault(attend("float[1,2,4] q, float[1,2,4] k, float[1,2,4] v",
                         "q_num_heads = 3, kv_num_heads = 2")),
            invalid("Attention",
                    "its inputs are not (batch, heads, tokens, width) or "
                    "(batch, tokens, width) with a number of heads that "
                    "divides the width"));
  EXPECT_EQ(fault(attend("float[1,2,4] q, float[1,2,6] k, float[1,2,6] v",
                         "q_num_heads = 2, kv_num_heads = 3")),
            invalid("Attention", "its queries and keys do not fit together"));
  EXPECT_EQ(
      fault(attend("float[1,2,2] q, float[1,2,2] k, float[1,2,4] v",
                   "q_num_heads = 1, kv_num_heads = 1")),
      unsupported("Attention", "its keys and values have different shapes"));
  EXPECT_EQ(fault(attend("float[1,1,1] q, float[1,2,1] k, float[1,2,1] v",
                         heads + ", is_causal = 1")),
            unsupported("Attention",
                        "it is causal with more keys than queries (pass "
                        "the causal mask as attn_mask)"));
  EXPECT_EQ(fault(attend(std::string(kOneHead) + ", int64[2,2] m", heads,
                         "q, k, v, m")),
            unsupported("Attention", "its mask is not one truth value or "
                                     "number for each query and key"));
  EXPECT_EQ(fault(attend(std::string(kOneHead) + ", float[3,2] m", heads,
                         "q, k, v, m")),
            unsupported("Attention", "its mask is not one truth value or "
                                     "number for each query and key"));
  EXPECT_EQ(fault(attend(std::string(kOneHead) + ", float[1,1,1,1] p", heads,
                         "q, k, v, , p")),
            invalid("Attention", "it has a past of keys or of values only"));
  EXPECT_EQ(fault(attend(std::string(kOneHead) +
                             ", float[1,2,1,1] p, float[1,1,1,1] r",
                         heads, "q, k, v, , p, r")),
            invalid("Attention", "the past does not fit the keys and values"));
  EXPECT_EQ(fault(attend(kOneHead, heads), 22),
            unsupported("Attention", "no pi operation computes it"));
}

//===----------------------------------------------------------------------===//
// Rotary positions
//===----------------------------------------------------------------------===//

// A quarter turn at position 1 and a half turn at position 2.
constexpr char kCos[] = "cos = Constant <value = float[3,1] {1, 0, -1}> ()";
constexpr char kSin[] = "sin = Constant <value = float[3,1] {0, 1, 0}> ()";

std::string rotate(const std::string &inputs, const std::string &arguments,
                   const std::string &attributes,
                   const std::string &rest = "") {
  return "(" + inputs + ") => (float[N] y) {" + kCos + " " + kSin + " " + rest +
         " y = RotaryEmbedding" +
         (attributes.empty() ? "" : " <" + attributes + ">") + " (" +
         arguments + ") }";
}

TEST(RotaryImportTest, Positions) {
  // (1, 0) turned by what the position says: 2, 0, 1, 1.
  Imported imported = import(parseGraph(rotate(
      "float[1,4,2] x, int64[1,4] p", "x, cos, sin, p", "num_heads = 1")));
  EXPECT_THAT(runFloats(imported, {Tensor::fromFloats({1, 4, 2},
                                                      {1, 0, 1, 0, 1, 0, 0, 1}),
                                   Tensor::fromInts({1, 4}, {2, 0, 1, 1})}),
              ElementsAre(-1, 0, 1, 0, 0, 1, -1, 0));
}

TEST(RotaryImportTest, PublicPositions) {
  Imported imported = import(
      parseGraph(rotate("float[1,2,2] x", "x, cos, sin, p", "num_heads = 1",
                        "p = Constant <value = int64[1,2] {2, -2}> ()")));
  EXPECT_TRUE(imported.getOps<pi::EmbeddingOp>().empty());
  EXPECT_THAT(runFloats(imported, Tensor::fromFloats({1, 2, 2}, {1, 0, 1, 0})),
              ElementsAre(-1, 0, 0, 1));
}

TEST(RotaryImportTest, HalvesAndPairs) {
  // Width 4 with a quarter turn of both pairs at the only token.
  auto run = [](const std::string &attributes) {
    return runFloats(
        import(parseGraph("(float[1,1,1,4] x) => (float[1,1,1,4] y) {"
                          "  c = Constant <value = float[1,1,2] {0, 0}> ()"
                          "  s = Constant <value = float[1,1,2] {1, 1}> ()"
                          "  y = RotaryEmbedding" +
                          attributes + " (x, c, s) }")),
        Tensor::fromFloats({1, 1, 1, 4}, {1, 2, 3, 4}));
  };
  EXPECT_THAT(run(""), ElementsAre(-3, -4, 1, 2));
  EXPECT_THAT(run(" <interleaved = 1>"), ElementsAre(-2, 1, -4, 3));
}

TEST(RotaryImportTest, PartOfTheHead) {
  Imported imported = import(parseGraph(
      "(float[1,1,4] x) => (float[1,1,4] y) {"
      "  c = Constant <value = float[1,1,1] {0}> ()"
      "  s = Constant <value = float[1,1,1] {1}> ()"
      "  y = RotaryEmbedding <num_heads = 1, rotary_embedding_dim = 2>"
      "    (x, c, s) }"));
  EXPECT_THAT(runFloats(imported, Tensor::fromFloats({1, 1, 4}, {1, 2, 3, 4})),
              ElementsAre(-2, 1, 3, 4));
}

/// The architecture fixes the angles: a file that stores them as initializers
/// does not make them the server's.
TEST(RotaryImportTest, TablesArePublic) {
  Imported imported =
      import(parseGraph("(float[1,2,2] x) => (float[1,2,2] y)"
                        "<float[1,2,1] c = {1, 0}, float[1,2,1] s = {0, 1}>"
                        "{ y = RotaryEmbedding <num_heads = 1> (x, c, s) }"));
  EXPECT_THAT(imported.getWeightNames(), IsEmpty());
  EXPECT_THAT(runFloats(imported, Tensor::fromFloats({1, 2, 2}, {1, 0, 1, 0})),
              ElementsAre(1, 0, 0, 1));
}

TEST(RotaryImportTest, Refused) {
  EXPECT_EQ(fault(rotate("float[1,2,2] x", "x, cos, sin, p", "num_heads = 1",
                         "p = Constant <value = int64[1,2] {0, 3}> ()")),
            invalid("RotaryEmbedding", "a position is out of range"));
  EXPECT_EQ(fault(rotate("float[1,2,2] x, float[1,2] p", "x, cos, sin, p",
                         "num_heads = 1")),
            invalid("RotaryEmbedding", "its positions are not integers"));
  EXPECT_EQ(
      fault(rotate("float[1,2,2] x", "x, cos, sin", "num_heads = 1")),
      invalid("RotaryEmbedding", "its tables of angles do not fit its input"));
  EXPECT_EQ(
      fault(rotate("float[1,2,4] x, int64[1,2] p", "x, cos, sin, p",
                   "num_heads = 1")),
      invalid("RotaryEmbedding", "its tables of angles do not fit its input"));
  EXPECT_EQ(fault(rotate("float[1,2,2] x, int64[1,2] p, float[1,3,1] t",
                         "x, t, sin, p", "num_heads = 1")),
            invalid("RotaryEmbedding", "its table of angles is not a matrix"));
  EXPECT_EQ(fault(rotate("float[1,2,2] x", "x, cos, sin", "")),
            invalid("RotaryEmbedding",
                    "its inputs are not (batch, heads, tokens, width) or "
                    "(batch, tokens, width) with a number of heads that "
                    "divides the width"));
}

} // namespace
