#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""GPT-2 124M, privately, on this machine: bytes, seconds and memory of each
configuration, on the same engine in one run.

Writes a GPT-2-shaped model with random weights (L=12, H=12, d=768, T=128,
V=50257) unless it is there, and answers one prompt with each configuration,
between three processes, embedding and vocabulary projection included. Reported,
not tested. Needs python3-torch and a built tree; 3 GB of free disk.

    benchmarks/gpt2/run.py [--configs SM+LN+G,SM+ScFuFFN] [--context 128]
                           [--layers 12] [--tokens 3] [--json results.json]
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BIN = HERE.parent.parent / "build" / "bin"
CONFIGS = "SM+LN+G,SM+LN+R,SM+ScFuFFN,SM+ScFuFFN_i(6)"
COLUMNS = ("config", "online MB", "offline MB", "exchanges", "offline s",
           "online s", "total s", "compile s", "peak GB", "difference")


def run(command: list[str]) -> str:
    """The output of a command that must succeed."""
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    return done.stdout


def measure(model: Path, config: str, prompt: str, tokens: int) -> dict:
    """One row: the compile by itself, then a session of `tokens` answers."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.monotonic()
        run([str(BIN / "aero"), "compile", str(model), "--config", config,
             "-o", f"{folder}/gpt2.aero"])
        compile_seconds = time.monotonic() - start
    text = run([str(BIN / "aero"), "run", str(model), "--config", config,
                "--tokens", prompt, "--new-tokens", str(tokens), "--json"])
    result = json.loads(text)
    # The first inference of a session touches the weights for the first time.
    steady = result["inferences"][1:] or result["inferences"]
    parties = result["parties"].values()
    return {
        "config": config,
        "online_bytes": result["total"]["online"],
        "offline_bytes": result["total"]["offline"],
        "setup_bytes": result["total"]["setup"],
        "exchanges": result["exchanges_per_inference"],
        "offline_seconds": min(one["offline_seconds"] for one in steady),
        "online_seconds": min(one["seconds"] for one in steady),
        "first": result["inferences"][0],
        "compile_seconds": compile_seconds,
        "peak_party_bytes": max(one["peak_memory_bytes"] for one in parties),
        "logit_difference": result["max_logit_difference"],
        "same_tokens": result["same_tokens"],
    }


def print_row(row: dict) -> None:
    """A line of the table."""
    total = row["offline_seconds"] + row["online_seconds"]
    cells = (row["config"], f"{row['online_bytes'] / 1e6:.1f}",
             f"{row['offline_bytes'] / 1e6:.1f}", str(row["exchanges"]),
             f"{row['offline_seconds']:.2f}", f"{row['online_seconds']:.2f}",
             f"{total:.2f}", f"{row['compile_seconds']:.1f}",
             f"{row['peak_party_bytes'] / 1e9:.2f}",
             f"{row['logit_difference']:.5f}")
    print(f"{cells[0]:<16}" + "".join(f"{cell:>11}" for cell in cells[1:]),
          flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configs", default=CONFIGS)
    parser.add_argument("--model", type=Path,
                        help="the ONNX file, written if it is not there")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--context", type=int, default=128)
    parser.add_argument("--tokens", type=int, default=3,
                        help="private inferences of each configuration")
    parser.add_argument("--json", type=Path, help="write the rows here, too")
    arguments = parser.parse_args()

    model = arguments.model or Path(
        f"gpt2-l{arguments.layers}-t{arguments.context}.onnx")
    if not model.exists():
        print(f"writing {model} ...", flush=True)
        run(["/usr/bin/python3", str(HERE / "make_model.py"), str(model),
             "--layers", str(arguments.layers), "--context",
             str(arguments.context)])
    length = arguments.context - arguments.tokens
    prompt = ",".join(str(7 * i % 50257) for i in range(length))

    print(f"{COLUMNS[0]:<16}" + "".join(f"{name:>11}" for name in COLUMNS[1:]))
    rows = []
    for config in arguments.configs.split(","):
        rows.append(measure(model, config, prompt, arguments.tokens))
        print_row(rows[-1])
    first, last = rows[0], rows[-1]
    if len(rows) > 1:
        def total(row: dict) -> float:
            return row["online_bytes"] + row["offline_bytes"]

        def seconds(row: dict) -> float:
            return row["online_seconds"] + row["offline_seconds"]

        print(f"{first['config']} against {last['config']}: "
              f"{total(first) / total(last):.2f} times the bytes, "
              f"{seconds(first) / seconds(last):.2f} times the seconds")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    print(f"largest process, the compiler included: {peak:.2f} GB")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
