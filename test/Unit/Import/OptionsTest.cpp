//===- OptionsTest.cpp - Bindings, fixed inputs, chosen outputs -----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ImportTestSupport.h"

#include "mlir/IR/Builders.h"

#include <limits>

using namespace aero;
using namespace aero::test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

ImportOptions parseOptions(const std::vector<std::string> &bindings,
                           const std::vector<std::string> &fixed = {},
                           const std::vector<std::string> &outputs = {}) {
  ImportOptions options;
  for (const std::string &text : bindings)
    llvm::cantFail(parseBinding(text, options));
  for (const std::string &text : fixed)
    llvm::cantFail(parseFixedInput(text, options));
  options.outputs = outputs;
  return options;
}

std::vector<int64_t> getInputShape(const Imported &imported, unsigned i = 0) {
  if (!imported) {
    ADD_FAILURE() << imported.messages.front();
    return {};
  }
  return mlir::cast<mlir::RankedTensorType>(
             imported.getFunction().getArgument(i).getType())
      .getShape()
      .vec();
}

std::vector<std::string> getInputNames(const Imported &imported) {
  std::vector<std::string> names;
  if (imported)
    for (mlir::Value argument : imported.getFunction().getArguments())
      names.push_back(pi::getNodeName(argument.getLoc()));
  return names;
}

//===----------------------------------------------------------------------===//
// Bindings
//===----------------------------------------------------------------------===//

onnx::ModelProto makeOpen() {
  return parseGraph("(float[batch,sequence,4] x) => (float[batch,sequence,4] "
                    "y) { y = Relu(x) }");
}

TEST(BindingTest, Symbols) {
  Imported imported =
      import(makeOpen(), parseOptions({"batch=2", "sequence=3"}));
  EXPECT_THAT(getInputShape(imported), ElementsAre(2, 3, 4));
  ASSERT_EQ(imported.summary.inputs.size(), 1u);
  const GraphValue &x = imported.summary.inputs[0];
  EXPECT_EQ(x.elementType, "float");
  EXPECT_EQ(x.shape[1].symbol, "sequence");
  EXPECT_EQ(x.shape[1].size, 3);
  EXPECT_TRUE(x.shape[1].bound);
  EXPECT_FALSE(x.shape[2].bound);
}

TEST(BindingTest, PlacesWin) {
  EXPECT_THAT(
      getInputShape(
          import(makeOpen(), parseOptions({"batch=2", "sequence=3", "x.1=5"}))),
      ElementsAre(2, 5, 4));
}

TEST(BindingTest, DimensionWithoutSymbol) {
  onnx::ModelProto model = makeOpen();
  model.mutable_graph()
      ->mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(0)
      ->clear_dim_param();
  EXPECT_THAT(import(model, parseOptions({"sequence=3"})).messages,
              ElementsAre("input 'x' leaves dimension 0 open; give its size, "
                          "e.g. --bind \"x.0=128\", or export with static "
                          "shapes"));
  EXPECT_THAT(
      getInputShape(import(model, parseOptions({"sequence=3", "x.0=1"}))),
      ElementsAre(1, 3, 4));
}

/// All of them in one run, each with its symbol.
TEST(BindingTest, Unbound) {
  EXPECT_THAT(import(makeOpen()).messages,
              ElementsAre("input 'x' leaves dimension 0 open ('batch'); give "
                          "its size, e.g. --bind \"batch=128\", or export with "
                          "static shapes",
                          "input 'x' leaves dimension 1 open ('sequence'); "
                          "give its size, e.g. --bind \"sequence=128\", or "
                          "export with static shapes"));
}

TEST(BindingTest, Unknown) {
  EXPECT_THAT(
      import(makeOpen(), parseOptions({"batch=2", "sequence=3", "length=4"}))
          .messages,
      ElementsAre("--bind: there is no open dimension 'length'; it has "
                  "'batch', 'sequence'"));
  EXPECT_THAT(import(parseGraph("(float[2] x) => (float[2] y) { y = Relu(x) }"),
                     parseOptions({"batch=2"}))
                  .messages,
              ElementsAre("--bind: there is no open dimension 'batch'; it has "
                          "none"));
}

TEST(BindingTest, ContradictsAStaticSize) {
  EXPECT_THAT(
      import(makeOpen(), parseOptions({"batch=2", "sequence=3", "x.2=5"}))
          .messages,
      ElementsAre("input 'x' has size 4 in dimension 2 and cannot be bound to "
                  "5; leave that --bind out"));
  // The same size is no contradiction.
  EXPECT_TRUE(
      import(makeOpen(), parseOptions({"batch=2", "sequence=3", "x.2=4"})));
}

