# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Turns ONNX's textual form into model files: text_to_onnx.py FOLDER writes
NAME.onnx beside each NAME. Lines that start with // are left out."""

import pathlib
import sys

import onnx
import onnx.parser

for source in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    if source.suffix:
        continue
    lines = source.read_text().splitlines()
    text = "\n".join(line for line in lines if not line.startswith("//"))
    model = onnx.parser.parse_model(text)
    source.with_suffix(".onnx").write_bytes(model.SerializeToString())
