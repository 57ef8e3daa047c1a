//===- OperatorImportTest.cpp - Operators on values of an input -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// The operators whose pi ops compute the result in another way than the
/// operator says it, run on numbers that were worked out by hand.
///
//===----------------------------------------------------------------------===//

#include "ImportTestSupport.h"

#include <cmath>

using namespace aero;
using namespace aero::test;
using reference::Tensor;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

namespace {

std::string fault(const std::string &graph, int64_t opset = 23) {
  Imported imported = import(parseGraph(graph, opset));
  return imported ? "no error" : imported.messages.front();
}

//===----------------------------------------------------------------------===//
// Einsum
//===----------------------------------------------------------------------===//

std::vector<float> einsum(const std::string &equation, const std::string &a,
                          const std::string &b, const Tensor &x,
                          const Tensor &z) {
  return runFloats(import(parseGraph("(float[" + a + "] x, float[" + b +
                                     "] z) => (float[N] y)"
                                     "{ y = Einsum <equation = \"" +
                                     equation + "\"> (x, z) }")),
                   {x, z});
}

TEST(EinsumImportTest, Matrices) {
  Tensor x = Tensor::fromFloats({2, 2}, {1, 2, 3, 4}),
         z = Tensor::fromFloats({2, 2}, {5, 6, 7, 8});
  auto run = [&](const std::string &equation) {
    return einsum(equation, "2,2", "2,2", x, z);
  };
  EXPECT_THAT(run("ij,jk->ik"), ElementsAre(19, 22, 43, 50));
  EXPECT_THAT(run("ij,jk->ki"), ElementsAre(19, 43, 22, 50));
  EXPECT_THAT(run("ij,kj->ik"), ElementsAre(17, 23, 39, 53));
  EXPECT_THAT(run("ji,kj->ik"), ElementsAre(1 * 5 + 3 * 6, 1 * 7 + 3 * 8,
                                            2 * 5 + 4 * 6, 2 * 7 + 4 * 8));
  // Element by element, and all with all.
  EXPECT_THAT(run("ij,ij->ij"), ElementsAre(5, 12, 21, 32));
  EXPECT_THAT(run("ij,ij->"), ElementsAre(70));
}

/// The scores of attention: batch, heads, and what is summed over in the
/// middle.
TEST(EinsumImportTest, Attention) {
  // x[b, q, h, d] = b + 10 q + 100 h + 1000 d would hide nothing, but is hard
  // to check; one non-zero element in each tells where it went.
  std::vector<float> q(1 * 2 * 3 * 2, 0), k(1 * 4 * 3 * 2, 0);
  q[(1 * 3 + 2) * 2 + 1] = 5; // query 1, head 2, column 1
  k[(3 * 3 + 2) * 2 + 1] = 7; // key 3, head 2, column 1
  std::vector<float> expected(3 * 2 * 4, 0);
  expected[(2 * 2 + 1) * 4 + 3] = 35; // head 2, query 1, key 3
  EXPECT_THAT(einsum("bqhd,bkhd->bhqk", "1,2,3,2", "1,4,3,2",
                     Tensor::fromFloats({1, 2, 3, 2}, q),
                     Tensor::fromFloats({1, 4, 3, 2}, k)),
              ElementsAreArray(expected));
}

TEST(EinsumImportTest, OuterProduct) {
  EXPECT_THAT(einsum("i,j->ji", "2", "3", Tensor::fromFloats({2}, {1, 10}),
                     Tensor::fromFloats({3}, {1, 2, 3})),
              ElementsAre(1, 10, 2, 20, 3, 30));
}

TEST(EinsumImportTest, SumsDiagonalsAndEllipses) {
  Tensor x = Tensor::fromFloats({2, 2}, {1, 2, 3, 4}),
         z = Tensor::fromFloats({2, 2}, {5, 6, 7, 8});
  auto run = [&](const std::string &equation) {
    return einsum(equation, "2,2", "2,2", x, z);
  };
  EXPECT_THAT(run("ii,ij->j"), ElementsAre(1 * 5 + 4 * 7, 1 * 6 + 4 * 8));
  EXPECT_THAT(run("ij,jk->i"), ElementsAre(19 + 22, 43 + 50));
  EXPECT_THAT(run("ij,jk"), ElementsAre(19, 22, 43, 50));
  EXPECT_THAT(run("...ij,...jk->...ik"), ElementsAre(19, 22, 43, 50));
  auto runOne = [&](const std::string &equation) {
    return runFloats(import(parseGraph("(float[2,2] x) => (float[N] y)"
                                       "{ y = Einsum <equation = \"" +
                                       equation + "\"> (x) }")),
                     x);
  };
  EXPECT_THAT(runOne("ij->ji"), ElementsAre(1, 3, 2, 4));
  EXPECT_THAT(runOne("ij->i"), ElementsAre(3, 7));
  EXPECT_THAT(runOne("ii"), ElementsAre(5));
}

TEST(EinsumImportTest, Faults) {
  auto run = [](const std::string &equation) {
    return fault("(float[2,2] x, float[2,2] z) => (float[2,2] y)"
                 "{ y = Einsum <equation = \"" +
                 equation + "\"> (x, z) }");
  };
  const std::string invalid = "node 'y' (Einsum, domain ai.onnx) is not valid "
                              "ONNX: its equation does not fit its inputs; "
                              "export the model again";
  for (std::string equation : {"ijk,kl->ijl", "ij,jk->ikl", "ij,jk,->ik", "",
                               "i0,0j->ij", "ij,jk->...ik->"})
    EXPECT_EQ(run(equation), invalid) << equation;
  EXPECT_EQ(fault("(float[2,2] x) => (float[2,2] y)"
                  "{ y = Einsum <equation = \"ij,jk,kl->il\"> (x, x, x) }"),
            "1 node is not supported: 'y' (Einsum, domain ai.onnx): it "
            "multiplies more than two tensors; change them in the model and "
            "export it again");
}

//===----------------------------------------------------------------------===//
// Gathers
//===----------------------------------------------------------------------===//

/// Rows of a public table by positions of an input.
TEST(GatherImportTest, GatherElementsOfRows) {
  Imported imported = import(parseGraph(
      "(int64[1,2,1] p) => (float[1,2,3] y)"
      "<int64[3] s = {1, 2, 3}> {"
      "  t = Constant <value = float[1,4,3] {0, 1, 2, 10, 11, 12, 20, 21, 22,"
      "                                      30, 31, 32}> ()"
      "  i = Expand(p, s)"
      "  y = GatherElements <axis = 1> (t, i) }"));
  EXPECT_EQ(imported.getOps<pi::EmbeddingOp>().size(), 1u);
  EXPECT_THAT(runFloats(imported, Tensor::fromInts({1, 2, 1}, {3, 1})),
              ElementsAre(30, 31, 32, 10, 11, 12));
}

TEST(GatherImportTest, GatherElementsByElement) {
  EXPECT_EQ(fault("(int64[2,2] i) => (float[2,2] y) {"
                  "  t = Constant <value = float[3,2] {1, 2, 3, 4, 5, 6}> ()"
                  "  y = GatherElements(t, i) }"),
            "1 node is not supported: 'y' (GatherElements, domain ai.onnx): it "
            "picks single elements by indices that depend on an input; only "
            "whole rows of a table are known (fix a public input with --fix); "
            "change them in the model and export it again");
}

TEST(GatherImportTest, PublicIndices) {
  auto run = [](const std::string &shape, const std::string &indices) {
    return runFloats(import(parseGraph("(float[2,3] x) => (float[N] y) <int64" +
                                       shape + " i = {" + indices +
                                       "}> { y = Gather <axis = 1> (x, i) }")),
                     Tensor::fromFloats({2, 3}, {1, 2, 3, 4, 5, 6}));
  };
  EXPECT_THAT(run("", "-1"), ElementsAre(3, 6));
  EXPECT_THAT(run("[2]", "2, 0"), ElementsAre(3, 1, 6, 4));
  EXPECT_THAT(run("[1,2]", "1, 2"), ElementsAre(2, 3, 5, 6));
  EXPECT_THAT(run("[2]", "1, 1"), ElementsAre(2, 2, 5, 5));
}

TEST(GatherImportTest, PrivateIndicesOfActivations) {
  EXPECT_EQ(fault("(float[2,3,4] x, int64 i) => (float[2,4] y)"
                  "{ y = Gather <axis = 1> (x, i) }"),
            "1 node is not supported: 'y' (Gather, domain ai.onnx): its "
            "indices depend on an input, and its data is not an embedding "
            "table (fix a public input with --fix); change them in the model "
            "and export it again");
}

/// Only public values are moved element by element.
TEST(GatherImportTest, PublicOnly) {
  for (std::string op : {"GatherND", "ScatterND", "Trilu"}) {
    std::string inputs = op == "ScatterND" ? "(x, i, x)"
                         : op == "Trilu"   ? "(x)"
                                           : "(x, i)";
    EXPECT_EQ(fault("(float[2,2] x) => (float[2,2] y) <int64[2,1] i = {0, 1}>"
                    "{ y = " +
                    op + inputs + " }"),
              "1 node is not supported: 'y' (" + op +
                  ", domain ai.onnx): it depends on an input or a weight; only "
                  "public shapes and masks are evaluated; change them in the "
                  "model and export it again");
  }
}

TEST(GatherImportTest, SliceByStep) {
  EXPECT_THAT(
      runFloats(import(parseGraph(
                    "(float[2,4] x) => (float[1,2] y)"
                    "<int64[2] start = {-1, 3}, int64[2] end = {-9, 0}, "
                    "int64[2] axes = {0, -1}, int64[2] step = {-2, -2}>"
                    "{ y = Slice(x, start, end, axes, step) }")),
                Tensor::fromFloats({2, 4}, {1, 2, 3, 4, 5, 6, 7, 8})),
      ElementsAre(8, 6));
}

TEST(GatherImportTest, SplitWithASmallerLast) {
  EXPECT_THAT(
      runFloats(import(parseGraph("(float[5] x) => (float[1] y)"
                                  "{ a, b, y = Split <num_outputs = 3> (x) }",
                                  18)),
                Tensor::fromFloats({5}, {1, 2, 3, 4, 5})),
      ElementsAre(5));
}

TEST(GatherImportTest, Tile) {
  EXPECT_THAT(
      runFloats(import(parseGraph("(float[2,1] x) => (float[4,3] y)"
                                  "<int64[2] r = {2, 3}> { y = Tile(x, r) }")),
                Tensor::fromFloats({2, 1}, {1, 2})),
      ElementsAre(1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2));
}

//===----------------------------------------------------------------------===//
// Sums, norms, products
//===----------------------------------------------------------------------===//

TEST(NormImportTest, CumSum) {
  Tensor x = Tensor::fromInts({2, 3}, {1, 1, 0, 1, 0, 1});
  EXPECT_THAT(
      runInts(import(parseGraph("(int64[2,3] m) => (int64[2,3] p)"
                                "<int64 axis = {-1}> { p = CumSum(m, axis) }")),
              x),
      ElementsAre(1, 2, 2, 1, 1, 2));
  auto sum = [&](const std::string &attributes) {
    return runInts(import(parseGraph("(int64[2,3] m) => (int64[2,3] p)"
                                     "<int64 axis = {-1}> { p = CumSum <" +
                                     attributes + "> (m, axis) }")),
                   x);
  };
  EXPECT_THAT(sum("exclusive = 1"), ElementsAre(0, 1, 2, 0, 1, 1));
  EXPECT_THAT(sum("reverse = 1"), ElementsAre(2, 1, 0, 2, 1, 1));
  EXPECT_THAT(sum("exclusive = 1, reverse = 1"), ElementsAre(1, 0, 0, 1, 1, 0));
}

TEST(NormImportTest, LayerNormalizationOverTwoAxes) {
  // Rows of mean 4 and variance 5, and of mean 0 and variance 4.
  Imported imported = import(parseGraph(
      "(float[2,2,2] x) => (float[2,2,2] y)"
      "<float[2,2] s = {1, 2, 3, 4}, float[2,2] b = {0, 0, 1, 1}>"
      "{ y = LayerNormalization <axis = 1, epsilon = 0.0> (x, s, b) }"));
  float r = 1 / std::sqrt(5.0f);
  EXPECT_THAT(runFloats(imported, Tensor::fromFloats(
                                      {2, 2, 2}, {1, 3, 5, 7, -2, 2, -2, 2})),
              areNear({-3 * r, -2 * r, 3 * r + 1, 12 * r + 1, -1, 2, -2, 5}));
}

TEST(NormImportTest, MomentsOfLayerNormalization) {
  Imported imported = import(parseGraph(
      "(float[1,2] x) => (float[1,1] m, float[1,1] d) <float[2] s = {1, 1}>"
      "{ y, m, d = LayerNormalization <epsilon = 0.0> (x, s) }"));
  std::vector<Tensor> results =
      run(imported, Tensor::fromFloats({1, 2}, {1, 5}));
  ASSERT_EQ(results.size(), 2u);
  EXPECT_THAT(results[0].getFloats(), ElementsAre(3));
  EXPECT_THAT(results[1].getFloats(), ElementsAre(0.5));
}

TEST(NormImportTest, ScaleOfOneNumber) {
  Imported imported =
      import(parseGraph("(float[1,2] x) => (float[1,2] y) <float[1] s = {3}>"
                        "{ y = LayerNormalization <epsilon = 0.0> (x, s) }"));
  EXPECT_THAT(runFloats(imported, Tensor::fromFloats({1, 2}, {1, 5})),
              ElementsAre(-3, 3));
}

TEST(NormImportTest, ScaleThatDoesNotFit) {
  EXPECT_EQ(fault("(float[4,2] x) => (float[4,2] y) <float[4] s = {1, 2, 3, 4}>"
                  "{ y = LayerNormalization(x, s) }"),
            "1 node is not supported: 'y' (LayerNormalization, domain "
            "ai.onnx): its scale or shift is not one number a column; change "
            "them in the model and export it again");
}

TEST(NormImportTest, RMSNormalization) {
  Imported imported = import(parseGraph(
      "(float[1,2,2] x) => (float[1,2,2] y) <float[2,2] s = {1, 2, 3, 4}>"
      "{ y = RMSNormalization <axis = -2, epsilon = 0.0> (x, s) }"));
  // The mean square of 1, 1, 3, 5 is 9.
  EXPECT_THAT(runFloats(imported, Tensor::fromFloats({1, 2, 2}, {1, 1, 3, 5})),
              areNear({1 / 3.0f, 2 / 3.0f, 3, 20 / 3.0f}));
}

TEST(NormImportTest, ReduceL2) {
  Imported imported = import(
      parseGraph("(float[2,2] x) => (float[2,2] y) <int64[1] axis = {-1}> {"
                 "  n = ReduceL2(x, axis)"
                 "  y = Div(x, n) }"));
  EXPECT_THAT(runFloats(imported, Tensor::fromFloats({2, 2}, {3, -4, 0, 2})),
              areNear({0.6f, -0.8f, 0, 1}));
}

TEST(NormImportTest, SoftmaxBeforeOpset13) {
  // One row of four, not two of two.
  Imported imported = import(parseGraph(
      "(float[1,2,2] x) => (float[1,2,2] y) { y = Softmax(x) }", 12));
  EXPECT_THAT(runFloats(imported, Tensor::fromFloats({1, 2, 2}, {0, 0, 0, 0})),
              areNear({0.25f, 0.25f, 0.25f, 0.25f}));
}

TEST(NormImportTest, VectorsInProducts) {
  Tensor x = Tensor::fromFloats({2}, {1, 10});
  EXPECT_THAT(runFloats(import(parseGraph("(float[2] x) => (float[2] y)"
                                          "<float[2,2] w = {1, 2, 3, 4}>"
                                          "{ y = MatMul(x, w) }")),
                        x),
              ElementsAre(31, 42));
  EXPECT_THAT(runFloats(import(parseGraph("(float[2] x) => (float[2] y)"
                                          "<float[2,2] w = {1, 2, 3, 4}>"
                                          "{ y = MatMul(w, x) }")),
                        x),
              ElementsAre(21, 43));
  EXPECT_THAT(runFloats(import(parseGraph("(float[2] x) => (float y)"
                                          "{ y = MatMul(x, x) }")),
                        x),
              ElementsAre(101));
}

TEST(NormImportTest, GemmWithEverything) {
  Imported imported = import(parseGraph(
      "(float[2,1] x) => (float[1,2] y)"
      "<float[2,2] w = {1, 2, 3, 4}, float[1,2] b = {1, 2}>"
      "{ y = Gemm <alpha = 0.5, beta = 2.0, transA = 1, transB = 1> (x, w, b)"
      "}"));
  EXPECT_THAT(runFloats(imported, Tensor::fromFloats({2, 1}, {2, 4})),
              ElementsAre(0.5f * 10 + 2, 0.5f * 22 + 4));
}

//===----------------------------------------------------------------------===//
// Elements
//===----------------------------------------------------------------------===//

TEST(ElementImportTest, AbsNegReciprocal) {
  Imported imported =
      import(parseGraph("(float[2] x) => (float[2] a, float[2] n, float[2] r)"
                        "{ a = Abs(x) n = Neg(x) r = Reciprocal(x) }"));
  std::vector<Tensor> results = run(imported, Tensor::fromFloats({2}, {-4, 2}));
  ASSERT_EQ(results.size(), 3u);
  EXPECT_THAT(results[0].getFloats(), ElementsAre(4, 2));
  EXPECT_THAT(results[1].getFloats(), ElementsAre(4, -2));
  EXPECT_THAT(results[2].getFloats(), ElementsAre(-0.25, 0.5));
}

TEST(ElementImportTest, ClipWithOneBound) {
  Tensor x = Tensor::fromFloats({3}, {-5, 0, 5});
  auto clip = [&](const std::string &inputs) {
    return runFloats(import(parseGraph("(float[3] x) => (float[3] y) {"
                                       "  c = Constant <value_float = 1.0> ()"
                                       "  y = Clip(" +
                                       inputs + ") }")),
                     x);
  };
  EXPECT_THAT(clip("x"), ElementsAre(-5, 0, 5));
  EXPECT_THAT(clip("x, c"), ElementsAre(1, 1, 5));
  EXPECT_THAT(clip("x, , c"), ElementsAre(-5, 0, 1));
}

TEST(ElementImportTest, Variadic) {
  Imported imported = import(parseGraph(
      "(float[2] x, float[1] z) => (float[2] a, float[2] b, float[2] c)"
      "{ a = Max(x, z, x) b = Min(x, z) c = Sum(x, z, z) }"));
  std::vector<Tensor> results = run(imported, {Tensor::fromFloats({2}, {1, 5}),
                                               Tensor::fromFloats({1}, {3})});
  ASSERT_EQ(results.size(), 3u);
  EXPECT_THAT(results[0].getFloats(), ElementsAre(3, 5));
  EXPECT_THAT(results[1].getFloats(), ElementsAre(1, 3));
  EXPECT_THAT(results[2].getFloats(), ElementsAre(7, 11));
}

TEST(ElementImportTest, GeluOfOpset20) {
  for (std::string approximate : {"none", "tanh"}) {
    Imported imported = import(
        parseGraph("(float[1] x) => (float[1] y) { y = Gelu <approximate = \"" +
                       approximate + "\"> (x) }",
                   20));
    EXPECT_THAT(runFloats(imported, Tensor::fromFloats({1}, {1})),
                areNear({approximate == "none" ? 0.8413447f : 0.8411920f}));
  }
  EXPECT_EQ(fault("(float[1] x) => (float[1] y)"
                  "{ y = Gelu <approximate = \"erf\"> (x) }"),
            "node 'y' (Gelu, domain ai.onnx) is not valid ONNX: its "
            "approximation is neither none nor tanh; export the model again");
  EXPECT_EQ(fault("(float[1] x) => (float[1] y) { y = Gelu(x) }", 19),
            "1 node is not supported: 'y' (Gelu, domain ai.onnx): no pi "
            "operation computes it; change them in the model and export it "
            "again");
}

/// Masks of padding are computed from what an input says.
TEST(ElementImportTest, MasksAtRunTime) {
  Imported imported =
      import(parseGraph("(int64[1,3] mask, float[1,3] x) => (float[1,3] y) {"
                        "  m = Cast <to = 9> (mask)"
                        "  n = Not(m)"
                        "  low = Constant <value_float = -100.0> ()"
                        "  y = Where(n, low, x) }"));
  EXPECT_THAT(runFloats(imported, {Tensor::fromInts({1, 3}, {1, 0, 1}),
                                   Tensor::fromFloats({1, 3}, {1, 2, 3})}),
              ElementsAre(1, -100, 3));
}

TEST(ElementImportTest, ComparisonsAtRunTime) {
  for (auto [op, expected] :
       std::vector<std::pair<std::string, float>>{{"Less", 100},
                                                  {"LessOrEqual", 110},
                                                  {"Equal", 10},
                                                  {"Greater", 1},
                                                  {"GreaterOrEqual", 11}}) {
    Imported imported = import(parseGraph(
        "(float[3] x) => (float y) {"
        "  two = Constant <value_float = 2.0> ()"
        "  digits = Constant <value = float[3] {100.0, 10.0, 1.0}> ()"
        "  m = " +
        op +
        "(x, two)"
        "  f = Cast <to = 1> (m)"
        "  d = Mul(f, digits)"
        "  y = ReduceSum <keepdims = 0> (d) }"));
    EXPECT_THAT(runFloats(imported, Tensor::fromFloats({3}, {1, 2, 3})),
                ElementsAre(expected))
        << op;
  }
}

/// Tensors without elements come and go without an op.
TEST(ElementImportTest, EmptyTensors) {
  Imported imported = import(
      parseGraph("(float[1,2] x) => (float[1,2] y) <int64[2] none = {0, 2}, "
                 "int64[1] zero = {0}> {"
                 "  e = Expand(x, none)"
                 "  f = Add(e, x)"
                 "  g = Slice(x, zero, zero)"
                 "  y = Concat <axis = 0> (e, f, g, x) }"));
  ASSERT_TRUE(imported) << imported.messages.front();
  EXPECT_TRUE(imported.getOps<pi::BroadcastOp>().empty());
  EXPECT_TRUE(imported.getOps<pi::AddOp>().empty());
  EXPECT_TRUE(imported.getOps<pi::ConcatOp>().empty());
  EXPECT_THAT(runFloats(imported, Tensor::fromFloats({1, 2}, {1, 2})),
              ElementsAre(1, 2));
}

/// Attributes as writers of the other protobuf syntax store them: without the
/// value where it is zero.
TEST(ElementImportTest, AttributesWithoutTheirZero) {
  onnx::ModelProto model = parseGraph(
      "(float[2,2] x) => (float[4,2] y) { y = Concat <axis = 1> (x, x) }");
  onnx::AttributeProto &axis =
      *model.mutable_graph()->mutable_node(0)->mutable_attribute(0);
  axis.clear_i();
  Imported imported = import(model);
  ASSERT_TRUE(imported) << imported.messages.front();
  EXPECT_EQ(imported.getOps<pi::ConcatOp>()[0].getAxis(), 0);
  // And without the type, as before IR version 3.
  axis.set_i(1);
  axis.clear_type();
  EXPECT_EQ(import(model).getOps<pi::ConcatOp>()[0].getAxis(), 1);
}

} // namespace
