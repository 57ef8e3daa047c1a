# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes an untrained GPT-2 as ONNX, to be rewritten and trained."""

from __future__ import annotations

import argparse
import pathlib
import sys
from typing import List, Optional

import torch

from .arguments import ArgumentParser
from .errors import AeroError
from .export import export_onnx
from .models.gpt2 import GPT2, named_config, named_config_names


def make_parser() -> ArgumentParser:
    """The command line."""
    parser = ArgumentParser(
        prog="aero-new-gpt2",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("output", type=pathlib.Path, help="the ONNX file to write")
    parser.add_argument(
        "--config",
        default="SM+LN+G",
        choices=named_config_names(),
        help="nonlinearities; aero rewrite makes the others of the baseline",
    )
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=4, help="of each layer")
    parser.add_argument("--width", type=int, default=128, help="of the stream")
    parser.add_argument("--context", type=int, default=64, help="positions, T")
    parser.add_argument(
        "--vocab", type=int, default=256, help="tokens; 256 are the bytes"
    )
    parser.add_argument(
        "--init-std", type=float, default=0.02, help="deviation of new matrices"
    )
    parser.add_argument(
        "--embedding-std", type=float, default=0.02, help="deviation of new embeddings"
    )
    parser.add_argument("--seed", type=int, default=1)
    return parser


def main(arguments: Optional[List[str]] = None) -> int:
    """Entry point; returns the exit code."""
    try:
        args = make_parser().parse_args(arguments)
        config = named_config(
            args.config,
            n_layer=args.layers,
            n_head=args.heads,
            d_model=args.width,
            context=args.context,
            vocab=args.vocab,
            init_std=args.init_std,
            embedding_std=args.embedding_std,
        )
        if min(args.init_std, args.embedding_std) < 0:
            raise AeroError("--init-std and --embedding-std must not be negative")
        torch.manual_seed(args.seed)
        model = GPT2(config)
        export_onnx(model, args.output)
    except (OSError, RuntimeError, ValueError) as error:
        print(f"aero-new-gpt2: error: {error}", file=sys.stderr)
        return 1
    total = sum(parameter.numel() for parameter in model.parameters())
    print(f"{args.output}: {args.config}, {total:,} parameters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
