# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The package installs with what Debian has, and its commands run from anywhere."""

from __future__ import annotations

import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import venv
from typing import Any

from .training_case import PYTHON


class InstallTest(unittest.TestCase):
    def call(self, *command: object, **keywords: Any) -> str:
        done = subprocess.run(
            [str(part) for part in command],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            **keywords,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def test_commands_of_an_installed_package(self) -> None:
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            # A copy: building leaves files beside the sources.
            source = folder / "python"
            source.mkdir()
            for part in ("pyproject.toml", "README.md"):
                shutil.copy(PYTHON / part, source / part)
            shutil.copytree(PYTHON / "aero", source / "aero")
            # --no-index: nothing comes from the network.
            installer = [sys.executable, "-m", "pip", "--version"]
            if subprocess.run(installer, capture_output=True).returncode:
                self.skipTest("this Python has no pip (Debian: python3-pip)")
            venv.create(folder / "venv", system_site_packages=True, symlinks=True)
            binaries = folder / "venv" / "bin"
            self.call(
                sys.executable, "-m", "pip", "--python", binaries / "python",
                "install", "--no-build-isolation", "--no-deps", "--no-index",
                "--quiet", source,
            )  # fmt: skip
            said = self.call(binaries / "aero-train", "--help", cwd=folder)
            self.assertTrue(said.startswith("usage: aero-train"))
            module = [binaries / "python", "-m", "aero.train", "--help"]
            self.assertEqual(self.call(*module, cwd=folder), said)
            self.call(
                binaries / "aero-new-gpt2", "m.onnx", "--layers", 1, "--width", 8,
                "--heads", 2, "--context", 4, cwd=folder,
            )  # fmt: skip
            self.assertTrue((folder / "m.onnx").exists())

    def test_version_is_that_of_the_project(self) -> None:
        project = (PYTHON.parent / "CMakeLists.txt").read_text(encoding="utf-8")
        version = re.search(r"project\(aero VERSION ([0-9.]+)", project)
        self.assertIsNotNone(version)
        held = (PYTHON / "pyproject.toml").read_text(encoding="utf-8")
        self.assertIn(f'version = "{version.group(1)}"', held)


if __name__ == "__main__":
    unittest.main()
