# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every family, as every exporter writes it, agrees with ONNX Runtime.

The imported graph and the raised one run on the float interpreter. Raising has
to find each attention, norm, activation and rotary embedding, and to leave no
arithmetic that pi-verify-raised refuses. Both are also written as ONNX again:
what ONNX Runtime computes from the new file, and the interpreter after it has
read it, is still the same, and raising finds as many ops in it.
"""

from __future__ import annotations

import dataclasses
import tempfile
import unittest
from pathlib import Path

import onnx

from Families import Case, all_cases
from Families.oracle import INTERPRETER, Result, Run, evaluate, relative_error

TOLERANCE = 1e-4

CASES = all_cases()
_SCRATCH = tempfile.TemporaryDirectory(prefix="aero-families-")


@dataclasses.dataclass(frozen=True)
class Exported:
    """A case that was written as ONNX again: what is in the file, and what two
    engines make of it. Without a file there is an error."""

    inputs: list[str]
    outputs: list[str]
    error: str
    oracle: Result
    interpreter: Result


def _export(models: list[Path], folder: Path, raised: bool) -> list[Exported]:
    runs, checked = [], []
    requests = [Run(model, case.inputs, folder / case.name,
                    {"bind": case.bind, "raise": raised, "export": "new.onnx"})
                for case, model in zip(CASES, models)]
    for case, request, done in zip(CASES, requests,
                                   evaluate(requests, INTERPRETER)):
        path = request.folder / "new.onnx"
        if not path.exists():
            checked.append(([], [], done.error))
            runs.append(Run(path, {}, folder / "run" / case.name))
            continue
        error = ""
        try:
            onnx.checker.check_model(str(path), full_check=True)
        except Exception as problem:  # Of many types, all of them findings.
            error = str(problem)
        graph = onnx.load(str(path)).graph
        names = [value.name for value in graph.input]
        checked.append((names, [value.name for value in graph.output], error))
        # What nothing reads is no input of the new file.
        runs.append(Run(path, {name: case.inputs[name] for name in names},
                        folder / "run" / case.name))
    oracle = evaluate(runs)
    again = evaluate([dataclasses.replace(run, options={"raise": raised},
                                          folder=run.folder / "again")
                      for run in runs], INTERPRETER)
    return [Exported(*facts, *results)
            for facts, *results in zip(checked, oracle, again)]


def _evaluate() -> tuple[list, ...]:
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

    return (expected, run(raised=False), run(raised=True),
            _export(models, folder / "exported-low", raised=False),
            _export(models, folder / "exported", raised=True))


EVALUATED = _evaluate()


class FamilyTest(unittest.TestCase):
    """Three test methods for each case, added below."""

    def compare(self, result: Result, expected: Result) -> None:
        self.assertEqual(expected.error, "", "ONNX Runtime")
        self.assertEqual(result.error, "")
        self.assertEqual(result.outputs.keys(), expected.outputs.keys())
        for name, array in expected.outputs.items():
            self.assertLessEqual(relative_error(result.outputs[name], array),
                                 TOLERANCE, name)


    def compare_export(self, exported: Exported, expected: Result) -> None:
        self.assertEqual(exported.error, "", "onnx.checker")
        self.assertEqual(exported.outputs, list(expected.outputs))
        self.compare(exported.oracle, expected)
        self.compare(exported.interpreter, expected)


def _add(case: Case, expected: Result, imported: Result, raised: Result,
         low_export: Exported, raised_export: Exported) -> None:
    def test_import(self: FamilyTest) -> None:
        self.compare(imported, expected)

    def test_raise(self: FamilyTest) -> None:
        self.compare(raised, expected)
        found = {op: raised.ops.get(f"pi.{op}", 0) for op in case.expect}
        self.assertEqual(found, case.expect)

    def test_export(self: FamilyTest) -> None:
        self.compare_export(low_export, expected)
        self.compare_export(raised_export, expected)
        again = raised_export.interpreter.ops
        self.assertEqual({op: again.get(f"pi.{op}", 0) for op in case.expect},
                         case.expect)

    setattr(FamilyTest, f"test_import_{case.name}", test_import)
    setattr(FamilyTest, f"test_raise_{case.name}", test_raise)
    setattr(FamilyTest, f"test_export_{case.name}", test_export)


for _results in zip(CASES, *EVALUATED):
    _add(*_results)


if __name__ == "__main__":
    unittest.main()
