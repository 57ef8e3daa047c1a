# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A graph as a flat list of steps over numbered values."""

from __future__ import annotations

import collections
import dataclasses
import math
from typing import Callable, Dict, List, Optional, Set, Tuple

import torch
from torch import Tensor

from . import reader
from .fusion import DOMAIN
from .operators import FUSED, OPERATORS, View
from .reader import Graph, Node
from .values import Kernel, Shape, Unsupported, Value


@dataclasses.dataclass(frozen=True)
class Attention:
    """A softmax over keys: what :class:`~aero.nn.AttentionMap` is of.

    Attributes:
        layer: From the table of learnable scalars; without an entry there, how
            many attentions come before it on the way from the input.
        node: Name of the Softmax.
        heads: Maps for each sample.
        queries: Rows of a map.
        keys: Columns of a map.
    """

    layer: Optional[int]
    node: str
    heads: int
    queries: int
    keys: int


@dataclasses.dataclass
class Step:
    """One operator of a run.

    Attributes:
        function: Of the operands; a tuple if there are several results.
        inputs: Slots of the operands.
        outputs: Slots of the results.
        frees: Slots that no later step reads.
        attention: The index of the attention whose maps the result is.
    """

    function: Callable[..., object]
    inputs: Tuple[int, ...]
    outputs: Tuple[int, ...]
    frees: Tuple[int, ...] = ()
    attention: Optional[int] = None


@dataclasses.dataclass
class Program:
    """What runs, and where things lie.

    Attributes:
        slots: How many values there are.
        steps: In order.
        parameters: Slot of each initializer that a step reads, by its name.
        constants: Arrays by slot.
        arguments: Slots of the inputs, in order.
        outputs: Slots of the outputs, in order.
        output_shapes: As in the file.
        attentions: In the order of the graph.
        data: Names of values that depend on the input.
    """

    slots: int
    steps: List[Step]
    parameters: Dict[str, int]
    constants: Dict[int, Tensor]
    arguments: List[int]
    outputs: List[int]
    output_shapes: List[Shape]
    attentions: List[Attention]
    data: Dict[str, Shape]


#: What may lie between the weights of attention and their product with values.
_MOVEMENTS = ("Cast", "Identity", "IsNaN", "Reshape", "Where")


def compile_graph(graph: Graph, parameters: Dict[str, Tensor]) -> Program:
    """Makes the steps, running each once on zeros to learn all shapes.

    Raises:
        AeroError: Some nodes are not supported; all are named.
    """
    with torch.no_grad():
        return _Compiler(graph, parameters).compile()


