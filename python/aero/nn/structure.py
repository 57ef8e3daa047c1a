# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Which matrices of a graph are of attention, which of feed-forward networks.

The same definition as the compiler's ``LayerAnalysis``, so that what is trained
under a norm is what ``pi-static-norm`` would choose. Names play no part in it.
"""

from __future__ import annotations

import collections
import dataclasses
import math
from typing import Dict, List, Optional, Set, Tuple

from .reader import Graph, Node

ATTENTION = "attention"
FEED_FORWARD = "ffn"

_MOVEMENTS = frozenset(("Cast", "Concat", "Expand", "Flatten", "Gather", "Identity",
                        "Reshape", "Slice", "Slices", "Split", "Squeeze", "Transpose",
                        "Unsqueeze"))
_PASSES_WEIGHTS = frozenset(("Cast", "Identity", "IsNaN", "Reshape", "Where"))
_NORMS = frozenset(("LayerNormalization", "RMSNormalization"))


@dataclasses.dataclass(frozen=True)
class Matrix:
    """An initializer that is the matrix of linear maps.

    Attributes:
        name: Of the initializer.
        output_axis: 1 if its columns are the outputs, 0 if the graph transposes it.
        part: ``ATTENTION``, ``FEED_FORWARD``, or None outside of layers.
        only_linear: Nothing but linear maps of that part reads it.
    """

    name: str
    output_axis: int
    part: Optional[str]
    only_linear: bool


@dataclasses.dataclass
class _Flow:
    """Where a node stands among the attentions; as in the compiler's Layers.cpp."""

    before: int = -1
    after: float = math.inf
    only_feeds: bool = False
    is_tap: bool = False


def find_matrices(graph: Graph, data: Set[str]) -> List[Matrix]:
    """The matrices of linear maps, in the order of the graph.

    Args:
        graph: What was read.
        data: Names of values that depend on the input.
    """
    return _Structure(graph, data).find()


