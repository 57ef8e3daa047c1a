# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Operators against numpy, batches against their samples, and what is refused."""

from __future__ import annotations

import math
import unittest
from typing import Any, Dict, List, Optional, Sequence

import numpy as np
import torch
from onnx import TensorProto, helper

from aero.errors import AeroError
from aero.nn import from_onnx

from .onnx_support import ScratchTest, constant

RANDOM = np.random.default_rng(5)


def floats(*shape: int) -> np.ndarray:
    return RANDOM.standard_normal(shape).astype(np.float32)


def ints(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def softmax(x: np.ndarray) -> np.ndarray:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def erf(x: np.ndarray) -> np.ndarray:
    return np.vectorize(math.erf)(x)


def layer_norm(x: np.ndarray, scale: Any, bias: Any = 0.0) -> np.ndarray:
    centred = x - x.mean(-1, keepdims=True)
    variance = (centred ** 2).mean(-1, keepdims=True)
    return centred / np.sqrt(variance + 1e-5) * scale + bias


X = floats(1, 4, 6)
W = floats(6, 5)
TRUE = RANDOM.random((4, 6)) < 0.5
INF = np.float32(-np.inf)

#: Operator, other inputs, attributes, and the result on x (1, 4, 6).
CASES: List[Any] = [
    ("Abs", [], {}, np.abs),
    ("Add", [floats(6)], {}, lambda x, b: x + b),
    ("Cast", [], {"to": TensorProto.INT64}, lambda x: np.trunc(x)),
    ("Clip", [np.float32(-0.5), np.float32(0.5)], {}, np.clip),
    ("Clip", [np.float32(0.0)], {}, np.maximum),
    ("Concat", [floats(1, 4, 2)], {"axis": -1},
     lambda x, y: np.concatenate([x, np.repeat(y, len(x), 0)], -1)),
    ("Cos", [], {}, np.cos),
    ("CumSum", [np.array(1)], {}, lambda x, _: np.cumsum(x, 1)),
    ("CumSum", [np.array(2)], {"exclusive": 1, "reverse": 1},
     lambda x, _: np.flip(np.cumsum(np.flip(x, 2), 2), 2) - x),
    ("Div", [floats(4, 1)], {}, lambda x, y: x / y),
    ("Erf", [], {}, erf),
    ("Exp", [], {}, np.exp),
    ("Expand", [ints(2, 1, 1, 6)], {},
     lambda x, _: np.broadcast_to(x, (2, *x.shape))),
    ("Flatten", [], {"axis": 2}, lambda x: x.reshape(-1, 6)),
    ("Gather", [ints(3, -1, 0)], {"axis": 1}, lambda x, i: np.take(x, i, 1)),
    ("Gather", [np.array(-2)], {"axis": 2}, lambda x, i: np.take(x, i, 2)),
    ("Gelu", [], {}, lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2)))),
    ("Gelu", [], {"approximate": "tanh"}, lambda x: 0.5 * x * (1 + np.tanh(
        math.sqrt(2 / math.pi) * (x + 0.044715 * x ** 3)))),
    ("Identity", [], {}, lambda x: x),
    ("LayerNormalization", [floats(6), floats(6)], {}, layer_norm),
    ("LayerNormalization", [floats(6)], {"axis": 2}, layer_norm),
    ("LayerNormalization", [floats(1)], {}, layer_norm),
    ("LeakyRelu", [], {"alpha": 0.2}, lambda x: np.where(x < 0, 0.2 * x, x)),
    ("MatMul", [W], {}, lambda x, w: x @ w),
    ("MatMul", [floats(1, 6, 3)], {}, lambda x, w: x @ w),
    ("Max", [np.float32(0.1), floats(6)], {}, lambda x, a, b: np.maximum(
        np.maximum(x, a), b)),
    ("Min", [np.float32(0.1)], {}, np.minimum),
    ("Mul", [floats(4, 6)], {}, lambda x, y: x * y),
    ("Neg", [], {}, np.negative),
    ("PRelu", [np.float32(0.3)], {}, lambda x, s: np.where(x < 0, s * x, x)),
    ("Pow", [np.float32(2.0)], {}, np.power),
    ("Pow", [np.float32([[1, 2, 3, 2, 1, 2]])], {}, np.power),
    ("RMSNormalization", [floats(6)], {}, lambda x, s: x / np.sqrt(
        (x ** 2).mean(-1, keepdims=True) + 1e-5) * s),
    ("Reciprocal", [], {}, np.reciprocal),
    ("ReduceMean", [], {"axes": [-1]}, lambda x: x.mean(-1, keepdims=True)),
    ("ReduceMean", [], {"axes": [1], "keepdims": 0}, lambda x: x.mean(1)),
    ("ReduceSum", [ints(1, 2)], {"keepdims": 0}, lambda x, _: x.sum((1, 2))),
    ("Relu", [], {}, lambda x: np.maximum(x, 0)),
    ("Reshape", [ints(1, 4, 2, 3)], {}, lambda x, _: x.reshape(-1, 4, 2, 3)),
    ("Reshape", [ints(4, 6)], {}, lambda x, _: x.reshape(-1, 6)),
    ("Reshape", [ints(0, -1)], {}, lambda x, _: x.reshape(-1, 24)),
    ("Sigmoid", [], {}, lambda x: 1 / (1 + np.exp(-x))),
    ("Sin", [], {}, np.sin),
    ("Slice", [ints(1), ints(9), ints(2)], {}, lambda x, *_: x[..., 1:9]),
    ("Slice", [ints(0), ints(6), ints(2), ints(2)], {}, lambda x, *_: x[..., ::2]),
    ("Slice", [ints(-1), ints(-100), ints(1), ints(-1)], {},
     lambda x, *_: x[:, ::-1]),
    ("Slice", [ints(1, -2), ints(3, 6), ints(1, 2)], {},
     lambda x, *_: x[:, 1:3, -2:]),
    ("Softmax", [], {"axis": -1}, softmax),
    ("Squeeze", [ints(0)], {}, lambda x, _: x.reshape(-1, 6)),
    ("Sub", [floats(6)], {}, lambda x, y: x - y),
    ("Tanh", [], {}, np.tanh),
    ("Transpose", [], {"perm": [1, 0, 2]}, lambda x: x.transpose(1, 0, 2)),
    ("Transpose", [], {}, lambda x: x.transpose(2, 1, 0)),
    ("Unsqueeze", [ints(1, 4)], {}, lambda x, _: x[:, None, :, :, None]),
]

