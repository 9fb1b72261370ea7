"""Let candidates support one another: where many lie together, the answer is more often right."""

from __future__ import annotations

import numpy as np

from geotool.core.geo import EARTH_RADIUS_KM
from geotool.core.sphere import from_xyz, to_xyz


def vote(latlon_deg: np.ndarray, weights: np.ndarray, bandwidth_km: float) -> tuple[np.ndarray, int]:
    """The place that (K, 2) candidates with (K,) weights agree on: (2,) degrees, and the row of its peak.

    The peak is the candidate with the most weight around it, each neighbour at distance d counting
    exp(-(d / bandwidth)^2 / 2) of its own; the place is the mean on the sphere weighted in that way.
    """
    xyz = to_xyz(latlon_deg)  # (K, 3)
    chord_km = EARTH_RADIUS_KM * np.sqrt(np.maximum(0, 2 - 2 * xyz @ xyz.T))  # (K, K)
    support = np.exp(-((chord_km / bandwidth_km) ** 2) / 2) * weights  # (K, K)
    peak = int(support.sum(axis=1).argmax())
    return from_xyz(support[peak] @ xyz), peak
