# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Norms of an ONNX graph: finding, measuring and replacing them.

A norm divides each token by its own deviation. Replaced, it divides by one number
for all tokens, which makes it linear: ``(x - mean(x)) / sigma * gamma + beta``, an
RMS norm ``x / sigma * gamma``. Everything here is a graph in and a graph out, so a
model in the middle of a removal is an ONNX model like any other.
"""

from __future__ import annotations

import dataclasses
from typing import Dict, List, Optional, Set

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..errors import AeroError

SIGMA = "aero.norm_sigma."
WHOLE_NORMS = ("LayerNormalization", "RMSNormalization")


@dataclasses.dataclass(frozen=True)
class Norm:
    """A norm, known by the name of the value that it makes.

    Attributes:
        value: Output of LayerNormalization, or of the Div of a spelled-out norm.
        node: The ONNX node, for messages.
    """

    value: str
    node: str


class Graph:
    """Look-ups in a graph that does not change meanwhile."""

    def __init__(self, graph: onnx.GraphProto) -> None:
        self.makers = {name: node for node in graph.node for name in node.output}
        self.readers: Dict[str, List[onnx.NodeProto]] = {}
        for node in graph.node:
            for name in node.input:
                self.readers.setdefault(name, []).append(node)
        self.initializers = {tensor.name: tensor for tensor in graph.initializer}
        self.outputs = {value.name for value in graph.output}

    def maker(self, name: str, *operators: str) -> Optional[onnx.NodeProto]:
        """The node that makes a value, if it is one of ``operators``."""
        node = self.makers.get(name)
        return node if node is not None and node.op_type in operators else None

    def constant(self, name: str) -> Optional[np.ndarray]:
        """The value of an initializer or a Constant node, by way of Identity and
        Transpose; or None."""
        if name in self.initializers:
            return numpy_helper.to_array(self.initializers[name])
        node = self.maker(name, "Constant", "Identity", "Transpose")
        if node is None:
            return None
        if node.op_type == "Constant":
            value = attribute(node, "value")
            return None if value is None else numpy_helper.to_array(value)
        source = self.constant(node.input[0])
        if source is None or node.op_type == "Identity":
            return source
        return source.transpose(attribute(node, "perm"))

    def source(self, name: str) -> str:
        """The initializer that Identity and Transpose make a value from."""
        node = self.maker(name, "Identity", "Transpose")
        return name if node is None else self.source(node.input[0])

    def is_scalar(self, name: str, wanted: Optional[float] = None) -> bool:
        """Whether a value is one constant number (and that one)."""
        value = self.constant(name)
        if value is None or value.size != 1:
            return False
        return wanted is None or float(value.reshape(())) == wanted


def attribute(node: onnx.NodeProto, name: str) -> object:
    """The value of an attribute, or None."""
    for held in node.attribute:
        if held.name == name:
            return helper.get_attribute_value(held)
    return None


def _deviation(graph: Graph, node: onnx.NodeProto) -> bool:
    """Whether ``node`` is Div(a, Sqrt(ReduceMean(a * a) + epsilon))."""
    if node.op_type != "Div":
        return False
    root = graph.maker(node.input[1], "Sqrt")
    total = graph.maker(root.input[0], "Add") if root else None
    if total is None:
        return False
    mean = graph.maker(total.input[0], "ReduceMean")
    if mean is None or not graph.is_scalar(total.input[1]):
        mean = graph.maker(total.input[1], "ReduceMean")
        if mean is None or not graph.is_scalar(total.input[0]):
            return False
    square = graph.maker(mean.input[0], "Pow", "Mul")
    if square is None or square.input[0] != node.input[0]:
        return False
    if square.op_type == "Pow":
        return graph.is_scalar(square.input[1], 2.0)
    return square.input[1] == square.input[0]


def find_norms(model: onnx.ModelProto) -> List[Norm]:
    """The norms of a graph, in its order."""
    graph = Graph(model.graph)
    found = []
    for node in model.graph.node:
        if node.op_type in WHOLE_NORMS:
            axis = attribute(node, "axis")
            if axis not in (None, -1):
                raise AeroError(
                    f"node '{node.name}' ({node.op_type}): normalises from axis "
                    f"{axis}; --remove-norms takes norms of the last axis, which "
                    "aero rewrite writes"
                )
            found.append(Norm(node.output[0], node.name or node.output[0]))
        elif _deviation(graph, node):
            found.append(Norm(node.output[0], node.name or node.output[0]))
    return found


def _opset(model: onnx.ModelProto) -> int:
    return next(o.version for o in model.opset_import if o.domain in ("", "ai.onnx"))


def _mean_of_last(
    model: onnx.ModelProto, source: str, output: str, name: str
) -> List[onnx.NodeProto]:
    """ReduceMean over the last axis; since 18 its axes are an input."""
    if _opset(model) < 18:
        return [
            helper.make_node(
                "ReduceMean", [source], [output], name, axes=[-1], keepdims=1
            )
        ]
    axes = helper.make_tensor(output + ".axes", onnx.TensorProto.INT64, [1], [-1])
    return [
        helper.make_node("Constant", [], [axes.name], name + "/Constant", value=axes),
        helper.make_node("ReduceMean", [source, axes.name], [output], name, keepdims=1),
    ]


def remove_norm(model: onnx.ModelProto, norm: Norm, sigma: float) -> None:
    """Makes ``norm`` divide by ``sigma``, an initializer that is not to be trained."""
    if not (np.isfinite(sigma) and sigma > 0):
        raise AeroError(
            f"node '{norm.node}': its deviation is {sigma}, so it cannot be replaced"
        )
    scale = SIGMA + norm.value
    model.graph.initializer.append(
        numpy_helper.from_array(np.array(sigma, np.float32), scale)
    )
    nodes = []
    for node in model.graph.node:
        if norm.value not in node.output:
            nodes.append(node)
        elif node.op_type == "Div":
            node.input[1] = scale
            nodes.append(node)
        else:
            nodes.extend(_spelled_out(model, node, scale))
    replace_nodes(model, nodes)


def _spelled_out(
    model: onnx.ModelProto, node: onnx.NodeProto, scale: str
) -> List[onnx.NodeProto]:
    """LayerNormalization or RMSNormalization with ``scale`` for the deviation."""
    value, name = node.output[0], node.name or node.output[0]
    centred = node.op_type == "LayerNormalization"
    current = node.input[0]
    nodes = []
    if centred:
        nodes += _mean_of_last(model, current, value + ".mean", name + "/ReduceMean")
        nodes.append(
            helper.make_node(
                "Sub", [current, value + ".mean"], [value + ".centred"], name + "/Sub"
            )
        )
        current = value + ".centred"
    beta = node.input[2] if len(node.input) > 2 else ""
    scaled = value + ".scaled" if beta else value
    nodes.append(
        helper.make_node("Div", [current, scale], [value + ".divided"], name + "/Div")
    )
    nodes.append(
        helper.make_node(
            "Mul", [value + ".divided", node.input[1]], [scaled], name + "/Mul"
        )
    )
    if beta:
        nodes.append(helper.make_node("Add", [scaled, beta], [value], name + "/Add"))
    return nodes


def replace_nodes(model: onnx.ModelProto, nodes: List[onnx.NodeProto]) -> None:
    """Puts ``nodes`` into the graph, without those that nothing reads any more."""
    needed: Set[str] = {value.name for value in model.graph.output}
    kept = []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            needed.update(node.input)
            kept.append(node)
    kept.reverse()
    copies = [onnx.NodeProto.FromString(node.SerializeToString()) for node in kept]
    del model.graph.node[:]
    model.graph.node.extend(copies)
    # What the graph said of values that are gone would no longer be true.
    del model.graph.value_info[:]


def measuring_graph(model: onnx.ModelProto, norms: List[Norm]) -> onnx.ModelProto:
    """A graph that gives what each norm divides each token by: (1, T, norms).

    Norms that were replaced divide by their constant in it, as they do in the model.
    """
    copy = onnx.ModelProto.FromString(model.SerializeToString())
    graph = Graph(copy.graph)
    nodes = list(copy.graph.node)
    deviations = []
    for norm in norms:
        maker = graph.makers[norm.value]
        if maker.op_type == "Div":
            deviations.append(maker.input[1])
            continue
        name = norm.value + ".deviation"
        nodes += _deviation_nodes(copy, maker, name)
        deviations.append(name)
    result = copy.graph.output[0]
    nodes = [node for node in nodes if result.name not in node.output]
    nodes.append(
        helper.make_node("Concat", deviations, [result.name], "/deviations", axis=-1)
    )
    shape = result.type.tensor_type.shape
    shape.dim[len(shape.dim) - 1].dim_value = len(norms)
    replace_nodes(copy, nodes)
    return copy


def _deviation_nodes(
    model: onnx.ModelProto, norm: onnx.NodeProto, output: str
) -> List[onnx.NodeProto]:
    """``output`` = sqrt(mean((x - mean(x))^2) + epsilon), for RMS without the mean."""
    current, nodes = norm.input[0], []
    if norm.op_type == "LayerNormalization":
        nodes += _mean_of_last(model, current, output + ".mean", output + "/mean")
        nodes.append(
            helper.make_node("Sub", [current, output + ".mean"], [output + ".centred"])
        )
        current = output + ".centred"
    epsilon = attribute(norm, "epsilon")
    constant = numpy_helper.from_array(
        np.array(1e-5 if epsilon is None else epsilon, np.float32), output + ".epsilon"
    )
    nodes.append(helper.make_node("Constant", [], [constant.name], value=constant))
    nodes.append(helper.make_node("Mul", [current, current], [output + ".square"]))
    nodes += _mean_of_last(model, output + ".square", output + ".variance", output)
    nodes.append(
        helper.make_node(
            "Add", [output + ".variance", constant.name], [output + ".sum"]
        )
    )
    nodes.append(helper.make_node("Sqrt", [output + ".sum"], [output]))
    return nodes
