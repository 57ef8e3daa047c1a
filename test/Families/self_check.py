#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes every case and compares ONNX Runtime with PyTorch.

Usage: self_check.py [WORD ...], which keeps the cases whose name holds a WORD.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from Families import Case, Result, Run, all_cases, evaluate  # noqa: E402
from Families import relative_error  # noqa: E402

TOLERANCE = 1e-4


def verdict(case: Case, result: Result) -> tuple[bool, str]:
    """Whether ``result`` is right, and a few words on it."""
    if result.error:
        return False, result.error
    if case.reference is None:
        finite = all((abs(array) < 1e30).all() for array in result.outputs.values())
        return bool(finite), "ran; no module to compare with"
    expected = case.reference()
    if list(expected) != list(result.outputs):
        return False, f"outputs {list(result.outputs)}, not {list(expected)}"
    worst = max(relative_error(result.outputs[name], array)
                for name, array in expected.items())
    scale = abs(next(iter(expected.values()))).max()
    return worst <= TOLERANCE, f"error {worst:.1e}, scale {scale:.2g}"


def main() -> int:
    words = sys.argv[1:]
    started = time.monotonic()
    cases = [case for case in all_cases()
             if not words or any(word in case.name for word in words)]
    names = [case.name for case in cases]
    duplicates = {name for name in names if names.count(name) > 1}
    passed = 0
    with tempfile.TemporaryDirectory(prefix="aero-families-") as holder:
        folder = Path(holder)
        runs, broken = [], {}
        for case in cases:
            try:
                model = case.write(folder / "models")
                if not case.oracle:
                    model = case.write_oracle(folder / "models")
            except Exception as error:  # one case must not hide the others
                broken[case.name] = f"{type(error).__name__}: {error}"
                continue
            runs.append((case, Run(model, case.inputs, folder / "runs" / case.name)))
        results = dict(zip((case.name for case, _ in runs),
                           evaluate(run for _, run in runs)))
        for case in cases:
            result = results.get(case.name, Result({}, broken.get(case.name, "")))
            good, text = verdict(case, result)
            good = good and case.name not in duplicates
            passed += good
            print(f"{'pass' if good else 'FAIL'} {case.name}: {text}")
    print(f"{passed} passed, {len(cases) - passed} failed "
          f"in {time.monotonic() - started:.1f} s")
    return 0 if passed == len(cases) else 1


if __name__ == "__main__":
    sys.exit(main())
