"""Small generated world images."""

from __future__ import annotations

import numpy as np

from geotool.demo.raster import Raster

SEA, LAND = (10, 40, 120), (120, 110, 70)


def smooth_world(height: int = 180) -> Raster:
    """Colours that say where they are: red grows to the north, green and blue turn with longitude."""
    lat = 90 - (np.arange(height) + 0.5) * 180 / height
    lon = (np.arange(2 * height) + 0.5) * 180 / height - 180
    lat, lon = np.meshgrid(lat, lon, indexing="ij")
    red = 127.5 + lat / 90 * 120
    green = 127.5 + 100 * np.cos(np.radians(lon)) * np.cos(np.radians(lat))
    blue = 60 + 50 * np.sin(np.radians(lon)) * np.cos(np.radians(lat))
    return Raster(np.rint(np.stack([red, green, blue], axis=-1)).astype(np.uint8))


def two_continents(height: int = 180) -> Raster:
    """Sea, and land in 0..40 N, 20..80 E and across the antimeridian in 10..50 S."""
    pixels = np.full((height, 2 * height, 3), SEA, dtype=np.uint8)
    degree = height / 180
    pixels[int(50 * degree) : int(90 * degree), int(200 * degree) : int(260 * degree)] = LAND
    for columns in (slice(0, int(30 * degree)), slice(int(330 * degree), None)):
        pixels[int(100 * degree) : int(140 * degree), columns] = LAND
    return Raster(pixels)
