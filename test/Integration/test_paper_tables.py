# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The paper's counts of nonlinear operations and FLOPs, all 24 rows."""

from __future__ import annotations

import sys
import unittest

from support import ROOT, ToolTest

sys.path.insert(0, str(ROOT / "benchmarks" / "paper"))

import tables  # noqa: E402


class PaperTablesTest(ToolTest):

    def test_every_row(self) -> None:
        rows = tables.rows(self.folder)
        self.assertEqual(len(rows), 24)
        for row in rows:
            with self.subTest(f"{row['config']}, L={row['L']}, T={row['T']}"):
                self.assertEqual(row["differs"], [], row["measured"])

    def test_a_wrong_figure_shows(self) -> None:
        printed = tables.printed_rows()[0]
        measured = dict(printed, ffn_gflops=14.56, softmax=[143, 128, 128])
        self.assertEqual(tables.differences(printed, measured),
                         ["softmax", "ffn_gflops"])


if __name__ == "__main__":
    unittest.main()
