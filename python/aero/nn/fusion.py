# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Nodes that PyTorch computes better together.

``aero rewrite`` writes some layers in the arithmetic that all programs know. Three
of them are worth a step of their own: slices that cut a value into parts, whose
gradients are then joined instead of padded and added; GELU, whose intermediate
results would all be kept; and a softmax that gives 0 where every key is hidden,
whose gradient would be no number by the chain rule. Numbers stay the same up to
rounding, and nodes that do not fit a pattern stay as they are.
"""

from __future__ import annotations

import collections
import math
from typing import Dict, List, Optional, Sequence, Tuple

import torch
from torch import Tensor

from .reader import Graph, Node
from .values import Kernel, Unsupported, Value, normalize_axis

#: The domain of nodes that are made here.
DOMAIN = "aero.fused"


def fuse(graph: Graph) -> List[Node]:
    """The nodes of the graph, some of them joined."""
    return _Fusion(graph).run()


class _Fusion:

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.producer: Dict[str, Node] = {}
        self.readers: Dict[str, List[Node]] = collections.defaultdict(list)
        for node in graph.nodes:
            self.producer.update((name, node) for name in node.outputs)
            for name in node.inputs:
                self.readers[name].append(node)

    def run(self) -> List[Node]:
        #: What takes the place of a node, by the identity of that.
        replaced: Dict[int, List[Node]] = {}
        for node in self.graph.nodes:
            if id(node) in replaced or node.domain:
                continue
            for match in (self.slices, self.gelu, self.guarded_softmax):
                found = match(node)
                if found is None:
                    continue
                made, members = found
                place = members[0] if match == self.slices else members[-1]
                replaced.update((id(member), []) for member in members)
                replaced[id(place)] = [made]
                break
        return [made for node in self.graph.nodes
                for made in replaced.get(id(node), [node])]

    def numbers(self, name: str) -> Optional[List[float]]:
        array = self.graph.constants.get(name)
        return None if array is None else array.reshape(-1).tolist()

    def other(self, node: Optional[Node], op: str, number: float) -> Optional[str]:
        """The other operand, if the node is ``op`` of a value and ``number``."""
        if node is None or node.op != op or node.domain or len(node.inputs) != 2:
            return None
        for index in (1, 0) if op in ("Add", "Mul") else (1,):
            array = self.graph.constants.get(node.inputs[index])
            if array is not None and array.ndim == 0 and math.isclose(
                    float(array), number, rel_tol=1e-6):
                return node.inputs[1 - index]
        return None

    def inner(self, name: Optional[str]) -> Optional[Node]:
        """The node of a value that nothing but one node reads."""
        if (name is None or len(self.readers[name]) != 1
                or name in self.graph.outputs):
            return None
        return self.producer.get(name)

    #===--------------------------------------------------------------------===#
    # Slices
    #===--------------------------------------------------------------------===#

    def bounds(self, node: Node) -> Optional[Tuple[int, int, int]]:
        """Axis, start and end of a slice of one axis without steps."""
        if node.op != "Slice" or node.domain or len(node.inputs) < 4:
            return None
        given = [self.numbers(name) for name in node.inputs[1:] if name]
        if any(numbers is None or len(numbers) != 1 for numbers in given):
            return None
        start, end, axis, *step = (int(numbers[0]) for numbers in given if numbers)
        if start < 0 or end <= start or step not in ([], [1]):
            return None
        return axis, start, end

    def slices(self, node: Node) -> Optional[Tuple[Node, List[Node]]]:
        """x[a:b], x[b:c], ...: one split."""
        own = self.bounds(node)
        if own is None:
            return None
        parts = {}
        for reader in self.readers[node.inputs[0]]:
            bounds = self.bounds(reader)
            if bounds and bounds[0] == own[0] and reader.inputs[0] == node.inputs[0]:
                parts[bounds[1:]] = reader
        ordered = sorted(parts)
        if len(ordered) < 2 or any(a[1] != b[0] for a, b in zip(ordered, ordered[1:])):
            return None
        nodes = [parts[key] for key in ordered]
        # Those that come later in the graph must not be read before.
        members = sorted(nodes, key=self.graph.nodes.index)
        if members[0] is not node:
            return None
        made = Node(node.name, "Slices", DOMAIN, node.inputs[:1],
                    [part.outputs[0] for part in nodes],
                    {"axis": own[0], "bounds": [ordered[0][0],
                                                *(end for _, end in ordered)]})
        return made, members

    #===--------------------------------------------------------------------===#
    # GELU
    #===--------------------------------------------------------------------===#

    def gelu(self, node: Node) -> Optional[Tuple[Node, List[Node]]]:
        """0.5 x (1 + erf(x / sqrt(2))), or with tanh in place of erf."""
        product = self.inner(self.other(node, "Mul", 0.5))
        if product is None or product.op != "Mul" or len(product.inputs) != 2:
            return None
        for x, factor in (product.inputs, product.inputs[::-1]):
            plus = self.inner(factor)
            curve = self.inner(self.other(plus, "Add", 1.0))
            if curve is None or curve.domain or len(curve.inputs) != 1:
                continue
            if curve.op == "Erf":
                ratio = self.inner(curve.inputs[0])
                found = self.other(ratio, "Div", math.sqrt(2.0)) == x
                members, how = [ratio, curve, plus, product, node], "none"
            elif curve.op == "Tanh":
                scaled = self.inner(curve.inputs[0])
                total = self.inner(self.other(scaled, "Mul", math.sqrt(2 / math.pi)))
                terms = total.inputs if total and total.op == "Add" else []
                cubes = [name for name in terms if name != x]
                small = self.inner(cubes[0]) if len(cubes) == 1 and x in terms else None
                cube = self.inner(self.other(small, "Mul", 0.044715))
                found = self.other(cube, "Pow", 3.0) == x
                members, how = [cube, small, total, scaled, curve, plus, product,
                                node], "tanh"
            else:
                continue
            if found:
                return Node(node.name, "Gelu", "", [x], node.outputs,
                            {"approximate": how}), members
        return None

    #===--------------------------------------------------------------------===#
    # Softmax
    #===--------------------------------------------------------------------===#

    def guarded_softmax(self, node: Node) -> Optional[Tuple[Node, List[Node]]]:
        """w = softmax(x); where(isnan(w), 0, w)."""
        if node.op != "Where" or len(node.inputs) != 3:
            return None
        condition, zero, weights = node.inputs
        isnan, softmax = self.inner(condition), self.producer.get(weights)
        if (self.numbers(zero) != [0.0] or isnan is None or isnan.op != "IsNaN"
                or isnan.inputs != [weights] or softmax is None
                or softmax.op != "Softmax" or softmax.domain
                or len(self.readers[weights]) != 2 or weights in self.graph.outputs):
            return None
        return Node(softmax.name, "Softmax", DOMAIN, softmax.inputs, node.outputs,
                    dict(softmax.attributes)), [softmax, isnan, node]


def build_slices(value: Value, axis: int, bounds: Sequence[int]) -> Kernel:
    """[bounds[0], bounds[1]), [bounds[1], bounds[2]), ... of the axis."""
    axis = normalize_axis(axis, len(value.shape))
    if axis == value.batch:
        raise Unsupported("it takes a part of the batch")
    size, count = value.shape[axis], len(bounds) - 1
    ends = [min(bound, size) for bound in (0, *bounds, size)]
    sizes = [end - start for start, end in zip(ends, ends[1:])]
    if sizes[0] == 0 and sizes[-1] == 0:
        sizes = sizes[1:-1]
        return Kernel(lambda x: x.split(sizes, axis), [value], [value.batch] * count)
    return Kernel(lambda x: x.split(sizes, axis)[1:-1], [value],
                  [value.batch] * count)


def build_guarded_softmax(value: Value, axis: int) -> Kernel:
    """A softmax that is 0 for a query that sees no key, and so is its gradient."""
    axis = normalize_axis(axis, len(value.shape))
    if axis == value.batch:
        raise Unsupported("it normalises over the batch")

    def softmax(x: Tensor) -> Tensor:
        blind = (x == -math.inf).all(axis, keepdim=True)
        weights = torch.softmax(x.masked_fill(blind, 0.0), axis)
        return weights.masked_fill(blind, 0.0)
    return Kernel(softmax, [value], [value.batch])
