# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Client, server and dealer as processes, with a line between every two."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
BIN = ROOT / "build" / "bin"


class Failure(Exception):
    pass


def tool(*arguments: object) -> str:
    """Output of a tool of the build tree."""
    command = [str(BIN / str(arguments[0])), *map(str, arguments[1:])]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def report(model: Path, config: str, *arguments: object) -> dict:
    return json.loads(tool("aero", "report", model, "--config", config,
                           "--json", *arguments))


class Session:
    """Runs inferences between aero-party processes. `reach` maps the port of a
    party to the port by which another one reaches it."""

    def __init__(self, program: Path, reach=lambda port: port,
                 threads: int = 1) -> None:
        self.program, self.threads = program, threads
        self.children: list[subprocess.Popen] = []
        try:
            dealer = self.party("dealer")
            dealer_port = self.event(dealer)["port"]
            server = self.party("server", "--weights", f"{program}.weights",
                                "--dealer",
                                f"127.0.0.1:{reach(dealer_port)}")
            server_port = self.event(server)["port"]
            reached = [f"127.0.0.1:{reach(port)}"
                       for port in (server_port, dealer_port)]
            begin = time.monotonic()
            self.client = self.party("client", "--server", reached[0],
                                     "--dealer", reached[1])
            self.event(self.client)
            self.setup_seconds = time.monotonic() - begin
        except BaseException:
            self.stop()
            raise

    def party(self, role: str, *arguments: str) -> subprocess.Popen:
        child = subprocess.Popen(
            [str(BIN / "aero-party"), role, *arguments, "--program",
             str(self.program), "--threads", str(self.threads)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.children.append(child)
        return child

    def event(self, child: subprocess.Popen) -> dict:
        text = child.stdout.readline()
        if not text:
            raise Failure(child.stderr.read().strip() or "a party stopped")
        return json.loads(text)

    def infer(self, context: int) -> dict:
        """Seconds of one inference, as the client measures them."""
        self.client.stdin.write(json.dumps(
            {"tokens": list(range(context)), "position": context - 1}) + "\n")
        self.client.stdin.flush()
        return self.event(self.client)

    def finish(self) -> dict[str, dict]:
        """Ends the session; the statistics of each party."""
        self.client.stdin.close()
        return {event["role"]: event
                for event in map(self.event, self.children)}

    def stop(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
