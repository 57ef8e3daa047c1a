#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Trains every configuration of the AERO paper at a small size and measures it.

A row is an untrained GPT-2 that `aero rewrite` makes a network of a configuration,
trained by aero-train, and answered privately by `aero run`. All rows have the same
shape, steps, rates and data. A row that is done is kept in the output folder, one
that was interrupted goes on, so the command can be given again at any time.

    benchmarks/training/table.py --out RUNS [--seeds 1,2,3] [--rows ...] [--jobs 2]
    benchmarks/training/render.py RUNS      writes the page and the pictures

Needs python3-torch and a built tree.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Sequence

ROOT = Path(__file__).resolve().parent.parent.parent
AERO = ROOT / "build" / "bin" / "aero"
PYTHON = "/usr/bin/python3"


@dataclasses.dataclass(frozen=True)
class Row:
    """A network, and how it is trained."""

    name: str
    config: str
    rewrite: tuple[str, ...] = ()
    train: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        return "".join(c if c.isalnum() else "-" for c in self.name).strip("-")


REGULARISED = ("--entropy-lambda", "1e-5", "--entropy-gamma", "0.2")
TEMPERATURE = ("--initial-temperature", "0.1")
ROWS = (
    Row("SM+LN+G", "SM+LN+G"),
    Row("SM+LN+R", "SM+LN+R"),
    Row("SM+LN", "SM+LN"),
    Row("SM+G", "SM+G"),
    Row("SM+R", "SM+R"),
    Row("SM", "SM"),
    Row("SM, weight norm", "SM", train=("--normalize", "weight")),
    Row("SM, spectral norm", "SM", train=("--normalize", "spectral")),
    Row("SM+ScFFN", "SM+ScFFN"),
    Row("SM+ScFuFFN", "SM+ScFuFFN"),
    Row("SM+ScFuFFN_i(3)", "SM+ScFuFFN_i(3)"),
    Row("EReg(SM(t)+ScFuFFN)", "SM(t)+ScFuFFN", TEMPERATURE, REGULARISED),
    Row("EReg(SM(t)+ScFuFFN_i(3))", "SM(t)+ScFuFFN_i(3)", TEMPERATURE, REGULARISED),
    # What the regulariser's parts do.
    Row("SM(t)+ScFuFFN, no penalty", "SM(t)+ScFuFFN", TEMPERATURE),
    Row("SM(t)+ScFuFFN, penalty 1e-1", "SM(t)+ScFuFFN", TEMPERATURE,
        ("--entropy-lambda", "1e-1", "--entropy-gamma", "0.2")),
)


def environment() -> dict[str, str]:
    return dict(os.environ, PYTHONPATH=str(ROOT / "python"), OMP_NUM_THREADS="1",
                OPENBLAS_NUM_THREADS="1")


def call(command: Sequence[Any], log: Path | None = None) -> str:
    """Output of a command; what it says goes to `log`. RuntimeError if it fails."""
    done = subprocess.run(list(map(str, command)), env=environment(), text=True,
                          capture_output=True)
    if log:
        with open(log, "a", encoding="utf-8") as file:
            file.write(done.stdout + done.stderr)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        raise RuntimeError(lines[-1])
    return done.stdout


def measure(model: Path, private: bool) -> dict[str, Any]:
    """What a network holds, and what a private inference of it takes."""
    inspect = json.loads(call([AERO, "inspect", model, "--json"]))
    report = json.loads(call([AERO, "report", model, "--config", "as-is", "--json"]))
    result: dict[str, Any] = {
        "nonlinear": inspect["nonlinear"],
        "ffn_flops": inspect["products"]["paper"]["ffn_flops"],
        "attention_flops": inspect["products"]["paper"]["attention_flops_3t2d"],
        "parameters": inspect["parameters"]["total"],
        "predicted": {
            "online": report["total"]["online_bytes"],
            "offline": report["total"]["offline_bytes"],
            "exchanges": report["critical_path_exchanges"],
            "seconds": report["total"]["seconds"],
        },
    }
    if private:
        run = json.loads(call([AERO, "run", model, "--config", "as-is", "--prompt",
                               "def __init__(self", "--new-tokens", "8", "--json"]))
        steady = run["inferences"][1:]
        result["measured"] = {
            "online": run["total"]["online"],
            "offline": run["total"]["offline"],
            "exchanges": run["exchanges_per_inference"],
            "seconds": min(i["seconds"] + i["offline_seconds"] for i in steady),
            "logit_difference": run["max_logit_difference"],
            "same_tokens": run["same_tokens"],
            "tokens": len(run["inferences"]),
        }
    return result


