# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The command line of ``aero-train``."""

from __future__ import annotations

import argparse
import dataclasses
import json
import pathlib
import sys
from typing import Any, Dict, List, Optional

from ..arguments import ArgumentParser
from ..data import DEFAULT_PATTERNS, DEFAULT_TOKEN_TYPE, TOKEN_TYPES, default_folder
from ..errors import AeroError
from .options import (
    DEFAULT_FACTORS,
    NORM_ORDERS,
    NORMALIZATIONS,
    PRECISIONS,
    TrainOptions,
    parse_norm_schedule,
)
from .run import run

# More than any machine has; a pool of a billion threads ends the process.
MOST_THREADS = 4096

DESCRIPTION = """
Trains the network of an ONNX file and writes it back as ONNX. Start it again with
the same arguments to go on where it was stopped.

OUT gets checkpoint.npz, metrics.jsonl (a line a step), tokenizer.json (of byte
pairs) and, at the end, model.onnx and metrics.json.
"""


def make_parser() -> ArgumentParser:
    """The command line."""
    parser = ArgumentParser(
        prog="aero-train",
        description=DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "model", type=pathlib.Path, help="ONNX file, as aero rewrite writes it"
    )
    parser.add_argument("--out", type=pathlib.Path, help="folder of the run")
    parser.add_argument(
        "--options",
        type=pathlib.Path,
        metavar="FILE",
        help="JSON object of these options, e.g. {\"lr\": 1e-3}; the command line goes "
        "before it",
    )
    _add_data(parser.add_argument_group("data"))
    _add_training(parser.add_argument_group("training"))
    _add_methods(parser.add_argument_group("stability"))
    _add_running(parser.add_argument_group("running and reports"))
    return parser


def _add_data(group: Any) -> None:
    group.add_argument(
        "--data",
        type=pathlib.Path,
        default=default_folder(),
        metavar="PATH",
        help="folder of text, or tokens: .npy, .npz, or raw (default: the sources of "
        "the Python standard library, %(default)s)",
    )
    group.add_argument(
        "--patterns",
        help="files of the folder, with commas (default: "
        f"{','.join(DEFAULT_PATTERNS)}; of the standard library *.py)",
    )
    group.add_argument(
        "--tokenizer",
        metavar="auto|bytes|bpe|FILE",
        help="of a folder: bytes, byte pairs learned on the training side, or a "
        "tokenizer.json; auto takes bytes if the model's vocabulary is 256 or less "
        "(default: auto)",
    )
    group.add_argument(
        "--token-type",
        choices=TOKEN_TYPES,
        help="of a raw token file, little-endian, of any name (default: "
        f"{DEFAULT_TOKEN_TYPE}, for .bin and .raw)",
    )
    group.add_argument(
        "--save-samples",
        type=pathlib.Path,
        metavar="FILE.npy",
        help="also write 64 evaluation windows, for aero check --prompts and "
        "aero rewrite --calibrate",
    )


def _add_training(group: Any) -> None:
    defaults = TrainOptions()

    def add(name: str, kind: type, text: str) -> None:
        value = getattr(defaults, name)
        group.add_argument(
            "--" + name.replace("_", "-"),
            type=kind,
            default=value,
            metavar="N" if kind is int else "X",
            help=f"{text} (default: {value})",
        )

    add("steps", int, "steps of the optimiser")
    add("batch", int, "windows a step")
    add("accumulate", int, "parts that the windows of a step are computed in")
    add("lr", float, "learning rate")
    add("warmup", int, "steps in which it rises")
    add("decay_steps", int, "steps in which it falls at the end; 0: after the warmup")
    add("final_lr_share", float, "part of it that is left at the end")
    add("weight_decay", float, "of matrices; nothing else is decayed")
    add("grad_clip", float, "largest norm of the gradient")
    add("beta1", float, "of AdamW")
    add("beta2", float, "of AdamW")
    add("seed", int, "of the batches")
    group.add_argument(
        "--precision",
        choices=PRECISIONS,
        default=defaults.precision,
        help="of products; tf32 is for GPUs (default: %(default)s)",
    )
    group.add_argument(
        "--lr-factor",
        action="append",
        default=[],
        metavar="ROLE=X",
        help="factor on the learning rate of learnable scalars, repeatable (default: "
        + ", ".join(f"{role}={factor:g}" for role, factor in DEFAULT_FACTORS.items())
        + ")",
    )
    add("min_temperature", float, "where a temperature of attention stops falling")


def _add_methods(group: Any) -> None:
    defaults = TrainOptions()
    group.add_argument(
        "--entropy-lambda",
        type=float,
        default=defaults.entropy_lambda,
        metavar="X",
        help="factor of the entropy regulariser in the loss; it needs entropy "
        "thresholds, which SM(t) configurations have (default: 0, off)",
    )
    group.add_argument(
        "--entropy-gamma",
        type=float,
        default=defaults.entropy_gamma,
        metavar="X",
        help="how far, as a part of log T, an entropy may be from its threshold for "
        "nothing (default: %(default)s)",
    )
    group.add_argument(
        "--own-thresholds",
        action="store_true",
        help="learn thresholds that are not in the file, and are not written",
    )
    group.add_argument(
        "--normalize",
        choices=NORMALIZATIONS,
        default=defaults.normalize,
        help="normalise the FFN matrices while training (default: %(default)s)",
    )
    group.add_argument(
        "--remove-norms",
        metavar="STEPS",
        help="replace the norms by fixed scales, one after another: after these steps "
        "(100,200,...), or START:EVERY",
    )
    group.add_argument(
        "--remove-norms-order",
        choices=NORM_ORDERS,
        default=defaults.remove_norms_order,
        help="which norm goes first (default: %(default)s)",
    )
    group.add_argument(
        "--norm-windows",
        type=int,
        default=defaults.norm_windows,
        metavar="N",
        help="training windows that the scale of a norm is measured on "
        "(default: %(default)s)",
    )