class _Structure:

    def __init__(self, graph: Graph, data: Set[str]) -> None:
        self.graph, self.data = graph, data
        self.producer = {name: node for node in graph.nodes for name in node.outputs}
        self.readers: Dict[str, List[Node]] = collections.defaultdict(list)
        for node in graph.nodes:
            for name in node.inputs:
                self.readers[name].append(node)
        self.nodes = [node for node in graph.nodes
                      if any(name in data for name in node.outputs)]
        self.attentions = {id(node) for node in self.nodes if self.is_context(node)}
        self.flows: Dict[int, _Flow] = {id(node): _Flow() for node in self.nodes}
        for node in self.nodes:
            self.visit_forward(node)
        self.layers = max((flow.before + 1 for flow in self.flows.values()), default=0)
        for node in reversed(self.nodes):
            self.visit_backward(node)

    def is_context(self, node: Node) -> bool:
        """The product of attention's weights with its values."""
        if node.op != "MatMul" or not all(name in self.data for name in node.inputs):
            return False
        names, seen = [node.inputs[0]], set()
        while names:
            made = self.producer.get(names.pop())
            if made is None or id(made) in seen:
                continue
            seen.add(id(made))
            if made.op == "Softmax":
                return True
            if made.op in _PASSES_WEIGHTS:
                names += [name for name in made.inputs if name in self.data]
        return False

    def sources(self, node: Node) -> List[Optional[Node]]:
        """What made the operands that depend on the input; None for an input."""
        return [self.producer.get(name) for name in node.inputs if name in self.data]

    def users(self, node: Node) -> List[Node]:
        return [user for name in node.outputs for user in self.readers[name]
                if id(user) in self.flows]

    def visit_forward(self, node: Node) -> None:
        flow = self.flows[id(node)]
        flow.before = max((self.flows[id(made)].before for made in self.sources(node)
                           if made is not None), default=-1)
        flow.before += id(node) in self.attentions

    def visit_backward(self, node: Node) -> None:
        flow = self.flows[id(node)]
        if id(node) in self.attentions:
            flow.after = flow.before
            return
        users = [self.flows[id(user)] for user in self.users(node)]
        is_output = any(name in self.graph.outputs for name in node.outputs)
        flow.is_tap = (node.op in _MOVEMENTS and all(use.is_tap for use in users)
                       and bool(users or is_output))
        kept = [use for use in users if not use.is_tap]
        flow.after = min((use.after for use in kept), default=math.inf)
        escapes = (not users and not is_output) or any(
            use.after != flow.after for use in kept)
        for user in self.users(node):
            use = self.flows[id(user)]
            escapes |= (not use.is_tap and id(user) not in self.attentions
                        and not use.only_feeds)
        flow.only_feeds = not escapes and flow.after != math.inf

    #===--------------------------------------------------------------------===#
    # Parts
    #===--------------------------------------------------------------------===#

    def is_join(self, node: Node) -> bool:
        return node.op == "Add" and all(name in self.data for name in node.inputs)

    def only_norm(self, node: Optional[Node]) -> Optional[Node]:
        users = self.users(node) if node is not None else []
        return users[0] if len(users) == 1 and users[0].op in _NORMS else None

    def after_of(self, starts: Set[int], layer: Optional[int] = None) -> Set[int]:
        """What depends on ``starts``, in a layer or anywhere."""
        found: Set[int] = set()
        for node in self.nodes:
            for made in self.sources(node):
                if (made is not None and (id(made) in starts or id(made) in found)
                        and layer in (None, self.flows[id(made)].before)):
                    found.add(id(node))
        return found

    def parts(self) -> Dict[int, Optional[str]]:
        """The part of each node, by its identity."""
        if self.layers == 0:
            return {}
        joins = [node for node in self.nodes if self.is_join(node)]
        last = next((node for node in reversed(joins)
                     if self.flows[id(node)].before == self.layers - 1), None)
        residual: Dict[int, Node] = {}
        for node in joins:
            layer = self.flows[id(node)].before
            if layer >= 0 and layer not in residual and any(
                    made is None or self.flows[id(made)].before < layer
                    for made in self.sources(node)):
                residual[layer] = node
        first = residual.get(0)
        post_norms = first is not last and self.only_norm(first) is not None
        end = (self.only_norm(last) if post_norms else None) or last
        tail = self.after_of({id(end)}) if end is not None else set()
        after_residual: Set[int] = set()
        for layer, node in residual.items():
            after_residual |= self.after_of({id(node)}, layer)
        parts: Dict[int, Optional[str]] = {}
        for node in self.nodes:
            flow = self.flows[id(node)]
            part = None
            if id(node) in self.attentions or (flow.only_feeds
                                               and flow.after > flow.before):
                part = ATTENTION
            elif flow.before + 1 < self.layers and flow.after > flow.before + 1:
                part = FEED_FORWARD  # Beside the next attention.
            elif flow.before >= 0 and id(node) not in tail:
                part = FEED_FORWARD if id(node) in after_residual else ATTENTION
            parts[id(node)] = part
        return parts

    def find(self) -> List[Matrix]:
        parts = self.parts()
        used: Dict[str, List[Tuple[int, Optional[str]]]] = {}
        for node in self.nodes:
            if node.op not in ("MatMul", "Gemm") or node.inputs[1] in self.data:
                continue
            axis = 0 if node.op == "Gemm" and node.attributes.get("transB") else 1
            name = node.inputs[1]
            made = self.producer.get(name)
            while made is not None and made.op in ("Identity", "Transpose"):
                axis ^= made.op == "Transpose"
                name = made.inputs[0]
                made = self.producer.get(name)
            if name in self.graph.shapes and len(self.graph.shapes[name]) == 2:
                used.setdefault(name, []).append((axis, parts.get(id(node))))
        matrices = []
        for name, uses in used.items():
            alone = len(set(uses)) == 1 and self.count_readers(name) == len(uses)
            matrices.append(Matrix(name, *uses[0], alone))
        return matrices

    def count_readers(self, name: str) -> int:
        """Nodes that read the initializer, also by another name or transposed."""
        count = int(name in self.graph.outputs)
        for reader in self.readers[name]:
            if reader.op in ("Identity", "Transpose"):
                count += self.count_readers(reader.outputs[0])
            else:
                count += 1
        return count
