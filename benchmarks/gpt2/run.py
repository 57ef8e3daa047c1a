#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""GPT-2 124M, privately, on this machine: seconds, memory and bytes.

Writes a GPT-2-shaped model with random weights (L=12, H=12, d=768, T=128,
V=50257) unless it is there, compiles it as SM+ScFuFFN, and answers one prompt
between three processes. Reported, not tested. Needs python3-torch and a built
tree; 3 GB of free disk.

    benchmarks/gpt2/run.py [--config SM+ScFuFFN] [--model gpt2.onnx] [--tokens 2]
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


def timed(command: list[str]) -> tuple[str, float, float]:
    """Output, wall seconds and peak memory (GB) of the largest child so far."""
    start = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True)
    seconds = time.monotonic() - start
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stderr}")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1e6
    return done.stdout, seconds, peak


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--config", default="SM+ScFuFFN")
    parser.add_argument("--model", type=Path, default=Path("gpt2-random.onnx"))
    parser.add_argument("--tokens", type=int, default=2,
                        help="private inferences to run")
    arguments = parser.parse_args()

    if not arguments.model.exists():
        print(f"writing {arguments.model} ...", flush=True)
        timed(["/usr/bin/python3", str(HERE / "make_model.py"),
               str(arguments.model)])
    with tempfile.TemporaryDirectory() as folder:
        _, seconds, peak = timed(
            [str(BIN / "aero"), "compile", str(arguments.model), "--config",
             arguments.config, "-o", f"{folder}/gpt2.aero"])
        print(f"compile: {seconds:.1f} s, peak {peak:.2f} GB")

    prompt = ",".join(str(7 * i % 50257) for i in range(100))
    text, seconds, _ = timed(
        [str(BIN / "aero"), "run", str(arguments.model), "--config",
         arguments.config, "--tokens", prompt, "--new-tokens",
         str(arguments.tokens), "--json"])
    result = json.loads(text)
    print(f"aero run, compile and float reference included: {seconds:.1f} s "
          f"for {arguments.tokens} tokens")
    for index, step in enumerate(result["inferences"]):
        print(f"  inference {index + 1}: {step['offline_seconds']:.2f} s offline "
              f"+ {step['seconds']:.2f} s online")
    total = result["total"]
    print(f"bytes an inference: {total['online'] / 1e6:.1f} MB online, "
          f"{total['offline'] / 1e6:.1f} MB offline; once a session: "
          f"{total['setup'] / 1e6:.1f} MB of masked weights")
    print(f"exchanges an inference: {result['exchanges_per_inference']}")
    for party in ("client", "server", "dealer"):
        peak = result["parties"][party]["peak_memory_bytes"] / 1e9
        print(f"peak memory of the {party}: {peak:.2f} GB")
    print(f"largest logit difference from float: "
          f"{result['max_logit_difference']:.5f}; same next token: "
          f"{result['same_tokens']} of {arguments.tokens}")


if __name__ == "__main__":
    main()
