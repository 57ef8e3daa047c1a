# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The official ONNX backend node tests, through the importer and interpreter.

Every test of an operator that AERO supports runs in up to three ways:

run     nothing is known but the file;
shapes  integer and boolean inputs are public constants (``--fix``): reshapes and
        slices need their sizes at import;
folded  all inputs are public constants, so that the importer evaluates the node.

An operator that works at run time has to pass ``run`` or ``shapes``, and every
operator has to pass ``folded``.
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
from pathlib import Path
from typing import Iterable

import numpy as np
import onnx
from onnx import TensorProto, numpy_helper

from Families.oracle import INTERPRETER, Run, evaluate

DATA = Path("/usr/share/libonnx-testdata/data/node")
# The tolerances of ONNX's own backend test runner.
RTOL, ATOL = 1e-3, 1e-7

# Element types that are no numbers of a transformer.
UNSUPPORTED_TYPES = {
    TensorProto.STRING: "strings",
    TensorProto.UINT64: "unsigned 64-bit integers",
    TensorProto.COMPLEX64: "complex numbers",
    TensorProto.COMPLEX128: "complex numbers",
}


@dataclasses.dataclass(frozen=True)
class Operator:
    """A row of ``aero-evaluate --operators``."""

    domain: str
    name: str
    first: int
    last: int
    run_time: bool


@dataclasses.dataclass
class NodeTest:
    """One folder of the official tests."""

    name: str
    model: Path
    ops: set[str]
    inputs: dict[str, np.ndarray]
    outputs: list[np.ndarray]
    skip: str = ""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a test went: in each way an empty string, or what was wrong."""

    test: NodeTest
    ways: dict[str, str]

    @property
    def run_time(self) -> bool:
        return not self.ways["run"] or not self.ways["shapes"]

    @property
    def folded(self) -> bool:
        return not self.ways["folded"]


def operators() -> dict[str, Operator]:
    """What the importer says that it supports, by name."""
    listed = subprocess.run([*INTERPRETER, "--operators"], check=True,
                            capture_output=True, text=True).stdout
    return {row["name"]: Operator(**row) for row in json.loads(listed)}


def _read_tensor(path: Path, value: onnx.ValueInfoProto) -> np.ndarray | str:
    """The tensor in a data file, or why it is none."""
    kind = value.type.WhichOneof("value")
    if kind != "tensor_type":
        return f"{kind.split('_')[0]} values are not supported"
    tensor = TensorProto()
    tensor.ParseFromString(path.read_bytes())
    if tensor.data_type in UNSUPPORTED_TYPES:
        return f"{UNSUPPORTED_TYPES[tensor.data_type]} are not supported"
    return numpy_helper.to_array(tensor)


def load(folder: Path, supported: dict[str, Operator]) -> NodeTest | None:
    """The test in ``folder`` if all of its operators are supported."""
    model = onnx.load(folder / "model.onnx")
    ops = {node.op_type for node in model.graph.node}
    if not ops or not ops <= supported.keys():
        return None
    test = NodeTest(folder.name, folder / "model.onnx", ops, {}, [])
    data = folder / "test_data_set_0"
    for index, value in enumerate(model.graph.input):
        array = _read_tensor(data / f"input_{index}.pb", value)
        if isinstance(array, str):
            test.skip = array
            return test
        test.inputs[value.name] = array
    for index, value in enumerate(model.graph.output):
        array = _read_tensor(data / f"output_{index}.pb", value)
        if isinstance(array, str):
            test.skip = array
            return test
        test.outputs.append(array)
    return test


def _difference(actual: list[np.ndarray], expected: list[np.ndarray]) -> str:
    if len(actual) != len(expected):
        return f"{len(actual)} outputs, not {len(expected)}"
    for index, (got, want) in enumerate(zip(actual, expected)):
        if got.shape != want.shape:
            return f"output {index} has shape {got.shape}, not {want.shape}"
        if not np.allclose(np.float64(got), np.float64(want), RTOL, ATOL,
                           equal_nan=True):
            return f"output {index} differs"
    return ""


def run(tests: Iterable[NodeTest], folder: Path) -> list[Outcome]:
    """Runs every test in every way."""
    tests = [test for test in tests if not test.skip]
    outcomes = [Outcome(test, {}) for test in tests]
    for way in ("run", "shapes", "folded"):
        runs = []
        for test in tests:
            fix = [name for name, array in test.inputs.items()
                   if way == "folded" or
                   (way == "shapes" and array.dtype.kind in "iub")]
            runs.append(Run(test.model, test.inputs, folder / way / test.name,
                            {"fix": fix}))
        for outcome, result in zip(outcomes, evaluate(runs, INTERPRETER)):
            outcome.ways[way] = result.error or _difference(
                list(result.outputs.values()), outcome.test.outputs)
    return outcomes