TEST(BindingTest, Sums) {
  onnx::ModelProto model = parseGraph(
      "(float[a] x, float[a] z) => (float[a] y) { y = Concat <axis = 0> (x, z)"
      "}");
  auto getDim = [&](int i) -> onnx::TensorShapeProto::Dimension & {
    return *model.mutable_graph()
                ->mutable_input(i)
                ->mutable_type()
                ->mutable_tensor_type()
                ->mutable_shape()
                ->mutable_dim(0);
  };
  getDim(0).set_dim_param("past_sequence + sequence");
  getDim(1).set_dim_param("past_sequence+1");
  ImportOptions options = parseOptions({"past_sequence=3", "sequence=5"});
  EXPECT_THAT(getInputShape(import(model, options), 0), ElementsAre(8));
  EXPECT_THAT(getInputShape(import(model, options), 1), ElementsAre(4));
  // The sum itself may be bound.
  llvm::cantFail(parseBinding("past_sequence + sequence=20", options));
  EXPECT_THAT(getInputShape(import(model, options), 0), ElementsAre(20));
}

TEST(BindingTest, SumOfAnUnknown) {
  onnx::ModelProto model = makeOpen();
  model.mutable_graph()
      ->mutable_input(0)
      ->mutable_type()
      ->mutable_tensor_type()
      ->mutable_shape()
      ->mutable_dim(0)
      ->set_dim_param("past + 1");
  EXPECT_THAT(import(model, parseOptions({"sequence=3"})).messages,
              ElementsAre("input 'x' leaves dimension 0 open ('past + 1'); "
                          "give its size, e.g. --bind \"past + 1=128\", or "
                          "export with static shapes"));
}

TEST(BindingTest, SumsThatOverflowOrAreNone) {
  onnx::ModelProto model = makeOpen();
  auto &dim = *model.mutable_graph()
                   ->mutable_input(0)
                   ->mutable_type()
                   ->mutable_tensor_type()
                   ->mutable_shape()
                   ->mutable_dim(0);
  ImportOptions options = parseOptions({"sequence=3"});
  options.bindings["huge"] = std::numeric_limits<int64_t>::max();
  options.bindings["negative"] = -1;
  for (std::string symbol : {"huge + huge", "huge+1", "negative + 1", "+",
                             "1 +", "+ +", "2147483647 + -1"}) {
    dim.set_dim_param(symbol);
    Imported imported = import(model, options);
    ASSERT_FALSE(imported) << symbol;
    EXPECT_THAT(imported.messages.front(),
                ::testing::StartsWith("input 'x' leaves dimension 0 open ('" +
                                      symbol + "')"));
  }
}

TEST(BindingTest, ImpossibleSizes) {
  ImportOptions options = parseOptions({"batch=1", "sequence=1"});
  for (int64_t size :
       {int64_t(-1), int64_t(1) << 41, std::numeric_limits<int64_t>::max()}) {
    options.bindings["batch"] = size;
    EXPECT_THAT(import(makeOpen(), options).messages,
                ElementsAre("input 'x' has impossible dimensions; export the "
                            "model again"));
  }
}

/// A cache before the first token: no argument, and nothing beside what there
/// is.
TEST(BindingTest, ZeroSize) {
  onnx::ModelProto model =
      parseGraph("(float[past,2] cache, float[1,2] x) => (float[total,2] y)"
                 "{ y = Concat <axis = 0> (cache, x) }");
  Imported imported = import(model, parseOptions({"past=0"}));
  EXPECT_THAT(getInputNames(imported), ElementsAre("x"));
  EXPECT_EQ(imported.summary.inputs[0].role, GraphValue::Role::Dropped);
  EXPECT_EQ(imported.getOps<pi::ConcatOp>().size(), 0u);
  EXPECT_THAT(
      runFloats(imported, reference::Tensor::fromFloats({1, 2}, {1, 2})),
      ElementsAre(1, 2));
}

TEST(BindingTest, UnusedInputsNeedNone) {
  onnx::ModelProto model = parseGraph(
      "(float[n] unused, float[2] x) => (float[2] y) { y = Relu(x) }");
  Imported imported = import(model);
  EXPECT_THAT(getInputNames(imported), ElementsAre("x"));
  EXPECT_EQ(imported.summary.inputs[0].role, GraphValue::Role::Dropped);
  // But they may have one.
  EXPECT_TRUE(import(model, parseOptions({"n=3"})));
  EXPECT_TRUE(import(model, parseOptions({"unused.0=3"})));
}

