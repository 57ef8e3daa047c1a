# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""aero compare: one model on several engines, and engines that are not well."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

import mpspdz
from support import (BASELINE, BIN, CONFIG, SOFTMAX_ONLY, TEMPERATURE, ToolTest,
                     make_tanh, run_json)

PROMPT = ("--prompt", "def __init__(self")


def compare(model: Path, config: str, engines: str, *options: object,
            home: object = None) -> subprocess.CompletedProcess:
    environment = dict(os.environ)
    environment.pop("MPSPDZ_HOME", None)
    # Set, it would hide what is written beside the compiler.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    if home is not None:
        environment["MPSPDZ_HOME"] = str(home)
    return subprocess.run(
        [str(BIN / "aero"), "compare", str(model), "--config", config, "--engines",
         engines, *map(str, options)], text=True, capture_output=True,
        env=environment, timeout=600)


class CompareTest(ToolTest):

    def check(self, model: Path, config: str, engines: list[str],
              *options: object, home: object = None) -> dict:
        done = compare(model, config, ",".join(engines), *options, "--json", home=home)
        self.assertEqual(done.returncode, 0, done.stderr)
        result = json.loads(done.stdout)
        for engine in engines:
            if engine == "float":
                continue
            answer = result["engines"][engine]
            self.assertEqual(answer["same_next_token"], result["prompts"])
            self.assertLessEqual(answer["logits"], 0.02)
            self.assertEqual(len(answer["layers"]), 4)
            for difference, magnitude in zip(answer["layers"],
                                             result["largest_values"]):
                if engine == "dealer":
                    self.assertIsNone(difference)
                else:
                    self.assertLessEqual(difference, 2e-3 * magnitude)
                    self.assertGreater(difference, 0)
        return result

    def test_embedded_engines(self) -> None:
        for model, config in ((BASELINE, "as-is"), (SOFTMAX_ONLY, "as-is"),
                              (SOFTMAX_ONLY, CONFIG), (TEMPERATURE, "as-is")):
            with self.subTest(model=model.name, config=config):
                result = self.check(model, config, ["float", "fixed", "dealer"], *PROMPT)
                report = run_json("aero", "report", model, "--config", config)
                dealer = result["engines"]["dealer"]
                self.assertEqual(dealer["bytes"], report["total"]["online_bytes"] +
                                 report["total"]["offline_bytes"])
                self.assertEqual(dealer["rounds"], report["critical_path_exchanges"])
                self.assertIsNone(result["engines"]["fixed"]["bytes"])

    def test_all_logits_of_several_prompts(self) -> None:
        self.check(SOFTMAX_ONLY, CONFIG, ["fixed"], "--samples", 3, "--logits", "all")

    def test_mpspdz(self) -> None:
        for protocol in ("ring", "dealer-ring"):
            if reason := mpspdz.missing(protocol):
                self.skipTest(reason)
            for model, config in ((BASELINE, "as-is"), (SOFTMAX_ONLY, CONFIG),
                                  (TEMPERATURE, "as-is")):
                with self.subTest(model=model.name, protocol=protocol):
                    assert mpspdz.HOME is not None
                    before = sorted(mpspdz.HOME.rglob("*"))
                    result = self.check(model, config, [f"mpspdz:{protocol}"], *PROMPT,
                                        home=mpspdz.HOME)
                    self.assertEqual(before, sorted(mpspdz.HOME.rglob("*")))
                    answer = result["engines"][f"mpspdz:{protocol}"]
                    self.assertGreater(answer["bytes"], 1e6)
                    self.assertGreater(answer["rounds"], 100)

    def test_as_a_table(self) -> None:
        done = compare(SOFTMAX_ONLY, "as-is", "float,fixed,mpspdz:ring", *PROMPT)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"layer 3 +\d+\.\d+ +0\.\d+\n")
        self.assertRegex(done.stdout, r"\nlogits +\d+\.\d+ +0\.\d+\n")
        self.assertIn("mpspdz:ring: not there: set MPSPDZ_HOME", done.stdout)

    def test_the_first_layer_outside_is_named(self) -> None:
        done = compare(BASELINE, "as-is", "fixed", *PROMPT, "--max-error", 1e-6)
        self.assert_error(done, "fixed leaves its bound first behind layer 0 "
                          "(ONNX node '/h.0/", "more than")


