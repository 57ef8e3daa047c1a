# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Small transformers of many families, as many exporters write them.

Each family is a module with a table of variants and a function ``cases()``.
"""

from __future__ import annotations

from . import bert, gpt2_hf, gpt2_plain, llama, modern, neox, opt
from .cases import Case, Shape
from .oracle import Result, Run, evaluate, relative_error

FAMILIES = (gpt2_plain, gpt2_hf, neox, opt, llama, bert, modern)


def all_cases() -> list[Case]:
    """Every case of every family."""
    return [case for family in FAMILIES for case in family.cases()]


__all__ = ["Case", "FAMILIES", "Result", "Run", "Shape", "all_cases", "evaluate",
           "relative_error"]
