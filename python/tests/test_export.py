# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Tests of the ONNX export."""

import math
import pathlib
import tempfile
import unittest
from typing import Any, Callable, Dict, List

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from aero.export import export_onnx
from aero.models.gpt2 import ACTIVATIONS, GPT2, named_config, named_config_names

SHAPE = {"n_layer": 2, "n_head": 2, "d_model": 16, "context": 8, "vocab": 11}


def random_model(name: str, **overrides: str) -> GPT2:
    """A model without any two equal parameters."""
    torch.manual_seed(5)
    model = GPT2(named_config(name, **SHAPE, **overrides))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model


def dimensions(value: onnx.ValueInfoProto) -> List[int]:
    """The static shape of a graph input or output."""
    return [d.dim_value for d in value.type.tensor_type.shape.dim]


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    """Softmax along one axis."""
    exponentials = np.exp(x - x.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def layer_norm(
    x: np.ndarray, scale: np.ndarray, bias: np.ndarray, axis: int, epsilon: float
) -> np.ndarray:
    """LayerNormalization over the last axis."""
    assert axis == -1
    centred = x - x.mean(-1, keepdims=True)
    variance = (centred**2).mean(-1, keepdims=True)
    return centred / np.sqrt(variance + epsilon) * scale + bias


def rms_norm(
    x: np.ndarray, scale: np.ndarray, axis: int, epsilon: float
) -> np.ndarray:
    """RMSNormalization over the last axis."""
    assert axis == -1
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + epsilon) * scale


OPERATORS: Dict[str, Callable[..., Any]] = {
    "Add": np.add,
    "Concat": lambda *parts, axis: np.concatenate(parts, axis),
    "Constant": lambda value: value,
    "Div": np.divide,
    "Erf": np.vectorize(math.erf),
    "Gather": lambda data, indices: data[indices],
    "Identity": lambda x: x,
    "LayerNormalization": layer_norm,
    "MatMul": np.matmul,
    "Mul": np.multiply,
    "Pow": np.power,
    "ReduceMean": lambda x, axes, keepdims=1: x.mean(
        axis=tuple(axes), keepdims=bool(keepdims)
    ),
    "Relu": lambda x: np.maximum(x, 0.0),
    "RMSNormalization": rms_norm,
    "Reshape": lambda x, shape, allowzero: x.reshape(shape),
    "Softmax": softmax,
    "Split": lambda x, sizes, axis: np.split(x, np.cumsum(sizes)[:-1], axis),
    "Sqrt": np.sqrt,
    "Sub": np.subtract,
    "Tanh": np.tanh,
    "Transpose": lambda x, perm: x.transpose(perm),
    "Where": np.where,
}


def interpret(exported: onnx.ModelProto, tokens: np.ndarray) -> np.ndarray:
    """Runs a graph node by node, by the ONNX specification, in double precision."""

    def array(tensor: onnx.TensorProto) -> np.ndarray:
        value = numpy_helper.to_array(tensor)
        return value.astype(np.float64) if value.dtype == np.float32 else value

    values = {i.name: array(i) for i in exported.graph.initializer}
    values["tokens"] = tokens
    for node in exported.graph.node:
        attributes = {
            a.name: onnx.helper.get_attribute_value(a) for a in node.attribute
        }
        if node.op_type == "Constant":
            attributes["value"] = array(attributes["value"])
        inputs = [values[name] for name in node.input]
        result = OPERATORS[node.op_type](*inputs, **attributes)
        results = result if node.op_type == "Split" else [result]
        values.update(zip(node.output, results))
    return values["logits"]


class ExportTest(unittest.TestCase):
    """What torch.onnx.export makes of the reference model."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "model.onnx"

    def export(self, model: GPT2) -> onnx.ModelProto:
        export_onnx(model, self.path)
        self.assertEqual([p.name for p in self.path.parent.iterdir()], [self.path.name])
        return onnx.load(str(self.path))

    def test_every_configuration(self) -> None:
        for name in named_config_names():
            with self.subTest(name):
                exported = self.export(random_model(name))
                onnx.checker.check_model(exported)
                onnx.shape_inference.infer_shapes(exported, strict_mode=True)
                (tokens,), (logits,) = exported.graph.input, exported.graph.output
                self.assertEqual((tokens.name, dimensions(tokens)), ("tokens", [1, 8]))
                self.assertEqual(
                    (logits.name, dimensions(logits)), ("logits", [1, 8, 11])
                )
                self.assertEqual(
                    tokens.type.tensor_type.elem_type, onnx.TensorProto.INT64
                )
                self.assertEqual(exported.opset_import[0].version, 16)

    def test_initializers_keep_the_names_of_gpt2(self) -> None:
        for name in ("SM+LN+G", "SM+ScFFN"):
            with self.subTest(name):
                model = random_model(name)
                exported = self.export(model)
                shapes = {i.name: list(i.dims) for i in exported.graph.initializer}
                for parameter, value in model.named_parameters():
                    self.assertEqual(shapes.get(parameter), list(value.shape))
                self.assertIn("h.0.attn.c_attn.weight", shapes)
                self.assertEqual(shapes["h.1.mlp.c_proj.weight"], [64, 16])

    def test_graph_computes_the_model(self) -> None:
        tokens = np.array([[3, 1, 4, 1, 5, 9, 2, 6]])
        models = [random_model(name) for name in named_config_names()]
        models.append(random_model("SM+LN+G", activation="gelu_tanh"))
        for model in models:
            with self.subTest(model.config):
                result = interpret(self.export(model), tokens)
                with torch.no_grad():
                    expected = model.eval()(torch.from_numpy(tokens)).numpy()
                np.testing.assert_allclose(result, expected, rtol=1e-3, atol=1e-4)

    def test_nonlinearities(self) -> None:
        nonlinear = {"Erf", "Pow", "Relu", "Softmax", "Sqrt", "Tanh"}
        expected = {
            "gelu": {"Erf", "Softmax"},
            "gelu_tanh": {"Pow", "Tanh", "Softmax"},
            "relu": {"Relu", "Softmax"},
            "identity": {"Softmax"},
        }
        for activation in ACTIVATIONS:
            with self.subTest(activation):
                exported = self.export(random_model("SM", activation=activation))
                found = {node.op_type for node in exported.graph.node} & nonlinear
                self.assertEqual(found, expected[activation])

    def test_softmax_only_ffn_keeps_both_matrices_even_from_training_mode(self) -> None:
        model = random_model("SM+ScFFN").train()
        exported = self.export(model)
        self.assertTrue(model.training)
        products = [n for n in exported.graph.node if n.op_type == "MatMul"]
        self.assertEqual(len(products), 2 * 6 + 1)

    def test_export_is_reproducible_and_holds_no_paths(self) -> None:
        model = random_model("SM+LN+G")
        self.export(model)
        first = self.path.read_bytes()
        self.export(model)
        self.assertEqual(first, self.path.read_bytes())
        here = str(pathlib.Path(__file__).resolve().parents[2])
        self.assertNotIn(here.encode(), first)


if __name__ == "__main__":
    unittest.main()
