#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What importing large models costs: seconds and peak memory.

GPT-2 124M as PyTorch exports it (650 MB in one file), beside parsing its
protobuf message and nothing else, and a model of 1.5 billion parameters whose
6 GB of weights are external data. Reported, not tested. Needs python3-torch, a
tree built with -DAERO_BUILD_BENCHMARKS=ON, and 1 GB of free disk.

    benchmarks/import/run.py [--folder DIR] [--runs 5]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
BUILD = Path(os.environ.get("AERO_BUILD_DIR", ROOT / "build"))


def measure(step: str, model: Path, runs: int) -> tuple[float, float]:
    """Median seconds, and the largest peak memory in bytes."""
    results = []
    for _ in range(runs):
        done = subprocess.run([BUILD / "bin" / "AeroImportBenchmark", step, model],
                              capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(done.stderr)
        results.append(json.loads(done.stdout))
    return (median(r["seconds"] for r in results),
            max(r["peak_bytes"] for r in results))


def make(script: Path, model: Path) -> None:
    if not model.exists():
        print(f"writing {model} ...", flush=True)
        subprocess.run(["/usr/bin/python3", script, model], check=True,
                       stdout=subprocess.DEVNULL)


def report(title: str, model: Path, size: int, steps: list[str],
           runs: int) -> None:
    print(f"\n{title}")
    base = None
    for step in steps:
        seconds, peak = measure(step, model, runs)
        base = base or seconds
        print(f"  {step:<8}{seconds:7.2f} s  {seconds / base:5.2f} x  "
              f"peak {peak / 1e6:7.0f} MB  {peak / size:5.2f} x the file")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("."),
                        help="where the models are, or are written")
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)

    small = args.folder / "gpt2-124m.onnx"
    make(ROOT / "benchmarks" / "gpt2" / "make_model.py", small)
    size = small.stat().st_size
    report(f"GPT-2 124M, {size / 1e6:.0f} MB in one file", small, size,
           ["parse", "import", "raise"], args.runs)

    large = args.folder / "gpt2-xl.onnx"
    make(HERE / "make_large.py", large)
    size = large.stat().st_size + large.with_suffix(".data").stat().st_size
    report(f"GPT-2 XL, 1.5 billion parameters, {size / 1e6:.0f} MB with external "
           "data", large, size, ["import", "raise"], args.runs)


if __name__ == "__main__":
    main()
