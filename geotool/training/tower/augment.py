"""Show the same ground in another season, light and camera, turned and scaled.

Tiles are uint8 (B, 3, S, S); what comes out is float32 in 0..1, (B, 3, s, s). The centre of a tile
stays its centre, so its coordinates stay true. Every draw comes from torch's global generator.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

_BROWN = torch.tensor([1.35, 1.05, 0.6]).view(1, 3, 1, 1)  # of mean brightness 1
_GREEN = torch.tensor([0.9, 1.4, 0.7]).view(1, 3, 1, 1)
_FIELDS = 1024  # noise fields of each scale, made once and then picked at random


class Augmenter:
    """Random seasons, light, blur, turns and scales for tiles of one size."""

    def __init__(self, size_px: int) -> None:
        self.size_px = size_px
        cells = (3, 9, size_px // 2)  # from weather systems to single slopes
        self.fields = [_noise_fields(count, size_px) for count in cells]

    def __call__(self, tiles: Tensor, lat_deg: Tensor) -> Tensor:
        x = turn_and_scale(tiles.float() / 255, self.size_px)
        sea = find_sea(x)
        x = torch.where(sea, x, recolour(x, self._draw(0, len(x))))
        x = self.add_snow(x, sea, lat_deg)
        return change_camera(x).clamp(0, 1)

    def add_snow(self, x: Tensor, sea: Tensor, lat_deg: Tensor) -> Tensor:
        """Patchy snow on the land of many tiles far from the equator and few near it.

        Snow lies by chance and by the ground's own brightness: dark forest may hide it or stand out
        of it, rivers and lakes may freeze. Through it relief and ground stay visible.
        """
        chance = 0.1 + 0.5 * ((lat_deg.abs() - 25) / 20).clamp(0, 1)
        chosen = torch.rand(len(x)) < chance
        if not chosen.any():
            return x
        ground, count = x[chosen], int(chosen.sum())
        light = ground.mean(dim=1, keepdim=True)
        detail = light - blur_widely(light)
        wide, middle, fine = (self._draw(scale, count) for scale in range(3))
        lie = wide + 0.5 * middle + 0.3 * fine + detail * _uniform(count, -10, 10) + _uniform(count, -1, 3)
        frozen = (light < 0.12) & (_some(count, 0.4) > 0)  # fresh water is nearly black, the sea is not
        cover = torch.sigmoid(lie * _uniform(count, 1, 5)) * _uniform(count, 0.5, 1)
        cover = cover * (~sea[chosen] | frozen)
        white = _uniform(count, 0.4, 0.98) + detail * _uniform(count, -2, 2) + light * _uniform(count, 0, 0.4)
        green = torch.ones(count, 1, 1, 1)
        tint = torch.cat([_uniform(count, 0.92, 1), green, _uniform(count, 1, 1.1)], dim=1)
        x = x.clone()
        x[chosen] = torch.lerp(ground, (white + 0.04 * fine) * tint, cover)
        return x

    def _draw(self, scale: int, count: int) -> Tensor:
        return self.fields[scale][torch.randint(0, _FIELDS, (count,))]  # (count, 1, S, S)


def turn_and_scale(x: Tensor, size_px: int) -> Tensor:
    """Turn by any right angle and a few degrees, zoom by 0.96 to 1.14; outside, the tile is mirrored."""
    count = len(x)
    angle = torch.randint(0, 4, (count,)) * (math.pi / 2) + (torch.rand(count) - 0.5) * 0.3
    side = 0.88 + 0.16 * torch.rand(count)  # share of the tile's width that is kept
    cos, sin, zero = side * angle.cos(), side * angle.sin(), torch.zeros(count)
    matrix = torch.stack([cos, -sin, zero, sin, cos, zero], dim=1).view(count, 2, 3)
    grid = functional.affine_grid(matrix, [count, 3, size_px, size_px], align_corners=False)
    return functional.grid_sample(x, grid, padding_mode="reflection", align_corners=False)


def find_sea(x: Tensor) -> Tensor:
    """(B, 1, S, S) bool: the rule of geotool.demo.tiles.is_land, the other way round."""
    red, green, blue = x[:, :1], x[:, 1:2], x[:, 2:]
    return (blue > 1.25 * red + 4 / 255) & (blue > 1.1 * green)


def recolour(x: Tensor, field: Tensor) -> Tensor:
    """The ground over a year: green turns brown, and dark brown green; some tiles take a tint or fade.

    `field` (B, 1, S, S) says where on the tile the change is strong.
    """
    count, light = len(x), x.mean(dim=1, keepdim=True)
    greenness = 8 * (x[:, 1:2] - x[:, :1])
    wither = greenness.clamp(0, 1) * _some(count, 0.4) * _uniform(count, 0, 1)
    grow = (-greenness).clamp(0, 1) * (1.6 - 2.5 * light).clamp(0, 1) * torch.sigmoid(2 * field)
    x = torch.lerp(x, light * _BROWN * _uniform(count, 0.8, 1.6), wither)
    x = torch.lerp(x, light * _GREEN * _uniform(count, 0.6, 1.1), grow * _some(count, 0.3))
    x = x * (1 + 0.15 * (torch.rand(count, 3, 1, 1) - 0.5) * field * _some(count, 0.4))
    x = x * (1 + 0.35 * (torch.rand(count, 3, 1, 1) - 0.5) * _some(count, 0.5))
    return torch.lerp(x, x.mean(dim=1, keepdim=True), _some(count, 0.2) * _uniform(count, 0.3, 1))


def change_camera(x: Tensor) -> Tensor:
    """Gamma, gain per channel, brightness and blur."""
    count = len(x)
    x = x.clamp(1e-3, 1)
    chosen = torch.rand(count) < 0.6
    x[chosen] = x[chosen] ** torch.exp(_uniform(int(chosen.sum()), -0.35, 0.35))
    x = x * (1 + 0.12 * (torch.rand(count, 3, 1, 1) - 0.5)) + _uniform(count, -0.03, 0.03)
    chosen = torch.rand(count) < 0.25
    sharp = x[chosen]
    blurred = functional.avg_pool2d(functional.pad(sharp, (1, 1, 1, 1), mode="replicate"), 3, 1)
    x[chosen] = torch.lerp(sharp, blurred, _uniform(len(sharp), 0.3, 1))
    return x


def blur_widely(x: Tensor) -> Tensor:
    """(B, 1, S, S) without what is finer than an eighth of its width."""
    coarse = functional.adaptive_avg_pool2d(x, 8)
    return functional.interpolate(coarse, size=x.shape[2:], mode="bilinear", align_corners=False)


def _noise_fields(cells: int, size_px: int) -> Tensor:
    coarse = torch.randn(_FIELDS, 1, cells, cells)
    return functional.interpolate(coarse, size=(size_px, size_px), mode="bicubic", align_corners=False)


def _uniform(count: int, low: float, high: float) -> Tensor:
    return (low + (high - low) * torch.rand(count)).view(count, 1, 1, 1)


def _some(count: int, share: float) -> Tensor:
    """1 for about `share` of the tiles, 0 for the others."""
    return (torch.rand(count) < share).float().view(count, 1, 1, 1)
