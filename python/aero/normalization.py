# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Weight and spectral normalisation of matrices while they are trained.

What the AERO paper compares with the scaled feed-forward network, by the
definition of the compiler's ``pi-static-norm``. A matrix W, whose columns are the
outputs of its map, is read as

    weight norm:    W g / ||w||   for each column w; a column of zeros stays
    spectral norm:  W g / s       with the largest singular value s

with a gain g. Neither depends on the input, so that the result is one matrix:
:func:`fold` leaves that alone, and ``to_onnx`` writes it.
"""

from __future__ import annotations

import math
import re
from typing import Any, Callable, List, Optional, Tuple

import torch
from torch import Tensor, nn

from .errors import AeroError
from .nn import OnnxModule
from .nn.structure import FEED_FORWARD, Matrix, find_matrices


class WeightNorm(nn.Module):
    """Gives each output of a matrix the length ``gain``.

    Args:
        weight: What will be normalised.
        output_axis: 1 if columns are outputs, 0 if rows are.
        gain: The length; None for the lengths that there are now.
        learnable: One parameter an output, which starts at ``gain``.
    """

    gain: Tensor

    def __init__(self, weight: Tensor, output_axis: int = 1,
                 gain: Optional[float] = 1.0, learnable: bool = False) -> None:
        super().__init__()
        self.output_axis = output_axis
        with torch.no_grad():
            start = (weight.norm(dim=1 - output_axis) if gain is None else
                     weight.new_full((weight.shape[output_axis],), gain))
        _add_gain(self, start, learnable)

    def forward(self, weight: Tensor) -> Tensor:
        inner = 1 - self.output_axis
        squares = (weight * weight).sum(inner, keepdim=True)
        some = squares > 0
        # The root of 0 has no gradient, so that it is not taken.
        lengths = torch.sqrt(torch.where(some, squares, torch.ones_like(squares)))
        factors = torch.where(some, self.gain.unsqueeze(inner) / lengths,
                              torch.ones_like(squares))
        return weight * factors


class SpectralNorm(nn.Module):
    """Gives a matrix the largest singular value ``gain``.

    In training, one step of the power iteration follows each change of the matrix.
    What is evaluated and written is divided by the singular value itself. Gradients
    take the singular vectors as constants, which is exact where they are those of the
    matrix.

    Args:
        weight: What will be normalised.
        gain: The singular value; None for the one that there is now.
        learnable: Make the gain a parameter, which starts at ``gain``.
    """

    gain: Tensor
    right: Tensor

    def __init__(self, weight: Tensor, gain: Optional[float] = 1.0,
                 learnable: bool = False) -> None:
        super().__init__()
        with torch.no_grad():
            right = _singular_vector(weight)
            sigma = (weight @ right).norm()
        self.register_buffer("right", right)
        # Versions of the matrix that the vectors are of.
        self._followed: Optional[int] = None
        self._evaluated: Optional[Tuple[Tuple[Any, ...], Tensor]] = None
        if not bool(torch.isfinite(sigma)) or not bool(sigma > 0):
            raise AeroError("its largest singular value is not a number above 0")
        _add_gain(self, sigma if gain is None else sigma.new_tensor(gain), learnable)

    def forward(self, weight: Tensor) -> Tensor:
        with torch.no_grad():
            right = self._follow(weight) if self.training else self._evaluate(weight)
        return weight * (self.gain / (weight @ right).norm())

    def _follow(self, weight: Tensor) -> Tensor:
        # All parts of a batch see the same matrix.
        if self._followed != weight._version:
            following = weight.t() @ (weight @ self.right)
            length = following.norm()
            # A new tensor: the gradient of an earlier run may need the old one.
            self.right = torch.where(length > 0, following / length, self.right)
            self._followed = weight._version
        return self.right

    def _evaluate(self, weight: Tensor) -> Tensor:
        """The singular vector itself. What training follows stays as it is, so that
        it does not matter how often one evaluates."""
        now = weight._version, weight.device, weight.dtype
        if self._evaluated is None or self._evaluated[0] != now:
            self._evaluated = now, _singular_vector(weight)
        return self._evaluated[1]


def _singular_vector(weight: Tensor) -> Tensor:
    """The right one of the largest singular value, by double precision."""
    matrix = weight.detach().double()
    if not bool(torch.isfinite(matrix).all()):
        return weight.new_full((weight.shape[1],), math.nan)
    wide = matrix.shape[0] < matrix.shape[1]
    gram = matrix @ matrix.t() if wide else matrix.t() @ matrix
    vector = torch.linalg.eigh(gram)[1][:, -1]
    right = matrix.t() @ vector if wide else vector
    return (right / right.norm()).to(weight.dtype)


def _add_gain(module: nn.Module, start: Tensor, learnable: bool) -> None:
    if learnable:
        module.register_parameter("gain", nn.Parameter(start.clone()))
    else:
        module.register_buffer("gain", start.clone())


def ffn_matrices(module: OnnxModule) -> List[str]:
    """The initializers that are matrices of feed-forward networks.

    By the structure of the graph, not by names: linear maps behind the residual sum
    of attention, or beside attention; the same that ``pi-static-norm`` chooses. A
    matrix that something else reads too, such as a tied one, is none of them.
    """
    return [matrix.name for matrix in _matrices(module)
            if matrix.part == FEED_FORWARD and matrix.only_linear]


def weight_norm(module: OnnxModule, pattern: Optional[str] = None,
                gain: Optional[float] = 1.0, learnable: bool = False) -> List[str]:
    """Trains matrices of ``module`` under :class:`WeightNorm`.

    Args:
        module: Changed in place. Its parameters are the same; its state gets gains.
        pattern: A regular expression that names of the matrices have to contain;
            None for those of :func:`ffn_matrices`.
        gain: The length of columns; None for the lengths that they have now, which
            keeps the function.
        learnable: One gain a column, which is trained.

    Returns:
        The names of the matrices.

    Raises:
        AeroError: There are no such matrices, one is normalised already, or the
            gain is not above 0.
    """
    def make(weight: Tensor, matrix: Matrix) -> nn.Module:
        return WeightNorm(weight, matrix.output_axis, gain, learnable)
    return _apply(module, pattern, gain, make)


def spectral_norm(module: OnnxModule, pattern: Optional[str] = None,
                  gain: Optional[float] = 1.0, learnable: bool = False) -> List[str]:
    """Trains matrices of ``module`` under :class:`SpectralNorm`.

    Arguments, result and errors are those of :func:`weight_norm`; there is one gain
    a matrix.
    """
    def make(weight: Tensor, matrix: Matrix) -> nn.Module:
        return SpectralNorm(weight, gain, learnable)
    return _apply(module, pattern, gain, make)


def fold(module: OnnxModule) -> None:
    """Makes each normalised matrix a parameter as it is read in evaluation, and
    ends its normalisation. The module computes the same, bit for bit."""
    with torch.no_grad(), module.evaluated_parametrizations():
        for name in module.parametrized_names():
            value = module.value(name)
            module.parametrize(name, None)
            module.initializers[name].copy_(value)


def _matrices(module: OnnxModule) -> List[Matrix]:
    return find_matrices(module.graph, set(module.data_values()))


def _apply(module: OnnxModule, pattern: Optional[str], gain: Optional[float],
           make: Callable[[Tensor, Matrix], nn.Module]) -> List[str]:
    if gain is not None and not (math.isfinite(gain) and gain > 0):
        raise AeroError(f"the gain has to be a number above 0, got {gain}")
    matrices = _matrices(module)
    if pattern is None:
        wanted = set(ffn_matrices(module))
        chosen = [matrix for matrix in matrices if matrix.name in wanted]
        what = "matrix of a feed-forward network"
    else:
        try:
            expression = re.compile(pattern)
        except re.error as error:
            raise AeroError(f"pattern '{pattern}' is no regular expression: "
                            f"{error}") from error
        chosen = [matrix for matrix in matrices if expression.search(matrix.name)]
        what = f"matrix of a linear map whose name has '{pattern}'"
    problems = []
    if not chosen:
        problems.append(f"{module.source}: has no {what}")
    normalised = set(module.parametrized_names())
    made = []
    for matrix in chosen:
        where = f"{module.source}: initializer '{matrix.name}'"
        if matrix.name in normalised:
            problems.append(f"{where} is normalised already")
        elif not matrix.only_linear:
            problems.append(f"{where} is read in several ways, such as a tied "
                            "embedding; choose others")
        else:
            try:
                made.append(make(module.initializers[matrix.name], matrix))
            except AeroError as error:
                problems.append(f"{where}: {error}")
    if problems:
        raise AeroError("\n".join(problems))
    for matrix, each in zip(chosen, made):
        module.parametrize(matrix.name, each.train(module.training))
    return [matrix.name for matrix in chosen]
