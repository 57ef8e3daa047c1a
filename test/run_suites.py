#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs every test suite of a built tree and adds up what they counted.

Each suite is quiet while it passes; when it fails, its own words follow. The
logs stay in build/test-logs/. Usage: run_suites.py [SUITE ...]
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
LOGS = BUILD / "test-logs"


@dataclass
class Count:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: "Count") -> "Count":
        return Count(self.passed + other.passed, self.failed + other.failed,
                     self.skipped + other.skipped)

    def __str__(self) -> str:
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


def last_int(pattern: str, text: str) -> int:
    found = re.findall(pattern, text, re.MULTILINE)
    return int(found[-1]) if found else 0


def count_ctest(text: str, code: int) -> Count:
    total = last_int(r"tests? failed out of (\d+)", text)
    failed = last_int(r"(\d+) tests? failed out of", text)
    skipped = len(re.findall(r"\*\*\*(?:Skipped|Not Run)", text))
    return Count(total - failed - skipped, failed, skipped)


def count_lit(text: str, code: int) -> Count:
    number = lambda word: last_int(rf"^\s*{word}\s*:\s*(\d+)", text)
    return Count(number("Passed"),
                 number("Failed") + number("Unresolved") + number("Timed Out")
                 + number("Unexpectedly Passed"),
                 number("Unsupported") + number("Skipped"))


def count_unittest(text: str, code: int) -> Count:
    total = last_int(r"^Ran (\d+) tests?", text)
    failed = last_int(r"failures=(\d+)", text) + last_int(r"errors=(\d+)", text)
    skipped = last_int(r"skipped=(\d+)", text)
    return Count(total - failed - skipped, failed, skipped)


def count_exit(text: str, code: int) -> Count:
    return Count(int(code == 0), int(code != 0))


@dataclass
class Suite:
    name: str
    what: str
    command: list[str]
    count: Callable[[str, int], Count]


def lit_tool() -> str:
    for candidate in ("/usr/lib/llvm-22/build/utils/lit/lit.py",
                      "/usr/lib/llvm-22/bin/lit"):
        if Path(candidate).exists():
            return candidate
    return "lit"


def unittest(tests: str, top: str) -> list[str]:
    return ["/usr/bin/python3", "-m", "unittest", "discover", "-v",
            "-s", tests, "-t", top]


def git(*arguments: str) -> list[str]:
    listed = subprocess.run(["git", *arguments], cwd=ROOT, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return listed.stdout.split()


def sources() -> list[str]:
    return git("ls-files", "*.cpp", "*.h")


def changed_sources() -> list[str]:
    """What the last commit and the working tree changed: clang-tidy takes
    seconds a file, so the whole tree is for a person's spare hour."""
    return git("diff", "--name-only", "--diff-filter=d", "HEAD~1", "--",
               "lib/*.cpp", "tools/*.cpp")


SUITES = [
    Suite("format", "clang-format",
          ["clang-format-22", "--dry-run", "-Werror", *sources()], count_exit),
    Suite("tidy", "clang-tidy, what the last commit changed",
          ["clang-tidy-22", "--quiet", "-p", str(BUILD), *changed_sources()],
          count_exit),
    Suite("unit", "GoogleTest, libraries",
          ["ctest", "--test-dir", str(BUILD), "-j2", "--output-on-failure",
           "-E", "^Fuzz"], count_ctest),
    Suite("lit", "FileCheck, dialects, passes and tools",
          [lit_tool(), "-v", "-j2", str(BUILD / "test")], count_lit),
    Suite("python", "training and export",
          unittest("python/tests", "python"), count_unittest),
    Suite("integration", "processes, oracles, bad input",
          unittest("test/Integration", "test/Integration"), count_unittest),
    Suite("conformance", "official ONNX node tests",
          unittest("test/Conformance", "test"), count_unittest),
    Suite("families", "models of six families against ONNX Runtime",
          unittest("test/Families", "test"), count_unittest),
    Suite("embedding", "an installed AERO in other projects",
          unittest("test/Embedding", "test/Embedding"), count_unittest),
    Suite("fuzz", "parsers and messages under ASan and UBSan",
          ["ctest", "--test-dir", str(BUILD), "--output-on-failure",
           "-R", "^Fuzz"], count_ctest),
]


def run(suite: Suite) -> Count:
    print(f"{suite.name:<12} {suite.what} ...", end=" ", flush=True)
    start = time.monotonic()
    environment = dict(os.environ, AERO_BUILD_DIR=str(BUILD),
                       PYTHONDONTWRITEBYTECODE="1",
                       OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    process = subprocess.run(suite.command, cwd=ROOT, env=environment,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True,
                             errors="replace")
    (LOGS / f"{suite.name}.log").write_text(process.stdout)
    count = suite.count(process.stdout, process.returncode)
    # A suite that ran nothing, or broke outside of a test, has failed.
    broken = process.returncode != 0 and count.failed == 0
    if broken or count.passed + count.failed == 0:
        count.failed += 1
    print(f"{count} ({time.monotonic() - start:.0f} s)", flush=True)
    if count.failed:
        # A line may hold a whole file, and hide all others in a log that is cut.
        print("\n".join(line[:400] for line in process.stdout.splitlines()[-60:]))
    return count


def main() -> int:
    wanted = sys.argv[1:]
    unknown = set(wanted) - {suite.name for suite in SUITES}
    if unknown:
        names = ", ".join(suite.name for suite in SUITES)
        print(f"error: no suite '{unknown.pop()}'; there are {names}",
              file=sys.stderr)
        return 1
    LOGS.mkdir(parents=True, exist_ok=True)
    total = Count()
    for suite in SUITES:
        if suite.name == "tidy" and not changed_sources():
            continue
        if not wanted or suite.name in wanted:
            total += run(suite)
    print(total)
    return 1 if total.failed else 0


if __name__ == "__main__":
    sys.exit(main())
