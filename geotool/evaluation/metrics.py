"""Figures over the errors of a data set. A photo without an answer has the error infinity.

Errors are great-circle distances (`core.sphere`): published figures are reproduced with them to the photo.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from geotool.core.geo import THRESHOLDS_KM
from geotool.evaluation.intervals import Resampling, to_intervals

# The five of the field, and 100 km: what a satellite tile of some hundred km can be held to.
REPORTED_KM = tuple(sorted({*THRESHOLDS_KM, 100}))
MAX_SCORE, SCORE_KM = 5000, 1492.7


def within_km(errors_km: np.ndarray) -> dict[str, float]:
    """Percent of the (N,) errors that are at most each reported distance; N counts failures too."""
    return {str(km): round(100 * float(np.mean(errors_km <= km)), 2) for km in REPORTED_KM}


def median_km(errors_km: np.ndarray) -> float | None:
    """Median error; None if half of the photos have no answer."""
    return _finite(float(np.median(errors_km)))


def mean_km(errors_km: np.ndarray) -> float | None:
    """Mean error over the photos that have an answer; None if none has."""
    answered = errors_km[np.isfinite(errors_km)]
    return round(float(answered.mean()), 3) if len(answered) else None


def to_scores(errors_km: np.ndarray) -> np.ndarray:
    """(N,) errors -> (N,) scores of the game GeoGuessr: 5000 exp(-d / 1492.7 km), 0 without an answer."""
    return MAX_SCORE * np.exp(-errors_km / SCORE_KM)


def measure(errors_km: np.ndarray, resampling: Resampling) -> dict[str, Any]:
    """All figures of (N,) errors with their 95 % intervals; None where there is no such figure."""
    answered = np.isfinite(errors_km)
    sums = np.column_stack([np.where(answered, errors_km, 0), answered])  # (N, 2)
    means = resampling.find_means(np.column_stack([_to_figures(errors_km), sums]))  # (R, M + 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        means_km = np.nan_to_num(means[:, -2] / means[:, -1], nan=math.inf)
    return {
        **_describe(errors_km, to_intervals(means[:, :-2])),
        "median_interval95": _to_pair(to_intervals(resampling.find_medians(errors_km)), 3),
        "mean_km": mean_km(errors_km),
        "mean_interval95": _to_pair(to_intervals(means_km), 3),
    }


def measure_part(errors_km: np.ndarray, resampling: Resampling) -> dict[str, Any]:
    """The same without intervals of median and mean: of slices and of what an answer is measured against."""
    ends = to_intervals(resampling.find_means(_to_figures(errors_km)))  # (2, M)
    return {**_describe(errors_km, ends), "mean_km": mean_km(errors_km)}


def _to_figures(errors_km: np.ndarray) -> np.ndarray:
    """(N, M) figures of each photo whose means are those of the data set: the hits, and last the score."""
    return np.column_stack([to_hits(errors_km), to_scores(errors_km)])


def _describe(errors_km: np.ndarray, ends: np.ndarray) -> dict[str, Any]:
    """Figures beside the (2, M) ends of their intervals."""
    return {
        "within_km": within_km(errors_km),
        "intervals95": dict(zip(map(str, REPORTED_KM), (_to_pair(end, 2) for end in ends.T), strict=False)),
        "median_km": median_km(errors_km),
        "geoscore": round(float(to_scores(errors_km).mean()), 1),
        "geoscore_interval95": _to_pair(ends[:, -1], 1),
    }


def to_hits(errors_km: np.ndarray) -> np.ndarray:
    """(N,) errors -> (N, M): 100 where one is within a reported distance, else 0. Means are percent."""
    return 100.0 * (errors_km[:, None] <= np.array(REPORTED_KM))


def _to_pair(ends: np.ndarray, digits: int) -> tuple[float | None, ...]:
    return tuple(_finite(end, digits) for end in ends.tolist())


def _finite(value: float, digits: int = 3) -> float | None:
    return round(value, digits) if math.isfinite(value) else None
