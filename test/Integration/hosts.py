# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Dealer, server and client over TLS as processes, and relays between them."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Callable

from support import BIN, CONFIG, SOFTMAX_ONLY, ToolTest, run

PROMPT = b"def main("
REQUEST = {"tokens": list(PROMPT) + [0] * (64 - len(PROMPT)),
           "position": len(PROMPT) - 1}


class Relay:
    """Passes TCP on to `port`, after `delay` seconds, and may cut in.

    `limits` holds, connection by connection, after how many bytes from the
    target it is cut; connections after those live.
    """

    def __init__(self, port: int, delay: float = 0,
                 limits: list[int] | None = None) -> None:
        self.target, self.delay = port, delay
        self.limits = list(limits or [])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            limit = self.limits.pop(0) if self.limits else None
            threading.Thread(target=self.connect, daemon=True,
                             args=(near, limit)).start()

    def connect(self, near: socket.socket, limit: int | None) -> None:
        with near, socket.create_connection(("127.0.0.1", self.target)) as far:
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            up = threading.Thread(target=self.pump, args=(near, far, None))
            up.start()
            self.pump(far, near, limit)
            up.join()

    def pump(self, source: socket.socket, sink: socket.socket,
             most: int | None) -> None:
        passed = 0
        try:
            while data := source.recv(1 << 16):
                passed += len(data)
                if most is not None and passed > most:
                    break
                if self.delay:
                    time.sleep(self.delay)
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class HostsTest(ToolTest):
    """A compiled program, keys for all, and helpers that start the parties."""

    @classmethod
    def setUpClass(cls) -> None:
        import tempfile
        holder = tempfile.TemporaryDirectory(prefix="aero-hosts-")
        cls.addClassCleanup(holder.cleanup)
        cls.shared = Path(holder.name)
        cls.program = cls.shared / "model.aero"
        done = run("aero", "compile", SOFTMAX_ONLY, "--config", CONFIG, "-o",
                   cls.program)
        assert done.returncode == 0, done.stderr
        for name in ("dealer", "server", "client", "other", "stranger"):
            done = run("aero", "keys", "new", name, "--out", cls.shared)
            assert done.returncode == 0, done.stderr

    def setUp(self) -> None:
        super().setUp()
        self.children: list[subprocess.Popen] = []
        self.addCleanup(self.stop)

    def stop(self) -> None:
        for child in self.children:
            if child.poll() is None:
                child.kill()
            child.wait()
            for stream in (child.stdin, child.stdout, child.stderr):
                if stream:
                    stream.close()

    def key(self, name: str) -> Path:
        return self.shared / f"{name}.key"

    def cert(self, name: str) -> Path:
        return self.shared / f"{name}.crt"

    def popen(self, *args: object, prefix: list[str] | None = None
              ) -> subprocess.Popen:
        child = subprocess.Popen(
            [*(prefix or []), str(BIN / "aero"), *map(str, args)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True)
        self.children.append(child)
        return child

    def listen(self, role: str, *args: object) -> tuple[subprocess.Popen, int]:
        child = self.popen(role, "--program", self.program, "--log",
                           self.folder / f"{role}.log", *args)
        line = child.stdout.readline()
        self.assertTrue(line, child.stderr.read() if not line else "")
        return child, json.loads(line)["port"]

    def dealer(self, *args: object, key: str = "dealer",
               server: str = "server",
               clients: tuple[str, ...] = ("client", "other")
               ) -> tuple[subprocess.Popen, int]:
        return self.listen("dealer", "--key", self.key(key), "--server-key",
                           self.cert(server), *self.allowed(clients), *args)

    def server(self, dealer_port: int, *args: object, key: str = "server",
               dealer: str = "dealer",
               clients: tuple[str, ...] = ("client", "other")
               ) -> tuple[subprocess.Popen, int]:
        return self.listen("serve", "--weights", f"{self.program}.weights",
                           "--dealer", f"127.0.0.1:{dealer_port}",
                           "--key", self.key(key), "--dealer-key",
                           self.cert(dealer), *self.allowed(clients), *args)

    def allowed(self, names: tuple[str, ...]) -> list[object]:
        return [word for name in names
                for word in ("--allow-client", self.cert(name))]

    def relay(self, port: int, **how: object) -> Relay:
        relay = Relay(port, **how)
        self.addCleanup(relay.close)
        return relay

    def client_args(self, server_port: int, dealer_port: int, *args: object,
                    key: str = "client", server: str = "server",
                    dealer: str = "dealer") -> list[object]:
        return ["client", "--program", self.program, "--server",
                f"127.0.0.1:{server_port}", "--dealer",
                f"127.0.0.1:{dealer_port}", "--key", self.key(key),
                "--server-key", self.cert(server), "--dealer-key",
                self.cert(dealer), *args]

    def client(self, *args: object, **keys: str) -> subprocess.Popen:
        return self.popen(*self.client_args(*args, **keys))

    def ready(self, client: subprocess.Popen) -> None:
        line = client.stdout.readline()
        self.assertEqual(line and json.loads(line), {"event": "ready"},
                         client.stderr.read() if not line else "")

    def send(self, client: subprocess.Popen,
             request: dict | None = None) -> None:
        client.stdin.write(json.dumps(request or REQUEST) + "\n")
        client.stdin.flush()

    def ask(self, client: subprocess.Popen,
            request: dict | None = None) -> dict:
        self.send(client, request)
        line = client.stdout.readline()
        self.assertTrue(line, client.stderr.read() if not line else "")
        return json.loads(line)

    def finish(self, client: subprocess.Popen) -> dict:
        """Ends a client in order and returns its statistics."""
        client.stdin.close()
        line = client.stdout.readline()
        self.assertEqual(client.wait(timeout=20), 0)
        return json.loads(line)

    def ask_once(self, *args: object, **keys: str
                 ) -> subprocess.CompletedProcess:
        """A client with one request; its output and exit code."""
        command = [str(BIN / "aero"),
                   *map(str, self.client_args(*args, **keys))]
        return subprocess.run(command, input=json.dumps(REQUEST) + "\n",
                              capture_output=True, text=True, timeout=120)

    def assert_answered(self, done: subprocess.CompletedProcess) -> None:
        self.assertEqual(done.returncode, 0, done.stderr)
        events = [json.loads(line)["event"]
                  for line in done.stdout.splitlines()]
        self.assertEqual(events, ["ready", "result", "statistics"])

    def assert_refused(self, done: subprocess.CompletedProcess,
                       *fragments: str) -> None:
        """Exit code 1 and no answer; warnings of retries may come first."""
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertNotIn("result", done.stdout)
        last = done.stderr.strip().splitlines()[-1]
        self.assertRegex(last, "^aero: error: ")
        for fragment in fragments:
            self.assertIn(fragment, last)

    def log(self, role: str) -> list[dict]:
        path = self.folder / f"{role}.log"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def wait_for_log(self, role: str, matches: Callable[[dict], bool],
                     seconds: float = 15) -> dict:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self.log(role):
                if matches(line):
                    return line
            time.sleep(0.02)
        self.fail(f"no such line in the log of {role}: {self.log(role)}")

    def events(self, role: str, name: str) -> list[dict]:
        return [line for line in self.log(role) if line["event"] == name]
