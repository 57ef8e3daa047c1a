# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Values of a graph while it is read, and where their batch is.

A file says ``[1, T]``, a trainer has ``(B, T)``. Each value that depends on the
input has one axis that grows with the batch: where the file has n entries, there
are B n, and those of a sample are together (of two heads and three samples,
``s0h0 s0h1 s1h0 s1h1 s2h0 s2h1``). Operators say how that axis moves, or refuse
if they would mix samples, so that a batch is computed as its samples alone are.
"""

from __future__ import annotations

import dataclasses
import math
from typing import Callable, List, Optional, Sequence, Tuple

import torch
from torch import Tensor

Shape = Tuple[int, ...]


class Unsupported(Exception):
    """Why a node cannot be a step."""


@dataclasses.dataclass
class Value:
    """What is known of a value.

    Attributes:
        slot: Its place among the values of a run.
        sample: What it is for zeros as inputs; None once it has no reader left.
        shape: As in the file.
        batch: The axis that grows with the batch; None if it is the same for all
            samples.
        constant: Neither an input nor a parameter is behind it.
    """

    slot: int
    sample: Optional[Tensor]
    shape: Shape
    batch: Optional[int]
    constant: bool


@dataclasses.dataclass
class Kernel:
    """What a node becomes.

    Attributes:
        function: Of the operands, in PyTorch; a tuple if there are several results.
            It must hold no tensors, which could not move to another device.
        operands: Values that it takes.
        batches: The axis of the batch of each result.
    """

    function: Callable[..., object]
    operands: List[Value]
    batches: List[Optional[int]]


def broadcast_batch(values: Sequence[Value]) -> Optional[int]:
    """The axis of the batch in a result of broadcasting."""
    rank = max(len(value.shape) for value in values)
    places = {rank - len(v.shape) + v.batch for v in values if v.batch is not None}
    if not places:
        return None
    if len(places) > 1:
        raise Unsupported("its operands have the batch on different axes")
    (place,) = places
    sizes = set()
    for value in values:
        axis = place - (rank - len(value.shape))
        size = value.shape[axis] if axis >= 0 else 1
        if value.batch is not None:
            sizes.add(size)
        elif size != 1:
            raise Unsupported(
                f"an operand that is the same for all samples has {size} entries "
                "along the axis of the batch")
    if len(sizes) > 1:
        raise Unsupported("its operands have batches of different sizes")
    return place


def reshape_batch(value: Value, shape: Sequence[int]) -> Optional[int]:
    """The axis of the batch after the elements, in the same order, got ``shape``."""
    if value.batch is None:
        return None
    before = math.prod(value.shape[:value.batch])
    for axis in range(len(shape)):
        if math.prod(shape[:axis]) == before:
            return axis
    raise Unsupported("it mixes the samples of a batch")


def grow(shape: Sequence[int], batch: Optional[int]) -> List[int]:
    """``shape`` for any batch: -1 for the axis that grows."""
    return [-1 if axis == batch else size for axis, size in enumerate(shape)]


def normalize_axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise Unsupported(f"has axis {axis} of {rank} dimensions")
    return axis % rank


def nearest(number: float, like: Tensor) -> float:
    """A finite number stays one in a type of a smaller range, as autocast makes."""
    if not like.is_floating_point() or not math.isfinite(number):
        return number
    limit = torch.finfo(like.dtype).max
    return min(max(number, -limit), limit)
