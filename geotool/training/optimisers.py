"""The optimisers: Muon for hidden matrices, AdamW for the rest, their rates along a schedule."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from geotool.training.muon import Muon

_BETAS = (0.9, 0.98)


def build_optimisers(
    matrices: Iterable[Tensor],
    rest: Iterable[Tensor],
    lr: float,
    muon_lr: float | None,
    weight_decay: float,
) -> list[torch.optim.Optimizer]:
    """Muon for `matrices` and AdamW for `rest`, or AdamW for both, then with decay of the matrices.

    The rates are the highest of the schedule.
    """
    adam = [{"params": list(rest), "weight_decay": 0.0, "highest_lr": lr}]
    if muon_lr is None:
        adam.insert(0, {"params": list(matrices), "weight_decay": weight_decay, "highest_lr": lr})
    adamw = torch.optim.AdamW(adam, lr=lr, betas=_BETAS, fused=True)
    if muon_lr is None:
        return [adamw]
    return [Muon([{"params": list(matrices), "highest_lr": muon_lr}], lr=muon_lr), adamw]


def set_rate(optimisers: Iterable[torch.optim.Optimizer], rate: float) -> None:
    """Every learning rate becomes this share of its highest."""
    for optimiser in optimisers:
        for group in optimiser.param_groups:
            group["lr"] = group["highest_lr"] * rate