class _Compiler:

    def __init__(self, graph: Graph, parameters: Dict[str, Tensor]) -> None:
        self.graph = graph
        self.slots = 0
        self.values: Dict[str, Value] = {}
        self.constants: Dict[int, Tensor] = {}
        self.steps: List[Step] = []
        self.attentions: List[Attention] = []
        self.problems: List[str] = []
        self.depth: Dict[str, int] = collections.defaultdict(int)
        self.readers: Dict[str, List[Node]] = collections.defaultdict(list)
        for node in graph.nodes:
            for name in node.inputs:
                self.readers[name].append(node)
        #: Readers that are still to come, by slot.
        self.unread: Dict[int, int] = collections.defaultdict(int)
        for name, array in graph.constants.items():
            self.define(name, self.add_constant(torch.from_numpy(array)))
        for name, array in graph.initializers.items():
            tensor = parameters.get(name)
            self.define(name, self.add_constant(torch.from_numpy(array))
                        if tensor is None else
                        self.add_value(tensor.detach(), None, constant=False))
        for argument in graph.arguments:
            sample = torch.zeros(argument.shape, dtype=getattr(torch, argument.dtype))
            self.define(argument.name, self.add_value(sample, 0, constant=False))
        self.parameters = {name: self.values[name].slot for name in parameters}
        self.arguments = [self.values[a.name].slot for a in graph.arguments]

    def add_value(self, sample: Tensor, batch: Optional[int], constant: bool) -> Value:
        self.slots += 1
        return Value(self.slots - 1, sample, tuple(sample.shape), batch, constant)

    def add_constant(self, tensor: Tensor) -> Value:
        value = self.add_value(tensor, None, constant=True)
        self.constants[value.slot] = tensor
        return value

    def define(self, name: str, value: Value) -> None:
        self.values[name] = value
        self.unread[value.slot] += len(self.readers[name])

    def compile(self) -> Program:
        unknown: Set[str] = set()
        for node in self.graph.nodes:
            try:
                self.add_node(node, unknown)
            except Unsupported as error:
                self.problems.append(f"node {node} ({node.op}): {error}")
                unknown.update(node.outputs)
            except (RuntimeError, IndexError, TypeError, ValueError) as error:
                # PyTorch's own word on shapes and types that do not fit.
                self.problems.append(
                    f"node {node} ({node.op}): cannot be computed: "
                    f"{(str(error) or repr(error)).splitlines()[0]}")
                unknown.update(node.outputs)
            self.release(node)
        for name in self.graph.outputs:
            if name not in self.values and name not in unknown:
                self.problems.append(f"output '{name}' is computed by no node")
        samples = {argument.shape[0] for argument in self.graph.arguments}
        if self.problems and samples != {1}:
            self.problems.append(
                "the inputs have a first dimension other than 1; `aero rewrite --bind` "
                "can give it that size, for one sample")
        reader.fail(self.graph.path, self.problems)
        return self.finish()

    def add_node(self, node: Node, unknown: Set[str]) -> None:
        builder = {"": OPERATORS, DOMAIN: FUSED}.get(node.domain, {}).get(node.op)
        if builder is None:
            domain = f" of domain '{node.domain}'" if node.domain else ""
            raise Unsupported(f"the operator{domain} is not supported; `aero rewrite` "
                              "writes models of those that are")
        if unknown.intersection(node.inputs):
            unknown.update(node.outputs)
            return
        for name in node.inputs:
            if name and name not in self.values:
                raise Unsupported(f"reads '{name}', which no node before it computes")
        inputs = [self.values[name] if name else None for name in node.inputs]
        while inputs and inputs[-1] is None:
            inputs.pop()
        view = View(node, inputs, self.graph.opset, self.add_constant)
        kernel = builder(view)
        view.refuse_unread()
        if node.op == "Identity":
            # Another name for the same values, so that tied ones stay tied.
            self.define(node.outputs[0], inputs[0])
        else:
            self.add_step(node, kernel)
        before = max((self.depth[name] for name in node.inputs), default=0)
        step = self.steps[-1] if self.steps else None
        if node.op == "Softmax" and self.is_attention(node):
            self.add_attention(node, step, before)
            before += 1
        for name in node.outputs:
            self.depth[name] = before

    def add_step(self, node: Node, kernel: Kernel) -> None:
        made = kernel.function(*(value.sample for value in kernel.operands))
        samples = made if isinstance(made, (tuple, list)) else (made,)
        if len(samples) != len([name for name in node.outputs if name]):
            raise Unsupported(f"has {len(node.outputs)} results, not {len(samples)}")
        if all(value.constant for value in kernel.operands):
            results = [self.add_constant(sample) for sample in samples]
        else:
            results = [self.add_value(sample, batch, constant=False)
                       for sample, batch in zip(samples, kernel.batches)]
            self.steps.append(Step(kernel.function,
                                   tuple(value.slot for value in kernel.operands),
                                   tuple(value.slot for value in results)))
        for name, value in zip(node.outputs, results):
            self.define(name, value)

    def release(self, node: Node) -> None:
        """Drops the samples that nobody will look at any more."""
        for name in node.inputs:
            value = self.values.get(name)
            if value is not None:
                self.unread[value.slot] -= 1
                if self.unread[value.slot] == 0 and not value.constant:
                    value.sample = None

    def is_attention(self, node: Node) -> bool:
        value = self.values[node.outputs[0]]
        axis = node.attributes.get("axis", -1)
        if (value.batch != 0 or len(value.shape) < 3
                or axis not in (-1, len(value.shape) - 1)):
            return False
        names, seen = list(node.outputs), set()
        while names:
            name = names.pop()
            for user in self.readers[name]:
                if user.op == "MatMul" and user.inputs[0] == name:
                    return True
                if user.op in _MOVEMENTS and user.outputs[0] not in seen:
                    seen.add(user.outputs[0])
                    names.append(user.outputs[0])
        return False

    def add_attention(self, node: Node, step: Step, before: int) -> None:
        shape = self.values[node.outputs[0]].shape
        layers = {role.layer for role in self.graph.roles
                  if role.node == node.name and node.name}
        samples = self.graph.arguments[0].shape[0]
        step.attention = len(self.attentions)
        self.attentions.append(Attention(
            layers.pop() if len(layers) == 1 else before, node.name,
            math.prod(shape[:-2]) // samples, shape[-2], shape[-1]))

    def finish(self) -> Program:
        outputs = [self.values[name] for name in self.graph.outputs]
        kept = {value.slot for value in outputs}
        self.drop_unread_steps(kept)
        used = kept.union(*(step.inputs for step in self.steps))
        last: Dict[int, Step] = {}
        for step in self.steps:
            for slot in (*step.inputs, *step.outputs):
                last[slot] = step
        fixed = kept | set(self.constants) | set(self.parameters.values())
        for step in self.steps:
            step.frees = tuple(sorted(
                slot for slot in {*step.inputs, *step.outputs}
                if last[slot] is step and slot not in fixed))
        return Program(
            self.slots, self.steps,
            {name: slot for name, slot in self.parameters.items() if slot in used},
            {slot: tensor for slot, tensor in self.constants.items() if slot in used},
            self.arguments, [value.slot for value in outputs],
            [value.shape for value in outputs], self.attentions,
            {name: value.shape for name, value in self.values.items()
             if value.batch is not None})

    def drop_unread_steps(self, wanted: Set[int]) -> None:
        """What no output needs is not computed."""
        needed, steps = set(wanted), []
        for step in reversed(self.steps):
            if needed.intersection(step.outputs):
                needed.update(step.inputs)
                steps.append(step)
        self.steps = steps[::-1]
