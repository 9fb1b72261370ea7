"""Cut satellite tiles out of a world image: square, in a local projection, turned and scaled at random."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from geotool.core.errors import BadImageError
from geotool.core.geo import EARTH_RADIUS_KM, LatLon
from geotool.demo.raster import Raster

SPAN_RANGE_KM = (600.0, 1200.0)
# Both seasons show Antarctica as white without ground features, painted by hand and not alike.
SOUTHERN_LIMIT_DEG = -60.0
MIN_LAND_SHARE = 0.25  # of a tile: a lone atoll shows nothing but sea


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """A square on the ground: `rotation_deg` turns the top edge clockwise away from north."""

    center: LatLon
    span_km: float
    rotation_deg: float = 0.0

    def grid(self, size_px: int) -> tuple[np.ndarray, np.ndarray]:
        """Latitudes and longitudes (S, S) in degrees of the pixel centres.

        Azimuthal equidistant projection about the tile's centre: distances from there are true,
        and the poles and the antimeridian are places like any other (Snyder 1987, page 195).
        """
        step = ((np.arange(size_px) + 0.5) / size_px - 0.5) * self.span_km / EARTH_RADIUS_KM
        right, down = np.meshgrid(step, step)
        turn = math.radians(self.rotation_deg)
        east = math.cos(turn) * right - math.sin(turn) * down
        north = -math.sin(turn) * right - math.cos(turn) * down
        return _from_plane(self.center, east, north)


def _from_plane(center: LatLon, east: np.ndarray, north: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sin_lat, cos_lat = math.sin(math.radians(center.lat)), math.cos(math.radians(center.lat))
    angle = np.hypot(east, north)  # radians from the centre
    ratio = np.sinc(angle / math.pi)  # sin(angle) / angle, 1 at the centre
    sine = sin_lat * np.cos(angle) + cos_lat * north * ratio
    lon = np.arctan2(east * ratio, cos_lat * np.cos(angle) - sin_lat * north * ratio)
    return np.degrees(np.arcsin(np.clip(sine, -1, 1))), center.lon + np.degrees(lon)


def cut_tile(raster: Raster, tile: Tile, size_px: int) -> np.ndarray:
    """The tile's picture, (S, S, 3) uint8. Where the image is finer, its pixels are averaged."""
    fold = max(1, round(tile.span_km / raster.km_per_px / size_px))
    colours = raster.sample(*tile.grid(size_px * fold))
    colours = colours.reshape(size_px, fold, size_px, fold, 3).mean(axis=(1, 3))
    return np.rint(colours).astype(np.uint8)


def is_land(colours: np.ndarray) -> np.ndarray:
    """(..., 3) colours -> (...) bool: sea and lakes are bluer than red and green, ground is not."""
    red, green, blue = np.moveaxis(np.asarray(colours, dtype=np.float32), -1, 0)
    return ~((blue > 1.25 * red + 4) & (blue > 1.1 * green))


def draw_tile(raster: Raster, rng: np.random.Generator, span_km: float | None = None) -> Tile:
    """A random tile: its centre uniform on the sphere over land, its width and rotation uniform.

    Land is told by the image's own colours, north of SOUTHERN_LIMIT_DEG. `span_km` fixes the width.
    """
    lowest = math.sin(math.radians(SOUTHERN_LIMIT_DEG))
    for _ in range(10_000):
        lat = math.degrees(math.asin(rng.uniform(lowest, 1.0)))
        tile = Tile(
            center=LatLon(lat=lat, lon=rng.uniform(-180.0, 180.0)),
            span_km=span_km or rng.uniform(*SPAN_RANGE_KM),
            rotation_deg=rng.uniform(0.0, 360.0),
        )
        land = is_land(raster.sample(*tile.grid(9)))  # 9 x 9 probes, the middle one at the centre
        if land[4, 4] and land.mean() >= MIN_LAND_SHARE:
            return tile
    raise BadImageError(
        "The world image shows no land: its colours are all those of water.", "Give one in natural colours."
    )
