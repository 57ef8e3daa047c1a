# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes models that no importer should take: make_bad.py GOOD FOLDER."""

import pathlib
import sys
from typing import Callable, Dict

import onnx
from onnx import ModelProto, TensorProto, helper

good = pathlib.Path(sys.argv[1]).read_bytes()
folder = pathlib.Path(sys.argv[2])


def damaged() -> bytes:
    """A wire type that does not exist, in the middle of the graph."""
    return good[:100] + b"\x07" * 20 + good[120:]


def set_opset(version: int) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        model.opset_import[0].version = version
    return change


def dynamic(model: ModelProto) -> None:
    shape = model.graph.input[0].type.tensor_type.shape
    shape.dim[1].dim_param = "sequence"


def no_shape(model: ModelProto) -> None:
    model.graph.input[0].type.tensor_type.ClearField("shape")


def external(model: ModelProto) -> None:
    weight = model.graph.initializer[0]
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "weights.bin"
    weight.ClearField("raw_data")


def short_weight(model: ModelProto) -> None:
    weight = model.graph.initializer[0]
    weight.raw_data = weight.raw_data[:-4]


def huge_weight(model: ModelProto) -> None:
    model.graph.initializer[0].dims[:] = [1 << 40, 1 << 40]


def weight_dims(*dims: int) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        model.graph.initializer[0].dims[:] = dims
    return change


def weight_type(data_type: int) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        model.graph.initializer[0].data_type = data_type
    return change


def few_elements(model: ModelProto) -> None:
    """Typed fields instead of raw bytes."""
    weight = model.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.float_data[:] = [1.0, 2.0]


def wrong_field(model: ModelProto) -> None:
    weight = model.graph.initializer[0]
    count = len(weight.raw_data) // 4
    weight.ClearField("raw_data")
    weight.int64_data[:] = [1] * count


def input_dims(*dims: int) -> Callable[[ModelProto], None]:
    def change(model: ModelProto) -> None:
        shape = model.graph.input[0].type.tensor_type.shape
        for dim, size in zip(shape.dim, dims):
            dim.dim_value = size
    return change


def segment(model: ModelProto) -> None:
    model.graph.initializer[0].segment.begin = 0


def sparse(model: ModelProto) -> None:
    tensor = model.graph.sparse_initializer.add()
    tensor.values.name = "sparse"


def unnamed(model: ModelProto) -> None:
    model.graph.initializer[0].name = ""


def sequence_input(model: ModelProto) -> None:
    element = model.graph.input[0].type.sequence_type.elem_type
    element.tensor_type.elem_type = TensorProto.INT64


def control_name(model: ModelProto) -> None:
    model.graph.node[1].input[0] = "line\nbreak\x1b[31m" + "x" * 300


def broken_attribute(model: ModelProto) -> None:
    """An attribute that refers to one of a function outside of any."""
    node = model.graph.node[-1]
    node.op_type = "Softmax"
    del node.input[1:]
    attribute = node.attribute.add()
    attribute.name, attribute.ref_attr_name = "axis", "axis"
    attribute.type = onnx.AttributeProto.INT


def string_weight(model: ModelProto) -> None:
    model.graph.initializer[0].data_type = TensorProto.STRING


def undefined(model: ModelProto) -> None:
    model.graph.node[1].input[0] = "nobody"


def defined_twice(model: ModelProto) -> None:
    model.graph.node[2].output[0] = model.graph.node[1].output[0]
    # Alive through its second output's reader.
    model.graph.node[3].input[1] = model.graph.node[1].output[0]
    model.graph.node[2].output.append("again")
    model.graph.output.add().CopyFrom(model.graph.output[0])
    model.graph.output[1].name = "again"


def no_output(model: ModelProto) -> None:
    del model.graph.output[:]


def unsupported(model: ModelProto) -> None:
    """Each reads what the one before it could not compute; all are named."""
    logits = model.graph.output[0].name
    model.graph.node[-1].output[0] = "before"
    model.graph.node.extend([
        helper.make_node("Elu", ["before"], ["e"], "first"),
        helper.make_node("Gelu", ["e"], ["g"], "second",
                         domain="com.microsoft"),
        helper.make_node("Selu", ["g"], ["s"], "third\nline"),
        helper.make_node("Add", ["s", "s"], [logits], "sum"),
        helper.make_node("Elu", ["before"], ["dead"], "dead"),
    ])


FILES: Dict[str, bytes] = {
    "empty": b"",
    "text": b"this is not a model\n" * 20,
    "truncated": good[: len(good) // 2],
    "damaged": damaged(),
}
MODELS: Dict[str, Callable[[ModelProto], None]] = {
    "no-graph": lambda model: model.ClearField("graph"),
    "no-opset": lambda model: model.ClearField("opset_import"),
    "opset-10": set_opset(10),
    "opset-24": set_opset(24),
    "dynamic": dynamic,
    "no-shape": no_shape,
    "external": external,
    "short-weight": short_weight,
    "huge-weight": huge_weight,
    "negative-weight": weight_dims(-11, -8),
    "overflowing-weight": weight_dims(1 << 32, 1 << 32, 11, 8),
    "overflowing-zero-weight": weight_dims(0, (1 << 63) - 1),
    "large-weight": weight_dims(1 << 20, 1 << 20),
    "few-elements": few_elements,
    "wrong-field": wrong_field,
    "double-weight": weight_type(TensorProto.DOUBLE),
    "int4-weight": weight_type(22),
    "unknown-weight": weight_type(12345),
    "complex-weight": weight_type(TensorProto.COMPLEX64),
    "negative-input": input_dims(-1, 4),
    "overflowing-input": input_dims((1 << 63) - 1, (1 << 63) - 1),
    "segment": segment,
    "sparse": sparse,
    "unnamed": unnamed,
    "sequence-input": sequence_input,
    "control-name": control_name,
    "broken-attribute": broken_attribute,
    "string-weight": string_weight,
    "undefined": undefined,
    "defined-twice": defined_twice,
    "no-output": no_output,
    "unsupported": unsupported,
}

for name, data in FILES.items():
    (folder / f"{name}.onnx").write_bytes(data)
for name, change in MODELS.items():
    model = onnx.load_model_from_string(good)
    change(model)
    (folder / f"{name}.onnx").write_bytes(model.SerializeToString())
