# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Slow lines by the kernel: a network namespace whose loopback tc shapes.

The parties take loopback addresses only, so that a namespace of its own has all
of them, and each direction of each line is a class: htb sets its rate, netem its
delay, and TCP does what it does on such a line.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

ENTERED = "AERO_BENCHMARK_NAMESPACE"
# Packets on their way; more than any line here holds.
LIMIT = 100_000


def tc(*arguments: object) -> None:
    subprocess.run(["tc", *map(str, arguments)], check=True,
                   capture_output=True, text=True)


def why_not() -> str:
    """What is missing, or nothing, also once this process is in a namespace."""
    if ENTERED in os.environ:
        return ""
    for program in ("unshare", "ip", "tc"):
        if not shutil.which(program):
            return f"there is no '{program}'"
    done = subprocess.run(
        ["unshare", "-rn", "sh", "-ec",
         "ip link set lo up; tc qdisc add dev lo root handle 1: htb; "
         "tc class add dev lo parent 1: classid 1:1 htb rate 1gbit "
         "quantum 60000; "
         "tc qdisc add dev lo parent 1:1 netem delay 1ms; "
         "tc filter add dev lo parent 1: protocol ip u32 "
         "match ip dport 1 0xffff flowid 1:1"],
        capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    return ("no network namespace with htb, netem and u32: " +
            (done.stderr.strip().splitlines() or ["unshare failed"])[0])


def enter() -> None:
    """Starts this program again in a namespace, unless it is in one."""
    if ENTERED in os.environ:
        return
    os.environ[ENTERED] = "1"
    os.execvp("unshare", ["unshare", "-rn", sys.executable, *sys.argv])


class Shaped:
    """As line.Proxies, for the namespace that this process is in."""

    def __init__(self, rate: float, round_trip: float) -> None:
        self.rate, self.round_trip, self.classes = rate, round_trip, 0

    def __enter__(self) -> Shaped:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        tc("qdisc", "add", "dev", "lo", "root", "handle", "1:", "htb")
        return self

    def __exit__(self, *_: object) -> None:
        tc("qdisc", "del", "dev", "lo", "root")

    def to(self, port: int) -> int:
        """Shapes both directions of the connections to `port`."""
        for end in ("dport", "sport"):
            self.classes += 1
            name = f"1:{self.classes}"
            tc("class", "add", "dev", "lo", "parent", "1:", "classid", name,
               "htb", "rate", f"{self.rate:.0f}bit", "quantum", 60000)
            self.delay(name)
            tc("filter", "add", "dev", "lo", "parent", "1:", "protocol", "ip",
               "u32", "match", "ip", end, port, "0xffff", "flowid", name)
        return port

    def delay(self, name: str) -> None:
        tc("qdisc", "add", "dev", "lo", "parent", name, "netem", "delay",
           f"{self.round_trip / 2 * 1e6:.0f}us", "limit", LIMIT)