class BadEngineTest(ToolTest):

    def tree(self, compiler: str, script: str) -> Path:
        """Something that looks like MP-SPDZ."""
        home = self.folder / "home"
        (home / "Scripts").mkdir(parents=True)
        (home / "compile.py").write_text(compiler)
        (home / "Scripts" / "setup-ssl.sh").write_text("true\n")
        (home / "Scripts" / "ring.sh").write_text(script)
        (home / "replicated-ring-party.x").write_text("")
        return home

    def compare(self, home: object, *options: object,
                model: Path = SOFTMAX_ONLY) -> subprocess.CompletedProcess:
        scratch = self.folder / "tmp"
        scratch.mkdir(exist_ok=True)
        before = tempfile.tempdir
        os.environ["TMPDIR"] = str(scratch)
        try:
            return compare(model, "as-is", "mpspdz:ring", *PROMPT, *options, home=home)
        finally:
            del os.environ["TMPDIR"]
            tempfile.tempdir = before
            self.assertEqual(list(scratch.iterdir()), [], "nothing is left")

    def test_an_engine_that_there_is_not(self) -> None:
        self.assert_error(compare(SOFTMAX_ONLY, "as-is", "fixed,abacus"), "'abacus'",
                          "mpspdz:ring")
        self.assert_error(compare(SOFTMAX_ONLY, "as-is", "mpspdz:abacus"),
                          "'mpspdz:abacus'")
        self.assert_error(compare(SOFTMAX_ONLY, "as-is", "float"), "none of the engines")
        self.assert_error(compare(SOFTMAX_ONLY, "as-is", "mpspdz:ring"),
                          "set MPSPDZ_HOME")

    def test_a_home_that_is_none(self) -> None:
        self.assert_error(self.compare("/nonexistent"), "'/nonexistent', has no compile.py")
        home = self.tree("", "")
        (home / "replicated-ring-party.x").unlink()
        self.assert_error(self.compare(home), "has no replicated-ring-party.x")

    def test_a_compiler_that_fails(self) -> None:
        done = self.compare(self.tree("import sys\nsys.exit('out of ideas')\n", ""))
        self.assertEqual(done.returncode, 1)
        self.assertIn("failed with exit code 1; its output ends with", done.stderr)
        self.assertIn("out of ideas", done.stderr)

    def test_parties_that_hang(self) -> None:
        marker = f"aero-hang-{os.getpid()}"
        home = self.tree("", f"echo waiting\nexec -a {marker} sleep 300 &\nwait\n")
        begin = time.monotonic()
        done = self.compare(home, "--time-limit", 2)
        self.assertLess(time.monotonic() - begin, 60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("was killed after 2 s (--time-limit)", done.stderr)
        self.assertIn("waiting", done.stderr)
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.assertFalse(process.read_bytes().startswith(marker.encode()),
                                 "a party runs on")
            except OSError:
                pass  # it ended meanwhile

    def test_parties_that_say_nothing(self) -> None:
        self.assert_error(self.compare(self.tree("", "true\n")),
                          "MP-SPDZ did not print 'Time = '")

    def test_parties_without_an_answer(self) -> None:
        home = self.tree("", "echo 'Time = 1 seconds'\n"
                         "echo 'Data sent = 1 MB in ~2 rounds'\n"
                         "echo 'Global data sent = 1 MB'\n")
        self.assert_error(self.compare(home), "MP-SPDZ has written no answer")
        (home / "Scripts" / "ring.sh").write_text(
            (home / "Scripts" / "ring.sh").read_text() +
            "echo short > Player-Data/Binary-Output-P1-0\n")
        self.assert_error(self.compare(home), "6 bytes of answer")

    def test_what_it_cannot_express(self) -> None:
        model = self.folder / "tanh.onnx"
        make_tanh(model, layers=1)
        self.assert_error(self.compare(self.tree("", ""), model=model),
                          "'pi.tanh' (ONNX node '", problems=2)


if __name__ == "__main__":
    unittest.main()
