# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of replacing norms in a graph, against an interpreter of ONNX in NumPy."""

from __future__ import annotations

import pathlib
import tempfile
import unittest
from typing import Dict, List

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from aero.errors import AeroError
from aero.export import export_onnx
from aero.train.fold import fold_norms
from aero.train.norms import find_norms, measuring_graph, remove_norm

from .test_export import interpret, random_model

TOKENS = np.array([[3, 1, 4, 1, 5]])
WIDTH, VOCABULARY = 6, 7


def tensor(name: str, value: np.ndarray) -> TensorProto:
    """A float32 initializer."""
    return numpy_helper.from_array(value.astype(np.float32), name)


def weights() -> Dict[str, np.ndarray]:
    """Values of every name that :func:`graph` may use."""
    rng = np.random.default_rng(3)
    return {
        "table": rng.normal(1.0, 2.0, (VOCABULARY, WIDTH)),
        "gamma": rng.normal(1.0, 0.5, WIDTH),
        "beta": rng.normal(0.0, 0.5, WIDTH),
        "w": rng.normal(0.0, 1.0, (WIDTH, VOCABULARY)),
        "b": rng.normal(0.0, 1.0, VOCABULARY),
        "square": rng.normal(0.0, 1.0, (WIDTH, WIDTH)),
    }


def norm_nodes(kind: str) -> List[onnx.NodeProto]:
    """``x`` to ``y`` by a norm of a kind."""
    if kind == "whole":
        names = ["x", "gamma", "beta"]
        return [
            helper.make_node(
                "LayerNormalization", names, ["y"], "/ln", axis=-1, epsilon=1e-3
            )
        ]
    nodes, current = [], "x"
    if kind == "whole rms":
        names = ["x", "gamma"]
        return [
            helper.make_node(
                "RMSNormalization", names, ["y"], "/ln", axis=-1, epsilon=1e-3
            )
        ]
    if kind == "spelled":
        nodes.append(helper.make_node("ReduceMean", ["x"], ["mean"], axes=[-1]))
        nodes.append(helper.make_node("Sub", ["x", "mean"], ["centred"]))
        current = "centred"
    nodes += [
        helper.make_node("Mul", [current, current], ["squared"]),
        helper.make_node("ReduceMean", ["squared"], ["variance"], axes=[-1]),
        helper.make_node("Add", ["epsilon", "variance"], ["sum"]),
        helper.make_node("Sqrt", ["sum"], ["deviation"]),
        helper.make_node("Div", [current, "deviation"], ["divided"], "/ln"),
    ]
    if kind == "rms":
        return nodes + [helper.make_node("Mul", ["gamma", "divided"], ["y"])]
    return nodes + [
        helper.make_node("Mul", ["divided", "gamma"], ["scaled"]),
        helper.make_node("Add", ["scaled", "beta"], ["y"]),
    ]


def reader_nodes(kind: str) -> List[onnx.NodeProto]:
    """``y`` to ``logits``."""
    matmul, add = "MatMul", "Add"
    if kind == "bias":
        return [
            helper.make_node(matmul, ["y", "w"], ["product"], "/out"),
            helper.make_node(add, ["b", "product"], ["logits"]),
        ]
    if kind == "no bias":
        return [helper.make_node(matmul, ["y", "w"], ["logits"], "/out")]
    if kind == "tied":
        return [
            helper.make_node("Transpose", ["table"], ["turned"], perm=[1, 0]),
            helper.make_node(matmul, ["y", "turned"], ["logits"], "/out"),
        ]
    # A matrix and the residual stream both read the norm.
    return [
        helper.make_node(matmul, ["y", "square"], ["product"]),
        helper.make_node(add, ["y", "product"], ["stream"]),
        helper.make_node(matmul, ["stream", "w"], ["logits"]),
    ]


def graph(norm: str, reader: str, opset: int = 17) -> onnx.ModelProto:
    """Embedding, norm, and what reads it."""
    nodes = [helper.make_node("Gather", ["table", "tokens"], ["x"])]
    nodes += norm_nodes(norm) + reader_nodes(reader)
    read = {name for node in nodes for name in node.input}
    held = [tensor(name, value) for name, value in weights().items() if name in read]
    if "epsilon" in read:
        held.append(tensor("epsilon", np.array(1e-3)))
    float32, length = TensorProto.FLOAT, TOKENS.shape[1]
    made = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, length])],
        [helper.make_tensor_value_info("logits", float32, [1, length, VOCABULARY])],
        held,
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", opset)])
    model.ir_version = 8
    check(model)
    return model


def check(model: onnx.ModelProto) -> None:
    """The checker's verdict, on operator sets that it knows."""
    if model.opset_import[0].version <= min(17, onnx.defs.onnx_opset_version()):
        onnx.checker.check_model(model)


def deviations(norm: str) -> np.ndarray:
    """What the norm divides each token by."""
    x = weights()["table"].astype(np.float32).astype(np.float64)[TOKENS[0]]
    if "rms" not in norm:
        x = x - x.mean(-1, keepdims=True)
    return np.sqrt((x**2).mean(-1) + 1e-3)


READERS = ("bias", "no bias", "tied", "residual")
KINDS = [
    (norm, reader, opset)
    for norm, opset in (
        ("whole", 17), ("whole", 18), ("spelled", 17), ("rms", 17), ("whole rms", 23)
    )
    for reader in READERS
]  # fmt: skip


