# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""``python3 -m aero.train`` is ``aero-train``."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
