# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""An installed AERO, as other projects see it: moved to another place, with no
build tree in reach."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = Path(os.environ.get("AERO_BUILD_DIR", ROOT / "build"))
EXAMPLE = ROOT / "examples" / "embedding"
CONSUMERS = ROOT / "test" / "Embedding" / "consumers"
MODEL = ROOT / "test" / "Import" / "ONNX" / "Inputs" / "gpt2-softmax-only.onnx"
STOCK_OPT = Path("/usr/lib/llvm-22/bin/mlir-opt")


def cached(name: str) -> str:
    """A variable of the build tree: the compilers should be the same."""
    text = (BUILD / "CMakeCache.txt").read_text()
    found = re.search(rf"^{name}:\w+=(.*)$", text, re.MULTILINE)
    return found[1] if found else ""


def run(*command: object) -> subprocess.CompletedProcess:
    return subprocess.run(list(map(str, command)), capture_output=True,
                          text=True, timeout=600, stdin=subprocess.DEVNULL)


class EmbeddingTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls) -> None:
        holder = tempfile.TemporaryDirectory(prefix="aero-embedding-")
        cls.addClassCleanup(holder.cleanup)
        cls.folder = Path(holder.name)
        first = cls.folder / "first"
        done = run("cmake", "--install", BUILD, "--prefix", first)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        cls.prefix = cls.folder / "moved"
        shutil.move(first, cls.prefix)

    def succeed(self, *command: object) -> str:
        done = run(*command)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def configure(self, source: Path, name: str,
                  *options: str) -> subprocess.CompletedProcess:
        launcher = shutil.which("ccache")
        return run("cmake", "-G", "Ninja", "-S", source,
                   "-B", self.folder / name,
                   f"-DCMAKE_PREFIX_PATH={self.prefix}",
                   f"-DCMAKE_CXX_COMPILER={cached('CMAKE_CXX_COMPILER')}",
                   f"-DCMAKE_C_COMPILER={cached('CMAKE_C_COMPILER')}",
                   *([f"-DCMAKE_CXX_COMPILER_LAUNCHER={launcher}"]
                     if launcher else []), *options)

    def consume(self, component: str, *options: str) -> Path:
        """Builds a program on one component; returns it."""
        done = self.configure(CONSUMERS, component, f"-DCOMPONENT={component}",
                              *options)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.succeed("ninja", "-j2", "-C", self.folder / component)
        return self.folder / component / "consumer"

    def test_no_path_of_the_build(self) -> None:
        for path in self.prefix.rglob("*"):
            if path.is_file() and not path.is_symlink():
                content = path.read_bytes()
                for place in (BUILD, ROOT):
                    found = re.search(re.escape(str(place).encode()) + rb"/[ -~]*",
                                      content)
                    self.assertIsNone(found, f"in {path}")

    def test_example_builds_and_passes_its_tests(self) -> None:
        done = self.configure(EXAMPLE, "example")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        output = self.succeed("ninja", "-j2", "-C", self.folder / "example",
                              "check")
        self.assertRegex(output, r"Passed *: 4 \(100")

    def test_runtime_needs_no_mlir(self) -> None:
        program = self.consume("Runtime", "-DTARGETS=AERO::AeroRuntime",
                               "-DCMAKE_DISABLE_FIND_PACKAGE_MLIR=ON",
                               "-DCMAKE_DISABLE_FIND_PACKAGE_LLVM=ON")
        self.assertEqual(self.succeed(program), "party\n")
        self.assertNotRegex(self.succeed("ldd", program), "MLIR|LLVM")

    def test_importer(self) -> None:
        program = self.consume("ONNX", "-DTARGETS=AERO::AeroImportONNX")
        self.assertEqual(self.succeed(program, MODEL), "builtin.module\n")

    def test_c_interface_needs_no_package(self) -> None:
        program = self.consume("CAPI", "-DCMAKE_DISABLE_FIND_PACKAGE_MLIR=ON",
                               "-DCMAKE_DISABLE_FIND_PACKAGE_Protobuf=ON")
        self.assertRegex(self.succeed(program), r"^\d+\.\d+\.\d+\n$")

    def test_unknown_component(self) -> None:
        done = self.configure(CONSUMERS, "unknown", "-DCOMPONENT=Nonsense",
                              "-DTARGETS=AERO::AeroRuntime")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("no component Nonsense; there are Runtime", done.stderr)

    @unittest.skipUnless(STOCK_OPT.exists(), "mlir-opt is missing")
    def test_plugin(self) -> None:
        text = self.folder / "relu.mlir"
        text.write_text("func.func @f(%x: tensor<2xf32>) -> tensor<2xf32> {\n"
                        "  %0 = pi.relu %x : tensor<2xf32>\n"
                        "  return %0 : tensor<2xf32>\n}\n")
        plugin = self.prefix / "lib" / "AeroPlugin.so"
        output = self.succeed(
            STOCK_OPT, text, f"--load-dialect-plugin={plugin}",
            "--pass-pipeline=builtin.module(func.func(convert-pi-to-linalg))")
        self.assertIn("linalg.generic", output)

    def test_tools_run(self) -> None:
        for tool in ("aero", "aero-opt", "aero-translate", "aero-party"):
            self.succeed(self.prefix / "bin" / tool, "--help")


if __name__ == "__main__":
    unittest.main()
