"""Explain an answer from coarse to fine: in which continent, country and region the candidates lie."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from geotool.core.records import PathLevel
from geotool.core.regions import find_regions
from geotool.core.sphere import from_xyz, haversine_km, to_xyz
from geotool.gallery.cells import PATH_LEVELS, cell_width_km, find_cell_paths, find_centers

CANDIDATES = 100  # over which masses are counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """How one level of a path divides the Earth: by the names of (K, 2) places, else by cells.

    `find_names` gives a name or None for each place; without a name, the cell of `cell_level` stands in.
    """

    cell_level: int
    find_names: Callable[[np.ndarray], Sequence[str | None]] | None = None


def _find_continents(latlon_deg: np.ndarray) -> list[str | None]:
    return [region.continent for region in find_regions(latlon_deg)]


def _find_countries(latlon_deg: np.ndarray) -> list[str | None]:
    return [region.country for region in find_regions(latlon_deg)]


LEVELS = (
    Division(cell_level=PATH_LEVELS[0], find_names=_find_continents),
    Division(cell_level=PATH_LEVELS[1], find_names=_find_countries),
    Division(cell_level=PATH_LEVELS[2]),
)


def explain(
    latlon_deg: np.ndarray, weights: np.ndarray, levels: tuple[Division, ...] = LEVELS
) -> tuple[PathLevel, ...]:
    """The path of the first of (K, 2) candidates, each level with its mass among (K,) weights.

    A candidate counts for a level if it agrees with the first one there and on every level before,
    so masses never rise on the way down. Raises ValueError without candidates or weights.
    """
    if not len(latlon_deg) or not weights.sum() > 0:
        raise ValueError("A path needs at least one candidate, and weights that sum to more than 0.")
    cells = find_cell_paths(latlon_deg, tuple(division.cell_level for division in levels))  # (K, L)
    inside = np.ones(len(latlon_deg), dtype=bool)  # (K,)
    path = []
    for division, column in zip(levels, cells.T, strict=True):
        names = division.find_names(latlon_deg) if division.find_names else [None] * len(latlon_deg)
        # A cell may straddle a coast: what has a name is no part of a nameless cell.
        agrees = np.array([name == names[0] for name in names])
        inside &= agrees if names[0] else agrees & (column == column[0])
        name = names[0] or _name_cell(column[:1], division.cell_level)
        path.append(_to_path_level(name, latlon_deg[inside], weights[inside], float(weights.sum())))
    return tuple(path)


def to_weights(cosines: np.ndarray, logit_scale: float) -> np.ndarray:
    """(K,) cosines -> (K,) weights that sum to 1: exp(logit_scale cosine), shared out among these K alone."""
    weights = np.exp(logit_scale * (cosines.astype(np.float64) - cosines.max()))
    return weights / weights.sum()


def _to_path_level(name: str, latlon_deg: np.ndarray, weights: np.ndarray, total: float) -> PathLevel:
    middle = from_xyz(weights @ to_xyz(latlon_deg))  # (2,)
    reach_km = float(haversine_km(latlon_deg, middle).max())
    lat, lon = middle.tolist()
    width_km = max(2 * reach_km, cell_width_km(PATH_LEVELS[-1]))
    return PathLevel(name=name, mass=float(weights.sum()) / total, lat=lat, lon=lon, width_km=width_km)


def _name_cell(cell: np.ndarray, level: int) -> str:
    """The middle of one cell in words, such as "43.5 N 11.8 E"."""
    [[lat, lon]] = find_centers(cell, level).tolist()
    digits = 0 if cell_width_km(level) > 200 else 1  # a degree is 111 km
    north, east = "N" if lat >= 0 else "S", "E" if lon >= 0 else "W"
    return f"{abs(lat):.{digits}f} {north} {abs(lon):.{digits}f} {east}"
