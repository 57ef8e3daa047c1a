# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Every official test of a supported operator passes, or is skipped by name."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from Conformance import suite

SUPPORTED = suite.operators()
_SCRATCH = tempfile.TemporaryDirectory(prefix="aero-conformance-")
TESTS = suite.load_all(SUPPORTED, Path(_SCRATCH.name))
OUTCOMES = suite.run(TESTS, Path(_SCRATCH.name))


class ConformanceTest(unittest.TestCase):
    """One test method for each official test, added below."""


class TableTest(unittest.TestCase):

    def test_documentation_is_current(self) -> None:
        table = suite.make_table(SUPPORTED, TESTS, OUTCOMES)
        text = suite.TABLE.read_text()
        self.assertEqual(
            text, suite.replace_table(text, table),
            "run python3 -m Conformance.write_table in test/")

    def test_skips_name_tests(self) -> None:
        names = {test.name for test in TESTS}
        self.assertLessEqual(suite.SKIPPED.keys(), names)


def _add(test: suite.NodeTest, outcome: suite.Outcome | None) -> None:
    def method(self: unittest.TestCase) -> None:
        if outcome is None:
            self.skipTest(test.skip)
        self.assertEqual(outcome.faults(SUPPORTED), "")
    setattr(ConformanceTest, test.name, method)


_BY_NAME = {outcome.test.name: outcome for outcome in OUTCOMES}
for _test in TESTS:
    _add(_test, _BY_NAME.get(_test.name))


if __name__ == "__main__":
    unittest.main()
