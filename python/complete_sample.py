#!/usr/bin/env python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Continues a text in the clear with a checkpoint, taking the likeliest byte."""

import argparse
import pathlib
import sys

import torch

from aero.training import greedy, load_model


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "checkpoint", type=pathlib.Path, help="a checkpoint.pt you trust (a pickle)"
    )
    parser.add_argument("text", help="the beginning; \\n stands for a line end")
    parser.add_argument(
        "--count", type=int, help="bytes to add (default: up to the context length)"
    )
    return parser.parse_args()


def main() -> int:
    """Entry point."""
    args = parse_arguments()
    torch.set_num_threads(1)
    prompt = args.text.replace("\\n", "\n").encode("utf-8")
    try:
        model = load_model(args.checkpoint)
        count = args.count
        if count is None:
            count = max(0, model.config.context - len(prompt))
        text = greedy(model, prompt, count)
    except (OSError, RuntimeError, ValueError) as error:
        print(f"complete_sample.py: error: {error}", file=sys.stderr)
        return 1
    print(text.decode("utf-8", "replace"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
