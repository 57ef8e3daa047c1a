#!/usr/bin/python3
# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Predicted and measured seconds of private inferences over slow lines.

Compiles the sample models, asks `aero report` what they take on `lan` and `wan`,
runs them between three processes with such a line between every two and TLS as
between machines, and prints both. Reported, not tested.

The lines are made by tc in a network namespace (kernel.py), or, where the kernel
or the sandbox does not allow that, by a proxy between the parties (line.py); the
output says which, and what the line itself was measured to be.

    benchmarks/network/run.py [--network lan --network wan] [--line auto]
                              [--inferences 3] [MODEL:CONFIG ...]
"""

from __future__ import annotations

import argparse
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

import kernel
import line
import parties

SAMPLES = parties.ROOT / "examples" / "models"
DEFAULT = [f"{SAMPLES}/python-sm-scffn.onnx:SM+ScFuFFN",
           f"{SAMPLES}/python-sm-ln-g.onnx:as-is"]


def echo(listener: socket.socket) -> None:
    """Sends back what it gets, a byte for each byte of a message."""
    peer, _ = listener.accept()
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    while data := peer.recv(1 << 20):
        if len(data) == 1:
            peer.sendall(data)
            continue
        left = TRANSFER - len(data)
        while left > 0:
            left -= len(peer.recv(1 << 20))
        peer.sendall(b"x")


TRANSFER = 4 << 20


def measure_line(make, rate: float, round_trip: float) -> tuple[float, float]:
    """Round-trip seconds and bits a second, seen by a process at its end."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=echo, args=(listener,), daemon=True).start()
    with make(rate, round_trip) as lines:
        end = socket.create_connection(
            ("127.0.0.1", lines.to(listener.getsockname()[1])))
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        def timed(data: bytes) -> float:
            begin = time.monotonic()
            end.sendall(data)
            end.recv(1)
            return time.monotonic() - begin

        timed(b"x")  # with it comes the handshake
        trips = [timed(b"x") for _ in range(25)]
        trip = statistics.median(trips)
        seconds = min(timed(bytes(TRANSFER)) for _ in range(3))
        end.close()
    return trip, 8 * TRANSFER / (seconds - trip)


def compare(profile: dict, make, arguments: argparse.Namespace) -> None:
    name = profile["name"]
    rate, wanted = profile["bits_per_second"], profile["round_trip_seconds"]
    # What the line adds of itself is taken off its delay.
    extra = measure_line(make, rate, wanted)[0] - wanted
    round_trip = max(wanted - extra, 0)
    trip, bits = measure_line(make, rate, round_trip)
    print(f"\n{name}: {rate / 1e6:g} Mbit/s and {wanted * 1e3:g} ms wanted, "
          f"{bits / 1e6:.0f} Mbit/s and {trip * 1e3:.2f} ms measured")
    print(f"{'model':32}{'phase':16}{'predicted':>10}{'measured':>10}"
          f"{'predicted/measured':>20}{'slowest':>10}")
    for one in arguments.models:
        model, config = one.rsplit(":", 1)
        report = parties.report(Path(model), config, "--network",
                                arguments.profiles[name])
        runs = {"online": [], "offline": [], "once a session": []}
        with tempfile.TemporaryDirectory() as folder:
            program, keys = Path(folder) / "model.aero", Path(folder) / "keys"
            parties.make_keys(keys)
            parties.tool("aero", "compile", model, "--config", config, "-o",
                         program)
            for _ in range(arguments.sessions):
                with make(rate, round_trip) as lines, \
                        parties.Session(program, lines.to, keys) as session:
                    runs["once a session"].append(session.setup_seconds)
                    for _ in range(arguments.inferences):
                        result = session.infer(report["context"])
                        runs["online"].append(result["seconds"])
                        runs["offline"].append(result["offline_seconds"])
                    session.finish()
        predicted = report["total"]["seconds"][name]
        for phase, seconds in runs.items():
            want = predicted["setup" if "session" in phase else phase]
            got = statistics.median(seconds)
            print(f"{Path(model).stem + ' ' + config:32.31}{phase:16}"
                  f"{want:10.3f}{got:10.3f}{want / got:20.2f}"
                  f"{max(seconds):10.3f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--network", action="append", default=[],
                        help="lan, wan or a profile file; repeatable")
    parser.add_argument("--line", choices=("auto", "kernel", "proxy"),
                        default="auto")
    parser.add_argument("--sessions", type=int, default=2)
    parser.add_argument("--inferences", type=int, default=3)
    parser.add_argument("models", nargs="*", default=DEFAULT,
                        metavar="MODEL:CONFIG")
    arguments = parser.parse_args()

    make = line.Proxies
    if arguments.line != "proxy":
        missing = kernel.why_not()
        if not missing:
            kernel.enter()
            make = kernel.Shaped
        elif arguments.line == "kernel":
            sys.exit(f"skipped: {missing}")
        else:
            print(f"{missing}\nlines by a proxy in user space instead")
    if make is kernel.Shaped:
        print("lines by tc in a network namespace")

    arguments.profiles = {}
    for network in arguments.network or ["lan", "wan"]:
        model, config = arguments.models[0].rsplit(":", 1)
        (profile,) = parties.report(Path(model), config, "--network",
                                    network)["networks"]
        arguments.profiles[profile["name"]] = network
        compare(profile, make, arguments)


if __name__ == "__main__":
    try:
        main()
    except parties.Failure as failure:
        sys.exit(f"error: {failure}")
