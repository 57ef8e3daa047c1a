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
ROLES = ("client", "server", "dealer")


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


def make_keys(folder: Path) -> None:
    """A key for each party, for TLS as between machines."""
    for role in ROLES:
        tool("aero-party", "keys", "new", role, "--out", folder)


class Session:
    """Runs inferences between aero-party processes. `reach` maps the port of a
    party to the port by which another one reaches it; `keys` is a folder of
    make_keys, or nothing for connections without TLS."""

    def __init__(self, program: Path, reach=lambda port: port,
                 keys: Path | None = None) -> None:
        self.program, self.keys = program, keys
        self.children: dict[str, subprocess.Popen] = {}
        try:
            self.start("dealer", "--once")
            dealer = f"127.0.0.1:{reach(self.event('dealer')['port'])}"
            self.start("serve", "--once", "--weights", f"{program}.weights",
                       "--dealer", dealer)
            server = f"127.0.0.1:{reach(self.event('serve')['port'])}"
            begin = time.monotonic()
            self.start("client", "--server", server, "--dealer", dealer,
                       "--attempts", "1")
            self.event("client")
            self.setup_seconds = time.monotonic() - begin
        except BaseException:
            self.stop()
            raise

    def start(self, command: str, *arguments: str) -> None:
        options = list(arguments)
        if self.keys:
            own = "server" if command == "serve" else command
            options += ["--key", self.keys / f"{own}.key"]
            for role in ROLES:
                # Who takes clients is told which.
                option = "--allow-client" if role == "client" \
                    else f"--{role}-key"
                if role != own:
                    options += [option, self.keys / f"{role}.crt"]
        self.children[command] = subprocess.Popen(
            [str(BIN / "aero-party"), command, *map(str, options), "--program",
             str(self.program), "--threads", "1"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)

    def event(self, command: str) -> dict:
        child = self.children[command]
        text = child.stdout.readline()
        if not text:
            raise Failure(child.stderr.read().strip() or "a party stopped")
        return json.loads(text)

    def infer(self, context: int) -> dict:
        """Seconds of one inference, as the client measures them."""
        client = self.children["client"]
        client.stdin.write(json.dumps(
            {"tokens": list(range(context)), "position": context - 1}) + "\n")
        client.stdin.flush()
        return self.event("client")

    def finish(self) -> dict[str, dict]:
        """Ends the session; the statistics of each party."""
        self.children["client"].stdin.close()
        return {event["role"]: event
                for event in map(self.event, self.children)}

    def stop(self) -> None:
        for child in self.children.values():
            if child.poll() is None:
                child.kill()
            child.wait()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
