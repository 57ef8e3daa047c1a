//===- WeightImportTest.cpp - What is the server's, and its name ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ImportTestSupport.h"

#include <numeric>

using namespace aero;
using namespace aero::test;
using reference::Tensor;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

//===----------------------------------------------------------------------===//
// Weights and constants
//===----------------------------------------------------------------------===//

TEST(WeightImportTest, FloatInitializersAreWeights) {
  Imported imported = import(parseGraph(
      "(float[2] x) => (float[2] y) <float[2] w = {1, 2}, float s = {3}> {"
      "  a = Add(x, w)"
      "  y = Mul(a, s) }"));
  EXPECT_THAT(imported.getWeightNames(), ElementsAre("w", "s"));
  EXPECT_TRUE(imported.getOps<pi::ConstantOp>().empty());
}

/// Numbers that were computed from a scalar weight tell of the server as well.
TEST(WeightImportTest, ScalarsStayWeights) {
  Imported imported = import(
      parseGraph("(float[2] x) => (float[2] y) <float s = {3}, float t = {4}> {"
                 "  one = Constant <value_float = 1.0> ()"
                 "  n = Neg(s)"
                 "  m = Sub(one, t)"
                 "  p = Mul(n, m)"
                 "  y = Mul(x, p) }"));
  EXPECT_THAT(imported.getWeightNames(), ElementsAre("s+t"));
  EXPECT_TRUE(imported.getOps<pi::ConstantOp>().empty());
  EXPECT_THAT(runFloats(imported, Tensor::fromFloats({2}, {1, 2})),
              ElementsAre(9, 18));
}

/// A comparison of the server's numbers is not made public.
TEST(WeightImportTest, TruthOfAScalarWeight) {
  Imported imported =
      import(parseGraph("(float[2] x) => (float[2] y) <float s = {3}> {"
                        "  zero = Constant <value_float = 0.0> ()"
                        "  c = Greater(s, zero)"
                        "  y = Where(c, x, zero) }"));
  ASSERT_TRUE(imported) << imported.messages.front();
  EXPECT_EQ(imported.getOps<pi::CompareOp>().size(), 1u);
  EXPECT_THAT(imported.getWeightNames(), ElementsAre("s"));
  EXPECT_EQ(import(parseGraph(
                       "(float[2] x) => (float[2] y) <float s = {3}> {"
                       "  zero = Constant <value_float = 0.0> ()"
                       "  c = Greater(s, zero)"
                       "  y = If (c) <then_branch = t () => (float[2] o)"
                       "    { o = Relu(x) }, else_branch = e () => (float[2] o)"
                       "    { o = Tanh(x) }> }"))
                .messages.front(),
            "1 node is not supported: 'y' (If, domain ai.onnx): its condition "
            "depends on an input or a weight (export by tracing instead of "
            "scripting, with static shapes); change them in the model and "
            "export it again");
}

/// Nor is a shape.
TEST(WeightImportTest, ShapeOfAScalarWeight) {
  EXPECT_EQ(import(parseGraph("(float[2,3] x) => (float[6] y)"
                              "<float[1] s = {6}> {"
                              "  i = Cast <to = 7> (s)"
                              "  y = Reshape(x, i) }"))
                .messages.front(),
            "1 node is not supported: 'y' (Reshape, domain ai.onnx): its shape "
            "depends on an input or a weight (export with static shapes, or "
            "fix a public input with --fix); change them in the model and "
            "export it again");
}

TEST(WeightImportTest, ConstantsInThePlaceOfParameters) {
  // A matrix, a table and a scale are the server's in whatever form.
  Imported imported = import(
      parseGraph("(int64[1,2] t) => (float[1,2,2] y) {"
                 "  table = Constant <value = float[3,2] {1, 2, 3, 4, 5, 6}> ()"
                 "  e = Gather(table, t)"
                 "  scale = Constant <value = float[2] {1, 1}> ()"
                 "  n = LayerNormalization(e, scale)"
                 "  matrix = Constant <value = float[2,2] {1, 2, 3, 4}> ()"
                 "  turned = Transpose(matrix)"
                 "  m = MatMul(n, turned)"
                 "  mask = Constant <value = float[2,2] {0, -1, 0, 0}> ()"
                 "  y = Add(m, mask) }"));
  EXPECT_THAT(imported.getWeightNames(),
              ElementsAre("table", "scale", "matrix"));
  EXPECT_EQ(imported.getOps<pi::ConstantOp>().size(), 1u);
}

TEST(WeightImportTest, UnusedWeightsDisappear) {
  Imported imported = import(parseGraph(
      "(float[2] x) => (float[2] y) <float[2] w = {1, 2}, float[2] v = {1, 2}>"
      "{ y = Add(x, w) dead = Add(x, v) }"));
  EXPECT_THAT(imported.getWeightNames(), ElementsAre("w"));
}

