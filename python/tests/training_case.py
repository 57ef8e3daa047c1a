# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What tests of training share: a tiny model, a tiny corpus, and runs on them."""

from __future__ import annotations

import io
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
from contextlib import redirect_stderr, redirect_stdout
from typing import Any, Dict, List, Tuple

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from aero.export import export_onnx
from aero.models.gpt2 import GPT2, named_config
from aero.train.checkpoint import load_checkpoint
from aero.train.cli import main

PYTHON = pathlib.Path(__file__).resolve().parents[1]
SHAPE = {"n_layer": 2, "n_head": 2, "d_model": 16, "context": 8}
LINES = ("def f(x):\n    return x + 1\n", "for key in table:\n    print(key)\n")


def write_model(path: pathlib.Path, name: str, **overrides: Any) -> None:
    """An untrained model, with the table of its learnable scalars."""
    torch.manual_seed(3)
    shape = {**SHAPE, "init_std": 0.2, "embedding_std": 0.2, **overrides}
    network = GPT2(named_config(name, **shape))
    with torch.no_grad():
        for parameter in network.parameters():
            # The exporter would make one initializer of parameters that are equal.
            parameter.add_(0.01 * torch.randn_like(parameter))
    export_onnx(network, path)
    model = onnx.load(str(path))
    table = [
        {"role": f"ffn_{scale}", "layer": i, "name": f"h.{i}.{scale}", "shape": []}
        for i in range(shape["n_layer"])
        for scale in ("alpha", "beta")
        if name == "SM+ScFFN"
    ]
    for entry in table:
        entry["node"] = next(
            node.name for node in model.graph.node if entry["name"] in node.input
        )
    onnx.helper.set_model_props(
        model,
        {
            "aero.configuration": name,
            "aero.parameters": json.dumps({"version": 1, "parameters": table}),
        },
    )
    onnx.save(model, str(path))


class TrainingCase(unittest.TestCase):
    """A temporary folder with a model and a corpus."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.model = self.folder / "model.onnx"
        self.data = self.folder / "data"
        self.data.mkdir()
        for i in range(30):
            text = (LINES[i % 2] + f"value = {i}\n") * 4
            (self.data / f"m{i}.py").write_text(text, encoding="utf-8")
        write_model(self.model, "SM+ScFFN")

    def arguments(self, out: str, *options: object) -> List[str]:
        """The command line of a short run."""
        given = [
            self.model, "--out", self.folder / out, "--data", self.data,
            "--steps", 30, "--batch", 4, "--warmup", 4, "--save-every", 5,
            "--entropy-every", 10, "--eval-every", 10, "--log-every", 10,
            *options,
        ]  # fmt: skip
        return [str(argument) for argument in given]

    def run_main(self, out: str, *options: object) -> Tuple[int, str, str]:
        """Runs in this process: exit code, output, errors."""
        written, errors = io.StringIO(), io.StringIO()
        with redirect_stdout(written), redirect_stderr(errors):
            code = main(self.arguments(out, *options))
        return code, written.getvalue(), errors.getvalue()

    def train(self, out: str, *options: object) -> pathlib.Path:
        """Runs to the end; the folder of the run."""
        code, _, errors = self.run_main(out, *options)
        self.assertEqual((code, errors), (0, ""))
        return self.folder / out

    def start(self, out: str, *options: object, **keywords: Any) -> subprocess.Popen:
        """Starts the command as a process of its own."""
        environment = {**os.environ, "PYTHONPATH": str(PYTHON), "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(
            [sys.executable, "-m", "aero.train", *self.arguments(out, *options)],
            env=environment,
            text=True,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **keywords},
        )

    def assert_same_training(self, a: pathlib.Path, b: pathlib.Path) -> None:
        """The same step, weights and moments, bit for bit."""
        first, second = (
            load_checkpoint(path / "checkpoint.npz") for path in (a, b)
        )
        self.assertEqual(first.about["step"], second.about["step"])
        self.assertEqual(set(first.arrays), set(second.arrays))
        for name, array in first.arrays.items():
            self.assertTrue(np.array_equal(array, second.arrays[name]), name)


def weights(path: pathlib.Path) -> Dict[str, np.ndarray]:
    """The initializers of a file."""
    return {
        tensor.name: numpy_helper.to_array(tensor)
        for tensor in onnx.load(str(path)).graph.initializer
    }
