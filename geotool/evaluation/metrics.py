"""Figures over the errors of a data set. A photo without an answer has the error infinity."""

from __future__ import annotations

import math

import numpy as np

from geotool.core.geo import THRESHOLDS_KM

# The five of the field, and 100 km: what a satellite tile of some hundred km can be held to.
REPORTED_KM = tuple(sorted({*THRESHOLDS_KM, 100}))
_RESAMPLES = 10_000
_SEED = 0


def within_km(errors_km: np.ndarray) -> dict[str, float]:
    """Percent of the (N,) errors that are at most each reported distance; N counts failures too."""
    return {str(km): round(100 * float(np.mean(errors_km <= km)), 2) for km in REPORTED_KM}


def intervals95(errors_km: np.ndarray) -> dict[str, tuple[float, float]]:
    """95 % bootstrap intervals of `within_km`, in percent.

    Resampling N photos with replacement makes the number of hits binomial, so that is drawn.
    """
    rng, n = np.random.default_rng(_SEED), len(errors_km)
    intervals = {}
    for km in REPORTED_KM:
        hits = rng.binomial(n, np.mean(errors_km <= km), _RESAMPLES)
        low, high = np.percentile(100 * hits / n, [2.5, 97.5])
        intervals[str(km)] = (round(float(low), 2), round(float(high), 2))
    return intervals


def median_km(errors_km: np.ndarray) -> float | None:
    """Median error; None if half of the photos have no answer."""
    median = float(np.median(errors_km))
    return round(median, 3) if math.isfinite(median) else None


def mean_km(errors_km: np.ndarray) -> float | None:
    """Mean error over the photos that have an answer; None if none has."""
    answered = errors_km[np.isfinite(errors_km)]
    return round(float(answered.mean()), 3) if len(answered) else None
