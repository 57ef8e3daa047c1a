#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes the first inputs of the ONNX fuzzer: make_onnx_seeds.py FOLDER.

They are the models of the import tests, the textual ones too, and a few of each
model family. Large weights move to the external file that the fuzzer has, so
that a seed is mostly graph.
"""

from __future__ import annotations

import json
import re
import shutil
import sys
import tempfile
from pathlib import Path

import onnx
import onnx.parser
from onnx import ModelProto, TensorProto, helper

TEST = Path(__file__).resolve().parent.parent
INPUTS = TEST / "Import" / "ONNX"
LARGEST = 65536  # -max_len of the fuzzer, and the size of its external file
FAMILY_MODELS = 40


def move_weights_out(model: ModelProto) -> None:
    """Replaces what large weights hold by parts of weights.bin."""
    for index, tensor in enumerate(model.graph.initializer):
        size = len(tensor.raw_data)
        external = tensor.data_location == TensorProto.EXTERNAL
        if not external and size < 256:
            continue
        del tensor.external_data[:]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        # Another place each, or all matrices of a shape would be one.
        for key, value in (("location", "weights.bin"), ("offset", 4 * index)):
            entry = tensor.external_data.add()
            entry.key, entry.value = key, str(value)


def text_models() -> dict[str, ModelProto]:
    """The models of the .test files, by name."""
    models = {}
    for test in sorted(INPUTS.glob("*.test")):
        parts = re.split(r"^//--- (\S+)\n", test.read_text(), flags=re.MULTILINE)
        for name, text in zip(parts[1::2], parts[2::2]):
            lines = [line for line in text.splitlines()
                     if not line.startswith("//")]
            models[f"{test.stem}-{name}"] = onnx.parser.parse_model(
                "\n".join(lines))
    return models


def threshold_models() -> dict[str, ModelProto]:
    """Softmax with entropy thresholds in the metadata, which no text has."""
    def make(table: dict | str) -> ModelProto:
        graph = helper.make_graph(
            [helper.make_node("Softmax", ["x"], ["y"], "softmax", axis=-1)],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT,
                                           [1, 2, 3, 3])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT,
                                           [1, 2, 3, 3])],
            [helper.make_tensor("t", TensorProto.FLOAT, [2], [0.25, 0.5])])
        model = helper.make_model(
            graph, opset_imports=[helper.make_opsetid("", 17)])
        helper.set_model_props(model, {
            "aero.parameters": table if isinstance(table, str)
            else json.dumps(table)})
        return model
    entry = {"role": "entropy_thresholds", "layer": 0, "name": "t",
             "shape": [2], "node": "softmax"}
    return {"thresholds": make({"version": 1, "parameters": [entry]}),
            "thresholds-deep": make("[" * 100)}


def family_models() -> dict[str, ModelProto]:
    """An even choice of the families' models; none without PyTorch."""
    sys.path.insert(0, str(TEST))
    try:
        from Families import FAMILIES
    except ImportError as error:
        print(f"no seeds of the model families: {error}")
        return {}
    models = {}
    with tempfile.TemporaryDirectory(prefix="aero-seeds-") as folder:
        for family in FAMILIES:
            cases = family.cases()
            step = max(1, len(cases) * len(FAMILIES) // FAMILY_MODELS)
            for case in cases[::step]:
                model = onnx.load(case.write(Path(folder)),
                                  load_external_data=False)
                move_weights_out(model)
                models[case.name] = model
    return models


def main() -> int:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for name, model in {**text_models(), **threshold_models(),
                        **family_models()}.items():
        data = model.SerializeToString()
        if len(data) <= LARGEST:
            (folder / name).write_bytes(data)
            count += 1
    for path in INPUTS.glob("Inputs/*.onnx"):
        shutil.copy(path, folder / path.name)
        count += 1
    print(f"{count} seeds")
    return 0 if count else 1


if __name__ == "__main__":
    sys.exit(main())
