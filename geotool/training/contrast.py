"""Contrast of photos with places in both directions (InfoNCE, arXiv 1807.03748; CLIP, arXiv 2103.00020).

A step of B photos, their own B places and Q places of a queue:

    cosines = find_cosines(images, own, queue)                          # (B, B + Q)
    is_false = find_false_negatives(own_deg, places_deg, mask_km)       # (B, B + Q)
    loss = contrast(cosines, temperature(), is_false)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from geotool.core.geo import EARTH_RADIUS_KM
from geotool.training.sphere import from_xyz, to_xyz

FIRST_LOG_SCALE = 3.681  # GeoCLIP's trained value: 39.7 logits per cosine
_LEAST_SCALE, _HIGHEST_SCALE = 1.0, 100.0  # CLIP's bound above


class Temperature(nn.Module):
    """The learnt scale of the cosines, between 1 and 100 logits per cosine: `forward` gives it, ()."""

    def __init__(self, first_log_scale: float = FIRST_LOG_SCALE) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(first_log_scale))

    def forward(self) -> Tensor:
        # The value itself is bounded: clamped on the way out, it would get no gradient to come back with.
        with torch.no_grad():
            self.log_scale.clamp_(math.log(_LEAST_SCALE), math.log(_HIGHEST_SCALE))
        return self.log_scale.exp()


def find_cosines(images: Tensor, own: Tensor, queue: Tensor) -> Tensor:
    """(B, D) photos, (B, D) own and (Q, D) other places, of any lengths -> (B, B + Q) cosines.

    They are of single precision even under autocast: times 100, an error of half precision is a logit off
    by a third. Own places and queue stay apart so that a queue without gradient costs none.
    """
    exact = torch.promote_types(images.dtype, torch.float32)
    with torch.autocast(images.device.type, enabled=False):
        unit, *places = (functional.normalize(vectors.to(exact), dim=1) for vectors in (images, own, queue))
        return torch.cat([unit @ part.T for part in places], dim=1)


def find_false_negatives(own_deg: Tensor, places_deg: Tensor, mask_km: float) -> Tensor:
    """(B, 2) own places and (B + Q, 2) all places, own first -> (B, B + Q) those nearer than `mask_km`.

    By great circle. A photo's own place is none of them; with 0 km there are none.
    """
    half_angle = min(mask_km / (2 * EARTH_RADIUS_KM), math.pi / 2)
    is_near = find_squared_chords(own_deg, places_deg) < (2 * math.sin(half_angle)) ** 2
    return is_near.fill_diagonal_(False)


def find_squared_chords(a_deg: Tensor, b_deg: Tensor) -> Tensor:
    """(N, 2), (M, 2) degrees -> (N, M) squared straight distances, in radii of the Earth.

    Of differences: in single precision these are good to a metre, where inner products are off by 3 km.
    """
    a, b = to_xyz(a_deg), to_xyz(b_deg)
    total = torch.zeros(len(a), len(b), dtype=a.dtype, device=a.device)
    for axis in range(3):  # three times quicker than torch.cdist
        difference = a[:, axis, None] - b[:, axis]  # (N, M)
        total.addcmul_(difference, difference)
    return total


def contrast(cosines: Tensor, scale: Tensor, is_false: Tensor) -> Tensor:
    """The mean loss of photo to place, over B + Q, and place to photo, over B: ().

    `cosines` are (B, B + Q), own places first; `is_false` (B, B + Q) are left out of the denominators.
    """
    count = len(cosines)
    logits = (scale * cosines).masked_fill(is_false, -torch.inf)
    own = torch.arange(count, device=cosines.device)
    to_places = functional.cross_entropy(logits, own)
    to_photos = functional.cross_entropy(logits[:, :count].T, own)
    return (to_places + to_photos) / 2


def add_gps_noise(latlon_deg: Tensor, noise_km: float, generator: torch.Generator | None = None) -> Tensor:
    """(N, 2) degrees, moved on the sphere by Gaussian steps of `noise_km` to the north and to the east each.

    GeoCLIP's paper has 0.15 km for the batch and 1 km for the queue (arXiv 2309.16020). The longitudes are
    in [-180, 180]. For noises much smaller than the Earth.
    """
    if noise_km == 0:
        return latlon_deg
    xyz = to_xyz(latlon_deg)
    step = torch.randn(xyz.shape, generator=generator, device=xyz.device, dtype=xyz.dtype)
    step = step - (step * xyz).sum(dim=1, keepdim=True) * xyz  # along the ground
    return from_xyz(xyz + noise_km / EARTH_RADIUS_KM * step)
