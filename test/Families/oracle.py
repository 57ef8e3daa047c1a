# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs models on ONNX Runtime, which nobody here wrote, and on the interpreter.

Starting an engine costs more than running a small model, so that many models
share a process.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
from pathlib import Path
from typing import Any, Iterable, Mapping, Sequence

import numpy as np

from .cases import Arrays

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("AERO_BUILD_DIR", ROOT / "build"))
ORACLE = ("node", str(ROOT / "test" / "oracle" / "evaluate.js"))
INTERPRETER = (str(BUILD / "bin" / "aero-evaluate"),)
_TYPES = {"float32": "<f4", "float64": "<f8", "float16": "<f2", "int32": "<i4",
          "int16": "<i2", "int64": "<i8", "int8": "|i1", "uint8": "|u1",
          "uint16": "<u2", "uint32": "<u4", "bool": "|b1"}


@dataclasses.dataclass(frozen=True)
class Run:
    """One inference: a model, its inputs, and a folder for the exchange.

    Options are those that the interpreter takes: "bind", "fix", "raise".
    """

    model: Path
    inputs: Arrays
    folder: Path
    options: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Result:
    """The outputs of a run by name, or why there are none.

    The interpreter also tells how many operations of each kind ran, and of a
    model that cannot be imported which nodes are not supported.
    """

    outputs: dict[str, np.ndarray]
    error: str = ""
    ops: Mapping[str, int] = dataclasses.field(default_factory=dict)
    refusal: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def evaluate(runs: Iterable[Run], engine: Sequence[str] = ORACLE,
             batch: int = 40, timeout: float = 600) -> list[Result]:
    """Runs all of ``runs``, ``batch`` to a process, and returns their results."""
    runs = list(runs)
    results: list[Result] = []
    for start in range(0, len(runs), batch):
        results += _evaluate_batch(runs[start:start + batch], engine, timeout)
    return results


def _evaluate_batch(runs: Sequence[Run], engine: Sequence[str],
                    timeout: float) -> list[Result]:
    requests = [_write_request(run) for run in runs]
    done = subprocess.run([*engine, *map(str, requests)],
                          capture_output=True, text=True, timeout=timeout,
                          stdin=subprocess.DEVNULL)
    return [_read_result(run, done.stderr) for run in runs]


def _write_request(run: Run) -> Path:
    run.folder.mkdir(parents=True, exist_ok=True)
    # What an earlier run left must not pass for the outputs of this one.
    for name in ("outputs.json", "ops.json", "error.json"):
        (run.folder / "outputs" / name).unlink(missing_ok=True)
    inputs = []
    for index, (name, array) in enumerate(run.inputs.items()):
        file = f"input{index}.raw"
        kind = array.dtype.name
        array.astype(_TYPES[kind]).tofile(run.folder / file)
        inputs.append({"name": name, "type": kind, "dims": list(array.shape),
                       "file": file})
    request = run.folder / "request.json"
    request.write_text(json.dumps({"model": str(run.model.resolve()),
                                   "inputs": inputs, "outputs": "outputs",
                                   **run.options}))
    return request


def _listing(run: Run) -> Path:
    return run.folder / "outputs" / "outputs.json"


def _read_result(run: Run, errors: str) -> Result:
    listing = _listing(run)
    if not listing.exists():
        prefix = f"{run.model.resolve()}: "
        lines = [line[len(prefix):] for line in errors.splitlines()
                 if line.startswith(prefix)]
        return Result({}, " ".join(lines) or f"no result: {errors.strip()}",
                      refusal=_read_json(listing.with_name("error.json")))
    outputs = {}
    for entry in json.loads(listing.read_text()):
        array = np.fromfile(listing.parent / entry["file"], _TYPES[entry["type"]])
        outputs[entry["name"]] = array.reshape(entry["dims"])
    return Result(outputs, ops=_read_json(listing.with_name("ops.json")))


def _read_json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}


def relative_error(actual: np.ndarray, expected: np.ndarray) -> float:
    """The largest difference, relative to the scale of ``expected``.

    Arrays of different shapes, and any NaN, are infinitely far apart.
    """
    if actual.shape != expected.shape:
        return float("inf")
    if expected.size == 0:
        return 0.0
    actual, expected = np.float64(actual), np.float64(expected)
    scale = np.abs(expected).max()
    error = np.abs(actual - expected).max() / (scale or 1.0)
    return float(error) if np.isfinite(error) else float("inf")
