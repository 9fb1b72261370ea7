"""What an answer is measured against: a guess by chance, and the best that a gallery allows."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from geotool.core.artifacts import META_FILE
from geotool.core.sphere import haversine_km, to_xyz

_SEED = 0


def find_chance_km(gallery_deg: np.ndarray, truth_deg: np.ndarray) -> np.ndarray:
    """(N,) errors of a random point of the (G, 2) gallery for each of (N, 2) truths; the same every time."""
    rows = np.random.default_rng(_SEED).integers(0, len(gallery_deg), len(truth_deg))
    return haversine_km(gallery_deg[rows], truth_deg)


def find_ceiling_km(gallery_deg: np.ndarray, truth_deg: np.ndarray) -> np.ndarray:
    """(N,) distances from (N, 2) truths to the nearest point of the (G, 2) gallery."""
    from scipy.spatial import cKDTree

    # A chord grows with the arc: the nearest in space is the nearest on the sphere, without a seam.
    _, rows = cKDTree(to_xyz(gallery_deg)).query(to_xyz(truth_deg))
    return haversine_km(gallery_deg[rows], truth_deg)


def read_gallery_points(path: Path) -> np.ndarray:
    """(G, 2) degrees of a gallery folder, or of a file with points (CSV, GeoJSON, Parquet, .npy).

    Raises NotFoundError, UsageError, MismatchError, EmptyResultError.
    """
    from geotool.gallery.gallery import load_gallery
    from geotool.gallery.points import read_points

    if (path / META_FILE).is_file():
        return np.asarray(load_gallery(path).latlon_deg, dtype=np.float64)
    return np.concatenate([chunk.latlon_deg for chunk in read_points(path)])
