# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The official ONNX backend node tests, through the importer and interpreter.

``python3 -m Conformance.write_table``, in test/, renews the table in docs/.

Every test of an operator that AERO supports runs in up to three ways:

run     nothing is known but the file;
shapes  integers, truth values and scalars are public constants (``--fix``):
        reshapes and slices need their sizes at import;
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
# All floats are float32 in AERO: what ONNX cuts to 8 bits may differ by that.
BFLOAT16_RTOL = 2.0 ** -7
FIRST_OPSET = 11

# Element types that are no numbers of a transformer.
UNSUPPORTED_TYPES = {
    TensorProto.STRING: "strings",
    TensorProto.UINT64: "unsigned 64-bit integers",
    TensorProto.COMPLEX64: "complex numbers",
    TensorProto.COMPLEX128: "complex numbers",
}

# Tests of supported operators that AERO does not pass, and why.
SKIPPED = {
    "test_training_dropout": "random numbers",
    "test_training_dropout_default": "random numbers",
    "test_training_dropout_default_mask": "random numbers",
    "test_training_dropout_mask": "random numbers",
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
    # Sizes of 0, which a file gives to dimensions that it leaves open.
    bind: dict[str, int] = dataclasses.field(default_factory=dict)
    rtol: float = RTOL
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

    def faults(self, supported: dict[str, Operator]) -> str:
        """What keeps the test from passing, or nothing."""
        at_run_time = all(supported[op].run_time for op in self.test.ops)
        wanted = []
        if at_run_time and not self.run_time:
            wanted += ["run", "shapes"]
        if not self.folded:
            wanted += ["folded"]
        return "; ".join(f"{way}: {self.ways[way]}" for way in wanted)


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
    # The files hold bfloat16 as its bits, under the type uint16.
    if value.type.tensor_type.elem_type == TensorProto.BFLOAT16:
        bits = numpy_helper.to_array(tensor).astype("<u4")
        return (bits << 16).view("<f4")
    return numpy_helper.to_array(tensor)


def _modernise(model: onnx.ModelProto) -> bool:
    """Raises an old operator set to the first that AERO knows.

    Only if every operator of the model still has the meaning that it had.
    """
    opset = model.opset_import[0]
    if opset.version >= FIRST_OPSET:
        return False
    for node in model.graph.node:
        schema = onnx.defs.get_schema(node.op_type, FIRST_OPSET)
        if schema.since_version > opset.version:
            return False
    opset.version = FIRST_OPSET
    return True


def load(folder: Path, supported: dict[str, Operator],
         scratch: Path) -> NodeTest | None:
    """The test in ``folder`` if all of its operators are supported."""
    path = folder / "model.onnx"
    model = onnx.load(path)
    ops = {node.op_type for node in model.graph.node}
    if not ops or not ops <= supported.keys():
        return None
    if _modernise(model):
        path = scratch / f"{folder.name}.onnx"
        onnx.save(model, path)
    test = NodeTest(folder.name, path, ops, {}, [],
                    skip=SKIPPED.get(folder.name, ""))
    if test.skip:
        return test
    data = folder / "test_data_set_0"
    for index, value in enumerate(model.graph.input):
        array = _read_tensor(data / f"input_{index}.pb", value)
        if isinstance(array, str):
            test.skip = array
            return test
        sizes = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        if any(size not in (0, actual) for size, actual in zip(sizes, array.shape)):
            test.skip = "its data has another shape than the model declares"
            return test
        test.inputs[value.name] = array
        test.bind.update({f"{value.name}.{i}": size
                          for i, size in enumerate(array.shape) if size == 0})
    for index, value in enumerate(model.graph.output):
        array = _read_tensor(data / f"output_{index}.pb", value)
        if isinstance(array, str):
            test.skip = array
            return test
        test.outputs.append(array)
        if value.type.tensor_type.elem_type == TensorProto.BFLOAT16:
            test.rtol = BFLOAT16_RTOL
    return test


def _difference(actual: list[np.ndarray], expected: list[np.ndarray],
                rtol: float) -> str:
    if len(actual) != len(expected):
        return f"{len(actual)} outputs, not {len(expected)}"
    for index, (got, want) in enumerate(zip(actual, expected)):
        if got.shape != want.shape:
            return f"output {index} has shape {got.shape}, not {want.shape}"
        if not np.allclose(np.float64(got), np.float64(want), rtol, ATOL,
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
                   (way == "shapes" and
                    (array.dtype.kind in "iub" or array.ndim == 0))]
            runs.append(Run(test.model, test.inputs, folder / way / test.name,
                            {"fix": fix, "bind": test.bind}))
        for outcome, result in zip(outcomes, evaluate(runs, INTERPRETER)):
            outcome.ways[way] = result.error or _difference(
                list(result.outputs.values()), outcome.test.outputs,
                outcome.test.rtol)
    return outcomes


def load_all(supported: dict[str, Operator], scratch: Path) -> list[NodeTest]:
    """All official tests whose operators are supported."""
    scratch.mkdir(parents=True, exist_ok=True)
    loaded = (load(folder, supported, scratch) for folder in sorted(DATA.iterdir()))
    return [test for test in loaded if test]


# ---------------------------------------------------------------------------
# The table in the documentation
# ---------------------------------------------------------------------------

TABLE = Path(__file__).resolve().parents[2] / "docs" / "onnx-operators.md"
_BEGIN, _END = "<!-- table: begin -->\n", "<!-- table: end -->\n"


def make_table(supported: dict[str, Operator], tests: list[NodeTest],
               outcomes: list[Outcome]) -> str:
    """One row an operator: where it works, and how its tests went."""
    lines = ["| operator | opsets | works on | tests | passed at run time "
             "| passed folded | skipped |",
             "|---|---|---|---|---|---|---|"]
    passed = {outcome.test.name: outcome for outcome in outcomes}
    for name, operator in sorted(supported.items()):
        own = [test for test in tests if name in test.ops]
        ran = [passed[test.name] for test in own if not test.skip]
        # Another operator of the test may work on public constants only.
        live = [outcome for outcome in ran
                if all(supported[op].run_time for op in outcome.test.ops)]
        skips = [test.skip for test in own if test.skip]
        why = ", ".join(sorted(set(skips)))
        row = [name, f"{operator.first} to {operator.last}",
               "all values" if operator.run_time else "public constants",
               str(len(own)) if own else "-",
               f"{sum(o.run_time for o in live)} of {len(live)}" if live else "-",
               f"{sum(o.folded for o in ran)} of {len(ran)}" if ran else "-",
               f"{len(skips)}: {why}" if skips else ""]
        lines.append("| " + " | ".join(row) + " |")
    return "\n".join(lines) + "\n"


def replace_table(text: str, table: str) -> str:
    """``text`` with the lines between the marks replaced."""
    before, rest = text.split(_BEGIN)
    return before + _BEGIN + table + _END + rest.split(_END)[1]