def _add_running(group: Any) -> None:
    group.add_argument(
        "--device", default="cpu", help="cpu, cuda or cuda:N (default: %(default)s)"
    )
    group.add_argument(
        "--threads", type=int, default=1, metavar="N", help="(default: %(default)s)"
    )
    for name, value, text in (
        ("log-every", 100, "steps from one line of output to the next"),
        ("entropy-every", 100, "steps from one record of entropies and scalars on"),
        ("eval-every", 1000, "steps from one evaluation to the next"),
        ("save-every", 250, "steps from one checkpoint to the next"),
        ("eval-windows", 4096, "windows of the evaluation at the end"),
        ("quick-windows", 512, "windows of the evaluations meanwhile"),
    ):
        group.add_argument(
            "--" + name,
            type=int,
            default=value,
            metavar="N",
            help=f"{text} (default: {value})",
        )
    group.add_argument("--quiet", action="store_true", help="print errors only")
    group.add_argument(
        "--change-options",
        action="store_true",
        help="go on from a checkpoint with other options than it was made with",
    )
    group.add_argument(
        "--finish",
        action="store_true",
        help="no more steps: evaluate the checkpoint and write model.onnx",
    )
    group.add_argument(
        "--dry-run",
        type=int,
        metavar="N",
        help="take N steps, predict the time of all of them, write nothing",
    )


def parse(arguments: Optional[List[str]] = None) -> argparse.Namespace:
    """Reads the command line and the file that ``--options`` names."""
    parser = make_parser()
    first = parser.parse_args(arguments)
    if first.options is not None:
        parser.set_defaults(**_file_options(parser, first.options))
    args = parser.parse_args(arguments)
    if args.out is None and args.dry_run is None:
        raise AeroError("--out FOLDER is missing")
    if args.dry_run is not None and args.dry_run < 2:
        raise AeroError("--dry-run must be at least 2: the first step is not counted")
    for name in (
        "log_every", "entropy_every", "eval_every", "save_every", "eval_windows",
        "quick_windows",
    ):
        if getattr(args, name) < 1:
            raise AeroError(f"--{name.replace('_', '-')} must be at least 1")
    if not 1 <= args.threads <= MOST_THREADS:
        raise AeroError(f"--threads must be between 1 and {MOST_THREADS}")
    return args


def _file_options(
    parser: argparse.ArgumentParser, path: pathlib.Path
) -> Dict[str, Any]:
    """Options of a JSON file, each checked as the command line would be."""
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise AeroError(f"{path}: is no JSON: {error}") from error
    if not isinstance(held, dict):
        raise AeroError(f"{path}: must hold one JSON object")
    actions = {
        action.option_strings[0][2:]: action
        for action in parser._actions
        if action.option_strings and action.dest not in ("help", "options")
    }
    values = {}
    for key, value in held.items():
        if key == "comment":
            continue
        action = actions.get(key.replace("_", "-"))
        if action is None:
            raise AeroError(f"{path}: '{key}' is no option of aero-train")
        values[action.dest] = _converted(path, key, value, action)
    return values


def _converted(
    path: pathlib.Path, key: str, value: Any, action: argparse.Action
) -> Any:
    if action.nargs == 0:
        if not isinstance(value, bool):
            raise AeroError(f"{path}: '{key}' must be true or false, not {value!r}")
        return value
    if isinstance(action.default, list):
        items = value if isinstance(value, list) else [value]
        return [str(item) for item in items]
    try:
        if isinstance(value, (bool, list, dict)) or value is None:
            raise ValueError
        whole = isinstance(value, int) or isinstance(value, str)
        if action.type is int and not whole:
            raise ValueError
        converted = (action.type or str)(value)
        if action.choices is not None and converted not in action.choices:
            raise ValueError
        if "\0" in str(value):  # in a path
            raise ValueError
    except (TypeError, ValueError):
        raise AeroError(f"{path}: '{key}' cannot be {value!r}") from None
    return converted


def train_options(args: argparse.Namespace) -> TrainOptions:
    """What of the arguments determines the result."""
    values = {
        field.name: getattr(args, field.name)
        for field in dataclasses.fields(TrainOptions)
        if hasattr(args, field.name)
    }
    values["remove_norms"] = ()
    if args.remove_norms:
        steps, every = parse_norm_schedule(args.remove_norms)
        values["remove_norms"], values["remove_norms_every"] = steps, every
    factors = dict(DEFAULT_FACTORS)
    for text in args.lr_factor:
        role, _, factor = text.partition("=")
        try:
            factors[role] = float(factor)
        except ValueError:
            raise AeroError(
                f"--lr-factor {text}: must be ROLE=X, such as ffn_alpha=2"
            ) from None
    return TrainOptions(lr_factors=factors, **values)


def main(arguments: Optional[List[str]] = None) -> int:
    """Entry point; returns the exit code."""
    try:
        args = parse(arguments)
        options = train_options(args)
        return run(args, options)
    except (AeroError, OSError) as error:
        text = str(error)
        if isinstance(error, OSError) and error.filename is not None:
            text = f"{error.filename}: {error.strerror}"
        for line in text.splitlines():
            print(f"aero-train: error: {line}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("aero-train: interrupted", file=sys.stderr)
        return 130
