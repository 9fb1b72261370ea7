"""How far the answers of a search are those of exact search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geotool.core.geo import EARTH_RADIUS_KM
from geotool.core.sphere import haversine_km
from geotool.gallery.exact import Found
from geotool.gallery.gallery import Gallery

TOP_K = 10
_TIE = float(np.finfo(np.float32).eps)  # cosines closer than that are one, for fp32
_ANTIPODE_KM = math.pi * EARTH_RADIUS_KM


@dataclass(frozen=True, slots=True)
class Agreement:
    """Per query, (Q,) each: found shares of the best points, km between the two first ones, cost."""

    at_1: np.ndarray
    at_10: np.ndarray
    km: np.ndarray
    comparisons: np.ndarray

    def to_columns(self) -> dict[str, float]:
        """The means over the queries, and the middle and 90th percentile of the km."""
        return {
            "comparisons": float(self.comparisons.mean()),
            "recall_at_1": float(self.at_1.mean()),
            "recall_at_10": float(self.at_10.mean()),
            "km_median": float(np.median(self.km)),
            "km_p90": float(np.quantile(self.km, 0.9)),
        }


def compare(gallery: Gallery, queries: np.ndarray, found: Found, exact: Found) -> Agreement:
    """Compare by coordinates: another row at the same place is the same answer.

    So is a row whose cosine is not below that of the exact row it replaces. Rows of -1 are missing
    answers, as far away as can be.
    """
    found_deg, exact_deg = gallery.latlon_deg[found.rows], gallery.latlon_deg[exact.rows]  # (Q, K, 2)
    found_cosines = _cosines(gallery, queries, found.rows)
    exact_cosines = _cosines(gallery, queries, exact.rows)

    def share(top_k: int) -> np.ndarray:
        is_place = (found_deg[:, :top_k, None] == exact_deg[:, None, :top_k]).all(-1).any(-1)  # (Q, K)
        is_tie = found_cosines[:, :top_k] >= exact_cosines[:, :top_k].min(1, keepdims=True) - _TIE
        return ((is_place | is_tie) & (found.rows[:, :top_k] >= 0)).mean(1)

    km = haversine_km(found_deg[:, 0], exact_deg[:, 0])
    km = np.where(found.rows[:, 0] >= 0, km, _ANTIPODE_KM)
    return Agreement(share(1), share(TOP_K), km, found.comparisons)


def pool(parts: Sequence[Agreement]) -> Agreement:
    """All queries of several kinds together."""
    columns = ("at_1", "at_10", "km", "comparisons")
    return Agreement(*(np.concatenate([getattr(part, name) for part in parts]) for name in columns))


def _cosines(gallery: Gallery, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(Q, K) in float64, the same way for every search, whose own differ in the last bits."""
    vectors = gallery.vectors[rows].astype(np.float64)  # (Q, K, D)
    return np.einsum("qkd,qd->qk", vectors, queries.astype(np.float64))