/// One initializer under the names of several parameters.
TEST(WeightImportTest, IdentityNames) {
  Imported imported = import(
      parseGraph("(float[2] x) => (float[2] y) <float[2] a_weight = {1, 1}> {"
                 "  b_weight = Identity(a_weight)"
                 "  s = Add(x, a_weight)"
                 "  y = Mul(s, b_weight) }"));
  EXPECT_THAT(imported.getWeightNames(), ElementsAre("a_weight", "b_weight"));
  // But not under names that exporters make up.
  onnx::ModelProto model =
      parseGraph("(float[2] x) => (float[2] y) <float[2] w = {1, 1}> {"
                 "  z = Identity(w)"
                 "  y = Mul(x, z) }");
  for (std::string name : {"onnx::Mul_12", "/layer/Identity_output_0", "42"}) {
    model.mutable_graph()->mutable_node(0)->set_output(0, name);
    model.mutable_graph()->mutable_node(1)->set_input(1, name);
    EXPECT_THAT(import(model).getWeightNames(), ElementsAre("w")) << name;
  }
}

/// A branch's weight keeps its name, and a function's constants are told apart
/// by the call.
TEST(WeightImportTest, NamesInBranchesAndFunctions) {
  Imported imported = import(
      parseModel("<ir_version: 8, opset_import: [\"\" : 23, \"local\" : 1]>"
                 "g (float[1,2] x) => (float[1,2] y) {"
                 "  a = local.layer(x)"
                 "  y = local.layer(a) }"
                 "<domain: \"local\", opset_import: [\"\" : 23]>"
                 "layer (i) => (o) {"
                 "  w = Constant <value = float[2,2] {1, 2, 3, 4}> ()"
                 "  o = MatMul(i, w) }"));
  EXPECT_THAT(imported.getWeightNames(), ElementsAre("a/w", "y/w"));
}

//===----------------------------------------------------------------------===//
// Angles
//===----------------------------------------------------------------------===//

std::string turn(const std::string &frequencies, const std::string &rest = "",
                 const std::string &function = "Cos") {
  return "(float[4,1] p) => (float[N] y) <float[1,3] f = {" + frequencies +
         "}> { a = MatMul(p, f) y = " + function + "(a) " + rest + " }";
}

TEST(AngleImportTest, FrequenciesArePublic) {
  for (std::string function : {"Cos", "Sin"}) {
    Imported imported = import(parseGraph(turn("1, 0.1, 0.01", "", function)));
    EXPECT_THAT(imported.getWeightNames(), IsEmpty()) << function;
  }
  EXPECT_THAT(import(parseGraph("(float[4,1] p) => (float[4,6] y)"
                                "<float[1,3] f = {1, 0.1, 0.01}> {"
                                "  a = Mul(p, f)"
                                "  b = Concat <axis = 1> (a, a)"
                                "  y = Sin(b) }"))
                  .getWeightNames(),
              IsEmpty());
}

/// Whatever does not fall, or is read elsewhere, may be learned.
TEST(AngleImportTest, OtherVectorsAreWeights) {
  for (std::string numbers :
       {"1, 2, 3", "1, 0.5, 0.7", "1, 0.5, -0.1", "1, 0.5, 0.0"})
    EXPECT_THAT(import(parseGraph(turn(numbers))).getWeightNames(),
                ElementsAre("f"))
        << numbers;
  EXPECT_THAT(
      import(parseGraph(turn("1, 0.1, 0.01", "", "Tanh"))).getWeightNames(),
      ElementsAre("f"));
  // Also read by another node, as an output, or inside of a branch.
  EXPECT_THAT(import(parseGraph("(float[4,1] p) => (float[4,3] y, float[4,3] z)"
                                "<float[1,3] f = {1, 0.1, 0.01}> {"
                                "  a = MatMul(p, f)"
                                "  y = Cos(a)"
                                "  z = Add(p, f) }"))
                  .getWeightNames(),
              ElementsAre("f"));
  EXPECT_THAT(import(parseGraph("(float[4,1] p) => (float[4,3] y, float[4,3] a)"
                                "<float[1,3] f = {1, 0.1, 0.01}> {"
                                "  a = MatMul(p, f)"
                                "  y = Cos(a) }"))
                  .getWeightNames(),
              ElementsAre("f"));
  EXPECT_THAT(
      import(parseGraph("(float[4,1] p) => (float[4,3] y, float[4,3] z)"
                        "<float[1,3] f = {1, 0.1, 0.01}, bool c = {1}> {"
                        "  a = MatMul(p, f)"
                        "  y = Cos(a)"
                        "  z = If (c) <then_branch = t () => (float[4,3] o)"
                        "    { o = Add(p, f) }, else_branch = e () =>"
                        "    (float[4,3] o) { o = Add(p, f) }> }"))
          .getWeightNames(),
      ElementsAre("f"));
}

