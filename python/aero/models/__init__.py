# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Reference models that the compiler imports through ONNX."""

from .gpt2 import GPT2, GPT2Config, named_config, named_config_names

__all__ = ["GPT2", "GPT2Config", "named_config", "named_config_names"]
