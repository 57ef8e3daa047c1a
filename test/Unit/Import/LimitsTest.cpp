//===- LimitsTest.cpp - Small files that ask for much ---------------------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
///
/// \file
/// Limits with other values than the defaults, so that reaching them takes no
/// time; and files in which a quadratic algorithm would show as a timeout.
///
//===----------------------------------------------------------------------===//

#include "ImportTestSupport.h"

using namespace aero;
using namespace aero::test;
using ::testing::ElementsAre;

namespace {

std::string number(const char *prefix, int i) {
  return prefix + std::to_string(i);
}

/// a0 = e + e, a1 = a0 + a0, ...; or all of e, summed up.
onnx::ModelProto makeAdditions(int count, bool isChain) {
  std::string body = "e = ConstantOfShape(s) a0 = Add(e, e)";
  std::string all = "a0";
  for (int i = 1; i < count; ++i) {
    std::string from = isChain ? number("a", i - 1) : "e";
    body += number(" a", i) + " = Add(" + from + ", " + from + ")";
    all += number(", a", i);
  }
  body += isChain ? " z = Shape(a" + std::to_string(count - 1) + ")"
                  : " t = Sum(" + all + ") z = Shape(t)";
  return parseGraph("() => (int64[2] z) <int64[2] s = {256, 256}> {" + body +
                    "}");
}

ImportOptions limitConstants() {
  ImportOptions options;
  options.maxFoldedElements = 1 << 16;
  return options;
}

/// Constants that nobody reads any more take no memory.
TEST(LimitsTest, ConstantsAreGivenUp) {
  EXPECT_TRUE(import(makeAdditions(25, /*isChain=*/true), limitConstants()));
}

TEST(LimitsTest, ConstantsThatTakeTooLong) {
  EXPECT_THAT(
      import(makeAdditions(40, /*isChain=*/true), limitConstants()).messages,
      ElementsAre("1 node is not supported: 'a31' (Add, domain ai.onnx): the "
                  "constants up to it take too long to compute (export with "
                  "constant folding, or with shorter masks); change them in "
                  "the model and export it again"));
}

TEST(LimitsTest, ConstantsThatTakeTooMuchMemory) {
  EXPECT_TRUE(import(makeAdditions(2, /*isChain=*/false), limitConstants()));
  EXPECT_THAT(
      import(makeAdditions(10, /*isChain=*/false), limitConstants()).messages,
      ElementsAre("1 node is not supported: 'a3' (Add, domain ai.onnx): the "
                  "constants up to it take too much memory (export with "
                  "constant folding, or with shorter masks); change them in "
                  "the model and export it again"));
}

TEST(LimitsTest, ConstantThatIsTooLarge) {
  ImportOptions options;
  options.maxFoldedElements = 65535;
  EXPECT_THAT(import(makeAdditions(1, true), options).messages,
              ElementsAre("1 node is not supported: 'e' (ConstantOfShape, "
                          "domain ai.onnx): it makes a constant of more than "
                          "65535 elements; change them in the model and export "
                          "it again"));
}

/// What the file itself holds is no concern of the limits.
TEST(LimitsTest, StoredConstantsAreNotLimited) {
  ImportOptions options;
  options.maxFoldedElements = 0;
  EXPECT_TRUE(import(parseGraph("(float[2] x) => (float[2] y) {"
                                "  c = Constant <value = float[2] {1, 2}> ()"
                                "  y = Add(x, c) }"),
                     options));
}

TEST(LimitsTest, Products) {
  EXPECT_THAT(
      import(parseGraph("() => (int64[2] y) <int64[2] s = {128, 128}> {"
                        "  e = ConstantOfShape(s)"
                        "  m = MatMul(e, e)"
                        "  y = Shape(m) }"),
             limitConstants())
          .messages,
      ElementsAre("1 node is not supported: 'm' (MatMul, domain ai.onnx): it "
                  "multiplies constants of too many elements; change them in "
                  "the model and export it again"));
}

TEST(LimitsTest, PositionsOfRotaryEmbedding) {
  EXPECT_THAT(
      import(parseGraph("(float[1,512,2,256] x) => (float[1,512,2,256] y)"
                        "<int64[2] s = {1, 512}, int64[2] t = {1, 128}> {"
                        "  p = ConstantOfShape <value = int64[1] {0}> (s)"
                        "  a = ConstantOfShape(t)"
                        "  y = RotaryEmbedding <num_heads = 2> (x, a, a, p) }"),
             [] {
               ImportOptions options;
               options.maxFoldedElements = 512 * 128 - 1;
               return options;
             }())
          .messages,
      ElementsAre("1 node is not supported: 'y' (RotaryEmbedding, domain "
                  "ai.onnx): it makes a constant of more than 65535 elements; "
                  "change them in the model and export it again"));
}

/// A sum of one constant with itself a thousand times.
TEST(LimitsTest, LongSums) {
  std::string all = "e";
  for (int i = 0; i < 1000; ++i)
    all += ", e";
  EXPECT_THAT(
      import(parseGraph("() => (int64[2] y) <int64[2] s = {256, 256}> {"
                        "  e = ConstantOfShape(s)"
                        "  t = Sum(" +
                        all + ") y = Shape(t) }"),
             limitConstants())
          .messages,
      ElementsAre("1 node is not supported: 't' (Sum, domain ai.onnx): the "
                  "constants up to it take too long to compute (export with "
                  "constant folding, or with shorter masks); change them in "
                  "the model and export it again"));
}

/// One mask under many names is no new constant, but read many times.
TEST(LimitsTest, ManyNamesOfAConstant) {
  std::string body = "e = ConstantOfShape(s)";
  for (int i = 0; i < 100; ++i)
    body += number(" m", i) + " = Identity(e)" + number(" a", i) + " = Add(" +
            (i ? number("a", i - 1) : "x") + number(", m", i) + ")";
  EXPECT_THAT(
      import(parseGraph("(float[256,256] x) => (float[256,256] a99)"
                        "<int64[2] s = {256, 256}> {" +
                        body + "}"),
             limitConstants())
          .messages,
      ElementsAre("the graph reads large constants too often; export it with "
                  "shorter masks"));
}

TEST(LimitsTest, IntegersOfAByte) {
  onnx::ModelProto model = parseGraph(
      "(float[1] x) => (int64[1] y) <int8[1] q = {1}> { y = Shape(q) }");
  onnx::TensorProto &tensor = *model.mutable_graph()->mutable_initializer(0);
  tensor.set_dims(0, (1 << 17) + 1);
  tensor.clear_int32_data();
  tensor.set_raw_data(std::string((1 << 17) + 1, '\1'));
  EXPECT_TRUE(import(model));
  EXPECT_THAT(import(model, limitConstants()).messages,
              ElementsAre("initializer 'q' holds 131073 integers, which are "
                          "too many; store parameters as floats"));
}

TEST(LimitsTest, LongLists) {
  onnx::ModelProto model = parseGraph(
      "(float[1] x) => (float[1] y) <int64[1] s = {1}>{ y = Reshape(x, s) }");
  onnx::TensorProto &tensor = *model.mutable_graph()->mutable_initializer(0);
  tensor.set_dims(0, (1 << 16) + 1);
  tensor.clear_int64_data();
  for (int i = 0; i <= 1 << 16; ++i)
    tensor.add_int64_data(1);
  EXPECT_THAT(import(model).messages,
              ElementsAre("node 'y' (Reshape, domain ai.onnx) is not valid "
                          "ONNX: its shape has too many numbers; export the "
                          "model again"));
}

TEST(LimitsTest, Dimensions) {
  auto importRank = [](int rank) {
    std::string dims = "1";
    for (int i = 1; i < rank; ++i)
      dims += ",1";
    return import(parseGraph("(float[" + dims +
                             "] x) => (float[1] y)"
                             "{ y = Relu(x) }"));
  };
  EXPECT_TRUE(importRank(64));
  EXPECT_THAT(importRank(65).messages,
              ElementsAre("input 'x' has impossible dimensions; export the "
                          "model again"));
  EXPECT_THAT(import(parseGraph("(float[1] x) => (float[1] y) {"
                                "  y = Unsqueeze <axes = [0, 1, 2, 3, 4, 5, 6,"
                                "7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18,"
                                "19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,"
                                "30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,"
                                "41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51,"
                                "52, 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,"
                                "63]> (x) }",
                                12))
                  .messages,
              ElementsAre("node 'y' (Unsqueeze, domain ai.onnx) is not valid "
                          "ONNX: its result is too large; export the model "
                          "again"));
}

/// A scalar weight that is added to itself again and again: its name must not
/// grow with each time.
TEST(LimitsTest, NamesOfScalarWeights) {
  std::string body = "a0 = Add(w, w)";
  for (int i = 1; i < 60; ++i)
    body += number(" a", i) + " = Add" + number("(a", i - 1) +
            number(", a", i - 1) + ")";
  Imported imported =
      import(parseGraph("(float[2] x) => (float[2] y) <float w = {1}> {" +
                        body + " y = Mul(x, a59) }"));
  EXPECT_THAT(imported.getWeightNames(), ElementsAre("w"));
}

TEST(LimitsTest, Nodes) {
  onnx::ModelProto model =
      parseModel("<ir_version: 8, opset_import: [\"\" : 23, \"local\" : 1]>"
                 "g (float[2] x) => (float[2] y) {"
                 "  a = local.f(x)"
                 "  y = local.f(a) }"
                 "<domain: \"local\", opset_import: [\"\" : 23]>"
                 "f (i) => (o) {"
                 "  t = Relu(i)"
                 "  o = Tanh(t) }");
  ImportOptions options;
  Imported imported = import(model, options);
  EXPECT_TRUE(imported);
  EXPECT_EQ(imported.summary.nodes, 4);
  options.maxNodes = 5;
  EXPECT_THAT(import(model, options).messages,
              ElementsAre("unfolds to more than 5 nodes; export the model "
                          "without functions"));
}

/// A large attribute of a call that each node of the function asks for.
TEST(LimitsTest, AttributesOfCalls) {
  onnx::ModelProto model =
      parseModel("<ir_version: 8, opset_import: [\"\" : 23, \"local\" : 1]>"
                 "g (float[2] x) => (float[2] y) { y = local.f(x) }"
                 "<domain: \"local\", opset_import: [\"\" : 23]>"
                 "f (i) => (o) { o = Relu(i) }");
  onnx::AttributeProto large;
  large.set_name("large");
  large.set_type(onnx::AttributeProto::TENSOR);
  large.mutable_t()->set_raw_data(std::string(1 << 20, '\0'));
  *model.mutable_graph()->mutable_node(0)->add_attribute() = large;
  onnx::NodeProto &node = *model.mutable_functions(0)->mutable_node(0);
  for (int i = 0; i < 10000; ++i) {
    onnx::AttributeProto &attribute = *node.add_attribute();
    attribute.set_name(number("a", i));
    attribute.set_ref_attr_name("large");
  }
  ImportOptions options;
  options.maxNodes = 1 << 16;
  EXPECT_THAT(import(model, options).messages,
              ElementsAre("unfolds to nodes of more than 16 MB; export the "
                          "model without functions"));
}

//===----------------------------------------------------------------------===//
// Long files
//===----------------------------------------------------------------------===//

constexpr int kMany = 20000;

/// Adds `count` nodes that each read two values, and an output of the last.
onnx::NodeProto &addNode(onnx::ModelProto &model, const std::string &op,
                         const std::vector<std::string> &inputs,
                         const std::string &output) {
  onnx::NodeProto &node = *model.mutable_graph()->add_node();
  node.set_op_type(op);
  for (const std::string &input : inputs)
    node.add_input(input);
  node.add_output(output);
  return node;
}

TEST(LimitsTest, ManyFaults) {
  onnx::ModelProto model = parseGraph("(float[2] x) => (float[2] y) {}");
  std::vector<std::string> all;
  for (int i = 0; i < kMany; ++i) {
    addNode(model, "Add", {"x", number("nobody", i)}, number("a", i));
    all.push_back(number("a", i));
  }
  addNode(model, "Sum", all, "y");
  EXPECT_EQ(import(model).messages.size(), 10000u);
}

TEST(LimitsTest, ManyUnsupportedNodes) {
  onnx::ModelProto model = parseGraph("(float[2] x) => (float[2] y) {}");
  std::string last = "x";
  for (int i = 0; i < kMany; ++i) {
    addNode(model, "Elu", {last}, number("a", i));
    last = number("a", i);
  }
  addNode(model, "Relu", {last}, "y");
  EXPECT_EQ(import(model).messages.size(), 1u);
}

TEST(LimitsTest, ManyConstants) {
  onnx::ModelProto model = parseGraph("(float[2] x) => (float[2] y) {}");
  std::vector<std::string> all = {"x"};
  for (int i = 0; i < kMany; ++i) {
    onnx::AttributeProto &value =
        *addNode(model, "Constant", {}, number("c", i)).add_attribute();
    value.set_name("value_float");
    value.set_type(onnx::AttributeProto::FLOAT);
    value.set_f(1);
    all.push_back(number("c", i));
  }
  addNode(model, "Sum", all, "y");
  EXPECT_TRUE(import(model));
}

TEST(LimitsTest, ManySymbols) {
  onnx::ModelProto model = parseGraph("(float[2] x) => (float[2] y) {}");
  addNode(model, "Relu", {"x"}, "y");
  for (int i = 0; i < kMany; ++i) {
    onnx::ValueInfoProto &input = *model.mutable_graph()->add_input();
    input.set_name(number("x", i));
    input.mutable_type()
        ->mutable_tensor_type()
        ->mutable_shape()
        ->add_dim()
        ->set_dim_param(number("n", i));
  }
  EXPECT_TRUE(import(model));
}

/// Matrices that differ in one element far from where one looks first.
TEST(LimitsTest, ManySimilarMatrices) {
  onnx::ModelProto model = parseGraph("(float[8,8] x) => (float[8,8] y) {}");
  std::vector<std::string> all = {"x"};
  for (int i = 0; i < kMany; ++i) {
    onnx::TensorProto &tensor = *model.mutable_graph()->add_initializer();
    tensor.set_name(number("w", i));
    tensor.set_data_type(onnx::TensorProto::FLOAT);
    tensor.add_dims(8);
    tensor.add_dims(8);
    std::vector<float> values(64, 1);
    values[56] = static_cast<float>(i);
    tensor.set_raw_data(values.data(), 256);
    all.push_back(tensor.name());
  }
  addNode(model, "Sum", all, "y");
  EXPECT_EQ(import(model).getWeightNames().size(), static_cast<size_t>(kMany));
}

} // namespace
