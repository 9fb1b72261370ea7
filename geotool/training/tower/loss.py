"""Contrast of pictures with places (InfoNCE, arXiv 1807.03748), with neighbours as partly right."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from geotool.core.geo import EARTH_RADIUS_KM
from geotool.training.sphere import to_xyz


def draw_negatives(latlon_deg: Tensor, batch_deg: Tensor, count: int) -> Tensor:
    """(M, 2) places to tell from the batch's own: half of them 60 to 600 km from one of these.

    Chance alone brings the nearest of a thousand places no closer than 200 km: without near ones
    nothing teaches the last 100 km.
    """
    near = count // 2
    start = to_xyz(batch_deg[torch.randint(0, len(batch_deg), (near,))])
    reach = 60 * torch.exp(2.3 * torch.rand(near, 1)) / EARTH_RADIUS_KM
    moved = _from_xyz(start + reach * torch.randn(near, 3))
    return torch.cat([moved, latlon_deg[torch.randint(0, len(latlon_deg), (count - near,))]])


def soft_contrast(
    cosines: Tensor, scale: Tensor, batch_deg: Tensor, places_deg: Tensor, softness_km: float
) -> Tensor:
    """The loss of (B, B + M) cosines between pictures and places, own places first.

    The target of a picture is spread over the places by exp(-(d / softness)^2 / 2) of their distance
    d, so that a neighbour is no false negative and the order of the near ones is learnt. The other
    direction, place to picture, has half the weight.
    """
    count = len(cosines)
    nearness = torch.exp(-(_chord_km(batch_deg, places_deg) ** 2) / (2 * softness_km**2))  # (B, B + M)
    logits, square = scale * cosines, nearness[:, :count]
    to_places = _soft_cross_entropy(logits, nearness)
    to_pictures = _soft_cross_entropy(logits[:, :count].T, square.T)
    return to_places + 0.5 * to_pictures


def _soft_cross_entropy(logits: Tensor, weights: Tensor) -> Tensor:
    target = weights / weights.sum(dim=1, keepdim=True)
    return -(target * functional.log_softmax(logits, dim=1)).sum(dim=1).mean()


def _chord_km(a_deg: Tensor, b_deg: Tensor) -> Tensor:
    squared = (2 - 2 * to_xyz(a_deg) @ to_xyz(b_deg).T).clamp(min=0)
    return EARTH_RADIUS_KM * squared.sqrt()


def _from_xyz(xyz: Tensor) -> Tensor:
    """As geotool.training.sphere does, rounded as when the shipped model was trained: else it is another."""
    unit = functional.normalize(xyz, dim=1)
    lat, lon = unit[:, 2].clamp(-1, 1).asin(), torch.atan2(unit[:, 1], unit[:, 0])
    return torch.rad2deg(torch.stack([lat, lon], dim=1))