#: Of two numbers: a comparison, and of two of those a logical operator.
COMPARISONS = {"Equal": np.equal, "Less": np.less, "LessOrEqual": np.less_equal,
               "Greater": np.greater, "GreaterOrEqual": np.greater_equal}
LOGICAL = {"And": np.logical_and, "Or": np.logical_or}


class OperatorTest(ScratchTest):

    def build(self, nodes: Sequence[Any], initializers: Optional[Dict[str, Any]] = None,
              opset: int = 17, x: np.ndarray = X) -> torch.nn.Module:
        return from_onnx(self.save(nodes, {"x": x}, ["y"], initializers, opset))

    def check(self, module: torch.nn.Module, expected: Any, places: int = 5) -> None:
        """On one sample, and on three at once."""
        for batch in (1, 3):
            x = floats(batch, *X.shape[1:])
            with torch.no_grad():
                y = module(torch.from_numpy(x)).numpy()
            want = expected(x)
            self.assertEqual(y.shape, want.shape)
            np.testing.assert_allclose(y, want, rtol=1e-4, atol=1e-5)

    def test_each(self) -> None:
        for op, others, attributes, expected in CASES:
            opset = {"Gelu": 20, "RMSNormalization": 23}.get(op, 17)
            with self.subTest(op, attributes=attributes,
                              others=[np.shape(other) for other in others]):
                names = [f"c{i}" for i in range(len(others))]
                nodes = [constant(name, other) for name, other in zip(names, others)]
                made = helper.make_node(op, ["x", *names], ["y"], **attributes)
                self.check(self.build([*nodes, made], opset=opset),
                           lambda x: expected(x, *others))

    def test_comparisons(self) -> None:
        half = np.float32(0.1)
        for op, function in COMPARISONS.items():
            with self.subTest(op):
                self.check(self.build([
                    constant("c", half), helper.make_node(op, ["x", "c"], ["b"]),
                    helper.make_node("Cast", ["b"], ["y"], to=TensorProto.FLOAT)]),
                    lambda x: function(x, half).astype(np.float32))
        for op, function in LOGICAL.items():
            with self.subTest(op):
                self.check(self.build([
                    constant("c", half), constant("m", TRUE),
                    helper.make_node("Less", ["x", "c"], ["a"]),
                    helper.make_node(op, ["a", "m"], ["b"]),
                    helper.make_node("Not", ["b"], ["n"]),
                    helper.make_node("Cast", ["n"], ["y"], to=TensorProto.FLOAT)]),
                    lambda x: (~function(x < half, TRUE)).astype(np.float32))

    def test_where(self) -> None:
        for other in (np.float32(-7), floats(6)):
            for condition in (TRUE, TRUE[:1], TRUE[None]):
                self.check(self.build([
                    constant("m", condition), constant("c", other),
                    helper.make_node("Where", ["m", "x", "c"], ["y"])]),
                    lambda x: np.where(condition, x, other))
        # The condition is wider than what is chosen from.
        self.check(self.build([
            constant("m", np.array([[True], [False]])), constant("c", np.float32(2)),
            helper.make_node("ReduceMean", ["x"], ["r"], axes=[1], keepdims=1),
            helper.make_node("Where", ["m", "r", "c"], ["y"])]),
            lambda x: np.where([[True], [False]], x.mean(1, keepdims=True), 2))

    def test_split(self) -> None:
        for inputs, bounds in ((["x"], [2, 4]), (["x", "s"], [1, 3])):
            self.check(self.build([
                constant("s", ints(1, 2, 3)),
                helper.make_node("Split", inputs, ["a", "b", "c"], axis=2),
                helper.make_node("Concat", ["c", "b", "a"], ["y"], axis=2)]),
                lambda x: np.concatenate(np.split(x, bounds, 2)[::-1], 2))

    def test_gemm(self) -> None:
        for transposed in (0, 1):
            weight, bias = (floats(5, 6) if transposed else W), floats(5)
            self.check(self.build(
                [constant("s", ints(4, 6)),
                 helper.make_node("Reshape", ["x", "s"], ["r"]),
                 helper.make_node("Gemm", ["r", "w", "b"], ["g"], alpha=0.5, beta=2.0,
                                  transB=transposed),
                 constant("t", ints(1, 4, 5)),
                 helper.make_node("Reshape", ["g", "t"], ["y"])],
                {"w": weight, "b": bias}),
                lambda x: 0.5 * (x @ (weight.T if transposed else weight)) + 2 * bias)

    def test_embedding_of_several_ranks(self) -> None:
        table = floats(7, 3)
        path = self.save([helper.make_node("Gather", ["w", "x"], ["y"], axis=0)],
                         {"x": ints(1, 2, 3)[None]}, ["y"], {"w": table})
        ids = torch.tensor([[1, 2, 0], [6, 6, 5]])
        module = from_onnx(path)
        np.testing.assert_array_equal(module(ids).detach().numpy(), table[ids.numpy()])
        with self.assertRaisesRegex(AeroError, "model.onnx: an input has a token"):
            module(torch.tensor([[1, 2, 7]]))

    def test_constants_are_folded(self) -> None:
        module = self.build([
            constant("a", ints(1, 4)), constant("b", ints(6)),
            helper.make_node("Concat", ["a", "b"], ["s"], axis=0),
            helper.make_node("Reshape", ["x", "s"], ["y"])])
        self.assertIn("1 steps", repr(module))
        self.check(module, lambda x: x)

    #===--------------------------------------------------------------------===#
    # Joined nodes
    #===--------------------------------------------------------------------===#

    def slices(self, bounds: Sequence[Any]) -> torch.nn.Module:
        nodes, names = [constant("two", ints(2))], []
        for i, (start, end) in enumerate(bounds):
            nodes += [constant(f"s{i}", ints(start)), constant(f"e{i}", ints(end)),
                      helper.make_node("Slice", ["x", f"s{i}", f"e{i}", "two"],
                                       [f"p{i}"])]
            names.append(f"p{i}")
        nodes.append(helper.make_node("Concat", names, ["y"], axis=2))
        return self.build(nodes)

    def test_slices_that_tile_are_one_step(self) -> None:
        for bounds, steps in (([(0, 2), (2, 4), (4, 6)], 2), ([(4, 6), (0, 4)], 2),
                              ([(1, 2), (2, 5)], 2), ([(0, 2), (2, 2 ** 62)], 2),
                              ([(0, 2), (3, 6)], 3), ([(0, 4), (2, 6)], 3)):
            with self.subTest(bounds):
                module = self.slices(bounds)
                self.assertIn(f" {steps} steps", repr(module))
                self.check(module, lambda x: np.concatenate(
                    [x[..., start:end] for start, end in bounds], -1))

    def gelu(self, half: float, tapped: bool) -> torch.nn.Module:
        nodes = [constant(key, np.float32(value)) for key, value in
                 (("r", math.sqrt(2)), ("one", 1.0), ("half", half))]
        nodes += [helper.make_node("Div", ["x", "r"], ["a"]),
                  helper.make_node("Erf", ["a"], ["b"]),
                  helper.make_node("Add", ["b", "one"], ["c"]),
                  helper.make_node("Mul", ["x", "c"], ["d"]),
                  helper.make_node("Mul", ["d", "half"], ["e"]),
                  helper.make_node("Add", ["e", "b" if tapped else "e"], ["y"])]
        return self.build(nodes)

    def test_gelu_is_one_step(self) -> None:
        for half, tapped, steps in ((0.5, False, 2), (0.5, True, 6), (0.6, False, 6)):
            module = self.gelu(half, tapped)
            self.assertIn(f" {steps} steps", repr(module))

            def expected(x: np.ndarray) -> np.ndarray:
                curve = erf(x / math.sqrt(2))
                result = half * x * (1 + curve)
                return result + (curve if tapped else result)
            self.check(module, expected)

    def test_query_that_sees_no_key(self) -> None:
        """0, with a gradient of 0; what is no number otherwise stays none."""
        hidden = np.zeros((4, 6), np.float32)
        hidden[1], hidden[2, 3:] = INF, INF
        module = self.build([
            constant("m", hidden), constant("zero", np.float32(0)),
            helper.make_node("Add", ["x", "m"], ["s"]),
            helper.make_node("Softmax", ["s"], ["w"], axis=-1),
            helper.make_node("IsNaN", ["w"], ["n"]),
            helper.make_node("Where", ["n", "zero", "w"], ["y"])])
        x = torch.from_numpy(floats(2, 4, 6)).requires_grad_()
        y = module(x)
        self.assertEqual(y[:, 1].tolist(), [[0.0] * 6] * 2)
        torch.testing.assert_close(y.sum(-1)[:, [0, 2, 3]], torch.ones(2, 3))
        (y * torch.arange(6.0)).sum().backward()
        self.assertTrue(bool(torch.isfinite(x.grad).all()))
        self.assertEqual(float(x.grad[:, 1].abs().max()), 0.0)
        self.assertGreater(float(x.grad[:, 2].abs().max()), 0.0)
        self.assertTrue(bool(module(torch.full((1, 4, 6), math.nan)).isnan().any()))

    def test_hidden_keys_have_finite_gradients(self) -> None:
        causal = np.tril(np.ones((1, 6, 6), bool))
        for hidden in (INF, np.finfo(np.float32).min):
            module = self.build([
                constant("m", causal[:, :4]), constant("h", hidden),
                helper.make_node("Where", ["m", "x", "h"], ["s"]),
                helper.make_node("Softmax", ["s"], ["y"], axis=-1)])
            x = torch.from_numpy(floats(2, 4, 6)).requires_grad_()
            (module(x) ** 2).sum().backward()
            self.assertTrue(bool(torch.isfinite(x.grad).all()))
            self.assertEqual(float(x.grad[:, 0, 1:].abs().max()), 0.0)

    #===--------------------------------------------------------------------===#
    # What is refused
    #===--------------------------------------------------------------------===#

    def refuse(self, nodes: Sequence[Any], *fragments: str,
               initializers: Optional[Dict[str, Any]] = None, opset: int = 17,
               x: np.ndarray = X) -> None:
        with self.assertRaises(AeroError) as caught:
            self.build(nodes, initializers, opset, x)
        lines = str(caught.exception).splitlines()
        self.assertEqual(len(lines), len(fragments), lines)
        for line, fragment in zip(lines, fragments):
            self.assertTrue(line.startswith(str(self.folder)), line)
            self.assertIn(fragment, line)

    def test_every_unknown_node_is_named(self) -> None:
        self.refuse([
            helper.make_node("Mish", ["x"], ["a"], "first"),
            helper.make_node("Relu", ["a"], ["b"], "fine"),
            helper.make_node("Attention", ["b"], ["c"], "second", domain="com.x"),
            helper.make_node("Gru", ["c"], ["y"])],
            "node 'first' (Mish): the operator is not supported",
            "node 'second' (Attention): the operator of domain 'com.x'",
            "node without a name (of 'y') (Gru)")

    def test_what_mixes_samples(self) -> None:
        for node, fragment in (
                (helper.make_node("Softmax", ["x"], ["y"], axis=0), "over the batch"),
                (helper.make_node("ReduceMean", ["x"], ["y"], axes=[0]),
                 "reduces over the batch"),
                (helper.make_node("Split", ["x"], ["y"], axis=0), "splits the batch"),
                (helper.make_node("Concat", ["x", "x"], ["y"], axis=0),
                 "joins samples"),
                (helper.make_node("Add", ["x", "w"], ["y"]),
                 "same for all samples has 2 entries"),
                (helper.make_node("MatMul", ["t", "u"], ["y"]), "sums over the batch"),
                (helper.make_node("Add", ["x", "t"], ["y"]), "on different axes")):
            with self.subTest(fragment):
                self.refuse([helper.make_node("Transpose", ["x"], ["t"],
                                              perm=[1, 2, 0]), node], fragment,
                            initializers={"w": floats(2, 4, 6), "u": floats(1, 5)})

    def test_what_does_not_fit(self) -> None:
        for node, fragment in (
                (helper.make_node("MatMul", ["x", "w"], ["y"]), "cannot be computed"),
                (helper.make_node("Add", ["x", "nothing"], ["y"]), "reads 'nothing'"),
                (helper.make_node("Reshape", ["x", "x"], ["y"]), "shape is computed"),
                (helper.make_node("Reshape", ["x", "s"], ["y"]), "does not fit"),
                (helper.make_node("Softmax", ["x"], ["y"], axis=7), "has axis 7"),
                (helper.make_node("Relu", ["x"], ["y"], alpha=1.0),
                 "attribute 'alpha' is not supported"),
                (helper.make_node("Relu", ["x"], ["z"]), "output 'y' is computed"),
                (helper.make_node("LayerNormalization", ["x", "w", "", ], ["y", "m"]),
                 "mean and deviation"),
                (helper.make_node("Gather", ["w", "s"], ["y"]),
                 "takes an entry beyond"),
                (helper.make_node("Relu", [], ["y"]), "Relu")):
            with self.subTest(fragment):
                self.refuse([constant("s", ints(5, 5)), node], fragment,
                            initializers={"w": floats(3)})

    def test_types_and_versions(self) -> None:
        relu = helper.make_node("Relu", ["x"], ["y"])
        self.refuse([relu], "operator set 9", opset=9)
        self.refuse([relu], "initializer 'w' is of type DOUBLE",
                    "initializer 'v' is of type FLOAT16",
                    initializers={"w": np.zeros(2), "v": np.zeros(2, np.float16)})
        self.refuse([relu], "no tensor of float32", x=np.zeros((1, 2)))
        self.refuse([relu], "is a scalar", x=np.float32(0))
        self.refuse([constant("d", np.zeros(2)), relu], "(Constant): is of type DOUBLE")
        self.refuse([helper.make_node("Cast", ["x"], ["y"], to=TensorProto.DOUBLE)],
                    "casts to a type")


if __name__ == "__main__":
    unittest.main()
