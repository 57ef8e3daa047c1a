# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What an ONNX file holds, in Python terms: nodes, arrays, metadata."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import warnings
from typing import Any, Dict, List, Optional, Set, Tuple

import google.protobuf.message
import numpy as np
import onnx
from onnx import numpy_helper

from ..errors import AeroError

FLOAT = onnx.TensorProto.FLOAT
#: Types of values that steps can hold; trained are those of FLOAT alone.
ELEMENT_TYPES: Dict[int, str] = {
    onnx.TensorProto.FLOAT: "float32",
    onnx.TensorProto.INT64: "int64",
    onnx.TensorProto.INT32: "int32",
    onnx.TensorProto.BOOL: "bool",
}
#: Version of the table of learnable scalars that this package reads.
PARAMETERS_VERSION = 1


@dataclasses.dataclass(frozen=True)
class LearnableScalar:
    """One entry of the table ``aero.parameters``.

    Attributes:
        role: ``ffn_alpha``, ``ffn_beta``, ``temperature``,
            ``entropy_thresholds``, ``leaky_slope``, or one that is newer.
        layer: Counted from 0; None outside of layers.
        name: Of the initializer.
        shape: Of the initializer.
        node: What reads it; for thresholds, the Softmax that they are about.
    """

    role: str
    layer: Optional[int]
    name: str
    shape: Tuple[int, ...]
    node: str


@dataclasses.dataclass
class Node:
    """A node of the graph. Absent optional inputs are empty names."""

    name: str
    op: str
    domain: str
    inputs: List[str]
    outputs: List[str]
    attributes: Dict[str, Any]

    def __str__(self) -> str:
        if self.name:
            return f"'{self.name}'"
        return f"without a name (of {', '.join(map(repr, self.outputs)) or 'nothing'})"


@dataclasses.dataclass(frozen=True)
class Argument:
    """An input of the graph that is no initializer."""

    name: str
    dtype: str
    shape: Tuple[int, ...]


@dataclasses.dataclass
class Graph:
    """An ONNX file as it was read.

    Attributes:
        path: Where it lay.
        model: The message, whose initializers have no elements any more.
        opset: Version of the operator set of ONNX.
        nodes: In an order in which they can run, without Constant nodes.
        initializers: Arrays of the initializers by name.
        constants: Arrays of the Constant nodes by the name of their result.
        arguments: The inputs.
        outputs: Names of the outputs.
        roles: The table of learnable scalars.
        configuration: The configuration that the file says it is.
        shapes: Of the initializers.
    """

    path: pathlib.Path
    model: onnx.ModelProto
    opset: int
    nodes: List[Node]
    initializers: Dict[str, np.ndarray]
    constants: Dict[str, np.ndarray]
    arguments: List[Argument]
    outputs: List[str]
    roles: List[LearnableScalar]
    configuration: Optional[str]
    shapes: Dict[str, Tuple[int, ...]]

    def release_floats(self, names: Set[str]) -> None:
        """Forgets the values of ``names``, which parameters own, and of constants,
        so that they are not in memory twice."""
        self.constants = {}
        self.initializers = {name: array for name, array in self.initializers.items()
                             if name not in names}


def fail(path: pathlib.Path, problems: List[str]) -> None:
    """Raises one error for all ``problems`` of the file, if there are any."""
    if problems:
        raise AeroError("\n".join(f"{path}: {problem}" for problem in problems))


