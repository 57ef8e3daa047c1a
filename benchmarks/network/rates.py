#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The compute rates of this machine, as lib/Analysis/NetworkProfile.cpp has them.

Runs private inferences of models with one thread a party and divides, for every
kind of instruction, the elements by the seconds that the parties report: online
the slower one of client and server, offline the dealer. Of several sessions,
the fastest counts for each instruction, because other processes only slow it
down. The rate of matrix products is that of the linear maps at the server; the
multiply-adds of other kinds are taken off at that rate, and the rest, at least
a tenth, is theirs.

    benchmarks/network/rates.py [--sessions 5] [MODEL:CONFIG ...]
"""

from __future__ import annotations

import argparse
import collections
import tempfile
from pathlib import Path

import parties

SAMPLES = parties.ROOT / "examples" / "models"
INFERENCES = 4
DEFAULT = [f"{SAMPLES}/python-sm-scffn.onnx:SM+ScFuFFN",
           f"{SAMPLES}/python-sm-ln-g.onnx:as-is",
           f"{SAMPLES}/python-sm-ln-g.onnx:SM+LN+R"]


class Sums:
    """Of one kind of instruction, over all models."""

    def __init__(self) -> None:
        self.elements = self.multiply_adds = self.offline_bytes = 0
        self.online = self.dealer = self.prepare = 0.0


def run_session(program: Path, context: int) -> list[tuple[float, ...]]:
    """Seconds of each instruction: online, dealer, the client's preparation."""
    with parties.Session(program) as session:
        for _ in range(INFERENCES):
            session.infer(context)
        statistics = session.finish()
    return [(max(client["compute_seconds"], server["compute_seconds"])
             / INFERENCES, dealer["compute_seconds"] / INFERENCES,
             client["offline_seconds"] / INFERENCES)
            for client, server, dealer in zip(
                *(statistics[role]["instructions"]
                  for role in ("client", "server", "dealer")))]


def measure(model: str, config: str, sessions: int,
            kinds: dict[str, Sums]) -> None:
    report = parties.report(Path(model), config)
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "model.aero"
        parties.tool("aero", "compile", model, "--config", config, "-o",
                     program)
        runs = [run_session(program, report["context"])
                for _ in range(sessions)]
    for instruction, *times in zip(report["instructions"], *runs):
        kind = kinds[instruction["op"]]
        online, dealer, prepare = map(min, zip(*times))
        kind.elements += instruction["elements"]
        kind.multiply_adds += instruction["multiply_adds"]
        kind.offline_bytes += instruction["offline_bytes"]
        kind.online += online
        kind.dealer += dealer
        kind.prepare += prepare


def two_digits(value: float) -> str:
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=5)
    parser.add_argument("models", nargs="*", default=DEFAULT,
                        metavar="MODEL:CONFIG")
    arguments = parser.parse_args()
    kinds: dict[str, Sums] = collections.defaultdict(Sums)
    for one in arguments.models:
        model, config = one.rsplit(":", 1)
        measure(model, config, arguments.sessions, kinds)

    linear = kinds["linear"]
    products = {party: linear.multiply_adds / 3 / seconds for party, seconds in
                (("server", linear.online), ("dealer", linear.dealer),
                 ("client", linear.prepare))}
    rate = products["server"]
    print("multiply-adds a second of linear:", ", ".join(
        f"{party} {two_digits(value)}" for party, value in products.items()))
    for op, sums in sorted(kinds.items()):
        masked = op in ("linear", "embedding")
        product = sums.multiply_adds / (3 if masked else 5) / rate
        online = max(sums.online - product * (1 if masked else 2),
                     sums.online / 10)
        dealer = "0"
        if sums.offline_bytes:
            dealer = two_digits(sums.elements / max(sums.dealer - product,
                                                    sums.dealer / 10))
        print(f'    {{"{op}", {{{two_digits(sums.elements / online)}, '
              f"{dealer}}}}},")


if __name__ == "__main__":
    main()
