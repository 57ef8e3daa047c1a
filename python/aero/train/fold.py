# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes replaced norms into the matrices that read them.

A norm with a fixed deviation is the linear map ``x C diag(gamma / sigma) + beta``,
where C = I - 1/d takes the mean out (the identity for an RMS norm). A matrix W that
reads it becomes ``C diag(gamma / sigma) W``, and ``beta W`` joins the bias, so the
norm is gone from the graph and the function is the same. The private engines have
no mean, and a product by a secret vector costs communication: this form has neither.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Dict, List, Optional, Tuple

import numpy as np
import onnx
from onnx import helper, numpy_helper

from ..errors import AeroError
from .norms import SIGMA, Graph, replace_nodes


@dataclasses.dataclass
class _Affine:
    """``value`` = (x - mean(x), or x) * scale + shift, over the last axis."""

    source: str
    centred: bool
    scale: np.ndarray
    shift: Optional[np.ndarray]
    value: str
    name: str

    def matrix(self) -> np.ndarray:
        """The affine map's matrix, in double precision."""
        width = self.scale.size
        result = np.diag(self.scale)
        if self.centred:
            result = result - self.scale[np.newaxis, :] / width
        return result


class _Folder:
    def __init__(self, model: onnx.ModelProto) -> None:
        self.model = model
        self.graph = Graph(model.graph)
        self.nodes = list(model.graph.node)
        self.taken = set(self.graph.initializers) | set(self.graph.makers)

    def run(self) -> int:
        count = 0
        while True:
            division = next(
                (
                    node
                    for node in self.model.graph.node
                    if node.op_type == "Div" and node.input[1].startswith(SIGMA)
                ),
                None,
            )
            if division is None:
                break
            self._fold(self._affine(division))
            replace_nodes(self.model, self.nodes)
            self.graph = Graph(self.model.graph)
            self.nodes = list(self.model.graph.node)
            count += 1
        self._drop_unread_initializers()
        return count

    def _drop_unread_initializers(self) -> None:
        listed = _named_in_table(self.model)
        graph, held = self.graph, self.model.graph.initializer
        for index in reversed(range(len(held))):
            name = held[index].name
            if not (name in graph.readers or name in graph.outputs or name in listed):
                del held[index]

    def _affine(self, division: onnx.NodeProto) -> _Affine:
        """What a replaced norm computes, with the gamma and beta behind it."""
        graph = self.graph
        centred = graph.maker(division.input[0], "Sub")
        if centred is not None:
            mean = graph.maker(centred.input[1], "ReduceMean")
            if mean is None or mean.input[0] != centred.input[0]:
                centred = None
        sigma = float(graph.constant(division.input[1]).reshape(()))
        scale = np.array([1.0 / sigma])
        shift: Optional[np.ndarray] = None
        value, names = division.output[0], []
        while value not in graph.outputs:
            readers = graph.readers.get(value, [])
            if len(readers) != 1 or readers[0].op_type not in ("Mul", "Add"):
                break
            node = readers[0]
            other = node.input[1] if node.input[0] == value else node.input[0]
            vector = graph.constant(other)
            if vector is None or vector.size != (vector.shape or (1,))[-1]:
                break
            vector = vector.astype(np.float64).reshape(-1)
            if node.op_type == "Mul":
                scale = scale * vector
                shift = None if shift is None else shift * vector
            else:
                shift = vector if shift is None else shift + vector
            names.append(graph.source(other))
            value = node.output[0]
        return _Affine(
            source=centred.input[0] if centred is not None else division.input[0],
            centred=centred is not None,
            scale=scale,
            shift=shift,
            value=value,
            name=names[0] if names else division.input[1],
        )

    def _fold(self, affine: _Affine) -> None:
        readers = list(self.graph.readers.get(affine.value, []))
        rest = affine.value in self.graph.outputs
        for node in readers:
            matrix = (
                self.graph.constant(node.input[1])
                if node.op_type == "MatMul" and node.input[0] == affine.value
                else None
            )
            if matrix is None or matrix.ndim != 2 or node.input[1] == affine.value:
                rest = True
                continue
            self._absorb(affine, node, matrix.astype(np.float64))
        if rest:
            self._stand_alone(affine)

    def _absorb(
        self, affine: _Affine, node: onnx.NodeProto, matrix: np.ndarray
    ) -> None:
        width = matrix.shape[0]
        affine = _widened(affine, width)
        name = f"{affine.name}+{self.graph.source(node.input[1])}"
        weight = self._initializer(name, affine.matrix() @ matrix)
        node.input[0], node.input[1] = affine.source, weight
        if affine.shift is None:
            return
        bias = affine.shift @ matrix
        added = self._bias_behind(node.output[0], bias.size)
        if added is not None:
            add, position, vector = added
            name = f"{affine.name}+{self.graph.source(add.input[position])}"
            add.input[position] = self._initializer(name, bias + vector)
            return
        product = self._fresh(node.output[0] + ".product")
        output, node.output[0] = node.output[0], product
        add = helper.make_node(
            "Add",
            [product, self._initializer(name + ".bias", bias)],
            [output],
            node.name + "/Add",
        )
        self._insert_after(node, add)

    def _bias_behind(
        self, value: str, size: int
    ) -> Optional[Tuple[onnx.NodeProto, int, np.ndarray]]:
        """The Add of a constant vector that alone reads a product."""
        readers = self.graph.readers.get(value, [])
        if len(readers) != 1 or readers[0].op_type != "Add":
            return None
        if value in self.graph.outputs:
            return None
        position = 1 if readers[0].input[0] == value else 0
        vector = self.graph.constant(readers[0].input[position])
        if vector is None or vector.shape != (size,):
            return None
        return readers[0], position, vector.astype(np.float64)

    def _stand_alone(self, affine: _Affine) -> None:
        """One product and a bias, for readers that are no matrices."""
        maker = self.graph.makers[affine.value]
        width = max(affine.scale.size, 0 if affine.shift is None else affine.shift.size)
        if width == 1 and affine.centred:
            raise AeroError(
                f"node '{maker.name}': a norm without gamma and beta, which more than "
                "matrices read, cannot be replaced"
            )
        affine = _widened(affine, width)
        place = self.nodes.index(maker)
        output = affine.value
        made = output if affine.shift is None else self._fresh(output + ".product")
        if affine.centred:
            operator = "MatMul"
            weight = self._initializer(affine.name + ".matrix", affine.matrix())
        else:
            operator = "Mul"
            weight = self._initializer(affine.name + ".scaled", affine.scale)
        new = [helper.make_node(operator, [affine.source, weight], [made], maker.name)]
        if affine.shift is not None:
            bias = self._initializer(affine.name + ".bias", affine.shift)
            new.append(
                helper.make_node("Add", [made, bias], [output], maker.name + "/Add")
            )
        self.nodes[place : place + 1] = new

    def _insert_after(self, node: onnx.NodeProto, new: onnx.NodeProto) -> None:
        self.nodes.insert(self.nodes.index(node) + 1, new)

    def _fresh(self, name: str) -> str:
        candidate, number = name, 0
        while candidate in self.taken:
            number += 1
            candidate = f"{name}_{number}"
        self.taken.add(candidate)
        return candidate

    def _initializer(self, name: str, value: np.ndarray) -> str:
        name = self._fresh(name)
        self.model.graph.initializer.append(
            numpy_helper.from_array(value.astype(np.float32), name)
        )
        return name


