"""Points spread evenly over the land: the places that the embedded model answers with."""

from __future__ import annotations

import math

import numpy as np

from geotool.demo.raster import Raster
from geotool.demo.tiles import SOUTHERN_LIMIT_DEG, is_land

_GOLDEN_TURN_DEG = math.degrees(math.pi * (1 + math.sqrt(5)))


def find_land_points(raster: Raster, count: int) -> np.ndarray:
    """(count, 2) float32 lat, lon on land, by the same rule as tiles: a lattice, no chance in it.

    50 000 points lie 52 km apart: any place is 21 km from one in the median and 35 km at most,
    but for islands smaller than that.
    """
    total = count * 3
    for _ in range(50):
        points = spread_evenly(total)
        lat, lon = points.T
        points = points[is_land(raster.sample(lat, lon)) & (lat > SOUTHERN_LIMIT_DEG)]
        if count <= len(points) < 1.002 * count + 8:
            break
        total = math.ceil(total * (count + 4) / max(1, len(points)))
    # A few too many: every so often one is left out.
    return points[np.linspace(0, len(points) - 1, count).round().astype(int)].astype(np.float32)


def spread_evenly(count: int) -> np.ndarray:
    """(count, 2) lat, lon of a Fibonacci lattice on the sphere (Gonzalez 2010)."""
    index = np.arange(count) + 0.5
    lat = np.degrees(np.arcsin(1 - 2 * index / count))
    lon = (index * _GOLDEN_TURN_DEG) % 360 - 180
    return np.stack([lat, lon], axis=1)
