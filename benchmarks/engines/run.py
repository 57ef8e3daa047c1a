#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""One network on the embedded engine and on MP-SPDZ, measured in one run.

The network has the layers of GPT-2 124M and a vocabulary of bytes: an engine's
work is in the layers. All parties run on this machine. MPSPDZ_HOME names a built
tree of MP-SPDZ; the engines that it lacks are left out. Needs python3-torch.

    benchmarks/engines/run.py [--configs SM+LN+G,SM+ScFuFFN] [--protocols ...]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
AERO = ROOT / "build" / "bin" / "aero"
sys.path.insert(0, str(ROOT / "test" / "Integration"))

import mpspdz  # noqa: E402

TOKENS = list(b"def __init__(self, name):")


def call(*command: object) -> str:
    done = subprocess.run(list(map(str, command)), text=True, capture_output=True,
                          env=dict(os.environ, PYTHONPATH=str(ROOT / "python")))
    if done.returncode != 0:
        sys.exit(f"{command} failed: {done.stderr}")
    return done.stdout


def digits(number: float) -> str:
    return f"{number:,.0f}" if number >= 100 else f"{number:.3g}"


def print_row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def run_embedded(model: Path, config: str) -> None:
    done = json.loads(call(AERO, "run", model, "--config", config, "--tokens",
                           ",".join(map(str, TOKENS)), "--new-tokens", 3, "--json"))
    best = min(done["inferences"][1:],
               key=lambda i: i["seconds"] + i["offline_seconds"])
    total = done["total"]
    megabytes = (total["online"] + total["offline"]) / 1e6
    print_row(config, "last", "embedded, dealer", f"{digits(megabytes)} MB",
              f"{done['exchanges_per_inference']} exchanges",
              f"{digits(best['seconds'] + best['offline_seconds'])} s")


def run_mpspdz(model: Path, config: str, protocol: str, logits: str,
               folder: Path) -> None:
    emitted, home = folder / "emitted", folder / "tree"
    call(AERO, "emit", model, "--config", config, "--target", "mpspdz", "--logits",
         logits, "-o", emitted)
    home.mkdir()
    answer = mpspdz.run(emitted, mpspdz.tree(home), protocol, TOKENS, timeout=3600)
    print_row(config, logits, f"MP-SPDZ, {protocol}", f"{digits(answer.megabytes)} MB",
              f"{answer.rounds} rounds", f"{digits(answer.seconds)} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--configs", default="SM+LN+G,SM+ScFuFFN")
    parser.add_argument("--protocols", default="ring,dealer-ring")
    parser.add_argument("--logits", default="last,all")
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--width", type=int, default=768)
    parser.add_argument("--context", type=int, default=128)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="aero-engines-") as scratch:
        model = Path(scratch) / "model.onnx"
        call(sys.executable, "-m", "aero.new_gpt2", model, "--layers",
             arguments.layers, "--heads", arguments.heads, "--width",
             arguments.width, "--context", arguments.context)
        print_row("network", "logits", "engine", "sent by all parties", "rounds",
                  "time")
        print_row(*["---"] * 6)
        for config in arguments.configs.split(","):
            run_embedded(model, config)
            for protocol in arguments.protocols.split(","):
                if reason := mpspdz.missing(protocol):
                    print(f"{protocol} left out: {reason}", file=sys.stderr)
                    continue
                for logits in arguments.logits.split(","):
                    with tempfile.TemporaryDirectory(dir=scratch) as folder:
                        run_mpspdz(model, config, protocol, logits, Path(folder))


if __name__ == "__main__":
    main()
