# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Command lines whose errors are those of everything else."""

from __future__ import annotations

import argparse
from typing import NoReturn

from .errors import AeroError


class ArgumentParser(argparse.ArgumentParser):
    """Raises what it does not understand, instead of printing its usage."""

    def error(self, message: str) -> NoReturn:
        raise AeroError(f"{message}; see {self.prog} --help")
