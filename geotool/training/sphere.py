"""geotool.core.sphere for tensors on any device: (N, 2) degrees lat, lon and (N, 3) vectors."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def to_xyz(latlon_deg: Tensor) -> Tensor:
    """(N, 2) degrees -> (N, 3) unit vectors."""
    lat, lon = torch.deg2rad(latlon_deg).unbind(1)
    return torch.stack([lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()], dim=1)


def from_xyz(xyz: Tensor) -> Tensor:
    """(N, 3) vectors of any positive length -> (N, 2) degrees."""
    x, y, z = functional.normalize(xyz, dim=1).unbind(1)
    # An arcsine of z would lose 2 km near a pole in single precision.
    return torch.rad2deg(torch.stack([torch.atan2(z, torch.hypot(x, y)), torch.atan2(y, x)], dim=1))
