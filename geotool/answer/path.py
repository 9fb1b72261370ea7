"""The path to an answer: continent, country, region by their names, else by cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from geotool.answer.gazetteer import find_names
from geotool.core.records import PathLevel
from geotool.core.regions import find_regions
from geotool.gallery.cells import PATH_LEVELS
from geotool.gallery.explain import Division, explain

# From coarse to fine: the level's word -> K names, None where a place has none.
LevelNames = Mapping[str, Sequence[str | None]]


def find_level_names(latlon_deg: np.ndarray) -> LevelNames:
    """The "continent", "country" and "region" (its first division) of (K, 2) places in degrees."""
    regions = find_regions(latlon_deg)
    return {
        "continent": [region.continent for region in regions],
        "country": [region.country for region in regions],
        "region": [name.admin1 for name in find_names(latlon_deg)],
    }


def find_path(latlon_deg: np.ndarray, weights: np.ndarray, names: LevelNames) -> tuple[PathLevel, ...]:
    """The path of the first of (K, 2) places with (K,) weights. Raises ValueError without any."""
    divisions = tuple(map(_to_division, PATH_LEVELS, names.values()))
    return explain(latlon_deg, weights, divisions)


def _to_division(cell_level: int, names: Sequence[str | None]) -> Division:
    """One that knows the names already."""
    return Division(cell_level=cell_level, find_names=lambda _: names)
