# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Runs an emitted program as its README says, in a built tree of MP-SPDZ."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HOME = Path(os.environ["MPSPDZ_HOME"]) if "MPSPDZ_HOME" in os.environ else None
BINARIES = {"ring": "replicated-ring-party.x", "dealer-ring": "dealer-ring-party.x",
            "sy-rep-ring": "sy-rep-ring-party.x"}


def missing(protocol: str) -> str:
    """Why a protocol cannot be run here, or nothing."""
    if HOME is None:
        return "MPSPDZ_HOME does not name a built tree of MP-SPDZ"
    for name in ("compile.py", "Scripts", BINARIES[protocol]):
        if not (HOME / name).exists():
            return f"MPSPDZ_HOME has no {name}"
    return ""


@dataclass
class Answer:
    logits: list[list[float]]
    seconds: float
    megabytes: float
    """Of all parties together."""
    rounds: int


def tree(folder: Path) -> Path:
    """A tree like MP-SPDZ's own, whose programs and inputs are in `folder`."""
    assert HOME is not None
    for entry in HOME.iterdir():
        if entry.name not in ("Programs", "Player-Data", "logs"):
            (folder / entry.name).symlink_to(entry)
    (folder / "Programs" / "Source").mkdir(parents=True)
    (folder / "Player-Data").mkdir()
    subprocess.run(["Scripts/setup-ssl.sh", "3"], cwd=folder, check=True,
                   capture_output=True)
    return folder


def run(emitted: Path, home: Path, protocol: str, tokens: list[int],
        timeout: float = 900) -> Answer:
    """Answers `tokens` with the program in `emitted`, in a tree()."""
    # MP-SPDZ looks for a program beside compile.py too, where one may have the
    # same name.
    program = next(emitted.glob("*.mpc"))
    name = f"{program.stem}-{home.parent.name}"
    shutil.copy(program, home / "Programs" / "Source" / f"{name}.mpc")
    shutil.copy(emitted / "Input-Binary-P0-0", home / "Player-Data")
    (home / "Player-Data" / "Binary-Output-P1-0").unlink(missing_ok=True)

    def call(*command: str) -> str:
        done = subprocess.run(command, cwd=home, text=True, capture_output=True,
                              timeout=timeout)
        if done.returncode != 0:
            raise AssertionError(f"{command} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    client = str((emitted / "client.py").resolve())
    call(client, "ask", "--tokens", ",".join(map(str, tokens)))
    call("./compile.py", "-E", protocol, "-M", "-b", "100000", name)
    output = call(f"Scripts/{protocol}.sh", name)
    logits = json.loads(call(client, "answer", "--json"))["logits"]

    def number(pattern: str) -> float:
        found = re.search(pattern, output)
        assert found, output
        return float(found[1])

    return Answer(logits, number(r"(?:^|\n)Time = ([\d.e-]+)"),
                  number(r"Global data sent = ([\d.e+]+) MB"),
                  int(number(r"in ~(\d+) rounds")))
