#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Takes 20 steps of the recipe for GPT-2 124M on this machine, on random tokens.

Shows that the recipe runs, from an untrained network over `aero rewrite` to
aero-train, and how long all of it would take here. Writes nothing but to a temporary
folder. Needs python3-torch, a built tree and about 8 GB of memory.

    benchmarks/training/gpt2_dry_run.py [--steps 20] [--batch 2] [--device cpu]
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))

from table import AERO, PYTHON, ROOT, call  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--batch", type=int, default=2,
                        help="windows a step; the recipe has 256")
    parser.add_argument("--device", default="cpu")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tokens = np.random.default_rng(0).integers(0, 50257, 200_000)
        np.save(folder / "tokens.npy", tokens.astype(np.uint16))
        call([PYTHON, "-m", "aero.new_gpt2", folder / "base.onnx", "--layers", 12,
              "--heads", 12, "--width", 768, "--context", 128, "--vocab", 50257])
        call([AERO, "rewrite", folder / "base.onnx", "--config", "SM(t)+ScFuFFN",
              "--initial-temperature", "0.01", "-o", folder / "start.onnx"])
        # float32: a CPU has no TF32.
        print(call([PYTHON, "-m", "aero.train", folder / "start.onnx", "--data",
                    folder / "tokens.npy", "--out", folder / "run", "--options",
                    ROOT / "python" / "recipes" / "gpt2-124m.json", "--batch",
                    arguments.batch, "--precision", "float32", "--device",
                    arguments.device, "--threads", os.cpu_count() or 1, "--dry-run",
                    arguments.steps]), end="")


if __name__ == "__main__":
    main()
