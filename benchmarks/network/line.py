# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""A slow line in user space, where the kernel has no netem.

Forwards TCP connections from one loopback port to another. Each direction sends
a byte 1 / rate after the last one and delivers it `delay` later; a connection
carries nothing before the round trip that a TCP handshake takes. What is not
like a real line: there are no packets, so no headers, no loss, no congestion
window that opens slowly.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import queue
import socket
import sys
import threading
import time

CHUNK = 1 << 16


def exact_sleep() -> None:
    """Wakes this process's sleepers on time (PR_SET_TIMERSLACK, 1 ns)."""
    ctypes.CDLL(None).prctl(29, 1, 0, 0, 0)


def sleep_until(moment: float) -> None:
    while (left := moment - time.monotonic()) > 0:
        time.sleep(left)


class Direction:
    """Two threads: one takes bytes and stamps them, one delivers them."""

    def __init__(self, source: socket.socket, target: socket.socket,
                 rate: float, delay: float, opened: float) -> None:
        self.source, self.target = source, target
        self.rate, self.delay, self.free = rate, delay, opened
        self.pending: queue.SimpleQueue = queue.SimpleQueue()
        for work in (self.take, self.deliver):
            threading.Thread(target=work, daemon=True).start()

    def take(self) -> None:
        while True:
            try:
                data = self.source.recv(CHUNK)
            except OSError:
                data = b""
            now = time.monotonic()
            self.free = max(self.free, now) + 8 * len(data) / self.rate
            self.pending.put((self.free + self.delay, data))
            if not data:
                return

    def deliver(self) -> None:
        exact_sleep()
        while True:
            moment, data = self.pending.get()
            sleep_until(moment)
            try:
                if not data:
                    self.target.shutdown(socket.SHUT_WR)
                    return
                self.target.sendall(data)
            except OSError:
                return


def serve(listener: socket.socket, port: int, rate: float,
          round_trip: float) -> None:
    """Forwards every connection to `port`, until the process is ended."""
    sys.setswitchinterval(1e-4)
    while True:
        near, _ = listener.accept()
        far = socket.create_connection(("127.0.0.1", port))
        opened = time.monotonic() + round_trip
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        Direction(near, far, rate, round_trip / 2, opened)
        Direction(far, near, rate, round_trip / 2, opened)


class Proxies:
    """Lines in front of ports, each a process of its own."""

    def __init__(self, rate: float, round_trip: float) -> None:
        self.rate, self.round_trip = rate, round_trip
        self.running: list[multiprocessing.Process] = []

    def __enter__(self) -> Proxies:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.running:
            process.terminate()
            process.join()

    def to(self, port: int) -> int:
        """The port of a line that ends at `port`."""
        listener = socket.create_server(("127.0.0.1", 0))
        process = multiprocessing.get_context("fork").Process(
            target=serve, daemon=True,
            args=(listener, port, self.rate, self.round_trip))
        process.start()
        self.running.append(process)
        reached = listener.getsockname()[1]
        listener.close()
        return reached
