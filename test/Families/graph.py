# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Builds ONNX graphs node by node, for operators the exporter does not know."""

from __future__ import annotations

import itertools
from typing import Iterable, Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

LOCAL = "aero.local"


class Graph:
    """A graph, or the body of a function, that grows by a node a call.

    Values are known by their names. ``constants`` says what a constant becomes:
    ``"initializer"``, or ``"node"`` for Constant nodes, with the attribute that
    fits its shape.
    """

    def __init__(self, constants: str = "initializer") -> None:
        self.constants = constants
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.functions: dict[str, onnx.FunctionProto] = {}
        self._numbers = itertools.count()

    def ops(self, kind: str, inputs: Sequence[str], outputs: int = 1,
            domain: str = "", **attributes: object) -> list[str]:
        """Adds a node; the names of its results."""
        names = [f"{kind}_{next(self._numbers)}" for _ in range(outputs)]
        node = helper.make_node(kind, list(inputs), names, domain=domain)
        for key, value in attributes.items():
            node.attribute.append(_attribute(key, value))
        self.nodes.append(node)
        return names

    def op(self, kind: str, *inputs: str, domain: str = "",
           **attributes: object) -> str:
        """Adds a node with one result; its name."""
        return self.ops(kind, inputs, domain=domain, **attributes)[0]

    def weight(self, name: str, array: np.ndarray) -> str:
        """Adds a named initializer."""
        # Not ascontiguousarray, which makes a scalar a list of one.
        self.initializers.append(numpy_helper.from_array(
            np.asarray(array, order="C"), name))
        return name

    def const(self, value: object, kind: type = np.float32) -> str:
        """Adds a constant."""
        array = np.asarray(value, dtype=kind)
        if self.constants == "initializer":
            return self.weight(f"constant_{next(self._numbers)}", array)
        scalar, row = {np.float32: ("value_float", "value_floats"),
                       np.int64: ("value_int", "value_ints")}.get(kind, ("", ""))
        if scalar and array.ndim == 0:
            return self.op("Constant", **{scalar: array.item()})
        if row and array.ndim == 1 and array.size:
            return self.op("Constant", **{row: array.tolist()})
        return self.op("Constant", value=numpy_helper.from_array(array))

    def ints(self, *values: int) -> str:
        """Adds a constant list of int64."""
        return self.const(list(values), np.int64)

    def call(self, name: str, *inputs: str, **attributes: object) -> str:
        """Calls a local function with one result."""
        return self.op(name, *inputs, domain=LOCAL, **attributes)

    def define(self, name: str, inputs: Sequence[str], body: "Graph", result: str,
               attributes: Sequence[str], opset: int) -> None:
        """Makes ``body`` the local function ``name``."""
        self.functions |= body.functions
        self.functions[name] = helper.make_function(
            LOCAL, name, list(inputs), [result], body.nodes, _imports(opset),
            list(attributes))

    def finish(self, value: str, name: str) -> str:
        """Renames ``value``, which nothing uses yet, to the output ``name``."""
        for node in self.nodes:
            if value in node.output:
                node.output[list(node.output).index(value)] = name
        return name

    def model(self, inputs: Iterable[onnx.ValueInfoProto],
              outputs: Iterable[onnx.ValueInfoProto], opset: int) -> onnx.ModelProto:
        """The finished model."""
        graph = helper.make_graph(self.nodes, "main", list(inputs), list(outputs),
                                  self.initializers)
        model = helper.make_model(
            graph, producer_name="aero-families",
            opset_imports=_imports(opset)[:2 if self.functions else 1],
            functions=list(self.functions.values()))
        model.ir_version = 8 if opset < 19 else 9 if opset < 21 else 10
        return model


class Ref:
    """The value of an attribute of the function that the node is in."""

    def __init__(self, name: str, kind: int = onnx.AttributeProto.FLOAT) -> None:
        self.name = name
        self.kind = kind


def tensor_info(name: str, kind: type, dims: Sequence[int | str]
                ) -> onnx.ValueInfoProto:
    """The type of a graph input or output."""
    code = {np.float32: TensorProto.FLOAT, np.int64: TensorProto.INT64}[kind]
    return helper.make_tensor_value_info(name, code, list(dims))


def _attribute(key: str, value: object) -> onnx.AttributeProto:
    if not isinstance(value, Ref):
        return helper.make_attribute(key, value)
    made = onnx.AttributeProto()
    made.name, made.ref_attr_name, made.type = key, value.name, value.kind
    return made


def _imports(opset: int) -> list[onnx.OperatorSetIdProto]:
    return [helper.make_opsetid("", opset), helper.make_opsetid(LOCAL, 1)]
