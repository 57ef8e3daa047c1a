# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""aero compare: one model on several engines, and engines that are not well."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
import unittest
from pathlib import Path
from unittest import mock

import mpspdz
from support import (BASELINE, BIN, CONFIG, SOFTMAX_ONLY, TEMPERATURE, ToolTest,
                     make_tanh, run_json)

PROMPT = ("--prompt", "def __init__(self")


def compare(model: Path, config: str, engines: str, *options: object,
            home: object = None) -> subprocess.CompletedProcess:
    environment = dict(os.environ)
    environment.pop("MPSPDZ_HOME", None)
    # Would hide that a run writes to the tree.
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
            if engine == "fixed":
                self.assertIsNone(answer["bytes_by_party"])
            else:
                self.assertEqual(len(answer["bytes_by_party"]), 3)
                # MP-SPDZ prints six digits of each.
                self.assertAlmostEqual(sum(answer["bytes_by_party"].values()),
                                       answer["bytes"], delta=1e-4 * answer["bytes"])
            self.assertEqual(len(answer["layers"]), 4)
            for difference, magnitude in zip(answer["layers"],
                                             result["largest_values"]):
                if engine == "dealer":
                    self.assertIsNone(difference)
                else:
                    self.assertLessEqual(difference, 2e-3 * magnitude)
                    self.assertGreater(difference, 0)
        # Folding rounds otherwise, but is no other function.
        self.assertLessEqual(result["folding"], 1e-3)
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
                self.assertIsNone(dealer["compile_seconds"])
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
                    self.assertGreater(answer["compile_seconds"], 0)

    def test_mpspdz_is_left_as_it_was(self) -> None:
        if reason := mpspdz.missing("ring"):
            self.skipTest(reason)
        # A copy of what others may use now; what is large is not written to.
        home = self.folder / "home"
        home.mkdir()
        for entry in mpspdz.HOME.iterdir():
            if entry.name in ("compile.py", "Scripts", "Compiler"):
                copy = shutil.copytree if entry.is_dir() else shutil.copy
                copy(entry, home / entry.name)
            elif entry.name not in ("Programs", "Player-Data", "logs"):
                (home / entry.name).symlink_to(entry)
        for cache in (home / "Compiler").rglob("__pycache__"):
            shutil.rmtree(cache)
        for folder in ("Programs", "Player-Data", "logs"):
            (home / folder).mkdir()
        before = snapshot(home)
        self.check(SOFTMAX_ONLY, CONFIG, ["mpspdz:ring"], *PROMPT, home=home)
        self.assertEqual(snapshot(home), before)

    def test_as_a_table(self) -> None:
        done = compare(SOFTMAX_ONLY, "as-is", "float,fixed,mpspdz:ring", *PROMPT)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"layer 3 +\d+\.\d+ +0\.\d+\n")
        self.assertRegex(done.stdout, r"\nlogits +\d+\.\d+ +0\.\d+\n")
        self.assertIn("mpspdz:ring: not there: set MPSPDZ_HOME", done.stdout)
        self.assertRegex(done.stdout, r"Folding constants changes .* at most 0\.0000\d+")
        self.assertEqual(done.stderr, "", "progress is for terminals")

    def test_an_engine_named_twice_runs_once(self) -> None:
        done = compare(SOFTMAX_ONLY, "as-is", "fixed,float,fixed", *PROMPT)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"behind +largest value +fixed\n")

    def test_the_first_layer_outside_is_named(self) -> None:
        done = compare(BASELINE, "as-is", "fixed", *PROMPT, "--max-error", 1e-6)
        self.assert_error(done, "fixed leaves its bound first behind layer 0 "
                          "(ONNX node '/h.0/", "more than")


def snapshot(folder: Path) -> dict[str, object]:
    """All that is in a folder, with what is in its files."""
    return {str(path.relative_to(folder)):
            path.readlink() if path.is_symlink() else
            path.read_bytes() if path.is_file() else None
            for path in folder.rglob("*")}


