# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What one case of the model families is: a model file, inputs, and facts."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Callable, Mapping

import numpy as np

Arrays = Mapping[str, np.ndarray]


@dataclasses.dataclass(frozen=True)
class Shape:
    """The size of a model and of the input it is run on.

    Attributes:
        layers: Number of transformer blocks.
        heads: Query heads a block.
        width: Width of the residual stream.
        vocabulary: Number of tokens that exist.
        batch: Sequences that run together.
        tokens: Tokens of a sequence, without those of the past.
        past: Tokens whose keys and values are inputs; None without such inputs.
        context: Positions that masks and position tables hold. It exceeds
            ``tokens``, so that slicing them is not a no-op.
    """

    layers: int = 2
    heads: int = 4
    width: int = 32
    vocabulary: int = 61
    batch: int = 1
    tokens: int = 10
    past: int | None = None
    context: int = 16

    @property
    def head_width(self) -> int:
        return self.width // self.heads

    @property
    def total(self) -> int:
        """Tokens of a sequence with those of the past."""
        return (self.past or 0) + self.tokens

    def token_ids(self, seed: int = 7) -> np.ndarray:
        """Random tokens ``[batch, tokens]``, the same at every call."""
        return np.random.default_rng(seed).integers(
            0, self.vocabulary, (self.batch, self.tokens), dtype=np.int64)

    def padding_mask(self) -> np.ndarray:
        """Ones ``[batch, past + tokens]``, with the last tokens padded away.

        Padding is on the right: on the left it would leave causal rows without
        any key, whose result is an accident of float arithmetic.
        """
        length = self.total
        mask = np.ones((self.batch, length), dtype=np.int64)
        for row in range(self.batch):
            mask[row, length - 2 - row:] = 0
        return mask

    def position_ids(self) -> np.ndarray:
        """Positions ``[batch, tokens]`` behind the past, with a gap.

        The gap, in the middle, tells them from the range that models assume
        otherwise. A mere shift would not: rotary embeddings are relative.
        """
        row = np.arange(self.past or 0, self.total, dtype=np.int64)
        row[self.tokens // 2:] += 1
        return np.repeat(row[None], self.batch, axis=0)

    def for_tracing(self) -> "Shape":
        """Another input size, to trace a model whose dimensions are symbolic.

        Sizes that tracing bakes in then show, as wrong outputs.
        """
        past = None if self.past is None else self.past + 1
        return dataclasses.replace(self, batch=self.batch + 1,
                                   tokens=self.tokens + 2, past=past)


@dataclasses.dataclass(frozen=True)
class Case:
    """A model of a family as one exporter would write it.

    Attributes:
        name: Unique, and fit for a file name.
        family: The module of this package that made it.
        shape: Sizes of the model and of the inputs.
        make: Writes the model to the path it gets.
        inputs: One array a graph input, made with a fixed seed.
        expect: How many operations of each kind a perfect importer finds.
        bind: Sizes of the symbolic dimensions, by their names in the file.
        kv_heads: Key and value heads a block.
        oracle: Whether ONNX Runtime can run the model itself.
        oracle_model: Writes the model that ONNX Runtime runs instead.
        reference: Computes the outputs in PyTorch, where a module exists.
    """

    name: str
    family: str
    shape: Shape
    make: Callable[[Path], None]
    inputs: dict[str, np.ndarray]
    expect: dict[str, int]
    bind: dict[str, int] = dataclasses.field(default_factory=dict)
    kv_heads: int = 4
    oracle: bool = True
    oracle_model: Callable[[Path], None] | None = None
    reference: Callable[[], dict[str, np.ndarray]] | None = None

    @property
    def layers(self) -> int:
        return self.shape.layers

    @property
    def heads(self) -> int:
        return self.shape.heads

    @property
    def width(self) -> int:
        return self.shape.width

    @property
    def tokens(self) -> int:
        return self.shape.tokens

    @property
    def vocabulary(self) -> int:
        return self.shape.vocabulary

    def write(self, folder: Path) -> Path:
        """Writes the model below ``folder`` and returns its path.

        Each case gets a folder of its own, which it empties first, because
        external data lies beside the model, is appended to what is there, and
        its names are not unique.
        """
        return self._write(self.make, Path(folder) / self.name)

    def write_oracle(self, folder: Path) -> Path:
        """Writes the model that ONNX Runtime is to run and returns its path."""
        if self.oracle_model is None:
            return self.write(folder)
        return self._write(self.oracle_model, Path(folder) / f"{self.name}-oracle")

    def _write(self, make: Callable[[Path], None], home: Path) -> Path:
        if home.exists():
            shutil.rmtree(home)
        home.mkdir(parents=True)
        path = home / f"{self.name}.onnx"
        make(path)
        return path
