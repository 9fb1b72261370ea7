"""How much the candidates of one photo agree, from where they lie alone.

A model's own scores say little about being right (its softmax splits over a dense city); whether its
first candidates lie together says much.
"""

from __future__ import annotations

import numpy as np

from geotool.core.errors import UsageError
from geotool.core.geo import THRESHOLDS_KM
from geotool.core.sphere import haversine_km

FIRST = 5  # candidates looked at: what every system's list of answers has
NEAR_KM = 50.0  # candidates this close count as the same place; the same as the vote's bandwidth
CONTINENT_KM = THRESHOLDS_KM[-1]
FEATURE_NAMES = ("log_mean_km", "mean_log_km", "margin", "entropy")


def measure_features(latlon_deg: np.ndarray) -> np.ndarray:
    """(..., K, 2) degrees by rank -> (..., F) in the order of FEATURE_NAMES; only the first five count.

    With distances d between pairs: log10(1 + mean d), which sees one stray candidate; the mean of
    log10(1 + d), which does not; the share of the best place less that of the best place elsewhere;
    the entropy of the shares, in nats. Raises UsageError without candidates.
    """
    if not latlon_deg.shape[-2]:
        raise UsageError("There are no candidates to measure.", "A photo without an answer has no radius.")
    first = latlon_deg[..., :FIRST, :]
    apart_km = haversine_km(first[..., :, None, :], first[..., None, :, :])  # (..., K, K)
    mean_km, mean_log_km = _spread(apart_km)
    shares = np.exp(-((apart_km / NEAR_KM) ** 2) / 2).mean(axis=-1)  # (..., K), of the candidates around each
    entropy = -np.log(shares).mean(axis=-1)
    return np.stack([np.log10(1 + mean_km), mean_log_km, _margin(apart_km, shares), entropy], axis=-1)


def are_scattered(latlon_deg: np.ndarray) -> np.ndarray:
    """(..., K, 2) degrees by rank -> (...,) bool: whether the first five lie on no continent together.

    They do not where the middle one of the distances between two of them is above 2500 km.
    """
    first = latlon_deg[..., :FIRST, :]
    apart_km = haversine_km(first[..., :, None, :], first[..., None, :, :])  # (..., K, K)
    return np.median(_list_pairs(apart_km), axis=-1) > CONTINENT_KM


def _spread(apart_km: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean distance and mean logarithm of the distance over the pairs."""
    pairs_km = _list_pairs(apart_km)
    return pairs_km.mean(axis=-1), np.log10(1 + pairs_km).mean(axis=-1)


def _list_pairs(apart_km: np.ndarray) -> np.ndarray:
    """(..., K, K) distances -> (..., K (K - 1) / 2) between two; a zero for a single candidate."""
    rows, columns = np.triu_indices(apart_km.shape[-1], 1)
    return apart_km[..., rows, columns] if len(rows) else np.zeros((*apart_km.shape[:-2], 1))


def _margin(apart_km: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Share around the best candidate less the best share of one too far away to support it."""
    best = shares.argmax(axis=-1)[..., None]  # (..., 1)
    from_best_km = np.take_along_axis(apart_km, best[..., None], axis=-2)[..., 0, :]  # (..., K)
    elsewhere = np.where(from_best_km > 2 * NEAR_KM, shares, 0).max(axis=-1)
    return shares.max(axis=-1) - elsewhere