class BadEngineTest(ToolTest):

    def tree(self, compiler: str, script: str) -> Path:
        """Something that looks like MP-SPDZ."""
        home = self.folder / "home"
        (home / "Scripts").mkdir(parents=True)
        (home / "compile.py").write_text(compiler)
        (home / "Scripts" / "setup-ssl.sh").write_text("true\n")
        (home / "Scripts" / "ring.sh").write_text(script)
        (home / "replicated-ring-party.x").write_text("")
        # As a real one: folders that a run has too.
        for folder in ("Programs/Source", "Player-Data", "logs"):
            (home / folder).mkdir(parents=True)
            (home / folder / "own").write_text("of another")
        return home

    def scratch(self) -> Path:
        scratch = self.folder / "tmp"
        scratch.mkdir(exist_ok=True)
        return scratch

    def assert_nothing_runs(self, marker: str) -> None:
        for process in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                self.assertFalse(process.read_bytes().startswith(marker.encode()),
                                 "a party runs on")
            except OSError:
                pass  # it ended meanwhile

    def compare(self, home: object, *options: object,
                model: Path = SOFTMAX_ONLY) -> subprocess.CompletedProcess:
        scratch = self.scratch()
        before = snapshot(Path(home))
        with mock.patch.dict(os.environ, {"TMPDIR": str(scratch)}):
            done = compare(model, "as-is", "mpspdz:ring", *PROMPT, *options, home=home)
        self.assertEqual(list(scratch.iterdir()), [], "nothing is left")
        self.assertEqual(snapshot(Path(home)), before, "the tree is left as it was")
        return done

    def test_an_engine_that_there_is_not(self) -> None:
        self.assert_error(compare(SOFTMAX_ONLY, "as-is", "fixed,abacus"), "'abacus'",
                          "mpspdz:ring")
        self.assert_error(compare(SOFTMAX_ONLY, "as-is", "mpspdz:abacus"),
                          "'mpspdz:abacus'")
        self.assert_error(compare(SOFTMAX_ONLY, "as-is", "float"), "--engines: fixed")
        for engines in ("mpspdz:ring", "float,mpspdz:ring"):
            self.assert_error(compare(SOFTMAX_ONLY, "as-is", engines),
                              "mpspdz:ring: not there: set MPSPDZ_HOME")
        self.assert_error(compare(SOFTMAX_ONLY, "as-is", "mpspdz:ring,mpspdz:dealer-ring"),
                          "mpspdz:ring: not there", "; mpspdz:dealer-ring: not there")

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
        self.assert_nothing_runs(marker)

    def test_an_interrupt(self) -> None:
        marker = f"aero-interrupted-{os.getpid()}"
        started = self.folder / "started"
        home = self.tree("", f"touch {started}\nexec -a {marker} sleep 300 &\nwait\n")
        scratch = self.scratch()
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(signal=number.name):
                started.unlink(missing_ok=True)
                process = subprocess.Popen(
                    [str(BIN / "aero"), "compare", str(SOFTMAX_ONLY), "--config", "as-is",
                     "--engines", "mpspdz:ring", *PROMPT],
                    env={**os.environ, "MPSPDZ_HOME": str(home), "TMPDIR": str(scratch)},
                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                    # Ignored by the tests' own shell, it would stay so.
                    preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
                while process.poll() is None and not started.exists():
                    time.sleep(0.01)
                process.send_signal(number)
                _, errors = process.communicate(timeout=60)
                self.assertEqual(process.returncode, 1)
                self.assertEqual(errors, "aero: error: mpspdz:ring: interrupted\n")
                self.assertEqual(list(scratch.iterdir()), [], "nothing is left")
                self.assert_nothing_runs(marker)

    def test_a_party_of_ours_that_hangs(self) -> None:
        # The tool starts the aero-party beside itself.
        shutil.copy(BIN / "aero", self.folder)
        party = self.folder / "aero-party"
        marker = f"aero-silent-{os.getpid()}"
        party.write_text(f"#!/bin/bash\nexec -a {marker} sleep 300\n")
        party.chmod(0o755)
        begin = time.monotonic()
        done = subprocess.run(
            [str(self.folder / "aero"), "compare", str(SOFTMAX_ONLY), "--config", "as-is",
             "--engines", "dealer", *PROMPT, "--time-limit", "2"], text=True,
            capture_output=True, timeout=600,
            env={**os.environ, "TMPDIR": str(self.scratch())})
        self.assertLess(time.monotonic() - begin, 60)
        self.assert_error(done, "dealer: the dealer had no answer within 2 s (--time-limit)")
        self.assertEqual(list(self.scratch().iterdir()), [], "nothing is left")
        self.assert_nothing_runs(marker)

    def test_the_program_says_that_it_is_insecure(self) -> None:
        seen = self.folder / "seen.mpc"
        compiler = ("import glob, shutil, sys\n"
                    f"shutil.copy(glob.glob('Programs/Source/aero*.mpc')[0], '{seen}')\n"
                    "sys.exit(1)\n")
        self.compare(self.tree(compiler, ""))
        text = seen.read_text()
        self.assertIn("# INSECURE: ", text)
        self.assertIn("insecure_reveal(", text)
        emitted = self.folder / "emitted"
        subprocess.run([str(BIN / "aero"), "emit", str(SOFTMAX_ONLY), "--config", "as-is",
                        "--target", "mpspdz", "-o", str(emitted)], check=True,
                       capture_output=True)
        self.assertNotIn("insecure", next(emitted.glob("*.mpc")).read_text().lower())

    def test_parties_that_say_nothing(self) -> None:
        self.assert_error(self.compare(self.tree("", "true\n")),
                          "MP-SPDZ did not print 'Time = '")

    def test_parties_without_an_answer(self) -> None:
        home = self.tree("", "echo 'Time = 1 seconds'\n"
                         "echo 'Data sent = 1 MB in ~2 rounds'\n"
                         "echo 'Global data sent = 1 MB'\n")
        script = home / "Scripts" / "ring.sh"

        def extend(line: str) -> None:
            script.write_text(script.read_text() + line + "\n")

        self.assert_error(self.compare(home), "MP-SPDZ has written no log of party 0")
        extend("mkdir logs; for i in 0 1 2; do echo 'Data sent = 1 MB' > logs/$1-$i; done")
        self.assert_error(self.compare(home), "MP-SPDZ has written no answer")
        extend("echo short > Player-Data/Binary-Output-P1-0")
        self.assert_error(self.compare(home), "6 bytes of answer")
        extend("echo nonsense > logs/$1-2")
        self.assert_error(self.compare(home),
                          "party 2: MP-SPDZ did not print 'Data sent = '")

    def test_what_it_cannot_express(self) -> None:
        model = self.folder / "tanh.onnx"
        make_tanh(model, layers=1)
        self.assert_error(self.compare(self.tree("", ""), model=model),
                          "'pi.tanh' (ONNX node '", problems=2)


if __name__ == "__main__":
    unittest.main()