TEST(BindingTest, Text) {
  ImportOptions options;
  for (const char *text :
       {"", "batch", "batch=", "=2", "batch=two", "batch=-1", "batch=1.5",
        "batch=9223372036854775808", "batch= 2"})
    EXPECT_EQ(llvm::toString(parseBinding(text, options)),
              "--bind '" + std::string(text) +
                  "' is not NAME=SIZE with a whole number of at least 0, e.g. "
                  "sequence=128");
  EXPECT_TRUE(options.bindings.empty());
  llvm::cantFail(parseBinding("a=b=3", options));
  EXPECT_EQ(options.bindings.lookup("a=b"), 3);
}

//===----------------------------------------------------------------------===//
// Fixed inputs
//===----------------------------------------------------------------------===//

onnx::ModelProto makePositions() {
  return parseGraph("(int64[2,3] positions, float[2,3] x) => (int64[2,3] p)"
                    "{ p = Identity(positions) }");
}

TEST(FixedInputTest, Range) {
  Imported imported = import(makePositions(), parseOptions({}, {"positions="
                                                                "range"}));
  EXPECT_THAT(runInts(imported), ElementsAre(0, 1, 2, 0, 1, 2));
  EXPECT_THAT(getInputNames(imported), IsEmpty());
  EXPECT_EQ(imported.summary.inputs[0].role, GraphValue::Role::Fixed);
}

TEST(FixedInputTest, Fill) {
  EXPECT_THAT(
      runInts(import(makePositions(), parseOptions({}, {"positions=-7"}))),
      ElementsAre(-7, -7, -7, -7, -7, -7));
}

TEST(FixedInputTest, FillsFloatsAndTruthValues) {
  EXPECT_THAT(
      runFloats(
          import(parseGraph("(float[2] x) => (float[2] y) { y = Identity(x) }"),
                 parseOptions({}, {"x=-1.5e3"}))),
      ElementsAre(-1500, -1500));
  Imported mask = import(
      parseGraph("(bool[2] m, float[2] x) => (float[2] y) <float[2] w = {5, 6}>"
                 "{ y = Where(m, x, w) }"),
      parseOptions({}, {"m=1"}));
  // Everywhere true: the choice is gone.
  EXPECT_EQ(mask.getOps<pi::WhereOp>().size(), 0u);
}

TEST(FixedInputTest, Elements) {
  mlir::MLIRContext context;
  mlir::Builder builder(&context);
  auto makeOptions = [](mlir::DenseElementsAttr elements) {
    ImportOptions options;
    options.fixedInputs.push_back(
        {"positions", FixedInput::Kind::Elements, 0, elements});
    return options;
  };
  // The attribute is of the context that the model is imported to.
  std::string bytes = makePositions().SerializeAsString();
  auto importWith = [&](mlir::DenseElementsAttr elements) {
    return importONNX(llvm::MemoryBufferRef(bytes, "model"), context,
                      makeOptions(elements));
  };
  auto type = mlir::RankedTensorType::get({2, 3}, builder.getI64Type());
  auto module = importWith(mlir::DenseElementsAttr::get(
      type, llvm::ArrayRef<int64_t>{5, 4, 3, 2, 1, 0}));
  ASSERT_TRUE(bool(module)) << llvm::toString(module.takeError());
  const char expected[] =
      "model: input 'positions' is fixed to elements of another type or shape; "
      "give it one element for each of its own";
  for (mlir::Type element :
       {mlir::Type(builder.getF32Type()), mlir::Type(builder.getF64Type()),
        mlir::Type(builder.getI32Type())}) {
    mlir::Attribute zero = builder.getZeroAttr(element);
    auto other = importWith(mlir::DenseElementsAttr::get(
        mlir::RankedTensorType::get({2, 3}, element), zero));
    EXPECT_EQ(llvm::toString(other.takeError()), expected);
  }
  auto shape = importWith(mlir::DenseElementsAttr::get(
      mlir::RankedTensorType::get({3, 2}, builder.getI64Type()),
      builder.getI64IntegerAttr(0)));
  EXPECT_EQ(llvm::toString(shape.takeError()), expected);
  EXPECT_EQ(llvm::toString(importWith({}).takeError()), expected);
}

TEST(FixedInputTest, Unknown) {
  EXPECT_THAT(import(makePositions(), parseOptions({}, {"mask=1"})).messages,
              ElementsAre("--fix: there is no input 'mask'; it has "
                          "'positions', 'x'"));
}