def make_row(row: Row, seed: int, args: argparse.Namespace) -> str:
    """Trains and measures one row; what became of it, for people."""
    folder = args.out / f"{row.folder}-seed{seed}"
    folder.mkdir(parents=True, exist_ok=True)
    result_path = folder / "result.json"
    if result_path.exists():
        return f"{row.name}, seed {seed}: done before"
    log, base = folder / "log.txt", folder / "base.onnx"
    start = folder / "start.onnx"
    if not start.exists():
        call([PYTHON, "-m", "aero.new_gpt2", base, "--layers", args.layers, "--heads",
              args.heads, "--width", args.width, "--context", args.context,
              "--init-std", args.init_std, "--embedding-std", args.embedding_std,
              "--seed", seed], log)
        call([AERO, "rewrite", base, "--config", row.config, "-o", start,
              *row.rewrite], log)
        base.unlink()
    begin = time.monotonic()
    result: dict[str, Any] = {"row": row.name, "config": row.config, "seed": seed}
    try:
        call([PYTHON, "-m", "aero.train", start, "--out", folder / "run", "--steps",
              args.steps, "--batch", args.batch, "--lr", args.lr, "--warmup",
              args.warmup, "--decay-steps", args.decay_steps, "--seed", seed,
              "--entropy-every", 50, "--eval-every", args.steps, "--log-every", 50,
              "--eval-windows", args.eval_windows,
              *row.train], log)
    except RuntimeError as error:
        if "training diverged" not in str(error):
            raise
        result["diverged"] = str(error)
    if "diverged" not in result:
        metrics = json.loads((folder / "run" / "metrics.json").read_text())
        result["metrics"] = metrics
        model = folder / "run" / "model.onnx"
        # The parties take a core each: one private answer at a time.
        with args.lock:
            result.update(measure(model, private=True))
    result["seconds"] = time.monotonic() - begin
    part = result_path.with_suffix(".part")
    part.write_text(json.dumps(result, indent=1) + "\n")
    part.replace(result_path)
    if "diverged" in result:
        return f"{row.name}, seed {seed}: {result['diverged'][:120]}"
    return (f"{row.name}, seed {seed}: perplexity "
            f"{result['metrics']['eval_perplexity']:.3f}, {result['seconds']:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of all runs")
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--rows", help="names, separated by ';'; all without")
    parser.add_argument("--jobs", type=int, default=2, help="rows at a time")
    parser.add_argument("--layers", type=int, default=6)
    parser.add_argument("--heads", type=int, default=6)
    parser.add_argument("--width", type=int, default=192)
    parser.add_argument("--context", type=int, default=128)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--warmup", type=int, default=150)
    parser.add_argument("--decay-steps", type=int, default=500)
    parser.add_argument("--eval-windows", type=int, default=1024)
    parser.add_argument("--init-std", type=float, default=0.04)
    parser.add_argument("--embedding-std", type=float, default=0.1)
    args = parser.parse_args()
    if shutil.which(str(AERO)) is None:
        sys.exit(f"error: {AERO} is missing; run ./quickstart.sh first")

    args.lock = threading.Lock()
    wanted = {name.strip() for name in args.rows.split(";")} if args.rows else None
    unknown = (wanted or set()) - {row.name for row in ROWS}
    if unknown:
        names = "; ".join(row.name for row in ROWS)
        sys.exit(f"error: no row '{unknown.pop()}'; there are {names}")
    settings = {key: value for key, value in vars(args).items()
                if isinstance(value, (int, float)) and key != "jobs"}
    args.out.mkdir(parents=True, exist_ok=True)
    known = args.out / "settings.json"
    if known.exists() and json.loads(known.read_text()) != settings:
        sys.exit(f"error: {known} says other settings than these; choose another --out")
    known.write_text(json.dumps(settings, indent=1) + "\n")

    jobs = [(row, int(seed)) for seed in args.seeds.split(",") for row in ROWS
            if wanted is None or row.name in wanted]
    with ThreadPoolExecutor(args.jobs) as pool:
        pending = [pool.submit(make_row, row, seed, args) for row, seed in jobs]
        failed = 0
        for job, (row, seed) in zip(pending, jobs):
            try:
                print(job.result(), flush=True)
            except (OSError, RuntimeError, KeyError) as error:
                failed += 1
                print(f"{row.name}, seed {seed}: error: {error}", flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
