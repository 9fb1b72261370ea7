"""GeoCLIP's location encoder: projection, random Fourier features, capsules (arXiv 2309.16020).

Variants are settings of LocationSpec, whose defaults are GeoCLIP's: gated hidden layers, and the sphere
in place of the projection. `add_capsule` makes a trained encoder finer.
"""

from __future__ import annotations

import copy
import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from geotool.core.errors import UsageError
from geotool.model.projection import equal_earth, sphere

# What a spec's `input` may name: how coordinates become numbers, and how many.
INPUTS: dict[str, tuple[Callable[[Tensor], Tensor], int]] = {
    "equal_earth": (equal_earth, 2),
    "sphere": (sphere, 3),
}
_HIDDEN_LAYERS = 3
_QUICK_MULTIPLE = 8  # matrices of such widths are multiplied faster in half precision
_FAIR = 0.01  # by how much the parameters of a gated encoder may differ for the sake of that


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationSpec:
    """The shape of a location encoder, as model.json stores it. Raises UsageError for an unknown input."""

    sigmas: tuple[float, ...] = (1.0, 16.0, 256.0)  # one capsule each, from coarse to fine
    frequencies: int = 256
    hidden: int = 1024
    dim: int = 512
    gate: bool = False
    input: str = "equal_earth"

    def __post_init__(self) -> None:
        if self.input not in INPUTS:
            raise UsageError(
                f"A location encoder knows no input {self.input!r}.", f"Choose from {', '.join(INPUTS)}."
            )

    @property
    def width(self) -> int:
        """Values between two hidden layers: `hidden`, or fewer with gates, for as many parameters."""
        return _find_gated_width(self) if self.gate else self.hidden


def _find_gated_width(spec: LocationSpec) -> int:
    """The width at which a gated capsule has the parameters of a plain one."""
    wanted = _count_parameters(spec, spec.hidden, spec.hidden)

    def excess(width: int) -> float:
        return abs(_count_parameters(spec, width, 2 * width) / wanted - 1)

    quick = min(range(_QUICK_MULTIPLE, spec.hidden + _QUICK_MULTIPLE, _QUICK_MULTIPLE), key=excess)
    return quick if excess(quick) < _FAIR else min(range(1, spec.hidden + 1), key=excess)


def _count_parameters(spec: LocationSpec, width: int, leaving: int) -> int:
    """Of one capsule whose hidden layers take `width` values and give `leaving`."""
    first, others = 2 * spec.frequencies + 1, (_HIDDEN_LAYERS - 1) * (width + 1)
    return (first + others) * leaving + (width + 1) * spec.dim


class Capsule(nn.Module):
    """One scale: (B, 2 or 3) coordinates -> (B, dim), through fixed Fourier features and an MLP."""

    def __init__(self, sigma: float, spec: LocationSpec) -> None:
        super().__init__()
        _, coordinates = INPUTS[spec.input]
        self.frequencies: Tensor  # (F, 2 or 3), fixed
        self.register_buffer("frequencies", torch.randn(spec.frequencies, coordinates) * sigma)
        width = spec.width
        entering = [2 * spec.frequencies, *[width] * (_HIDDEN_LAYERS - 1)]
        layers = [nn.Linear(wide, 2 * width if spec.gate else width) for wide in entering]
        self.hidden = nn.ModuleList(layers)
        self.head = nn.Linear(width, spec.dim)
        self.activate = pass_gate if spec.gate else torch.relu
        if spec.gate:
            _open_gates(layers)

    def forward(self, points: Tensor) -> Tensor:
        # The phase reaches thousands of radians: in half precision it would be noise.
        exact = torch.promote_types(self.frequencies.dtype, torch.float32)
        with torch.autocast(points.device.type, enabled=False):
            phase = (2 * math.pi * points.to(exact)) @ self.frequencies.to(exact).T  # (B, F)
        value = torch.cat([torch.cos(phase), torch.sin(phase)], dim=1)  # (B, 2F)
        value = value.to(self.head.weight.dtype)
        for layer in self.hidden:
            value = self.activate(layer(value))
        return self.head(value).to(exact)  # (B, D)


def _open_gates(layers: Sequence[nn.Linear]) -> None:
    """Let each gate begin near silu(1), which keeps as much of a signal as ReLU does.

    Begun near silu(0), three products of small numbers leave nothing but the biases: every place
    would start with the same vector.
    """
    for layer in layers:
        nn.init.ones_(layer.bias.data[layer.out_features // 2 :])


def pass_gate(value: Tensor) -> Tensor:
    """(B, 2W) -> (B, W): the first half, let through by the second (SwiGLU, arXiv 2002.05202)."""
    content, gate = value.chunk(2, dim=1)
    return content * functional.silu(gate)


class LocationEncoder(nn.Module):
    """Coordinates -> the space shared with photos, as the sum of the capsules.

    `forward` takes (B, 2) lat, lon in degrees and gives (B, D), not normalised, in float32 (float64 where
    the module was cast to it). The weights may be bf16 (`to_half`); projection and phase stay in float32.
    """

    def __init__(self, spec: LocationSpec) -> None:
        super().__init__()
        self.spec = spec
        self.capsules = nn.ModuleList(Capsule(sigma, spec) for sigma in spec.sigmas)

    def forward(self, latlon_deg: Tensor) -> Tensor:
        project, _ = INPUTS[self.spec.input]
        points = project(latlon_deg)
        total = torch.zeros(len(points), self.spec.dim, device=points.device)
        for capsule in self.capsules:
            total = total + capsule(points)
        return total

    def to_half(self, dtype: torch.dtype) -> LocationEncoder:
        """Cast the linear layers alone; the frequencies keep float32."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                module.to(dtype)
        return self


def add_capsule(encoder: LocationEncoder, sigma: float) -> LocationEncoder:
    """The encoder with one more, finer capsule that still gives zero: the first step starts where it was.

    What was trained is copied. Raises UsageError where `sigma` is not above all there are.
    """
    finest = max(encoder.spec.sigmas)
    if not finest < sigma < math.inf:
        raise UsageError(f"A capsule of sigma {sigma:g} is no finer.", f"Give more than {finest:g}.")
    grown, first = copy.deepcopy(encoder), cast(Capsule, encoder.capsules[0])
    grown.spec = dataclasses.replace(encoder.spec, sigmas=(*encoder.spec.sigmas, sigma))
    capsule = Capsule(sigma, grown.spec).to(first.frequencies)  # its device and float type
    nn.init.zeros_(capsule.head.weight)
    nn.init.zeros_(capsule.head.bias)
    grown.capsules.append(capsule)
    return grown.to_half(first.head.weight.dtype)
