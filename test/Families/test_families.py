# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every family, as every exporter writes it, agrees with ONNX Runtime.

The imported graph and the raised one run on the float interpreter. Raising has
to find each attention, norm, activation and rotary embedding, and to leave no
arithmetic that pi-verify-raised refuses.
"""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from Families import Case, all_cases
from Families.oracle import INTERPRETER, Result, Run, evaluate, relative_error

TOLERANCE = 1e-4

CASES = all_cases()
_SCRATCH = tempfile.TemporaryDirectory(prefix="aero-families-")


def _evaluate() -> tuple[list[Result], list[Result], list[Result]]:
    folder = Path(_SCRATCH.name)
    models = [case.write(folder / "models") for case in CASES]
    oracles = [case.write_oracle(folder / "oracles") for case in CASES]
    expected = evaluate(Run(model, case.inputs, folder / "ort" / case.name)
                        for case, model in zip(CASES, oracles))

    def run(raised: bool) -> list[Result]:
        name = "raised" if raised else "imported"
        return evaluate((Run(model, case.inputs, folder / name / case.name,
                             {"bind": case.bind, "raise": raised})
                         for case, model in zip(CASES, models)), INTERPRETER)

    return expected, run(raised=False), run(raised=True)


EXPECTED, IMPORTED, RAISED = _evaluate()


class FamilyTest(unittest.TestCase):
    """Two test methods for each case, added below."""

    def compare(self, result: Result, expected: Result) -> None:
        self.assertEqual(expected.error, "", "ONNX Runtime")
        self.assertEqual(result.error, "")
        self.assertEqual(result.outputs.keys(), expected.outputs.keys())
        for name, array in expected.outputs.items():
            self.assertLessEqual(relative_error(result.outputs[name], array),
                                 TOLERANCE, name)


def _add(case: Case, expected: Result, imported: Result,
         raised: Result) -> None:
    def test_import(self: FamilyTest) -> None:
        self.compare(imported, expected)

    def test_raise(self: FamilyTest) -> None:
        self.compare(raised, expected)
        found = {op: raised.ops.get(f"pi.{op}", 0) for op in case.expect}
        self.assertEqual(found, case.expect)

    setattr(FamilyTest, f"test_import_{case.name}", test_import)
    setattr(FamilyTest, f"test_raise_{case.name}", test_raise)


for _results in zip(CASES, EXPECTED, IMPORTED, RAISED):
    _add(*_results)


if __name__ == "__main__":
    unittest.main()
