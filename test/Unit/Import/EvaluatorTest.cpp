//===- EvaluatorTest.cpp - Public constants, evaluated at import ----------===//
//
// Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ImportTestSupport.h"

#include <cmath>
#include <limits>

using namespace aero;
using namespace aero::test;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min(),
                  kMax = std::numeric_limits<int64_t>::max();

/// A graph without inputs, all of whose floats are in nodes: initializers would
/// be the server's.
Imported evaluate(const std::string &outputs, const std::string &body,
                  const std::string &initializers = "", int64_t opset = 23) {
  std::string graph = "() => (" + outputs + ")";
  if (!initializers.empty())
    graph += " <" + initializers + ">";
  Imported imported = import(parseGraph(graph + " {" + body + "}", opset));
  if (imported) {
    for (mlir::Operation &op : imported.getFunction().getBody().front())
      EXPECT_TRUE((mlir::isa<pi::ConstantOp, mlir::func::ReturnOp>(op)))
          << "not evaluated: " << op.getName().getStringRef().str();
  }
  return imported;
}

std::vector<int64_t> ints(const std::string &body,
                          const std::string &initializers = "",
                          int64_t opset = 23) {
  return runInts(evaluate("int64[N] y", body, initializers, opset));
}
std::vector<float> floats(const std::string &body,
                          const std::string &initializers = "",
                          int64_t opset = 23) {
  return runFloats(evaluate("float[N] y", body, initializers, opset));
}
std::string fault(const std::string &body, const std::string &initializers = "",
                  int64_t opset = 23) {
  Imported imported = evaluate("int64[N] y", body, initializers, opset);
  return imported ? "no error" : imported.messages.front();
}

/// "NAME = Constant <value = float[DIMS] {ELEMENTS}> ()"
std::string constant(const std::string &name, const std::string &tensor) {
  return name + " = Constant <value = " + tensor + "> () ";
}

//===----------------------------------------------------------------------===//
// Generators
//===----------------------------------------------------------------------===//

TEST(EvaluatorTest, Range) {
  std::string range = "y = Range(a, b, c)";
  EXPECT_THAT(ints(range, "int64 a = {1}, int64 b = {8}, int64 c = {3}"),
              ElementsAre(1, 4, 7));
  EXPECT_THAT(ints(range, "int64 a = {3}, int64 b = {-2}, int64 c = {-2}"),
              ElementsAre(3, 1, -1));
  EXPECT_THAT(ints(range, "int64 a = {3}, int64 b = {3}, int64 c = {1}"),
              IsEmpty());
}

TEST(EvaluatorTest, RangeOfFloats) {
  EXPECT_THAT(floats(constant("a", "float {0.5}") +
                     constant("b", "float {2.0}") +
                     constant("c", "float {0.5}") + "y = Range(a, b, c)"),
              ElementsAre(0.5, 1, 1.5));
  // The end does not belong to it, but nearly the end does.
  EXPECT_THAT(floats(constant("a", "float {1.0}") +
                     constant("b", "float {0.0}") +
                     constant("c", "float {-0.4}") + "y = Range(a, b, c)"),
              areNear({1, 0.6f, 0.2f}));
}

/// A double would not tell these apart.
TEST(EvaluatorTest, RangeFarFromZero) {
  EXPECT_THAT(ints("y = Range(a, b, c)",
                   "int64 a = {9223372036854775800}, int64 b = "
                   "{9223372036854775807}, int64 c = {3}"),
              ElementsAre(kMax - 7, kMax - 4, kMax - 1));
  EXPECT_THAT(
      ints("y = Range(a, b, c)",
           "int64 a = {9223372036854775807}, int64 b = {-9223372036854775807}, "
           "int64 c = {-9223372036854775807}"),
      ElementsAre(kMax, 0));
}

