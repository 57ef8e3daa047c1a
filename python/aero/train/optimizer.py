# Part of the AERO project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""AdamW for the network of an ONNX file, and the ranges of learnable scalars."""

from __future__ import annotations

from typing import Dict, List, Optional

import onnx
import torch
from torch import nn

from ..entropy import EntropyRegularizer
from ..nn import OnnxModule
from .norms import SIGMA, Graph
from .options import TrainOptions


def table_names(model: onnx.ModelProto) -> List[str]:
    """Initializers whose rows are looked up, such as embeddings."""
    graph = Graph(model.graph)
    return [
        graph.source(node.input[0])
        for node in model.graph.node
        if node.op_type == "Gather"
    ]


def trained_parameters(
    module: OnnxModule, regularizer: Optional[EntropyRegularizer]
) -> Dict[str, nn.Parameter]:
    """Every parameter that is trained, by a name that checkpoints keep."""
    found = {
        "model/" + name: parameter
        for name, parameter in module.named_parameters()
        if parameter.requires_grad
    }
    if regularizer is not None:
        held = {id(parameter) for parameter in found.values()}
        for name, parameter in regularizer.named_parameters():
            if parameter.requires_grad and id(parameter) not in held:
                found["regularizer/" + name] = parameter
    return found


def freeze_sigmas(module: OnnxModule) -> None:
    """What replaced norms divide by is not trained."""
    for name, parameter in module.initializers.items():
        if name.startswith(SIGMA):
            parameter.requires_grad_(False)


def make_optimizer(
    module: OnnxModule,
    regularizer: Optional[EntropyRegularizer],
    tables: List[str],
    options: TrainOptions,
) -> torch.optim.AdamW:
    """AdamW that decays matrices only.

    Embeddings, vectors and learnable scalars are not decayed; learnable scalars have
    the factor of their role on the learning rate, in the group's ``factor``.
    """
    roles = {role.name: role.role for role in module.roles}
    by_identity = {id(p): name for name, p in module.initializers.items()}
    groups: Dict[str, List[nn.Parameter]] = {}
    for name, parameter in trained_parameters(module, regularizer).items():
        initializer = by_identity.get(id(parameter), "")
        if name.startswith("regularizer/"):
            kind = "entropy_thresholds"
        elif initializer in roles:
            kind = roles[initializer]
        elif parameter.dim() >= 2 and initializer not in tables:
            kind = "matrices"
        else:
            kind = "vectors"
        groups.setdefault(kind, []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "weight_decay": options.weight_decay if kind == "matrices" else 0.0,
                "factor": options.lr_factors.get(kind, 1.0),
                "kind": kind,
            }
            for kind, parameters in groups.items()
        ],
        lr=options.lr,
        betas=(options.beta1, options.beta2),
    )


@torch.no_grad()
def keep_in_range(optimizer: torch.optim.AdamW, options: TrainOptions) -> None:
    """Puts temperatures and thresholds back where they mean something.

    A temperature divides, so it stays at or above ``--min-temperature``; a threshold
    is a part of the largest entropy, 0 to 1.
    """
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            if group["kind"] == "temperature":
                parameter.clamp_(min=options.min_temperature)
            elif group["kind"] == "entropy_thresholds":
                parameter.clamp_(0.0, 1.0)
