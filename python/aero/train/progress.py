# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What a person sees while training runs."""

from __future__ import annotations

import math
import os
import shutil
import sys
import time
from typing import List, Optional, TextIO


def perplexity(loss: float) -> float:
    """``exp(loss)``, infinite where that is too large."""
    return math.exp(loss) if loss < 700.0 else math.inf


class Progress:
    """A bar on a terminal, a line every ``every`` steps elsewhere, or nothing.

    Losses shown are means since the last line (on a terminal: of the last
    ``every`` steps).
    """

    def __init__(
        self, total: int, every: int, quiet: bool = False, out: Optional[TextIO] = None
    ) -> None:
        self.total = total
        self.every = max(1, every)
        self.quiet = quiet
        self.out = sys.stdout if out is None else out
        self.bar = not quiet and self.out.isatty()
        # Nobody reads any more, as behind `aero-train ... | head`.
        self.closed = False
        self.entropy: Optional[float] = None
        self._losses: List[float] = []
        self._begun = time.monotonic()
        self._first: Optional[int] = None
        self._drawn = 0.0
        self._width = 0

    def note(self, message: str) -> None:
        """Prints a line of its own, unless quiet."""
        if self.quiet:
            return
        self.clear()
        self._write(message + "\n")

    def step(self, step: int, loss: float, rate: float) -> None:
        """Shows that ``step`` steps are done."""
        if self.quiet:
            return
        if self._first is None:
            self._first = step - 1
        self._losses.append(loss)
        if self.bar:
            del self._losses[: -self.every]
            now = time.monotonic()
            if now - self._drawn >= 0.2 or step == self.total:
                self._drawn = now
                self._draw(step)
        elif step % self.every == 0:
            self._write(self._line(step, rate) + "\n")
            self._losses.clear()

    def clear(self) -> None:
        """Takes the bar off the terminal."""
        if self.bar and self._width:
            self._write("\r" + " " * self._width + "\r")
            self._width = 0

    def _write(self, text: str) -> None:
        try:
            self.out.write(text)
            self.out.flush()
        except BrokenPipeError:
            self.closed = self.quiet = True
            # What is left in the buffer would be an error at the end.
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, self.out.fileno())
            os.close(nothing)

    def _values(self) -> str:
        loss = sum(self._losses) / len(self._losses)
        found = perplexity(loss)
        shown = f"{found:.3f}" if found < 1e6 else f"{found:.2e}"
        text = f"loss {loss:.4f}  perplexity {shown}"
        if self.entropy is not None:
            text += f"  entropy {self.entropy:.3f}"
        return text

    def _seconds_per_step(self, step: int) -> float:
        return (time.monotonic() - self._begun) / max(1, step - (self._first or 0))

    def _line(self, step: int, rate: float) -> str:
        return (
            f"step {step}  {self._values()}  lr {rate:.2e}  "
            f"{self._seconds_per_step(step):.3f} s/step"
        )

    def _draw(self, step: int) -> None:
        left = self._seconds_per_step(step) * (self.total - step)
        text = f" {step}/{self.total}  {self._values()}  {clock(left)} left"
        columns = shutil.get_terminal_size().columns - 1
        length = max(0, min(30, columns - len(text) - 2))
        filled = length * step // self.total
        bar = f"[{'#' * filled}{'.' * (length - filled)}]" if length else ""
        line = (bar + text)[:columns]
        self._write("\r" + line.ljust(self._width))
        self._width = len(line)


def clock(seconds: float) -> str:
    """Seconds as ``h:mm:ss`` or ``m:ss``."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    if hours:
        return f"{hours}:{minutes:02}:{whole % 60:02}"
    return f"{minutes}:{whole % 60:02}"
