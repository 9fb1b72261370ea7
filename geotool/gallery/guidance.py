"""Candidates weighed by how likely a photo lies in their cell (geotool.model.image_cells)."""

from __future__ import annotations

import numpy as np

_LEAST_MASS = 1e-4  # a cell that the photo's vector rules out is a reason against a candidate, no veto


def guide(
    cosines: np.ndarray, cells: np.ndarray, masses: np.ndarray, scale: float, weight: float
) -> np.ndarray:
    """(B, K) scores of candidates: scale * cosine + weight * log(mass of its cell + 0.0001).

    `cosines` and `cells` are (B, K), the cells counted from 0; `masses` (B, C) are those of one level.
    `scale` is the model's logit scale: cosines times it are what training took the softmax of. With a
    weight of 0 the order is that of the cosines.
    """
    of_candidates = np.take_along_axis(masses, cells, axis=1)  # (B, K)
    return scale * cosines + weight * np.log(of_candidates + _LEAST_MASS)
