#!/usr/bin/env python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes a GPT-2-shaped ONNX model with random weights.

The defaults are the shape of GPT-2 small at a context of 128. What secure
inference costs does not depend on the values of the weights, so a random model
serves for measuring it; its predictions mean nothing.
"""

import argparse
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "python"))

from aero.export import export_onnx  # noqa: E402
from aero.models.gpt2 import (  # noqa: E402
    ACTIVATIONS,
    GPT2,
    named_config,
    named_config_names,
)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("output", type=pathlib.Path, help="the ONNX file to write")
    parser.add_argument("--config", default="SM+LN+G", choices=named_config_names())
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--context", type=int, default=128)
    parser.add_argument("--vocab", type=int, default=50257)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--activation",
        choices=ACTIVATIONS,
        help="another FFN activation than the configuration's (default: keep it)",
    )
    return parser.parse_args()


def randomise_vectors(model: GPT2) -> None:
    """Moves biases, gains and scales away from the zeros and ones they start at.

    A trained model has no two equal biases; left equal, the exporter would write
    one of them and alias the others to it.
    """
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() < 2:
                parameter.add_(torch.randn_like(parameter) * 0.02)


def main() -> int:
    """Builds and exports the model."""
    args = parse_arguments()
    overrides = {"activation": args.activation} if args.activation else {}
    try:
        config = named_config(
            args.config,
            n_layer=args.layers,
            n_head=args.heads,
            d_model=args.width,
            context=args.context,
            vocab=args.vocab,
            **overrides,
        )
    except ValueError as error:
        print(f"make_model.py: error: {error}", file=sys.stderr)
        return 2
    torch.manual_seed(args.seed)
    start = time.monotonic()
    model = GPT2(config)
    randomise_vectors(model)
    export_onnx(model, args.output)
    parameters = sum(p.numel() for p in model.parameters())
    print(
        f"{args.output}: {args.config}, {parameters:,} parameters, "
        f"{args.output.stat().st_size:,} bytes, {time.monotonic() - start:.1f} s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
