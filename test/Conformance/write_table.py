# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Renews the table of operators in docs/ from a run of the conformance tests."""

import tempfile
from pathlib import Path

from Conformance import suite


def main() -> None:
    supported = suite.operators()
    with tempfile.TemporaryDirectory(prefix="aero-conformance-") as folder:
        tests = suite.load_all(supported, Path(folder))
        outcomes = suite.run(tests, Path(folder))
    table = suite.make_table(supported, tests, outcomes)
    text = suite.TABLE.read_text()
    suite.TABLE.write_text(suite.replace_table(text, table))


if __name__ == "__main__":
    main()