class ReplaceTest(unittest.TestCase):
    def expected(self, norm: str, reader: str, sigma: float) -> np.ndarray:
        """The function after replacement, from its definition."""
        held = {n: v.astype(np.float32).astype(float) for n, v in weights().items()}
        x = held["table"][TOKENS]
        if "rms" not in norm:
            x = x - x.mean(-1, keepdims=True)
        y = x / sigma * held["gamma"] + (0.0 if "rms" in norm else held["beta"])
        if reader == "residual":
            y = y + y @ held["square"]
        if reader == "tied":
            return y @ held["table"].T
        return y @ held["w"] + (held["b"] if reader == "bias" else 0.0)

    def test_norms_are_found_by_their_arithmetic(self) -> None:
        for norm, reader, opset in KINDS:
            found = find_norms(graph(norm, reader, opset))
            self.assertEqual([n.node for n in found], ["/ln"])

    def test_measuring_graph_gives_deviations(self) -> None:
        for norm, reader, opset in KINDS:
            with self.subTest((norm, reader, opset)):
                model = graph(norm, reader, opset)
                measuring = measuring_graph(model, find_norms(model))
                check(measuring)
                found = interpret(measuring, TOKENS)
                self.assertEqual(found.shape, (1, TOKENS.shape[1], 1))
                np.testing.assert_allclose(found[0, :, 0], deviations(norm), 1e-6)

    def test_replaced_and_folded_compute_the_definition(self) -> None:
        for norm, reader, opset in KINDS:
            with self.subTest((norm, reader, opset)):
                model = graph(norm, reader, opset)
                (found,) = find_norms(model)
                remove_norm(model, found, 1.75)
                check(model)
                self.assertEqual(find_norms(model), [])
                expected = self.expected(norm, reader, 1.75)
                np.testing.assert_allclose(
                    interpret(model, TOKENS), expected, 1e-5, 1e-5
                )
                self.assertEqual(fold_norms(model), 1)
                check(model)
                np.testing.assert_allclose(
                    interpret(model, TOKENS), expected, 1e-5, 1e-5
                )

    def test_folding_into_a_matrix_leaves_no_trace(self) -> None:
        for norm in ("whole", "spelled", "rms"):
            model = graph(norm, "bias")
            remove_norm(model, find_norms(model)[0], 2.0)
            fold_norms(model)
            self.assertEqual(
                [node.op_type for node in model.graph.node], ["Gather", "MatMul", "Add"]
            )
            self.assertEqual(len(model.graph.initializer), 3)
            names = {tensor.name for tensor in model.graph.initializer}
            self.assertIn("gamma+w", names)

    def test_tied_embedding_stays_what_it_is(self) -> None:
        model = graph("whole", "tied")
        remove_norm(model, find_norms(model)[0], 2.0)
        fold_norms(model)
        held = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
        np.testing.assert_array_equal(
            held["table"], weights()["table"].astype(np.float32)
        )
        self.assertEqual(held["gamma+table"].shape, (WIDTH, VOCABULARY))

    def test_residual_reader_gets_one_matrix(self) -> None:
        model = graph("whole", "residual")
        remove_norm(model, find_norms(model)[0], 2.0)
        fold_norms(model)
        operators = [node.op_type for node in model.graph.node]
        self.assertNotIn("ReduceMean", operators)
        self.assertEqual(operators.count("MatMul"), 3)

    def test_some_norms_of_an_exported_model(self) -> None:
        tokens = np.array([[3, 1, 4, 1, 5, 9, 2, 6]])
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "m.onnx"
            export_onnx(random_model("SM+LN+G"), path)
            model = onnx.load(str(path))
        norms = find_norms(model)
        self.assertEqual(len(norms), 5)
        whole = interpret(model, tokens)
        measured = interpret(measuring_graph(model, norms), tokens)
        self.assertEqual(measured.shape, (1, 8, 5))
        for index in (4, 1):
            remove_norm(model, norms[index], float(measured[..., index].mean()))
        self.assertEqual(find_norms(model), [norms[0], norms[2], norms[3]])
        replaced = interpret(model, tokens)
        self.assertGreater(np.abs(replaced - whole).max(), 1e-3)
        self.assertEqual(fold_norms(model), 2)
        np.testing.assert_allclose(interpret(model, tokens), replaced, 1e-4, 1e-4)
        self.assertEqual(len(find_norms(model)), 3)

    def test_what_is_no_norm_is_left_alone(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "m.onnx"
            for name in ("SM", "SM+ScFFN", "SM+G"):
                export_onnx(random_model(name), path)
                model = onnx.load(str(path))
                self.assertEqual(find_norms(model), [])
                before = model.SerializeToString()
                self.assertEqual(fold_norms(model), 0)
                self.assertEqual(model.SerializeToString(), before)

    def test_bad_scales_and_axes_are_errors(self) -> None:
        model = graph("whole", "bias")
        (norm,) = find_norms(model)
        for sigma in (0.0, -1.0, float("nan"), float("inf")):
            with self.assertRaisesRegex(AeroError, "node '/ln': its deviation is"):
                remove_norm(model, norm, sigma)
        model.graph.node[1].attribute[0].i = 1
        with self.assertRaisesRegex(AeroError, "normalises from axis 1"):
            find_norms(model)


if __name__ == "__main__":
    unittest.main()
