"""Answers whose latitudes and longitudes are in each other's place, where every number is possible."""

from __future__ import annotations

import numpy as np

from geotool.core.errors import UsageError
from geotool.core.geo import THRESHOLDS_KM
from geotool.core.sphere import haversine_km

_NEAR_KM = THRESHOLDS_KM[2]
_FEWEST = 5  # photos that have to speak for it
_TIMES = 2  # as many as speak against it


def refuse_swapped(guess_deg: np.ndarray, truth_deg: np.ndarray, name: str) -> None:
    """Raise UsageError if (N, 2) guesses fit their (N, 2) truths far better the other way round."""
    as_written = int((haversine_km(guess_deg, truth_deg) <= _NEAR_KM).sum())
    turned = guess_deg[:, ::-1]
    possible = abs(turned[:, 0]) <= 90
    swapped = int((haversine_km(turned[possible], truth_deg[possible]) <= _NEAR_KM).sum())
    if swapped >= max(_FEWEST, _TIMES * as_written + 1):
        raise UsageError(
            f"LAT and LON of {name} look swapped: {swapped} of {len(guess_deg)} first candidates are within "
            f"{_NEAR_KM} km of the truth the other way round, {as_written} as they are.",
            "Rename the columns of the table that has them wrong.",
        )
