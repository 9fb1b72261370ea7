"""GeoCLIP's location encoder: Equal Earth, random Fourier features, capsules (arXiv 2309.16020)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

# Polynomial of the Equal Earth projection (Savric, Patterson and Jenny 2018).
_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
_GEOCLIP_SCALE = 66.50336  # GeoCLIP's factor; with / 180 it puts the equator's x into [-1, 1]


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationSpec:
    """The shape of a location encoder, as model.json stores it."""

    sigmas: tuple[float, ...] = (1.0, 16.0, 256.0)  # one capsule each, from coarse to fine
    frequencies: int = 256
    hidden: int = 1024
    dim: int = 512


def equal_earth(latlon_deg: Tensor) -> Tensor:
    """(B, 2) lat, lon in degrees -> (B, 2) x, y in the scaling GeoCLIP was trained with.

    One unit in the last place of x turns the finest capsule's phase by 3e-4, so the order of
    the operations follows the reference: parity within 1e-5 depends on it.
    """
    lat, lon = torch.deg2rad(latlon_deg).unbind(1)  # (B,), (B,)
    root3 = torch.sqrt(torch.tensor(3.0, dtype=lat.dtype))
    theta = torch.asin((root3 / 2) * torch.sin(lat))
    slope = 9 * _A4 * theta**8 + 7 * _A3 * theta**6 + 3 * _A2 * theta**2 + _A1
    x = (2 * root3 * lon * torch.cos(theta)) / (3 * slope)
    y = _A4 * theta**9 + _A3 * theta**7 + _A2 * theta**3 + _A1 * theta
    return (torch.stack([x, y], dim=1) * _GEOCLIP_SCALE) / 180


class Capsule(nn.Module):
    """One scale: (B, 2) projected coordinates -> (B, dim), through fixed Fourier features and an MLP."""

    def __init__(self, sigma: float, spec: LocationSpec) -> None:
        super().__init__()
        self.frequencies: Tensor  # (F, 2), fixed
        self.register_buffer("frequencies", torch.randn(spec.frequencies, 2) * sigma)
        widths = [2 * spec.frequencies, spec.hidden, spec.hidden, spec.hidden]
        layers = [nn.Linear(a, b) for a, b in pairwise(widths)]
        self.hidden = nn.ModuleList(layers)
        self.head = nn.Linear(spec.hidden, spec.dim)

    def forward(self, xy: Tensor) -> Tensor:
        # The phase reaches thousands of radians: in half precision it would be noise.
        with torch.autocast(xy.device.type, enabled=False):
            phase = (2 * math.pi * xy.float()) @ self.frequencies.float().T  # (B, F)
        value = torch.cat([torch.cos(phase), torch.sin(phase)], dim=1)  # (B, 2F)
        value = value.to(self.head.weight.dtype)
        for layer in self.hidden:
            value = torch.relu(layer(value))
        return self.head(value)  # (B, D)


class LocationEncoder(nn.Module):
    """Coordinates -> the space shared with photos, as the sum of the capsules.

    `forward` takes (B, 2) lat, lon in degrees and gives (B, D), not normalised, in float32.
    The weights may be bf16 (`to_half`); projection and phase stay in float32.
    """

    def __init__(self, spec: LocationSpec) -> None:
        super().__init__()
        self.spec = spec
        self.capsules = nn.ModuleList(Capsule(sigma, spec) for sigma in spec.sigmas)

    def forward(self, latlon_deg: Tensor) -> Tensor:
        xy = equal_earth(latlon_deg)
        total = torch.zeros(len(xy), self.spec.dim, device=xy.device)
        for capsule in self.capsules:
            total = total + capsule(xy).float()
        return total

    def to_half(self, dtype: torch.dtype) -> LocationEncoder:
        """Cast the linear layers alone; the frequencies keep float32."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                module.to(dtype)
        return self
