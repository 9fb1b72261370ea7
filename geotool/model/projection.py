"""Coordinates as a location encoder takes them: projected to a plane, or as points of a sphere."""

from __future__ import annotations

import math

import torch
from torch import Tensor

# Polynomial of the Equal Earth projection (Savric, Patterson and Jenny 2018).
_A1, _A2, _A3, _A4 = 1.340264, -0.081106, 0.000893, 0.003796
_GEOCLIP_SCALE = 66.50336  # GeoCLIP's factor; with / 180 it puts the equator's x into [-1, 1]


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


def sphere(latlon_deg: Tensor) -> Tensor:
    """(B, 2) degrees -> (B, 3) points of a sphere; neither the antimeridian nor a pole is a seam.

    Half the equator has length 1, as in `equal_earth`: a sigma means the same distance in both.
    """
    lat, lon = torch.deg2rad(latlon_deg).unbind(1)  # (B,), (B,)
    unit = torch.stack([lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()], dim=1)
    return unit / math.pi
