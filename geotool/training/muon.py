"""Muon: momentum made orthogonal, for the weight matrices of hidden layers (Jordan 2024)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT

_A, _B, _C = 3.4445, -4.7750, 2.0315  # quintic Newton-Schulz step, steepest at zero
_MOMENTUM = 0.95


class Muon(torch.optim.Optimizer):
    """Nesterov momentum whose update has all singular values near 1. Convolutions count as matrices."""

    def __init__(self, parameters: ParamsT, lr: float) -> None:
        super().__init__(parameters, {"lr": lr})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._update(weight, group["lr"])

    def _update(self, weight: Tensor, lr: float) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        gradient = weight.grad
        assert gradient is not None
        momentum = state["momentum"].lerp_(gradient, 1 - _MOMENTUM)
        update = orthogonalise(torch.lerp(gradient, momentum, _MOMENTUM).flatten(1))
        tall = max(1.0, update.shape[0] / update.shape[1]) ** 0.5
        weight.sub_(update.view(weight.shape), alpha=lr * tall)


def orthogonalise(matrix: Tensor) -> Tensor:
    """The nearest matrix with orthogonal rows (or columns), roughly: singular values in 0.7..1.2."""
    is_tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if is_tall else matrix).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        square = x @ x.T
        x = _A * x + (_B * square + _C * square @ square) @ x
    return (x.T if is_tall else x).to(matrix.dtype)