def _widened(affine: _Affine, width: int) -> _Affine:
    """The same with vectors of full width."""
    shift = affine.shift
    return dataclasses.replace(
        affine,
        scale=np.broadcast_to(affine.scale, (width,)),
        shift=None if shift is None else np.broadcast_to(shift, (width,)),
    )


def _named_in_table(model: onnx.ModelProto) -> List[str]:
    """Initializers that the table of learnable scalars names."""
    for entry in model.metadata_props:
        if entry.key == "aero.parameters":
            return [p["name"] for p in json.loads(entry.value)["parameters"]]
    return []


def fold_norms(model: onnx.ModelProto) -> int:
    """Folds every replaced norm into its readers; returns how many there were."""
    count = _Folder(model).run()
    if count:
        _note_change(model, count)
    return count


def _note_change(model: onnx.ModelProto, count: int) -> None:
    """Says in the metadata what the network now is."""
    said: Dict[str, onnx.StringStringEntryProto] = {
        entry.key: entry for entry in model.metadata_props
    }
    change = f"aero-train: norm {count}"
    if "aero.changes" in said and said["aero.changes"].value:
        said["aero.changes"].value += "; " + change
    else:
        _set(model, "aero.changes", change)
    graph_has_norms = any(
        node.op_type in ("LayerNormalization", "RMSNormalization")
        for node in model.graph.node
    )
    configuration = said.get("aero.configuration")
    if configuration is not None and not graph_has_norms:
        parts = [part for part in configuration.value.split("+") if part != "LN"]
        configuration.value = "+".join(parts)


def _set(model: onnx.ModelProto, key: str, value: str) -> None:
    entry = model.metadata_props.add()
    entry.key, entry.value = key, value
