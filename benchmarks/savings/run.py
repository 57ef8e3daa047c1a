#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What each optimisation of the compiler saves of one private inference.

Each row is the whole program with one thing changed, as `aero report` predicts
it; that parties send exactly the predicted bytes is tested. Needs python3-onnx
and a model, e.g. the one that benchmarks/gpt2/run.py writes.

    benchmarks/savings/run.py MODEL [--configs SM+LN+G,SM+ScFuFFN]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

BIN = Path(__file__).resolve().parent.parent.parent / "build" / "bin"
CONFIGS = "SM+LN+G,SM+LN+R,SM+ScFuFFN"
ROWS = (
    ("scores of all pairs, not of the lower triangle", "bidirectional", ()),
    ("logits of all tokens", "causal", ("--logits", "all")),
    ("comparisons of any value that can be truncated", "causal",
     ("--without", "proved-ranges")),
    ("matrices behind a sum apart", "causal", ("--without", "collapse")),
    ("an input sent for each of its matrices", "causal", ("--without", "join")),
    ("neither of the last two", "causal", ("--without", "collapse,join")),
)


def write_bidirectional(model: Path, to: Path) -> None:
    """The same network without its causal masks."""
    graph = onnx.load(model)
    count = 0

    def is_mask(tensor: onnx.TensorProto) -> bool:
        return (tensor.data_type == onnx.TensorProto.BOOL and
                len(tensor.dims) >= 2 and tensor.dims[-1] == tensor.dims[-2])

    tensors = list(graph.graph.initializer)
    for node in graph.graph.node:
        tensors += [attribute.t for attribute in node.attribute
                    if attribute.HasField("t")]
    for tensor in filter(is_mask, tensors):
        mask = numpy_helper.to_array(tensor)
        # Some exporters say which pairs count, some which do not.
        kept = bool(mask.reshape(-1, mask.shape[-1])[0, 0])
        tensor.CopyFrom(numpy_helper.from_array(np.full_like(mask, kept),
                                                tensor.name))
        count += 1
    if not count:
        sys.exit(f"{model}: found no causal mask (a boolean T x T constant)")
    onnx.save(graph, str(to))


def report(model: Path, config: str, *options: str) -> dict:
    done = subprocess.run(
        [BIN / "aero", "report", model, "--config", config, "--json",
         "--network", "lan", "--network", "wan", *options],
        capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--configs", default=CONFIGS)
    arguments = parser.parse_args()

    def show(name: str, costs: dict) -> None:
        seconds = costs["total"]["seconds"]
        both = [seconds[line]["online"] + seconds[line]["offline"]
                for line in ("lan", "wan")]
        print(f"{name:<50}{costs['total']['online_bytes'] / 1e6:>12.1f}"
              f"{costs['total']['offline_bytes'] / 1e6:>12.1f}"
              f"{costs['critical_path_exchanges']:>11}"
              f"{both[0]:>9.2f}{both[1]:>9.1f}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        models = {"causal": arguments.model,
                  "bidirectional": Path(folder) / "bidirectional.onnx"}
        write_bidirectional(arguments.model, models["bidirectional"])
        for config in arguments.configs.split(","):
            print(f"{config:<50}{'online MB':>12}{'offline MB':>12}"
                  f"{'exchanges':>11}{'lan s':>9}{'wan s':>9}")
            show("as compiled", report(models["causal"], config))
            for name, kind, options in ROWS:
                show(name, report(models[kind], config, *options))
            print()


if __name__ == "__main__":
    main()