/// An initializer is the server's, not an input, although old files list it
/// among them.
TEST(FixedInputTest, InitializerIsNoInput) {
  onnx::ModelProto model = parseGraph(
      "(float[2] x) => (float[2] y) <float[2] w = {1, 2}> { y = Add(x, w) }");
  onnx::ValueInfoProto &listed = *model.mutable_graph()->add_input();
  listed = model.graph().input(0);
  listed.set_name("w");
  EXPECT_THAT(getInputNames(import(model)), ElementsAre("x"));
  EXPECT_THAT(import(model, parseOptions({}, {"w=1"})).messages,
              ElementsAre("--fix: there is no input 'w'; it has 'x'"));
}

TEST(FixedInputTest, Twice) {
  EXPECT_THAT(import(makePositions(),
                     parseOptions({}, {"positions=1", "positions=range"}))
                  .messages,
              ElementsAre("--fix: input 'positions' is given twice; give it "
                          "once"));
}

TEST(FixedInputTest, NoInteger) {
  for (auto [text, shown] : std::vector<std::pair<std::string, std::string>>{
           {"0.5", "0.5"}, {"nan", "nan"}, {"inf", "inf"}, {"1e300", "1e+300"}})
    EXPECT_THAT(
        import(makePositions(), parseOptions({}, {"positions=" + text}))
            .messages,
        ElementsAre("input 'positions' holds integers or truth values and "
                    "cannot be fixed to " +
                    shown + "; give a whole number or range"));
}

TEST(FixedInputTest, TooManyElements) {
  ImportOptions options = parseOptions({}, {"positions=1"});
  options.maxFoldedElements = 5;
  EXPECT_THAT(import(makePositions(), options).messages,
              ElementsAre("input 'positions' has more than 5 elements, which "
                          "are too many to be fixed; leave that --fix out"));
}

TEST(FixedInputTest, Text) {
  ImportOptions options;
  for (const char *text : {"", "mask", "=1", "mask=", "mask=one", "mask=1 2"})
    EXPECT_EQ(llvm::toString(parseFixedInput(text, options)),
              "--fix '" + std::string(text) +
                  "' is not NAME=NUMBER or NAME=range, e.g. attention_mask=1");
  EXPECT_TRUE(options.fixedInputs.empty());
}

/// What depends on a fixed input alone is evaluated.
TEST(FixedInputTest, IsPublic) {
  Imported imported =
      import(parseGraph("(float[2,3] x, int64[1] n) => (float[3,2] y) {"
                        "  s = Concat <axis = 0> (n, n)"
                        "  y = Reshape(x, s) }"),
             parseOptions({}, {"n=0"}));
  // Zero keeps a dimension.
  EXPECT_TRUE(imported) << imported.messages.front();
}

//===----------------------------------------------------------------------===//
// Outputs
//===----------------------------------------------------------------------===//

onnx::ModelProto makeOutputs() {
  return parseGraph("(float[2] x, float[2] z) => (float[2] a, float[2] b,"
                    "float[2] c) {"
                    "  a = Relu(x)"
                    "  b = Elu(z)"
                    "  c = Tanh(x) }");
}

TEST(OutputTest, AllUnlessChosen) {
  EXPECT_FALSE(import(makeOutputs()));
  Imported imported = import(makeOutputs(), parseOptions({}, {}, {"c", "a"}));
  ASSERT_TRUE(imported) << imported.messages.front();
  // In the order of the choice, and without what only the others need.
  auto results =
      imported.getFunction().getBody().front().getTerminator()->getOperands();
  ASSERT_EQ(results.size(), 2u);
  EXPECT_TRUE(results[0].getDefiningOp<pi::TanhOp>());
  EXPECT_TRUE(results[1].getDefiningOp<pi::ReluOp>());
  EXPECT_THAT(getInputNames(imported), ElementsAre("x"));
  EXPECT_EQ(imported.summary.outputs[1].role, GraphValue::Role::Dropped);
}

TEST(OutputTest, Unknown) {
  EXPECT_THAT(
      import(makeOutputs(), parseOptions({}, {}, {"a", "logits"})).messages,
      ElementsAre("--keep-output: there is no output 'logits'; it has "
                  "'a', 'b', 'c'"));
}

TEST(OutputTest, Twice) {
  EXPECT_THAT(
      import(makeOutputs(), parseOptions({}, {}, {"a", "a"})).messages,
      ElementsAre("--keep-output: output 'a' is given twice; give it once"));
}

TEST(OutputTest, AllFaultsOfOptionsAtOnce) {
  EXPECT_THAT(
      import(makeOutputs(), parseOptions({"n=1"}, {"m=1"}, {"a", "o"}))
          .messages,
      ElementsAre("--bind: there is no open dimension 'n'; it has none",
                  "--fix: there is no input 'm'; it has 'x', 'z'",
                  "--keep-output: there is no output 'o'; it has 'a', 'b', "
                  "'c'"));
}

} // namespace
