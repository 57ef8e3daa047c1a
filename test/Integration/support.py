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

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = Path(os.environ.get("AERO_BUILD_DIR", ROOT / "build")) / "bin"
MODELS = ROOT / "examples" / "models"
SOFTMAX_ONLY = MODELS / "python-sm-scffn.onnx"
BASELINE = MODELS / "python-sm-ln-g.onnx"
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
