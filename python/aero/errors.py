# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Errors that a user can cause."""


class AeroError(ValueError):
    """Bad input; the message names the file, node or option and what to do."""
