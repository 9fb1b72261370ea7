"""How the candidates' weight is shared out: on continents, on countries, on regions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence

import numpy as np

from geotool.core.records import MassBars
from geotool.core.regions import find_regions

FindNames = Callable[[np.ndarray], Sequence[str | None]]  # (K, 2) degrees -> K names or None

MOST_BARS = 4
NAMELESS = "at sea"  # what lies in no country, and far from all of them


def find_bars(
    latlon_deg: np.ndarray, weights: np.ndarray, find_region_names: FindNames | None = None
) -> tuple[MassBars, ...]:
    """Mass per continent and country of (K, 2) candidates with (K,) weights, coarse to fine.

    With `find_region_names`, such as the gazetteer's first division of a country, per region too.
    Raises ValueError without candidates or weights.
    """
    if not len(latlon_deg) or not weights.sum() > 0:
        raise ValueError("Bars need at least one candidate, and weights that sum to more than 0.")
    regions = find_regions(latlon_deg)
    names: dict[str, Sequence[str | None]] = {
        "continent": [region.continent for region in regions],
        # The Antarctic is a continent without a country.
        "country": [region.country or region.continent for region in regions],
    }
    if find_region_names is not None:
        names["region"] = find_region_names(latlon_deg)
    return tuple(_to_bars(level, column, weights) for level, column in names.items())


def _to_bars(level: str, names: Sequence[str | None], weights: np.ndarray) -> MassBars:
    shares: dict[str, float] = defaultdict(float)
    for name, share in zip(names, (weights / weights.sum()).tolist(), strict=True):
        shares[name or NAMELESS] += share
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    shown, rest = ordered[:MOST_BARS], ordered[MOST_BARS:]
    return MassBars(level=level, shares=tuple(shown), others=sum(share for _, share in rest))
