#!/usr/bin/env python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Exports a checkpoint of train_sample.py to ONNX.

The same checkpoint and the same PyTorch give the same file, byte for byte.
"""

import argparse
import hashlib
import pathlib
import sys

import torch

from aero.export import export_onnx
from aero.training import load_model


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "checkpoint", type=pathlib.Path, help="a checkpoint.pt you trust (a pickle)"
    )
    parser.add_argument("output", type=pathlib.Path, help="the ONNX file to write")
    return parser.parse_args()


def main() -> int:
    """Entry point."""
    args = parse_arguments()
    torch.set_num_threads(1)
    try:
        export_onnx(load_model(args.checkpoint), args.output)
    except (OSError, RuntimeError, ValueError) as error:
        print(f"export_sample.py: error: {error}", file=sys.stderr)
        return 1
    content = args.output.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    print(f"{args.output}: {len(content):,} bytes, sha256 {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