/// A dimension whose product overflows is an error of that tensor, no more.
TEST(AngleImportTest, ImpossibleDimensions) {
  onnx::ModelProto model = parseGraph(turn("1, 0.1, 0.01"));
  onnx::TensorProto &tensor = *model.mutable_graph()->mutable_initializer(0);
  tensor.set_dims(0, 8);
  tensor.set_dims(1, std::numeric_limits<int64_t>::max() - 1);
  EXPECT_THAT(import(model).messages,
              ElementsAre("initializer 'f' has impossible dimensions; the file "
                          "is damaged, export it again"));
}

//===----------------------------------------------------------------------===//
// Tied weights
//===----------------------------------------------------------------------===//

void addMatrix(onnx::ModelProto &model, const std::string &name, int64_t rows,
               int64_t columns, const std::vector<float> &values) {
  onnx::TensorProto &tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  tensor.add_dims(rows);
  tensor.add_dims(columns);
  tensor.set_raw_data(values.data(), values.size() * sizeof(float));
}

constexpr int64_t kRows = 11, kColumns = 8;

std::vector<float> makeTable() {
  std::vector<float> values(kRows * kColumns);
  std::iota(values.begin(), values.end(), 1.0f);
  return values;
}
std::vector<float> transpose(const std::vector<float> &table) {
  std::vector<float> values;
  for (int64_t c = 0; c < kColumns; ++c)
    for (int64_t r = 0; r < kRows; ++r)
      values.push_back(table[r * kColumns + c]);
  return values;
}

/// An embedding and a head with the given matrix, (8, 11).
Imported importTied(const std::vector<float> &table,
                    const std::vector<float> &head) {
  onnx::ModelProto model = parseGraph("(int64[1,2] t) => (float[1,2,11] y) {"
                                      "  e = Gather(wte, t)"
                                      "  y = MatMul(e, head) }");
  addMatrix(model, "wte", kRows, kColumns, table);
  addMatrix(model, "head", kColumns, kRows, head);
  return import(model);
}

TEST(TiedWeightTest, Transposed) {
  Imported imported = importTied(makeTable(), transpose(makeTable()));
  EXPECT_THAT(imported.getWeightNames(), ElementsAre("wte"));
  EXPECT_EQ(imported.getOps<pi::TransposeOp>().size(), 1u);
  // Rows 0 and 10 of the table times each of its rows.
  std::vector<float> table = makeTable(), expected;
  for (int64_t token : {0, 10})
    for (int64_t row = 0; row < kRows; ++row) {
      float sum = 0;
      for (int64_t k = 0; k < kColumns; ++k)
        sum += table[token * kColumns + k] * table[row * kColumns + k];
      expected.push_back(sum);
    }
  EXPECT_THAT(runFloats(imported, Tensor::fromInts({1, 2}, {0, 10})),
              areNear(expected));
}

/// Every element counts, those on the diagonal and those that are not.
TEST(TiedWeightTest, NearlyEqual) {
  for (size_t i = 0; i < kRows * kColumns; ++i) {
    std::vector<float> head = transpose(makeTable());
    head[i] += 1;
    EXPECT_THAT(importTied(makeTable(), head).getWeightNames(),
                ElementsAre("wte", "head"))
        << i;
  }
}

TEST(TiedWeightTest, OneNumberIsNoTie) {
  std::vector<float> ones(kRows * kColumns, 1);
  EXPECT_THAT(importTied(ones, ones).getWeightNames(),
              ElementsAre("wte", "head"));
}

TEST(TiedWeightTest, ZerosOfBothSigns) {
  std::vector<float> table = makeTable(), head = transpose(table);
  table[0] = 0.0f;
  head[0] = -0.0f;
  EXPECT_THAT(importTied(table, head).getWeightNames(), ElementsAre("wte"));
}

TEST(TiedWeightTest, NotANumberIsEqualToNothing) {
  std::vector<float> table = makeTable();
  table[0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(importTied(table, transpose(table)).getWeightNames(),
              ElementsAre("wte", "head"));
}

/// Equal matrices of one shape keep their names, but share their data.
TEST(TiedWeightTest, Equal) {
  onnx::ModelProto model = parseGraph("(float[1,8] x) => (float[1,8] y) {"
                                      "  a = MatMul(x, w0)"
                                      "  y = MatMul(a, w1) }");
  std::vector<float> values(64);
  std::iota(values.begin(), values.end(), 0.0f);
  addMatrix(model, "w0", 8, 8, values);
  addMatrix(model, "w1", 8, 8, values);
  Imported imported = import(model);
  EXPECT_THAT(imported.getWeightNames(), ElementsAre("w0", "w1"));
  auto weights = imported.getOps<pi::WeightOp>();
  EXPECT_EQ(weights[0].getValue(), weights[1].getValue());
}

} // namespace
