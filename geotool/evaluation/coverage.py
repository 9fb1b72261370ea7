"""Does the confidence hold? Coverage of the radii, and how well they tell good answers from bad ones.

Everything looks at N answers: their `confidences` (None or without radii where there is none) and (N,) errors
in km. Answers without radii are left out.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from geotool.answer.auroc import measure_auroc
from geotool.core.geo import EARTH_RADIUS_KM, THRESHOLDS_KM
from geotool.core.records import Confidence

MARKS = (50, 80)  # percent that the two radii are to hold
CITY_KM = THRESHOLDS_KM[1]
_FARTHEST_KM = math.pi * EARTH_RADIUS_KM
_CURVE_POINTS = 120


def measure_coverage(confidences: Sequence[Confidence | None], error_km: np.ndarray) -> dict[str, Any] | None:
    """The figures under "coverage" in a run; None where no answer has radii.

    "50" and "80" are the percent of errors within the radius of that name, with 95 % intervals (Wilson);
    `auroc_25km` is the chance that of two answers, one within 25 km and one not, the former is held for the
    easier one (ties count half; None where all or none are within).
    """
    radii_km, errors_km, difficulty = pick_calibrated(confidences, error_km)
    if not len(errors_km):
        return None
    held = errors_km[:, None] <= radii_km  # (N, 2)
    hits = dict(zip(map(str, MARKS), held.sum(axis=0).tolist(), strict=True))
    return {
        **{mark: round(100 * count / len(held), 2) for mark, count in hits.items()},
        "intervals95": {
            mark: [round(100 * end, 2) for end in wilson(count, len(held))] for mark, count in hits.items()
        },
        "n": len(held),
        "median_radius50_km": round(float(np.median(radii_km[:, 0])), 3),
        "median_radius80_km": round(float(np.median(radii_km[:, 1])), 3),
        "auroc_25km": _score_order(difficulty, errors_km),
        "levels": dict(Counter(each.level for each in confidences if each is not None)),
    }  # fmt: skip


def pick_calibrated(
    confidences: Sequence[Confidence | None], error_km: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(M, 2) radii, (M,) errors and (M,) difficulties of the answers that have them."""
    rows = [
        (each.radius50_km, each.radius80_km, error, each.difficulty)
        for each, error in zip(confidences, error_km, strict=True)
        if each is not None and each.radius50_km is not None and math.isfinite(error)
    ]
    table = np.array(rows, dtype=np.float64).reshape(-1, 4)
    return table[:, :2], table[:, 2], table[:, 3]


def group_coverage(radii_km: np.ndarray, error_km: np.ndarray, groups: int = 8) -> list[dict[str, Any]]:
    """Coverage from the easiest to the hardest answers: groups of about equal size, equal radii together."""
    order = radii_km[:, 0].argsort(kind="stable")
    edges = np.unique(radii_km[order[np.arange(1, groups) * len(order) // groups], 0])
    row = np.searchsorted(edges, radii_km[:, 0])
    return [
        {
            "n": int(np.sum(row == i)),
            "radius50_km": float(np.median(radii_km[row == i, 0])),
            "hits": [int(hits) for hits in (error_km[row == i, None] <= radii_km[row == i]).sum(axis=0)],
        }
        for i in np.unique(row)
    ]


def recall_by_area(radii_km: np.ndarray, error_km: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much has to be searched: (P, 2) km2 for a typical photo, (P, 2) percent of truths found.

    Column 0 searches a circle of one size around every answer, column 1 circles in proportion to each
    answer's 50 % radius. Recall against area as in arXiv 2407.13862. "Typical" is the
    geometric mean: the mean is that of the few hardest photos.
    """
    same_km = np.geomspace(0.1, _FARTHEST_KM, _CURVE_POINTS)
    base_km = np.maximum(radii_km[:, 0], 0.001)
    scales = np.geomspace(0.01, _FARTHEST_KM / base_km.min(), _CURVE_POINTS)
    areas, found = [], []
    for one_km, scale in zip(same_km, scales, strict=True):
        circles_km = np.stack([np.full(len(error_km), one_km), scale * base_km], axis=1)
        areas.append(np.exp(np.log(cap_area_km2(circles_km)).mean(axis=0)))
        found.append(100 * (error_km[:, None] <= circles_km).mean(axis=0))
    return np.array(areas), np.array(found)


def list_recall(
    confidences: Sequence[Confidence | None], error_km: np.ndarray
) -> dict[str, list[list[float]]] | None:
    """`recall_by_area` as pairs of km2 and percent, by its two ways to search; None without radii."""
    radii_km, errors_km, _ = pick_calibrated(confidences, error_km)
    if not len(errors_km):
        return None
    areas_km2, found = recall_by_area(radii_km, errors_km)
    return {
        name: [[float(f"{area:.4g}"), round(percent, 2)] for area, percent in zip(*pair, strict=True)]
        for name, *pair in zip(
            ("same_circle", "by_radius"), areas_km2.T.tolist(), found.T.tolist(), strict=True
        )
    }


def cap_area_km2(radius_km: np.ndarray) -> np.ndarray:
    """Area of the circle of this radius on the sphere, at most the whole of it: 2 pi R^2 (1 - cos(r / R))."""
    angle = np.minimum(radius_km, _FARTHEST_KM) / EARTH_RADIUS_KM
    # 1 - cos as a square: near zero, the difference would lose all digits.
    return 4 * math.pi * EARTH_RADIUS_KM**2 * np.sin(angle / 2) ** 2


def wilson(hits: int, n: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    z = 1.96
    middle, width = hits + z * z / 2, z * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return (middle - width) / (n + z * z), (middle + width) / (n + z * z)


def _score_order(difficulty: np.ndarray, error_km: np.ndarray) -> float | None:
    auroc = measure_auroc(-difficulty, error_km <= CITY_KM)
    return None if auroc is None else round(auroc, 4)
