# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The error that a user can cause and can mend."""

from __future__ import annotations


class AeroError(ValueError):
    """A file, node or option that is not what it has to be.

    The message names it and says what to do. Commands print it after
    ``PROG: error:`` and exit with 1.
    """
