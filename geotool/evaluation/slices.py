"""The figures of parts of a data set: by continent, country, size of the photo, and what its table says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from geotool.evaluation.intervals import Resampling
from geotool.evaluation.metrics import measure_part

NOT_SAID = "not said"
_SIDES_PX = (500, 1024, 2048)  # of the longer side: previews, web pictures, small and full camera pictures


def measure_slices(
    groups: Mapping[str, Sequence[str | None]], errors_km: np.ndarray, resampling: Resampling
) -> dict[str, list[dict[str, Any]]]:
    """By the name of a dimension: n and figures of each of its groups, the largest first.

    `groups` has the group of each of the N photos, None where that is not known.
    """
    return {name: _measure_groups(values, errors_km, resampling) for name, values in groups.items()}


def name_image_size(size_px: tuple[int, int] | None) -> str | None:
    """In which of four sizes a photo is."""
    if size_px is None:
        return None
    longer = max(size_px)
    upper = next((side for side in _SIDES_PX if longer <= side), None)
    return f"over {_SIDES_PX[-1]} px" if upper is None else f"up to {upper} px"


def _measure_groups(
    values: Sequence[str | None], errors_km: np.ndarray, resampling: Resampling
) -> list[dict[str, Any]]:
    names, group, counts = np.unique(
        np.array([value or NOT_SAID for value in values]), return_inverse=True, return_counts=True
    )
    order = np.argsort(group, kind="stable")
    parts = np.split(order, np.cumsum(counts)[:-1])
    return [
        {"value": str(names[i]), "n": len(parts[i]), **_measure_part(parts[i], errors_km, resampling)}
        for i in np.argsort(-counts, kind="stable")
    ]


def _measure_part(rows: np.ndarray, errors_km: np.ndarray, resampling: Resampling) -> dict[str, Any]:
    return measure_part(errors_km[rows], resampling.select(rows))
