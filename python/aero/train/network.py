# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""The network in training: a module, and the graph that it was made of."""

from __future__ import annotations

import hashlib
import pathlib
import shutil
import tempfile
from typing import Dict, List, Optional

import onnx
import torch
from torch import Tensor

from .. import normalization
from ..errors import AeroError
from ..files import file_sha256, move_into_place, temporary_path
from ..nn import OnnxModule, from_onnx, to_onnx
from .evaluation import batch_size
from .fold import fold_norms
from .norms import Graph, Norm, find_norms, measuring_graph, remove_norm
from .optimizer import freeze_sigmas, table_names
from .options import TrainOptions

# How far logits may move, as a part of the largest, when norms become matrices.
FOLD_TOLERANCE = 1e-3
# A protobuf message, and so a graph that is changed in memory, ends at 2 GiB.
LARGEST_GRAPH = 1_900_000_000


class Network:
    """A module of an ONNX file, some of whose norms are replaced.

    Attributes:
        module: The network.
        sigmas: What each replaced norm divides by, by the value it makes.
        tables: Initializers that are looked up.
    """

    def __init__(
        self, path: pathlib.Path, normalize: str, device: torch.device
    ) -> None:
        self.path = pathlib.Path(path)
        self.device = device
        self.normalize = normalize
        self.sigmas: Dict[str, float] = {}
        # First, as it says what is wrong with a file.
        self.module = self._make(self.path)
        graph = onnx.load(str(path), load_external_data=False)
        _check_sharing(self.path, graph)
        self.tables = table_names(graph)
        self._graph: Optional[onnx.ModelProto] = None

    @property
    def graph(self) -> onnx.ModelProto:
        """The file, with its norms replaced so far; for --remove-norms alone, as it
        holds all weights a second time."""
        if self._graph is None:
            self._graph = onnx.load(str(self.path))
        return self._graph

    def sha256(self) -> str:
        """Of the file, and of those that hold its weights."""
        names = {
            entry.value
            for tensor in self.module.graph.model.graph.initializer
            for entry in tensor.external_data
            if entry.key == "location"
        }
        own = file_sha256(self.path)
        if not names:
            return own
        all_of_them = [own, *(file_sha256(self.path.parent / n) for n in sorted(names))]
        return hashlib.sha256("".join(all_of_them).encode()).hexdigest()

    def _make(self, path: pathlib.Path) -> OnnxModule:
        module = from_onnx(path)
        apply_normalization(module, self.normalize)
        freeze_sigmas(module)
        return module.to(self.device)

    def norms_in_order(self, options: TrainOptions) -> List[Norm]:
        """The norms in the order in which they go; none if none is to go."""
        if not options.remove_norms:
            return []
        norms = find_norms(self.graph)
        size = sum(len(tensor.raw_data) for tensor in self.graph.graph.initializer)
        if size > LARGEST_GRAPH:
            raise AeroError(
                f"{self.path}: has {size / 1e9:.1f} GB of weights; --remove-norms takes "
                "models of up to 1.9 GB, which fit into one ONNX file"
            )
        if not norms:
            raise AeroError(f"{self.path}: has no norm; leave --remove-norms out")
        return norms[::-1] if options.remove_norms_order == "deepest-first" else norms

    def replace_norms(self, sigmas: Dict[str, float]) -> None:
        """Makes norms divide by numbers; every weight stays as it is."""
        known = {norm.value: norm for norm in find_norms(self.graph)}
        for value, sigma in sigmas.items():
            if value not in known:
                raise AeroError(f"{self.path}: has no norm '{value}'")
            remove_norm(self.graph, known[value], sigma)
        weights = {name: p.detach() for name, p in self.module.initializers.items()}
        self.module = self._from_graph(self.graph)
        with torch.no_grad():
            for name, parameter in self.module.initializers.items():
                if name in weights:
                    parameter.copy_(weights[name])
        self.sigmas.update(sigmas)

    def _from_graph(self, graph: onnx.ModelProto) -> OnnxModule:
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / self.path.name
            onnx.save(graph, str(path))
            return self._make(path)

    @torch.no_grad()
    def measure(self, norm: Norm, tokens: Tensor) -> float:
        """The mean over tokens of what a norm divides by."""
        module = self._from_graph(measuring_graph(self.graph, [norm]))
        for name, parameter in module.initializers.items():
            if name in self.module.initializers:
                parameter.copy_(self.module.initializers[name])
        module.eval()
        total = 0.0
        for part in tokens.split(batch_size(self.module)):
            total += float(module(part.to(self.device)).double().sum())
        return total / tokens.numel()

    def write(self, path: pathlib.Path) -> None:
        """Writes the trained network, replaced norms folded into matrices."""
        if not self.sigmas:
            to_onnx(self.module, path)
            return
        folder = temporary_path(path)
        try:
            folder.mkdir()
            plain = folder / path.name
            to_onnx(self.module, plain)
            folded = onnx.load(str(plain))
            fold_norms(folded)
            onnx.save(folded, str(plain))
            self._compare(plain)
            move_into_place(plain, path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @torch.no_grad()
    def _compare(self, path: pathlib.Path) -> None:
        """An AeroError unless a file computes what this network does."""
        other = from_onnx(path).to(self.device).eval()
        self.module.eval()
        tokens = torch.arange(self.module.context, device=self.device)[None]
        tokens = tokens * 7 % self.module.vocabulary
        mine = self.module(tokens)
        moved = float((other(tokens) - mine).abs().max() / mine.abs().max())
        if not moved <= FOLD_TOLERANCE:
            raise AeroError(
                f"{self.path}: with its norms in the matrices the network computes "
                f"something else (logits move by {moved:.1e} of the largest); this is "
                "an error of aero-train, and nothing was written"
            )


def _check_sharing(path: pathlib.Path, model: onnx.ModelProto) -> None:
    """An AeroError if vectors share an initializer.

    PyTorch's exporter stores equal values once: all zero biases of a new network
    would be one bias for good. The compiler's importer takes them for different.
    """
    graph = Graph(model.graph)
    for node in model.graph.node:
        tensor = graph.initializers.get(node.input[0]) if node.input else None
        if node.op_type == "Identity" and tensor is not None and len(tensor.dims) < 2:
            raise AeroError(
                f"{path}: '{node.output[0]}' shares its values with '{tensor.name}', "
                "because they were equal when PyTorch exported them. Run aero rewrite "
                "first (--config as-is keeps the network), which gives each its own"
            )


def apply_normalization(module: OnnxModule, which: str) -> None:
    """Weight or spectral normalisation of the FFN matrices while training."""
    if which == "weight":
        normalization.weight_norm(module)
    elif which == "spectral":
        normalization.spectral_norm(module)
