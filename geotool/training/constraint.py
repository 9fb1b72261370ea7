"""PGeoCLIP's supervised constraint on the image side: a photo's vector also has to tell its cell.

The paper's abstract names such a constraint, not its form. Ours: cells of several levels around places of
the training set, and labels smoothed by distance as in PIGEON (arXiv 2307.05845).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from geotool.core.geo import EARTH_RADIUS_KM
from geotool.core.sphere import from_xyz, to_xyz
from geotool.model.image_cells import ImageCells
from geotool.training.contrast import find_squared_chords

SMOOTHING_KM = 75.0  # PIGEON's best
_PLACES_PER_CELL = 64  # that k-means moves a centre by; more changes little
_ITERATIONS = 30


def build_cells(latlon_deg: np.ndarray, dim: int, counts: Sequence[int], seed: int) -> ImageCells:
    """Cells around the (N, 2) training places, for (B, `dim`) vectors; the heads are untrained.

    Each level is a k-means of its own on the sphere: cells are small where places are dense. A level gets
    fewer cells than its `counts` where there are fewer places.
    """
    xyz = to_xyz(latlon_deg)  # (N, 3)
    levels = [_find_centers(xyz, count, seed) for count in counts]
    cells = ImageCells(dim, [len(centers) for centers in levels])
    cells.centers_deg.copy_(torch.from_numpy(from_xyz(np.concatenate(levels))))
    return cells


def _find_centers(xyz: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(C, 3) unit vectors. The mean of points of a cell, on the ground, is spherical k-means' centre."""
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    rng = np.random.default_rng(seed)
    few = min(len(xyz), _PLACES_PER_CELL * count)
    sample = np.unique(xyz[rng.choice(len(xyz), few, replace=False)], axis=0)
    means = KMeans(min(count, len(sample)), n_init=1, max_iter=_ITERATIONS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopped early on purpose
        centers = means.fit(sample).cluster_centers_
    return centers / np.linalg.norm(centers, axis=1, keepdims=True)


def smooth_labels(latlon_deg: Tensor, centers_deg: Tensor, smoothing_km: float) -> Tensor:
    """(B, 2) places and (C, 2) centres -> (B, C) shares of each place in each cell, each row summing to 1.

    exp(-(d - d_own) / smoothing) of the distances d to the centres, d_own that of the nearest, divided by
    its sum (PIGEON leaves it undivided): so a photo counts the same wherever it was taken.
    """
    half_chords = find_squared_chords(latlon_deg, centers_deg).sqrt() / 2  # (B, C)
    distances_km = 2 * EARTH_RADIUS_KM * torch.asin(half_chords.clamp(max=1))
    return functional.softmax(-distances_km / smoothing_km, dim=1)


def constrain(
    cells: ImageCells,
    vectors: Tensor,
    latlon_deg: Tensor,
    smoothing_km: float = SMOOTHING_KM,
    weights: Sequence[float] | None = None,
) -> Tensor:
    """The mean cross-entropy of (B, D) photos with the cells of their (B, 2) places: ().

    Levels count by their `weights`, equally without; only their ratios matter.
    """
    weights = weights or [1.0] * len(cells.counts)
    losses = [
        functional.cross_entropy(logits.float(), smooth_labels(latlon_deg, centers, smoothing_km))
        for logits, centers in zip(cells(vectors), cells.centers, strict=True)
    ]
    weighted = [weight * loss for weight, loss in zip(weights, losses, strict=True)]
    return torch.stack(weighted).sum() / sum(weights)
