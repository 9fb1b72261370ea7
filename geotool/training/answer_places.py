"""The places that a trained model chooses its answers from."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from geotool.core.errors import NotFoundError, UsageError

GALLERY_SIZE = 50_000


def read_gallery(path: Path) -> np.ndarray:
    """(N, 2) lat, lon. Raises NotFoundError or UsageError."""
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}.", "Name a .npy file with --gallery.")
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UsageError(f"{path} is no .npy file.", "Write it with numpy.save.") from error
    is_usable = found.ndim == 2 and found.shape[1:] == (2,) and found.dtype.kind == "f" and len(found) > 0
    if not (is_usable and np.isfinite(found).all() and (np.abs(found) <= (90, 180)).all()):
        raise UsageError(f"{path} holds no coordinates.", "It needs (N, 2) lat, lon in degrees.")
    return found


def thin_places(latlon_deg: np.ndarray, seed: int) -> np.ndarray:
    """The distinct places of a data set as a gallery, at most GALLERY_SIZE of them."""
    places = np.unique(latlon_deg, axis=0)
    if len(places) > GALLERY_SIZE:
        places = places[np.sort(np.random.default_rng(seed).permutation(len(places))[:GALLERY_SIZE])]
    return places
