"""Means and intervals over the seeds of a study."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geotool.study.variants import BASE

Results = Mapping[str, Mapping[int, Mapping[str, Any]]]  # variant -> seed -> what its result file holds


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with the half width of its 95 % interval; None where one seed leaves it unknown."""

    mean: float
    half: float | None


def estimate(values: Sequence[float]) -> Estimate:
    """Student's t over (n,) independent seeds: mean +- t(0.975, n - 1) s / sqrt(n)."""
    mean = statistics.fmean(values)
    if len(values) < 2:
        return Estimate(mean, None)
    from scipy.stats import t

    quantile = float(t.ppf(0.975, len(values) - 1))
    return Estimate(mean, quantile * statistics.stdev(values) / math.sqrt(len(values)))


def summarise_test(results: Results, variant: str, test: str) -> dict[str, Any]:
    """Percent by distance, median and score of a variant on a test, and its gain over the base."""
    runs = results[variant]
    found = [run["tests"][test] for run in runs.values()]
    return {
        "n": found[0]["n"],
        "within_km": {km: estimate([one["within_km"][km] for one in found]) for km in found[0]["within_km"]},
        "median_km": estimate([one["median_km"] for one in found]),
        "score": estimate([one["score"] for one in found]),
        "gain": _find_gain(results, variant, test),
    }


def _find_gain(results: Results, variant: str, test: str) -> Estimate | None:
    """Of the score, seed by seed: a seed's order of tiles and first weights are the same in both."""
    runs, base = results[variant], results.get(BASE, {})
    shared = sorted(set(runs) & set(base))
    if variant == BASE or not shared:
        return None
    scores = [[one[seed]["tests"][test]["score"] for seed in shared] for one in (runs, base)]
    return estimate([own - other for own, other in zip(*scores, strict=True)])
