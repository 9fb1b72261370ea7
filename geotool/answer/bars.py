"""How the candidates' weight is shared out: on continents, on countries, on regions."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from geotool.answer.path import LevelNames
from geotool.core.records import MassBars

MOST_BARS = 4
NAMELESS = "at sea"  # what lies in no country, and far from all of them


def find_bars(names: LevelNames, weights: np.ndarray) -> tuple[MassBars, ...]:
    """Mass per name and level of K candidates with (K,) weights, levels from coarse to fine.

    What has no name on one level is counted by that of the level before: the Antarctic has no country, a
    desert no region. Raises ValueError without candidates or weights.
    """
    if not len(weights) or not weights.sum() > 0:
        raise ValueError("Bars need at least one candidate, and weights that sum to more than 0.")
    bars, before = [], [NAMELESS] * len(weights)
    for level, found in names.items():
        # Several countries have a region "Central": those of a country are told apart by its name.
        labels = [_label(level, name, wider) for name, wider in zip(found, before, strict=True)]
        bars.append(_to_bars(level, labels, weights / weights.sum()))
        before = labels
    return tuple(bars)


def _label(level: str, name: str | None, wider: str) -> str:
    if name is None:
        return wider
    return f"{name}, {wider}" if level == "region" and name != wider else name


def _to_bars(level: str, labels: Sequence[str], masses: np.ndarray) -> MassBars:
    shares: dict[str, float] = defaultdict(float)
    for label, mass in zip(labels, masses.tolist(), strict=True):
        shares[label] += mass
    ordered = sorted(shares.items(), key=lambda item: -item[1])
    shown, rest = ordered[:MOST_BARS], ordered[MOST_BARS:]
    return MassBars(level=level, shares=tuple(shown), others=sum(share for _, share in rest))
