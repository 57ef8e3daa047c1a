# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What the integration tests share: paths, running tools, the sample models."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

import onnx
from onnx import helper

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(os.environ.get("AERO_BUILD_DIR", ROOT / "build")) / "bin"
MODELS = ROOT / "examples" / "models"
SOFTMAX_ONLY = MODELS / "python-sm-scffn.onnx"
BASELINE = MODELS / "python-sm-ln-g.onnx"
TEMPERATURE = MODELS / "python-sm-t-scfuffn.onnx"
PROMPTS = ROOT / "test" / "Integration" / "Inputs" / "prompts.json"
CONFIG = "SM+ScFuFFN"


def run(*args: object, timeout: float = 600,
        cwd: Path | None = None) -> subprocess.CompletedProcess:
    """Runs a tool of the build tree: run("aero", "inspect", path)."""
    command = [str(BIN / str(args[0])), *map(str, args[1:])]
    return subprocess.run(command, capture_output=True, text=True, cwd=cwd,
                          timeout=timeout, stdin=subprocess.DEVNULL)


def run_json(*args: object, timeout: float = 600) -> dict:
    """Runs a tool with --json and returns what it printed."""
    done = run(*args, "--json", timeout=timeout)
    if done.returncode != 0:
        raise AssertionError(f"{args} failed: {done.stderr}")
    return json.loads(done.stdout)


def make_tanh(path: Path, layers: int = 4) -> None:
    """The baseline with tanh, which has no secure form, in place of the GELUs
    of its first layers and before the logits."""
    model = onnx.load(str(BASELINE))
    nodes = model.graph.node
    for scope, before, reader in (
            *((f"/h.{i}/mlp", f"/h.{i}/mlp/c_fc/Add", f"/h.{i}/mlp/c_proj/MatMul")
              for i in range(layers)), ("/head", "/ln_f/Add_1", "/MatMul")):
        at = next(i for i, node in enumerate(nodes) if node.name == reader)
        nodes[at].input[0] = f"{scope}/Tanh_output_0"
        nodes.insert(at, helper.make_node(
            "Tanh", [f"{before}_output_0"], [f"{scope}/Tanh_output_0"],
            f"{scope}/Tanh"))
    onnx.save(model, str(path))


def prompts() -> list[dict]:
    data = json.loads(PROMPTS.read_text())
    return data["prompts"] if isinstance(data, dict) else data


class ToolTest(unittest.TestCase):
    """A test with a scratch folder, and a check for one-line errors."""

    def setUp(self) -> None:
        holder = tempfile.TemporaryDirectory(prefix="aero-test-")
        self.addCleanup(holder.cleanup)
        self.folder = Path(holder.name)

    def assert_error(self, done: subprocess.CompletedProcess,
                     *fragments: str, problems: int = 1) -> None:
        """Exit code 1, one line a problem, with all the fragments in each."""
        self.assertEqual(done.returncode, 1, done.stderr)
        lines = done.stderr.strip().splitlines()
        self.assertEqual(len(lines), problems, done.stderr)
        for line in lines:
            self.assertRegex(line, "^aero(-party)?: error: ")
            for fragment in fragments:
                self.assertIn(fragment, line)

    def assert_predicted_costs(self, report: dict, result: dict,
                               inferences: int) -> None:
        """What `aero run` measured, instruction by instruction, is what
        `aero report` predicted."""
        # A party counts what passes through its own sockets.
        between = {"client_to_server": "client_to_server_bytes",
                   "server_to_client": "server_to_client_bytes",
                   "setup_server_to_client": "setup_bytes",
                   "exchanges": "exchanges"}
        dealt = {"dealer_to_server": "dealer_to_server_bytes",
                 "dealer_to_client": "dealer_to_client_bytes"}
        sees = {"client": between, "server": {**between, **dealt},
                "dealer": dealt}
        predicted, measured = report["instructions"], result["instructions"]
        self.assertEqual(len(predicted), len(measured))
        for want, got in zip(predicted, measured):
            self.assertEqual(want["op"], got["op"])
            for party, keys in sees.items():
                for measured_key, predicted_key in keys.items():
                    times = (1 if measured_key.startswith("setup")
                             else inferences)
                    self.assertEqual(got[party][measured_key],
                                     want[predicted_key] * times,
                                     (want, party, measured_key))
        self.assertEqual(result["exchanges_per_inference"],
                         report["critical_path_exchanges"])