def read(path: pathlib.Path) -> Graph:
    """Reads the file, with what lies beside it.

    Raises:
        AeroError: It cannot be read, is no ONNX model, or holds what no step
            can; all such places are in the message.
    """
    path = pathlib.Path(path)
    model = _load(path)
    graph = model.graph
    problems: List[str] = []
    initializers = _take_initializers(path, model, problems)
    arguments = _read_arguments(graph, initializers, problems)
    nodes, constants = _read_nodes(graph, problems)
    opset = max((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")),
                default=0)
    # Before 13 Softmax flattens, and axes are attributes everywhere.
    if opset < 13:
        problems.append(
            f"is of operator set {opset}; at least 13 is needed, and `aero rewrite` "
            "writes 17 from any model")
    said = {entry.key: entry.value for entry in model.metadata_props}
    roles = _read_roles(said.get("aero.parameters"), initializers, problems)
    fail(path, problems)
    return Graph(path, model, opset, nodes, initializers, constants, arguments,
                 [value.name for value in graph.output], roles,
                 said.get("aero.configuration"),
                 {name: array.shape for name, array in initializers.items()})


def _load(path: pathlib.Path) -> onnx.ModelProto:
    model = onnx.ModelProto()
    if path.exists() and not path.is_file():
        raise AeroError(f"{path}: is no regular file")
    try:
        data = path.read_bytes()
        with warnings.catch_warnings(record=True) as warned:
            # Protobuf merely warns of data that it cannot understand to its end.
            warnings.simplefilter("always")
            model.ParseFromString(data)
    except OSError as error:
        raise AeroError(f"{path}: cannot be read: {error.strerror}") from error
    except google.protobuf.message.DecodeError as error:
        raise AeroError(f"{path}: is no ONNX model") from error
    if warned or not model.HasField("graph") or not model.graph.output:
        raise AeroError(f"{path}: is no ONNX model, or its graph has no output")
    _check_text(path, model)
    return model


def _check_text(path: pathlib.Path, model: onnx.ModelProto) -> None:
    """Protobuf hands over strings that are no text as bytes."""
    graph = model.graph
    named = [*graph.initializer, *graph.input, *graph.output]
    names = [each.name for each in named]
    for node in graph.node:
        names += [node.name, node.op_type, node.domain, *node.input, *node.output]
        names += [attribute.name for attribute in node.attribute]
    for entry in model.metadata_props:
        names += [entry.key, entry.value]
    for tensor in graph.initializer:
        for entry in tensor.external_data:
            names += [entry.key, entry.value]
    for name in names:
        if not isinstance(name, str):
            raise AeroError(f"{path}: the name {name!r} is no text")


def _type_name(kind: int) -> str:
    known = {value: key for key, value in onnx.TensorProto.DataType.items()}
    return known.get(kind, f"number {kind}")


def _take_initializers(path: pathlib.Path, model: onnx.ModelProto,
                       problems: List[str]) -> Dict[str, np.ndarray]:
    """Moves the elements out of the message."""
    arrays: Dict[str, np.ndarray] = {}
    for tensor in model.graph.initializer:
        if tensor.data_type not in ELEMENT_TYPES:
            problems.append(
                f"initializer '{tensor.name}' is of type "
                f"{_type_name(tensor.data_type)}; `aero rewrite --config as-is` writes "
                "the model in float32")
            continue
        outside = tensor.data_location == onnx.TensorProto.EXTERNAL
        try:
            if outside:
                _check_location(path, tensor)
            # The copy owns its elements: those of a message cannot be written.
            arrays[tensor.name] = np.array(
                numpy_helper.to_array(tensor, str(path.parent)))
        except (OSError, ValueError, TypeError, RuntimeError,
                onnx.checker.ValidationError) as error:
            where = ""
            if outside:
                where = " in '{}', which has to lie beside the model,".format(
                    _external_location(tensor))
            problems.append(f"initializer '{tensor.name}'{where} cannot be read: "
                            f"{error}")
            continue
        for field in ("raw_data", "float_data", "int32_data", "int64_data"):
            tensor.ClearField(field)
    return arrays


def _check_location(path: pathlib.Path, tensor: onnx.TensorProto) -> None:
    """A model must not read files from elsewhere on the disk, by no link either."""
    location = pathlib.PurePath(_external_location(tensor))
    place = (path.parent / location).resolve()
    if (location.is_absolute() or ".." in location.parts
            or path.parent.resolve() not in place.parents):
        raise ValueError("it lies in another folder")
    if place.exists() and not place.is_file():
        raise ValueError("it is no regular file")


def _external_location(tensor: onnx.TensorProto) -> str:
    return next((entry.value for entry in tensor.external_data
                 if entry.key == "location"), "")


def _read_arguments(graph: onnx.GraphProto, initializers: Dict[str, np.ndarray],
                    problems: List[str]) -> List[Argument]:
    arguments = []
    for value in graph.input:
        if value.name in initializers:
            continue  # A default, as IR version 3 required.
        kind = value.type.tensor_type
        dims = kind.shape.dim
        if kind.elem_type not in ELEMENT_TYPES:
            problems.append(f"input '{value.name}' is no tensor of float32, int64, "
                            "int32 or bool")
        elif not all(d.HasField("dim_value") and d.dim_value > 0 for d in dims):
            problems.append(
                f"input '{value.name}' has a dimension without a size; give it one "
                "with `aero rewrite --bind`")
        elif not dims:
            problems.append(f"input '{value.name}' is a scalar, which has no room for "
                            "a batch; fix it with `aero rewrite --fix`")
        else:
            arguments.append(Argument(value.name, ELEMENT_TYPES[kind.elem_type],
                                      tuple(d.dim_value for d in dims)))
    if not graph.input:
        problems.append("has no input")
    return arguments


_CONSTANT_VALUES = {"value_float": np.float32, "value_floats": np.float32,
                    "value_int": np.int64, "value_ints": np.int64}


def _read_nodes(graph: onnx.GraphProto, problems: List[str]
                ) -> Tuple[List[Node], Dict[str, np.ndarray]]:
    nodes: List[Node] = []
    constants: Dict[str, np.ndarray] = {}
    for proto in graph.node:
        domain = "" if proto.domain == "ai.onnx" else proto.domain
        node = Node(proto.name, proto.op_type, domain, list(proto.input),
                    list(proto.output), {})
        try:
            if not node.outputs:
                raise ValueError("has no result")
            for attribute in proto.attribute:
                node.attributes[attribute.name] = _attribute_value(attribute)
            if (node.op, node.domain) == ("Constant", ""):
                constants[node.outputs[0]] = _constant_array(node)
            else:
                nodes.append(node)
        except (ValueError, TypeError) as error:
            problems.append(f"node {node} ({node.op}): {error}")
    return nodes, constants


def _attribute_value(attribute: onnx.AttributeProto) -> Any:
    try:
        value = onnx.helper.get_attribute_value(attribute)
    except ValueError:
        raise ValueError(f"attribute '{attribute.name}' is not supported") from None
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def _constant_array(node: Node) -> np.ndarray:
    if len(node.attributes) != 1:
        raise ValueError("has to have one value")
    (key, value), = node.attributes.items()
    if key in _CONSTANT_VALUES:
        return np.array(value, _CONSTANT_VALUES[key])
    if key != "value" or not isinstance(value, onnx.TensorProto):
        raise ValueError(f"{key} is not supported")
    if value.data_type not in ELEMENT_TYPES:
        raise ValueError(f"is of type {_type_name(value.data_type)}; `aero rewrite` "
                         "writes float32")
    return np.array(numpy_helper.to_array(value))


def _read_roles(text: Optional[str], initializers: Dict[str, np.ndarray],
                problems: List[str]) -> List[LearnableScalar]:
    """The table; entries whose initializer is gone are passed over, as the
    importer of the compiler does."""
    if text is None:
        return []
    roles = []
    try:
        table = json.loads(text)
        if table["version"] != PARAMETERS_VERSION:
            raise ValueError(
                f"has version {table['version']}, not {PARAMETERS_VERSION}")
        for entry in table["parameters"]:
            layer = entry.get("layer")
            role = LearnableScalar(
                str(entry["role"]), None if layer is None else int(layer),
                str(entry["name"]), tuple(map(int, entry.get("shape", ()))),
                str(entry["node"]))
            if role.name in initializers:
                roles.append(role)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        problems.append("metadata 'aero.parameters' is no table of learnable scalars: "
                        f"{type(error).__name__}: {error}")
    return roles
