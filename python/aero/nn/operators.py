# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""What each operator of ONNX is in PyTorch.

A builder looks at a node once, when the file is read, and gives a kernel: a
function of tensors that runs at each step, and how the batch goes through it.
Everything that ONNX says by constants (shapes, axes, bounds) is in the function.
"""

from __future__ import annotations

import math
from typing import Any, Callable, Dict, List, Optional, Sequence, Set, Tuple

import torch
from torch import Tensor
from torch.nn import functional as F

from .fusion import build_guarded_softmax, build_slices
from .reader import ELEMENT_TYPES, Node
from .values import (Kernel, Unsupported, Value, broadcast_batch, grow,
                     nearest, normalize_axis, reshape_batch)


class View:
    """A node as its builder sees it."""

    def __init__(self, node: Node, inputs: Sequence[Optional[Value]], opset: int,
                 make_constant: Callable[[Tensor], Value]) -> None:
        self.node = node
        self.inputs = list(inputs)
        self.opset = opset
        self.make_constant = make_constant
        self._read: Set[str] = set()

    def has(self, index: int) -> bool:
        return index < len(self.inputs) and self.inputs[index] is not None

    def value(self, index: int) -> Value:
        value = self.inputs[index] if index < len(self.inputs) else None
        if value is None:
            raise Unsupported(f"has no input {index}")
        return value

    def values(self) -> List[Value]:
        return [self.value(index) for index in range(len(self.inputs))]

    def constant(self, index: int, what: str) -> Tensor:
        """The input, which has to be known now."""
        value = self.value(index)
        if not value.constant or value.sample is None:
            raise Unsupported(f"its {what} is computed from inputs or parameters")
        return value.sample

    def ints(self, index: int, what: str) -> List[int]:
        return [int(number) for number in self.constant(index, what).reshape(-1)]

    def attribute(self, key: str, default: Any = None) -> Any:
        self._read.add(key)
        return self.node.attributes.get(key, default)

    def axes(self, index: int, since: int) -> Optional[List[int]]:
        """Axes, which are an input since an operator set; None if there are none."""
        if self.opset < since:
            axes = self.attribute("axes")
            return None if axes is None else list(axes)
        return self.ints(index, "axes") if self.has(index) else None

    def refuse_unread(self) -> None:
        """An attribute that no builder asked for would change the meaning."""
        unread = sorted(set(self.node.attributes) - self._read)
        if unread:
            raise Unsupported(f"attribute '{unread[0]}' is not supported")


Builder = Callable[[View], Kernel]


#===------------------------------------------------------------------------===#
# Element by element
#===------------------------------------------------------------------------===#

def _elementwise(function: Callable[..., Tensor]) -> Builder:
    def build(node: View) -> Kernel:
        values = node.values()
        return Kernel(function, values, [broadcast_batch(values)])
    return build


def _scalar(value: Value) -> Optional[float]:
    """The number that a constant of float is, or None."""
    if not value.constant or value.sample is None or value.sample.numel() != 1:
        return None
    return float(value.sample) if value.sample.is_floating_point() else None


def _chain(function: Callable[[Tensor, Tensor], Tensor]) -> Builder:
    """Of any number of operands."""
    def fold(first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = function(first, other)
        return first
    return _elementwise(fold)


def _div(node: View) -> Kernel:
    values = node.values()
    if any(not value.sample.is_floating_point() for value in values
           if value.sample is not None):
        function = _divide_integers
    else:
        function = torch.div
    return Kernel(function, values, [broadcast_batch(values)])


def _divide_integers(a: Tensor, b: Tensor) -> Tensor:
    return torch.div(a, b, rounding_mode="trunc")


def _pow(node: View) -> Kernel:
    values = node.values()
    exponent = _scalar(values[1])
    if exponent is None or len(values[1].shape) > len(values[0].shape):
        return Kernel(torch.pow, values, [broadcast_batch(values)])
    # The square of a number is cheaper than a power of two tensors.
    return Kernel(lambda x: x.pow(exponent), values[:1], [values[0].batch])


def _where(node: View) -> Kernel:
    condition, x, y = values = node.values()
    batch = broadcast_batch(values)
    other = _scalar(y)
    covers = (len(x.shape) >= max(len(condition.shape), len(y.shape)) and
              all(size in (1, own) for size, own in
                  zip(reversed(condition.shape), reversed(x.shape))))
    if condition.constant and other is not None and covers:
        hidden = node.make_constant(~node.constant(0, "condition"))
        return Kernel(lambda x, hidden: x.masked_fill(hidden, nearest(other, x)),
                      [x, hidden], [batch])
    return Kernel(torch.where, values, [batch])


def _cast(node: View) -> Kernel:
    value = node.value(0)
    kind = ELEMENT_TYPES.get(node.attribute("to"))
    if kind is None:
        raise Unsupported("casts to a type that is not float32, int64, int32 or bool")
    if kind != "float32":
        dtype = getattr(torch, kind)
        return Kernel(lambda x: x.to(dtype), [value], [value.batch])
    # Float is what the module's floats are, should they be made double.
    like = node.make_constant(torch.zeros(()))
    return Kernel(lambda x, like: x.to(like.dtype), [value, like], [value.batch])


def _leaky_relu(node: View) -> Kernel:
    slope = float(node.attribute("alpha", 0.01))
    value = node.value(0)
    return Kernel(lambda x: F.leaky_relu(x, slope), [value], [value.batch])


def _prelu(x: Tensor, slope: Tensor) -> Tensor:
    return torch.where(x < 0, x * slope, x)


def _gelu(node: View) -> Kernel:
    how = node.attribute("approximate", "none")
    value = node.value(0)
    return Kernel(lambda x: F.gelu(x, approximate=how), [value], [value.batch])


def _clip(node: View) -> Kernel:
    low, high = (
        float(node.constant(index, "bound")) if node.has(index) else None
        for index in (1, 2))
    value = node.value(0)
    if low is None and high is None:
        return Kernel(lambda x: x, [value], [value.batch])
    return Kernel(lambda x: torch.clamp(x, low, high), [value], [value.batch])


#===------------------------------------------------------------------------===#
# Products
#===------------------------------------------------------------------------===#

def _matmul(node: View) -> Kernel:
    a, b = node.values()
    return Kernel(torch.matmul, [a, b], [_matmul_batch(a, b)])


def _matmul_batch(a: Value, b: Value) -> Optional[int]:
    if a.batch is None and b.batch is None:
        return None
    if len(a.shape) < 2 or len(b.shape) < 2:
        vector, other = (a, b) if len(a.shape) < 2 else (b, a)
        if vector.batch is not None or vector is a:
            raise Unsupported("a vector is multiplied across the batch")
        if other.batch == len(other.shape) - 1:
            raise Unsupported("it sums over the batch")
        return other.batch
    rank = max(len(a.shape), len(b.shape))
    # Rows of the left and columns of the right matrix stay apart by themselves.
    for value, own, inner, result in ((a, 2, 1, rank - 2), (b, 1, 2, rank - 1)):
        if value.batch is None:
            continue
        if value.batch == len(value.shape) - inner:
            raise Unsupported("it sums over the batch")
        if value.batch == len(value.shape) - own:
            if a.batch is not None and b.batch is not None:
                raise Unsupported("it multiplies samples of a batch with each other")
            return result
    # Otherwise the batch is among the leading axes, which are broadcast.
    leading = [Value(v.slot, None, v.shape[:-2], v.batch, v.constant)
               for v in (a, b)]
    return broadcast_batch(leading)


def _gemm(node: View) -> Kernel:
    alpha, beta = (float(node.attribute(key, 1.0)) for key in ("alpha", "beta"))
    left, right = (bool(node.attribute(key, 0)) for key in ("transA", "transB"))
    values = node.values()
    a, b = values[:2]
    if b.batch is not None or (a.batch is not None and a.batch == (1 - left) * 1):
        raise Unsupported("it sums over the batch")
    if len(values) > 2:
        c = values[2]
        if c.batch is not None or (len(c.shape) == 2 and c.shape[0] != 1
                                   and a.batch is not None):
            raise Unsupported("its bias differs between samples")

    def gemm(a: Tensor, b: Tensor, c: Optional[Tensor] = None) -> Tensor:
        product = (a.t() if left else a) @ (b.t() if right else b)
        if alpha != 1.0:
            product = product * alpha
        return product if c is None else product + (c if beta == 1.0 else c * beta)

    return Kernel(gemm, values, [None if a.batch is None else 0])


#===------------------------------------------------------------------------===#
# Layers
#===------------------------------------------------------------------------===#

def _softmax(node: View) -> Kernel:
    value = node.value(0)
    axis = normalize_axis(node.attribute("axis", -1), len(value.shape))
    if axis == value.batch:
        raise Unsupported("it normalises over the batch")
    return Kernel(lambda x: torch.softmax(x, axis), [value], [value.batch])


def _normalized(node: View, value: Value) -> Tuple[int, ...]:
    """The sizes of the axes from the attribute on."""
    axis = normalize_axis(node.attribute("axis", -1), len(value.shape))
    if value.batch is not None and axis <= value.batch:
        raise Unsupported("it normalises over the batch")
    return value.shape[axis:]


def _check_affine(node: View) -> List[Value]:
    parameters = [value for value in node.inputs[1:] if value is not None]
    if any(value.batch is not None for value in parameters):
        raise Unsupported("its scale differs between samples")
    if any(node.node.outputs[1:]):
        raise Unsupported("its mean and deviation are read")
    return parameters


def _layer_norm(node: View) -> Kernel:
    x, epsilon = node.value(0), float(node.attribute("epsilon", 1e-5))
    if node.attribute("stash_type", 1) != 1:
        raise Unsupported("a stash_type other than float is not supported")
    sizes = _normalized(node, x)
    parameters = _check_affine(node)
    if all(value.shape == sizes for value in parameters):
        def fused(x: Tensor, scale: Tensor, bias: Optional[Tensor] = None) -> Tensor:
            return F.layer_norm(x, sizes, scale, bias, epsilon)
        return Kernel(fused, [x, *parameters], [x.batch])

    def plain(x: Tensor, scale: Tensor, bias: Optional[Tensor] = None) -> Tensor:
        y = F.layer_norm(x, sizes, None, None, epsilon) * scale
        return y if bias is None else y + bias
    return Kernel(plain, [x, *parameters], [x.batch])


def _rms_norm(node: View) -> Kernel:
    x, epsilon = node.value(0), float(node.attribute("epsilon", 1e-5))
    if node.attribute("stash_type", 1) != 1:
        raise Unsupported("a stash_type other than float is not supported")
    axes = tuple(range(-len(_normalized(node, x)), 0))
    parameters = _check_affine(node)

    def norm(x: Tensor, scale: Tensor) -> Tensor:
        mean = x.pow(2.0).mean(axes, keepdim=True)
        return x / torch.sqrt(mean + epsilon) * scale
    return Kernel(norm, [x, *parameters], [x.batch])


def _reduce(function: Callable[..., Tensor], axes_since: int) -> Builder:
    def build(node: View) -> Kernel:
        value = node.value(0)
        keep = bool(node.attribute("keepdims", 1))
        rank = len(value.shape)
        given = node.axes(1, axes_since)
        if not given and node.attribute("noop_with_empty_axes", 0):
            return Kernel(lambda x: x, [value], [value.batch])
        axes = sorted(normalize_axis(axis, rank)
                      for axis in (given or range(rank)))
        batch = value.batch
        if batch in axes:
            raise Unsupported("it reduces over the batch")
        if batch is not None and not keep:
            batch -= sum(axis < batch for axis in axes)
        return Kernel(lambda x: function(x, axes, keepdim=keep), [value], [batch])
    return build


def _cumsum(node: View) -> Kernel:
    value = node.value(0)
    axis = normalize_axis(node.ints(1, "axis")[0], len(value.shape))
    exclusive, reverse = node.attribute("exclusive", 0), node.attribute("reverse", 0)
    if axis == value.batch:
        raise Unsupported("it sums over the batch")

    def cumsum(x: Tensor) -> Tensor:
        if reverse:
            x = x.flip(axis)
        total = x.cumsum(axis)
        if exclusive:
            total = total - x
        total = total.to(x.dtype)
        return total.flip(axis) if reverse else total
    return Kernel(cumsum, [value], [value.batch])


#===------------------------------------------------------------------------===#
# Shapes
#===------------------------------------------------------------------------===#

def _reshaped(value: Value, shape: Sequence[int]) -> Kernel:
    batch = reshape_batch(value, shape)
    target = grow(shape, batch)
    return Kernel(lambda x: x.reshape(target), [value], [batch])


def _reshape(node: View) -> Kernel:
    value, shape = node.value(0), node.ints(1, "shape")
    if not node.attribute("allowzero", 0):
        if any(size == 0 and axis >= len(value.shape)
               for axis, size in enumerate(shape)):
            raise Unsupported("keeps a dimension that its input does not have")
        shape = [value.shape[axis] if size == 0 else size
                 for axis, size in enumerate(shape)]
    if shape.count(-1) == 1:
        rest = math.prod(size for size in shape if size != -1)
        shape[shape.index(-1)] = math.prod(value.shape) // max(rest, 1)
    if math.prod(shape) != math.prod(value.shape):
        raise Unsupported(f"shape {shape} does not fit an input of "
                          f"{list(value.shape)}")
    return _reshaped(value, shape)


def _flatten(node: View) -> Kernel:
    value = node.value(0)
    axis = node.attribute("axis", 1)
    axis += len(value.shape) if axis < 0 else 0
    return _reshaped(value, [math.prod(value.shape[:axis]),
                             math.prod(value.shape[axis:])])


def _unsqueeze(node: View) -> Kernel:
    value = node.value(0)
    axes = node.ints(1, "axes")
    rank = len(value.shape) + len(axes)
    places = {normalize_axis(axis, rank) for axis in axes}
    sizes = iter(value.shape)
    return _reshaped(value, [1 if axis in places else next(sizes)
                             for axis in range(rank)])


def _squeeze(node: View) -> Kernel:
    value, rank = node.value(0), len(node.value(0).shape)
    if node.has(1):
        gone = {normalize_axis(axis, rank) for axis in node.ints(1, "axes")}
    else:
        gone = {axis for axis, size in enumerate(value.shape) if size == 1}
    if any(value.shape[axis] != 1 for axis in gone):
        raise Unsupported("squeezes a dimension that is not 1")
    return _reshaped(value, [size for axis, size in enumerate(value.shape)
                             if axis not in gone])


def _transpose(node: View) -> Kernel:
    value = node.value(0)
    order = node.attribute("perm") or list(reversed(range(len(value.shape))))
    order = [int(axis) for axis in order]
    batch = None if value.batch is None else order.index(value.batch)
    return Kernel(lambda x: x.permute(order), [value], [batch])


def _expand(node: View) -> Kernel:
    value, wanted = node.value(0), node.ints(1, "shape")
    try:
        shape = torch.broadcast_shapes(value.shape, tuple(wanted))
    except RuntimeError:
        raise Unsupported(f"shape {wanted} does not fit an input of "
                          f"{list(value.shape)}") from None
    batch = None
    if value.batch is not None:
        batch = value.batch + len(shape) - len(value.shape)
        if shape[batch] != value.shape[value.batch]:
            raise Unsupported("it repeats along the axis of the batch")
    target = grow(shape, batch)
    return Kernel(lambda x: x.expand(target), [value], [batch])


def _slice(node: View) -> Kernel:
    value, rank = node.value(0), len(node.value(0).shape)
    starts, ends = node.ints(1, "starts"), node.ints(2, "ends")
    axes = node.ints(3, "axes") if node.has(3) else list(range(len(starts)))
    steps = node.ints(4, "steps") if node.has(4) else [1] * len(starts)
    index: List[slice] = [slice(None)] * rank
    reversed_axes = []
    for start, end, axis, step in zip(starts, ends, axes, steps):
        axis = normalize_axis(axis, rank)
        size = value.shape[axis]
        if step == 0:
            raise Unsupported("has a step of 0")
        # Python clips bounds as ONNX does, but for ends below -size.
        if step < 0:
            numbers = range(size)[slice(start, None if end < -size else end, step)]
            if len(numbers):
                start, end, step = numbers[-1], numbers[0] + 1, -step
            else:
                start, end, step = 0, 0, 1
            reversed_axes.append(axis)
        start, end, step = slice(start, end, step).indices(size)
        if (start, end, step) == (0, size, 1):
            continue
        if axis == value.batch:
            raise Unsupported("it takes a part of the batch")
        index[axis] = slice(start, max(start, end), step)
    key = tuple(index)
    # Narrowing is what slicing one axis comes to, with less ado.
    cut = [(axis, part) for axis, part in enumerate(key) if part != slice(None)]
    if not cut and not reversed_axes:
        return Kernel(lambda x: x, [value], [value.batch])
    if reversed_axes:
        if value.batch in reversed_axes:
            raise Unsupported("it reverses the batch")
        return Kernel(lambda x: x[key].flip(reversed_axes), [value], [value.batch])
    if len(cut) == 1 and cut[0][1].step == 1:
        axis, start, length = (cut[0][0], cut[0][1].start,
                               cut[0][1].stop - cut[0][1].start)
        return Kernel(lambda x: x.narrow(axis, start, length), [value],
                      [value.batch])
    return Kernel(lambda x: x[key], [value], [value.batch])


def _split(node: View) -> Kernel:
    value = node.value(0)
    axis = normalize_axis(node.attribute("axis", 0), len(value.shape))
    count, size = len(node.node.outputs), value.shape[axis]
    if node.attribute("num_outputs", count) != count:
        raise Unsupported("num_outputs is not the number of its results")
    if node.has(1):
        sizes = node.ints(1, "sizes")
    else:
        part = -(-size // count)
        sizes = [part] * (count - 1) + [size - part * (count - 1)]
    if axis == value.batch:
        raise Unsupported("it splits the batch")
    return Kernel(lambda x: x.split(sizes, axis), [value], [value.batch] * count)


def _concat(node: View) -> Kernel:
    values = node.values()
    axis = normalize_axis(node.attribute("axis"), len(values[0].shape))
    batches = {value.batch for value in values if value.batch is not None}
    if not batches:
        return Kernel(lambda *parts: torch.cat(parts, axis), values, [None])
    if len(batches) > 1 or axis in batches:
        raise Unsupported("it joins samples of a batch")
    (batch,) = batches
    if all(value.batch is not None for value in values):
        return Kernel(lambda *parts: torch.cat(parts, axis), values, [batch])
    if any(value.shape[batch] != 1 for value in values):
        raise Unsupported("it joins what is the same for all samples to a batch of "
                          "several")
    grown = next(i for i, value in enumerate(values) if value.batch is not None)

    def concat(*parts: Tensor) -> Tensor:
        sizes = [-1] * parts[0].dim()
        sizes[batch] = parts[grown].shape[batch]
        return torch.cat([part.expand(sizes) for part in parts], axis)
    return Kernel(concat, values, [batch])


def _gather(node: View) -> Kernel:
    data, indices = node.value(0), node.value(1)
    rank = len(data.shape)
    axis = normalize_axis(node.attribute("axis", 0), rank)
    if data.batch is not None and indices.batch is not None:
        raise Unsupported("it takes entries that differ between samples")
    if data.batch == axis:
        raise Unsupported("it takes a part of the batch")
    batch = None
    if indices.batch is not None:
        batch = axis + indices.batch
    elif data.batch is not None:
        batch = data.batch + (len(indices.shape) - 1 if data.batch > axis else 0)
    size = data.shape[axis]
    if indices.constant:
        numbers = node.constant(1, "indices")
        if bool(((numbers < -size) | (numbers >= size)).any()):
            raise Unsupported(f"takes an entry beyond the {size} that there are")
        if numbers.dim() == 0:
            number = int(numbers) % size
            return Kernel(lambda x: x.select(axis, number), [data], [batch])
        indices = node.make_constant(numbers.remainder(size))
    if rank == 2 and axis == 0:
        # Unlike F.embedding, ONNX counts from the end below 0; token ids do not.
        return Kernel(lambda x, i: F.embedding(i, x), [data, indices], [batch])

    def gather(x: Tensor, i: Tensor) -> Tensor:
        shape = x.shape[:axis] + i.shape + x.shape[axis + 1:]
        return x.index_select(axis, i.reshape(-1)).reshape(shape)
    return Kernel(gather, [data, indices], [batch])


#: Builders by the operator of ONNX.
OPERATORS: Dict[str, Builder] = {
    "Abs": _elementwise(torch.abs),
    "Add": _elementwise(torch.add),
    "And": _elementwise(torch.logical_and),
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Cos": _elementwise(torch.cos),
    "CumSum": _cumsum,
    "Div": _div,
    "Equal": _elementwise(torch.eq),
    "Erf": _elementwise(torch.erf),
    "Exp": _elementwise(torch.exp),
    "Expand": _expand,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gelu": _gelu,
    "Gemm": _gemm,
    "Greater": _elementwise(torch.gt),
    "GreaterOrEqual": _elementwise(torch.ge),
    "Identity": _elementwise(lambda x: x),
    "IsNaN": _elementwise(torch.isnan),
    "LayerNormalization": _layer_norm,
    "LeakyRelu": _leaky_relu,
    "Less": _elementwise(torch.lt),
    "LessOrEqual": _elementwise(torch.le),
    "Log": _elementwise(torch.log),
    "MatMul": _matmul,
    "Max": _chain(torch.maximum),
    "Min": _chain(torch.minimum),
    "Mul": _elementwise(torch.mul),
    "Neg": _elementwise(torch.neg),
    "Not": _elementwise(torch.logical_not),
    "Or": _elementwise(torch.logical_or),
    "PRelu": _elementwise(_prelu),
    "Pow": _pow,
    "RMSNormalization": _rms_norm,
    "Reciprocal": _elementwise(torch.reciprocal),
    "ReduceMean": _reduce(torch.mean, 18),
    "ReduceSum": _reduce(torch.sum, 13),
    "Relu": _elementwise(torch.relu),
    "Reshape": _reshape,
    "Sigmoid": _elementwise(torch.sigmoid),
    "Sin": _elementwise(torch.sin),
    "Slice": _slice,
    "Softmax": _softmax,
    "Split": _split,
    "Sqrt": _elementwise(torch.sqrt),
    "Squeeze": _squeeze,
    "Sub": _elementwise(torch.sub),
    "Tanh": _elementwise(torch.tanh),
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Where": _where,
}

#: Builders of the nodes that :mod:`~aero.nn.fusion` makes.
FUSED: Dict[str, Builder] = {
    "Slices": lambda node: build_slices(
        node.value(0), node.attribute("axis"), node.attribute("bounds")),
    "Softmax": lambda node: build_guarded_softmax(
        node.value(0), node.attribute("axis", -1)),
}
