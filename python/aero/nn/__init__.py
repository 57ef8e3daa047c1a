# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Networks that ``aero rewrite`` wrote, as modules that can be trained.

:func:`from_onnx` reads one, :func:`to_onnx` writes the trained values back into
the graph that it came from.
"""

from .module import Attention, AttentionMap, OnnxModule, from_onnx
from .reader import LearnableScalar
from .writer import to_onnx

__all__ = [
    "Attention",
    "AttentionMap",
    "LearnableScalar",
    "OnnxModule",
    "from_onnx",
    "to_onnx",
]
