# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exports and prints models for FileCheck: print_onnx.py FOLDER [OPTION ...]

Every .mlir file of the folder goes through ``aero-translate --export-onnx``
with the options, through the ONNX checker, and is printed: one line a node,
small constants in place. Names that the exporter made up lose their ending.
"""

from __future__ import annotations

import pathlib
import subprocess
import sys

import onnx
from onnx import helper, numpy_helper


def show(array) -> str:
    if array.size > 16:
        return f"constant{list(array.shape)}"
    return str(array.tolist()).replace(" ", "")


def print_model(model: onnx.ModelProto) -> None:
    print(f"opset {model.opset_import[0].version} ir {model.ir_version}"
          f" producer {model.producer_name}")
    graph = model.graph
    for kind, values in (("input", graph.input), ("output", graph.output)):
        for value in values:
            tensor = value.type.tensor_type
            dims = [dim.dim_value for dim in tensor.shape.dim]
            name = onnx.TensorProto.DataType.Name(tensor.elem_type).lower()
            print(kind, value.name, name, dims)
    for weight in graph.initializer:
        print("weight", weight.name, show(numpy_helper.to_array(weight)))
    known = {name: name.removesuffix("_output_0")
             for node in graph.node for name in node.output}
    for node in graph.node:
        if node.op_type == "Constant":
            known[node.output[0]] = show(
                numpy_helper.to_array(node.attribute[0].t))
            continue
        inputs = ", ".join(known.get(name, name) for name in node.input)
        attributes = " ".join(
            f"{a.name}={helper.get_attribute_value(a)}"
            for a in node.attribute)
        print(f"{known[node.output[0]]} = {node.op_type}({inputs})"
              + (f" {attributes}" if attributes else ""))


for source in sorted(pathlib.Path(sys.argv[1]).glob("*.mlir")):
    done = subprocess.run(["aero-translate", "--export-onnx", str(source),
                           *sys.argv[2:]], capture_output=True)
    if done.returncode:
        sys.exit(f"{source.name}: {done.stderr.decode()}")
    print(f"== {source.stem}")
    model = onnx.load_from_string(done.stdout)
    # An old checker does not know the newest operators.
    if model.opset_import[0].version <= onnx.defs.onnx_opset_version():
        onnx.checker.check_model(model, full_check=True)
    print_model(model)
