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
