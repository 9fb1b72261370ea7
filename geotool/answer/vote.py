"""Let candidates support one another: where many lie together, the answer is more often right.

Shapes: K candidates; `latlon_deg` (K, 2) degrees, `weights` (K,) of at least 0, on any scale.
"""

from __future__ import annotations

import numpy as np

from geotool.core.geo import EARTH_RADIUS_KM
from geotool.core.sphere import from_xyz, to_xyz

# For models that state none. From 10 to 100 km nothing changes by more than some photos in a thousand:
# docs/benchmarks.md has the sweep.
VOTE_KM = 50.0
_NEIGHBOUR_SCALE = 3.0  # 1 and 2 do as well for photographs, and a little worse for even galleries
_SAME_PLACE_KM = 0.01  # two points nearer than that are one


def find_distances_km(latlon_deg: np.ndarray) -> np.ndarray:
    """(K, K) straight-line distances between candidates: no seam, and the order of great circles."""
    xyz = to_xyz(latlon_deg)  # (K, 3)
    # Not through the cosine: near 1 its rounding is some 100 m.
    return EARTH_RADIUS_KM * np.linalg.norm(xyz[:, None] - xyz[None], axis=-1)


def count_support(distances_km: np.ndarray, weights: np.ndarray, bandwidth_km: float) -> np.ndarray:
    """(K,) weight around each candidate, from (K, K) distances: its own and that of its neighbours.

    A neighbour at distance d counts exp(-(d / bandwidth)^2 / 2) of its own weight.
    """
    return _fade(distances_km, bandwidth_km) @ weights


def find_middle(
    latlon_deg: np.ndarray, weights: np.ndarray, from_peak_km: np.ndarray, bandwidth_km: float
) -> np.ndarray:
    """The mean on the sphere, (2,) degrees, of the candidates around a peak, which is the first of them.

    Two scales fade what lies (K,) `from_peak_km` away: the bandwidth, and three times the distance from the
    peak to its nearest neighbour. So points of an even gallery are averaged over their spacing, while
    several photos of one street are not pulled off it by others of the same town.
    """
    if len(latlon_deg) == 1:
        return latlon_deg[0].astype(np.float64)  # bit by bit, without the way through xyz
    scale_km = max(_NEIGHBOUR_SCALE * from_peak_km[1:].min(), _SAME_PLACE_KM)
    shares = weights * _fade(from_peak_km, bandwidth_km) * _fade(from_peak_km, scale_km)  # (K,)
    return from_xyz(shares @ to_xyz(latlon_deg))


def to_rank_weights(ranks: np.ndarray) -> np.ndarray:
    """(K,) ranks from 1 -> (K,) weights 1 / rank: for systems that give an order and nothing else."""
    return 1 / np.asarray(ranks, dtype=np.float64)


def _fade(distances_km: np.ndarray, scale_km: float) -> np.ndarray:
    return np.exp(-((distances_km / scale_km) ** 2) / 2)
