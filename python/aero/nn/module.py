# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A module that runs the graph of an ONNX file."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
from typing import Dict, Iterator, List, Optional, Sequence, Tuple, Union

import torch
from torch import Tensor, nn
from torch.nn import Parameter

from ..errors import AeroError
from . import reader
from .fusion import fuse
from .program import Attention, compile_graph
from .reader import LearnableScalar

#: One tensor, or one for each output if the graph has several.
Outputs = Union[Tensor, Tuple[Tensor, ...]]


@dataclasses.dataclass(frozen=True)
class AttentionMap:
    """The maps of one attention in one run.

    Attributes:
        layer: As in :class:`~aero.nn.Attention`.
        node: Name of the Softmax.
        weights: (B, heads, queries, keys); rows sum to 1.
    """

    layer: Optional[int]
    node: str
    weights: Tensor


class _Bag(nn.Module):
    """Holds parameters, buffers or modules under names that are not Python's."""


def mangle(name: str) -> str:
    """``name`` as a name of a parameter, which has no dots; no two become one."""
    key = name.replace("%", "%25").replace(":", "%3A").replace(".", ":")
    return f"%{key}" if not key or hasattr(_Bag, key) or key in _RESERVED else key


_RESERVED = frozenset(vars(nn.Module()))


class OnnxModule(nn.Module):
    """The network of an ONNX file; :func:`from_onnx` makes it.

    Float initializers are its parameters; constants are buffers, which are not in
    the state. A call takes a tensor for each input of the graph, in order or by
    name, each with any number of samples along its first axis, and gives what the
    graph computes of each sample.
    """

    def __init__(self, graph: reader.Graph) -> None:
        super().__init__()
        self._graph = graph
        self.weights = _Bag()
        self.constants = _Bag()
        self.parametrized = _Bag()
        floats = {tensor.name for tensor in graph.model.graph.initializer
                  if tensor.data_type == reader.FLOAT}
        self._names = {name: mangle(name) for name in graph.initializers
                       if name in floats}
        for name, key in self._names.items():
            self.weights.register_parameter(
                key, Parameter(torch.from_numpy(graph.initializers[name])))
        graph.nodes = fuse(graph)
        program = compile_graph(graph, self.initializers)
        for slot, tensor in program.constants.items():
            self.constants.register_buffer(str(slot), tensor, persistent=False)
        self._constant_slots = [(slot, str(slot)) for slot in program.constants]
        graph.release_floats(set(self._names))
        self._program = program

    #===--------------------------------------------------------------------===#
    # What it is
    #===--------------------------------------------------------------------===#

    @property
    def source(self) -> pathlib.Path:
        """The file that it came from."""
        return self._graph.path

    @property
    def initializers(self) -> Dict[str, Parameter]:
        """The parameters by the names of their initializers."""
        return {name: self.weights._parameters[key]
                for name, key in self._names.items()}

    @property
    def roles(self) -> List[LearnableScalar]:
        """The table of learnable scalars; empty if the file has none."""
        return list(self._graph.roles)

    @property
    def configuration(self) -> Optional[str]:
        """The configuration that the file says it is."""
        return self._graph.configuration

    @property
    def attentions(self) -> List[Attention]:
        """The attentions, in the order of their maps."""
        return list(self._program.attentions)

    @property
    def graph(self) -> reader.Graph:
        """What the file holds but for the values of its weights."""
        return self._graph

    def data_values(self) -> List[str]:
        """Names of the values in the graph that depend on the inputs."""
        return list(self._program.data)

    @property
    def context(self) -> int:
        """Tokens of a sample, T."""
        return self._language_model()[0]

    @property
    def vocabulary(self) -> int:
        """Tokens that exist, V."""
        return self._language_model()[1]

    def _language_model(self) -> Tuple[int, int]:
        tokens, logits = self._graph.arguments[0].shape, self._program.output_shapes[0]
        if (self._graph.arguments[0].dtype != "int64" or len(tokens) != 2
                or len(logits) != 3 or logits[:2] != tokens):
            raise AeroError(
                f"{self.source}: is no language model: expected tokens int64 [1, T] in "
                f"and logits [1, T, V] out, got {list(tokens)} and {list(logits)}")
        return tokens[1], logits[2]

    #===--------------------------------------------------------------------===#
    # What it computes
    #===--------------------------------------------------------------------===#

    def value(self, name: str) -> Tensor:
        """What the graph reads as this initializer: the parameter, or what a
        parametrisation makes of it."""
        key = self._names[name]
        weight = self.weights._parameters[key]
        changed = self.parametrized._modules.get(key)
        return weight if changed is None else changed(weight)

    def parametrize(self, name: str, module: Optional[nn.Module]) -> None:
        """Lets the graph read ``module(parameter)``, of the same shape, in place of
        the parameter; None ends that."""
        key = self._names[name]
        if module is None:
            self.parametrized._modules.pop(key, None)
        else:
            self.parametrized.add_module(key, module)

    def parametrized_names(self) -> List[str]:
        """The initializers that a module changes before the graph reads them."""
        return [name for name, key in self._names.items()
                if key in self.parametrized._modules]

    @contextlib.contextmanager
    def evaluated_parametrizations(self) -> Iterator[None]:
        """Within it, :meth:`value` is what evaluation reads."""
        was = self.parametrized.training
        self.parametrized.eval()
        try:
            yield
        finally:
            self.parametrized.train(was)

    def forward(self, *inputs: Tensor, **named: Tensor) -> Outputs:
        return self._run(inputs, named, None)

    def forward_with_attention(self, *inputs: Tensor, **named: Tensor
                               ) -> Tuple[Outputs, List[AttentionMap]]:
        """The outputs, and the maps of every attention in the order of the graph."""
        maps: List[AttentionMap] = []
        return self._run(inputs, named, maps), maps

    def _run(self, inputs: Sequence[Tensor], named: Dict[str, Tensor],
             maps: Optional[List[AttentionMap]]) -> Outputs:
        program = self._program
        values: List[Optional[Tensor]] = [None] * program.slots
        for slot, tensor in zip(program.arguments, self._bind(inputs, named)):
            values[slot] = tensor
        for name, slot in program.parameters.items():
            values[slot] = self.value(name)
        for slot, key in self._constant_slots:
            values[slot] = self.constants._buffers[key]
        for step in program.steps:
            try:
                result = step.function(*[values[slot] for slot in step.inputs])
            except IndexError as error:
                raise AeroError(f"{self.source}: an input has a token or position that "
                                "its table does not have") from error
            if len(step.outputs) == 1:
                values[step.outputs[0]] = result
            else:
                for slot, part in zip(step.outputs, result):
                    values[slot] = part
            if maps is not None and step.attention is not None:
                attention = program.attentions[step.attention]
                weights = result.reshape(-1, attention.heads, attention.queries,
                                         attention.keys)
                maps.append(AttentionMap(attention.layer, attention.node, weights))
            for slot in step.frees:
                values[slot] = None
        outputs = tuple(values[slot] for slot in program.outputs)
        return outputs[0] if len(outputs) == 1 else outputs

    def _bind(self, inputs: Sequence[Tensor], named: Dict[str, Tensor]) -> List[Tensor]:
        """A tensor for each input of the graph, after a look at its shape."""
        arguments = self._graph.arguments
        given = dict(zip((argument.name for argument in arguments), inputs))
        given.update(named)
        if (len(inputs) > len(arguments)
                or set(given) != {argument.name for argument in arguments}
                or len(given) != len(inputs) + len(named)):
            wanted = ", ".join(f"'{argument.name}'" for argument in arguments)
            raise AeroError(f"{self.source}: expected the inputs {wanted}")
        for argument in arguments:
            tensor, shape = given[argument.name], argument.shape
            if (tensor.dim() != len(shape) or tuple(tensor.shape[1:]) != shape[1:]
                    or tensor.shape[0] % shape[0]):
                wanted = ", ".join(["B", *map(str, shape[1:])])
                raise AeroError(f"{self.source}: input '{argument.name}' has to be "
                                f"({wanted}), got {tuple(tensor.shape)}")
            if _kind(tensor.dtype) != _kind(getattr(torch, argument.dtype)):
                raise AeroError(f"{self.source}: input '{argument.name}' has to be "
                                f"{argument.dtype}, got {tensor.dtype}")
        return [given[argument.name] for argument in arguments]

    def extra_repr(self) -> str:
        return f"'{self.source}', {len(self._program.steps)} steps"


def _kind(dtype: torch.dtype) -> str:
    """Sizes do not matter: tokens may be int32, a model may be made double."""
    return ("float" if dtype.is_floating_point else
            "bool" if dtype == torch.bool else "int")


def from_onnx(path: Union[str, "os.PathLike[str]"]) -> OnnxModule:
    """The network of an ONNX file, with its weights as parameters.

    Any model that ``aero rewrite`` writes can be read, with the file of large
    weights beside it.

    Raises:
        AeroError: The file cannot be read, or holds nodes that are not supported:
            one line for each.
    """
    return OnnxModule(reader.read(pathlib.Path(path)))