TEST(EvaluatorTest, Trilu) {
  std::string x = "int64[2,3] x = {1, 2, 3, 4, 5, 6}, int64 one = {1}, "
                  "int64 minus = {-1}, int64 far = {-9223372036854775807}";
  EXPECT_THAT(ints("y = Trilu(x)", x), ElementsAre(1, 2, 3, 0, 5, 6));
  EXPECT_THAT(ints("y = Trilu(x, one)", x), ElementsAre(0, 2, 3, 0, 0, 6));
  EXPECT_THAT(ints("y = Trilu <upper = 0> (x)", x),
              ElementsAre(1, 0, 0, 4, 5, 0));
  EXPECT_THAT(ints("y = Trilu <upper = 0> (x, minus)", x),
              ElementsAre(0, 0, 0, 4, 0, 0));
  EXPECT_THAT(ints("y = Trilu(x, far)", x), ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(ints("y = Trilu <upper = 0> (x, far)", x),
              ElementsAre(0, 0, 0, 0, 0, 0));
}

TEST(EvaluatorTest, TriluOfEachMatrix) {
  EXPECT_THAT(ints("y = Trilu(x)", "int64[2,2,2] x = {1, 2, 3, 4, 5, 6, 7, 8}"),
              ElementsAre(1, 2, 0, 4, 5, 6, 0, 8));
}

TEST(EvaluatorTest, ConstantOfShape) {
  EXPECT_THAT(floats("y = ConstantOfShape(s)", "int64[1] s = {2}"),
              ElementsAre(0, 0));
  EXPECT_THAT(ints("y = ConstantOfShape <value = int64[1] {7}> (s)",
                   "int64[1] s = {2}"),
              ElementsAre(7, 7));
}

//===----------------------------------------------------------------------===//
// Picking and placing
//===----------------------------------------------------------------------===//

TEST(EvaluatorTest, GatherElements) {
  std::string x = "int64[3,2] x = {1, 2, 3, 4, 5, 6}, "
                  "int64[2,2] i = {2, 0, -1, 1}, int64[3,1] j = {1, 0, -1}";
  EXPECT_THAT(ints("y = GatherElements(x, i)", x), ElementsAre(5, 2, 5, 4));
  EXPECT_THAT(ints("y = GatherElements <axis = 1> (x, j)", x),
              ElementsAre(2, 3, 6));
}

TEST(EvaluatorTest, GatherElementsOutOfRange) {
  EXPECT_EQ(fault("y = GatherElements(x, i)",
                  "int64[2] x = {1, 2}, int64[1] i = {-3}"),
            "node 'y' (GatherElements, domain ai.onnx) is not valid ONNX: an "
            "index is out of range; export the model again");
}

TEST(EvaluatorTest, GatherND) {
  std::string x = "int64[2,2,2] x = {1, 2, 3, 4, 5, 6, 7, 8}, "
                  "int64[2,2] rows = {0, 1, -1, 0}, "
                  "int64[1,3] element = {1, 0, 1}";
  EXPECT_THAT(ints("y = GatherND(x, rows)", x), ElementsAre(3, 4, 5, 6));
  EXPECT_THAT(ints("y = GatherND(x, element)", x), ElementsAre(6));
}

TEST(EvaluatorTest, ScatterND) {
  std::string x = "int64[2,3] x = {1, 2, 3, 4, 5, 6}, int64[1,1] row = {-1}, "
                  "int64[1,3] r = {7, 8, 9}, int64[2,2] at = {0, 2, 1, 0}, "
                  "int64[2] e = {-1, -2}";
  EXPECT_THAT(ints("y = ScatterND(x, row, r)", x),
              ElementsAre(1, 2, 3, 7, 8, 9));
  EXPECT_THAT(ints("y = ScatterND(x, at, e)", x),
              ElementsAre(1, 2, -1, -2, 5, 6));
}

TEST(EvaluatorTest, ScatterNDThatCombines) {
  std::string x = "int64[3] x = {1, 2, 3}, int64[3,1] i = {0, 2, 0}, "
                  "int64[3] u = {4, 2, 5}";
  auto scatter = [&](const std::string &reduction) {
    return ints("y = ScatterND <reduction = \"" + reduction + "\"> (x, i, u)",
                x);
  };
  EXPECT_THAT(scatter("add"), ElementsAre(10, 2, 5));
  EXPECT_THAT(scatter("mul"), ElementsAre(20, 2, 6));
  EXPECT_THAT(scatter("max"), ElementsAre(5, 2, 3));
  EXPECT_THAT(scatter("min"), ElementsAre(1, 2, 2));
}

TEST(EvaluatorTest, CumSum) {
  std::string x = "int64[2,3] x = {1, 2, 3, 4, 5, 6}, int64 rows = {0}, "
                  "int64[1] columns = {-1}";
  EXPECT_THAT(ints("y = CumSum(x, rows)", x), ElementsAre(1, 2, 3, 5, 7, 9));
  EXPECT_THAT(ints("y = CumSum(x, columns)", x),
              ElementsAre(1, 3, 6, 4, 9, 15));
  EXPECT_THAT(ints("y = CumSum <exclusive = 1> (x, columns)", x),
              ElementsAre(0, 1, 3, 0, 4, 9));
  EXPECT_THAT(ints("y = CumSum <reverse = 1> (x, columns)", x),
              ElementsAre(6, 5, 3, 15, 11, 6));
  EXPECT_THAT(ints("y = CumSum <reverse = 1, exclusive = 1> (x, columns)", x),
              ElementsAre(5, 3, 0, 11, 6, 0));
}

TEST(EvaluatorTest, SplitInEqualParts) {
  // Since operator set 18 the last may be smaller.
  std::string x = "int64[5] x = {1, 2, 3, 4, 5}";
  auto getLast = [&](int64_t opset, const std::string &attributes) {
    return ints("a, b, c = Split " + attributes + " (x) y = Identity(c)", x,
                opset);
  };
  EXPECT_THAT(getLast(18, "<num_outputs = 3>"), ElementsAre(5));
  const char expected[] = "node 'a' (Split, domain ai.onnx) is not valid ONNX: "
                          "its sizes do not fit its input; export the model "
                          "again";
  EXPECT_EQ(fault("a, b, c = Split(x) y = Identity(c)", x, 17), expected);
  EXPECT_EQ(fault("a, b, y = Split <num_outputs = 2> (x)", x), expected);
  EXPECT_EQ(fault("y = Split(x, s)", x + ", int64[1] s = {-5}"),
            "node 'y' (Split, domain ai.onnx) is not valid ONNX: its sizes do "
            "not fit its input; export the model again");
}

/// Four outputs of five elements would be 2, 2, 2 and -1.
TEST(EvaluatorTest, SplitInTooManyParts) {
  EXPECT_EQ(fault("a, b, c, y = Split <num_outputs = 4> (x)",
                  "int64[5] x = {1, 2, 3, 4, 5}"),
            "node 'a' (Split, domain ai.onnx) is not valid ONNX: its sizes do "
            "not fit its input; export the model again");
}

TEST(EvaluatorTest, SliceFromTheEnd) {
  std::string x = "int64[2,4] x = {1, 2, 3, 4, 5, 6, 7, 8}, "
                  "int64[2] start = {-1, 3}, int64[2] end = {-9, 0}, "
                  "int64[2] axes = {0, -1}, int64[2] step = {-1, -2}";
  EXPECT_THAT(ints("y = Slice(x, start, end, axes, step)", x),
              ElementsAre(8, 6, 4, 2));
}

TEST(EvaluatorTest, SliceByTheLargestSteps) {
  std::string x = "int64[3] x = {1, 2, 3}, int64[1] zero = {0}, "
                  "int64[1] two = {2}, int64[1] high = {9223372036854775807}, "
                  "int64[1] low = {-9223372036854775808}";
  EXPECT_THAT(ints("y = Slice(x, zero, high, zero, high)", x), ElementsAre(1));
  EXPECT_THAT(ints("y = Slice(x, two, low, zero, low)", x), ElementsAre(3));
}

TEST(EvaluatorTest, Tile) {
  EXPECT_THAT(
      ints("y = Tile(x, r)", "int64[2,1] x = {1, 2}, int64[2] r = {2, 3}"),
      ElementsAre(1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2));
}

//===----------------------------------------------------------------------===//
// Arithmetic
//===----------------------------------------------------------------------===//

/// Not undefined behaviour, and not a trap.
TEST(EvaluatorTest, IntegersWrapAround) {
  std::string x = "int64[2] x = {9223372036854775807, -9223372036854775808}, "
                  "int64[1] one = {1}, int64[1] minus = {-1}, "
                  "int64[1] two = {2}";
  EXPECT_THAT(ints("y = Add(x, one)", x), ElementsAre(kMin, kMin + 1));
  EXPECT_THAT(ints("y = Sub(x, one)", x), ElementsAre(kMax - 1, kMax));
  EXPECT_THAT(ints("y = Mul(x, two)", x), ElementsAre(-2, 0));
  EXPECT_THAT(ints("y = Div(x, minus)", x), ElementsAre(-kMax, kMin));
  EXPECT_THAT(ints("y = Mod(x, minus)", x), ElementsAre(0, 0));
  EXPECT_THAT(ints("y = Neg(x)", x), ElementsAre(-kMax, kMin));
  EXPECT_THAT(ints("y = Abs(x)", x), ElementsAre(kMax, kMin));
  EXPECT_THAT(ints("y = ReduceSum(x)", x), ElementsAre(-1));
}

TEST(EvaluatorTest, ModuloHasTheSignOfTheDivisor) {
  EXPECT_THAT(ints("y = Mod(a, b)", "int64[4] a = {7, -7, 7, -7}, "
                                    "int64[4] b = {3, 3, -3, -3}"),
              ElementsAre(1, 2, -2, -1));
}

TEST(EvaluatorTest, DivisionTruncates) {
  EXPECT_THAT(ints("y = Div(a, b)", "int64[4] a = {7, -7, 7, -7}, "
                                    "int64[4] b = {2, 2, -2, -2}"),
              ElementsAre(3, -3, -3, 3));
}

TEST(EvaluatorTest, PowerOfIntegers) {
  EXPECT_THAT(ints("y = Pow(a, b)", "int64[6] a = {2, -2, 2, 1, -1, -1}, "
                                    "int64[6] b = {10, 3, -1, -5, -3, -4}"),
              ElementsAre(1024, -8, 0, 1, -1, 1));
}

TEST(EvaluatorTest, PowerOfMixedTypes) {
  EXPECT_THAT(floats("e = Cast <to = 1> (i) y = Pow(e, two)",
                     "int64[2] i = {3, -4}, int64 two = {2}"),
              ElementsAre(9, 16));
}

TEST(EvaluatorTest, Rounding) {
  EXPECT_THAT(floats(constant("x", "float[5] {0.5, 1.5, -2.5, 2.4, -0.6}") +
                     "y = Round(x)"),
              ElementsAre(0, 2, -2, 2, -1));
}

TEST(EvaluatorTest, CastsToIntegers) {
  EXPECT_THAT(ints(constant("x", "float[4] {1.9, -1.9, 1.0e30, -1.0e30}") +
                   "y = Cast <to = 7> (x)"),
              ElementsAre(1, -1, kMax, kMin));
  EXPECT_THAT(ints(constant("z", "float[1] {0.0}") +
                   "n = Div(z, z) y = Cast <to = 7> (n)"),
              ElementsAre(0));
}

TEST(EvaluatorTest, ClipOfIntegers) {
  std::string x = "int64[3] x = {-5, 0, 5}, int64 low = {-1}, int64 high = {2}";
  EXPECT_THAT(ints("y = Clip(x, low, high)", x), ElementsAre(-1, 0, 2));
  EXPECT_THAT(ints("y = Clip(x, , high)", x), ElementsAre(-5, 0, 2));
  EXPECT_THAT(ints("y = Clip(x, low)", x), ElementsAre(-1, 0, 5));
}

TEST(EvaluatorTest, LogicAndChoice) {
  EXPECT_THAT(ints("a = Less(x, z) b = Greater(x, z) c = Xor(a, b) d = Not(c)"
                   "y = Where(d, x, w)",
                   "int64[3] x = {1, 2, 3}, int64 z = {2}, int64[1] w = {9}"),
              ElementsAre(9, 2, 9));
}

//===----------------------------------------------------------------------===//
// Reductions and products
//===----------------------------------------------------------------------===//

TEST(EvaluatorTest, ReductionsOverAxes) {
  std::string x = "int64[2,3] x = {1, 2, 3, 4, 5, 6}, int64[1] rows = {0}, "
                  "int64[2] both = {-1, 0}, int64[0] none = {}";
  EXPECT_THAT(ints("y = ReduceSum <keepdims = 0> (x, rows)", x),
              ElementsAre(5, 7, 9));
  EXPECT_THAT(ints("y = ReduceMax(x, rows)", x), ElementsAre(4, 5, 6));
  EXPECT_THAT(ints("y = ReduceMin(x, both)", x), ElementsAre(1));
  EXPECT_THAT(ints("y = ReduceProd(x)", x), ElementsAre(720));
  EXPECT_THAT(ints("y = ReduceMean(x, rows)", x), ElementsAre(2, 3, 4));
  EXPECT_THAT(ints("y = ReduceSum <noop_with_empty_axes = 1> (x, none)", x),
              ElementsAre(1, 2, 3, 4, 5, 6));
  EXPECT_THAT(ints("y = ReduceSum(x, none)", x), ElementsAre(21));
}

TEST(EvaluatorTest, ReductionsOfNothing) {
  std::string x = "int64[2] s = {2, 0}, int64[1] columns = {1}";
  std::string empty = "e = ConstantOfShape <value = int64[1] {7}> (s) ";
  EXPECT_THAT(ints(empty + "y = ReduceSum(e, columns)", x), ElementsAre(0, 0));
  EXPECT_THAT(ints(empty + "y = ReduceProd(e, columns)", x), ElementsAre(1, 1));
  EXPECT_EQ(fault(empty + "y = ReduceMax(e, columns)", x),
            "node 'y' (ReduceMax, domain ai.onnx) is not valid ONNX: it "
            "reduces a tensor without elements; export the model again");
}

TEST(EvaluatorTest, ReductionAxesMoved) {
  // ReduceMax had an attribute until operator set 18.
  std::string x = "int64[2,3] x = {1, 2, 3, 4, 5, 6}";
  EXPECT_THAT(ints("y = ReduceMax <axes = [1]> (x)", x, 17), ElementsAre(3, 6));
  EXPECT_THAT(ints("y = ReduceMax <axes = [1]> (x)", x, 18), ElementsAre(6));
}

TEST(EvaluatorTest, MatMulOfBatches) {
  EXPECT_THAT(
      floats(
          constant("a", "float[2,1,2] {1, 2, 3, 4}") +
              // A matrix in the place of a parameter would be the server\'s.
              constant("c", "float[2,2] {1, 10, 100, 1000}") +
              "b = Abs(c) m = MatMul(a, b) s = Identity(m) y = Reshape(s, f)",
          "int64[1] f = {4}"),
      ElementsAre(201, 2010, 403, 4030));
}

class EinsumTest : public ::testing::Test {
protected:
  std::vector<float> evaluate(const std::string &equation,
                              const std::string &inputs) {
    return floats(constant("a", "float[2,2] {1, 2, 3, 4}") +
                  constant("b", "float[2,2] {5, 6, 7, 8}") +
                  constant("v", "float[2] {10, 100}") +
                  "y = Einsum <equation = \"" + equation + "\"> (" + inputs +
                  ")");
  }
};

TEST_F(EinsumTest, Products) {
  EXPECT_THAT(evaluate("ij,jk->ik", "a, b"), ElementsAre(19, 22, 43, 50));
  EXPECT_THAT(evaluate("ij,jk->ki", "a, b"), ElementsAre(19, 43, 22, 50));
  EXPECT_THAT(evaluate("ij,kj->ik", "a, b"), ElementsAre(17, 23, 39, 53));
  EXPECT_THAT(evaluate("ij,j->i", "a, v"), ElementsAre(210, 430));
  EXPECT_THAT(evaluate("i,j->ij", "v, v"), ElementsAre(100, 1000, 1000, 10000));
}

TEST_F(EinsumTest, OneOperand) {
  EXPECT_THAT(evaluate("ij->ji", "a"), ElementsAre(1, 3, 2, 4));
  EXPECT_THAT(evaluate("ij->j", "a"), ElementsAre(4, 6));
  EXPECT_THAT(evaluate("ii->i", "a"), ElementsAre(1, 4));
  EXPECT_THAT(evaluate("ii", "a"), ElementsAre(5));
}

TEST_F(EinsumTest, ThreeOperands) {
  EXPECT_THAT(evaluate("i,ij,j->", "v, a, v"),
              ElementsAre(100 + 2000 + 3000 + 40000));
}

TEST_F(EinsumTest, ImpliedOutputIsSorted) {
  EXPECT_THAT(
      evaluate("jk,ij", "a, b"),
      // sum over j of a[j,k] b[i,j], as (i, k)
      ElementsAre(5 * 1 + 6 * 3, 5 * 2 + 6 * 4, 7 * 1 + 8 * 3, 7 * 2 + 8 * 4));
}

TEST_F(EinsumTest, Spaces) {
  EXPECT_THAT(evaluate(" ij , jk -> ik ", "a, b"), ElementsAre(19, 22, 43, 50));
}

TEST(EvaluatorTest, BadEquations) {
  std::string operands = constant("a", "float[2,2] {1, 2, 3, 4}") +
                         constant("v", "float[3] {1, 2, 3}");
  for (std::string text : {"ij,jk->ik", "ijk,j->i", "ij->ij", "ij,j->ijj",
                           "ij,k->il", "i1,j->i", "", "->", ",", "ij,k->i->j"})
    EXPECT_EQ(
        fault(operands + "y = Einsum <equation = \"" + text + "\"> (a, v)"),
        "node 'y' (Einsum, domain ai.onnx) is not valid ONNX: its "
        "equation does not fit its inputs; export the model again")
        << text;
}

//===----------------------------------------------------------------------===//
// Tensors without elements
//===----------------------------------------------------------------------===//

/// Their other dimensions may be as large as they like: no loop may run over
/// them, and no memory be taken.
TEST(EvaluatorTest, EmptyTensorsCostNothing) {
  std::string shape = "int64[2] s = {549755813888, 0}, int64[1] zero = {0}, "
                      "int64[2] many = {4611686018427387904, 1}, "
                      "int64[1] none = {0}";
  std::string make = "e = ConstantOfShape(s) ";
  EXPECT_THAT(
      ints(make + "c = Concat <axis = 1> (e, e, e) y = Shape(c)", shape),
      ElementsAre(549755813888, 0));
  EXPECT_THAT(ints(make + "c = Transpose(e) y = Shape(c)", shape),
              ElementsAre(0, 549755813888));
  EXPECT_THAT(ints("f = ConstantOfShape(none) g = Unsqueeze(f, zero)"
                   "c = Expand(g, s) y = Shape(c)",
                   shape),
              ElementsAre(549755813888, 0));
  EXPECT_THAT(ints(make + "c = Relu(e) y = Shape(c)", shape),
              ElementsAre(549755813888, 0));
  EXPECT_THAT(ints(make + "a, c = Split <axis = 1, num_outputs = 2> (e)"
                          "y = Shape(c)",
                   shape),
              ElementsAre(549755813888, 0));
}

TEST(EvaluatorTest, TileOfNothing) {
  EXPECT_THAT(ints("e = ConstantOfShape(s) c = Tile(e, r) y = Shape(c)",
                   "int64[1] s = {0}, int64[1] r = {4611686018427387904}"),
              ElementsAre(0));
}

TEST(EvaluatorTest, GatherOfNothing) {
  EXPECT_THAT(ints("e = ConstantOfShape(s) c = Gather <axis = 1> (e, i)"
                   "y = Shape(c)",
                   "int64[3] s = {1048576, 2, 0}, int64[1] i = {1}"),
              ElementsAre(1048576, 1, 0));
}

} // namespace
