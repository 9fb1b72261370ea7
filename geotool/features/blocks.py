"""Blocks: the outcome of a fixed run of consecutive manifest entries, and what a store takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geotool.core.errors import MismatchError, UsageError
from geotool.core.records import ItemError

_REMEDY = "List it among the failures of its block instead."


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """n photos with their features, and those that failed beside them.

    `latlon_deg` (n, 2) float64 lat, lon; `features` (n, V, F) float16, one row per view. `paths` are as
    shown to people; `sha256s` are of the bytes of the photos.
    """

    ids: Sequence[str]
    paths: Sequence[str]
    authors: Sequence[str | None]
    sha256s: Sequence[str]
    latlon_deg: np.ndarray
    features: np.ndarray
    failures: Sequence[ItemError] = ()

    def __len__(self) -> int:
        return len(self.ids)


def check_block(block: Block, views: int, dim: int) -> None:
    """Refuse a block that a store of V = `views` and F = `dim` cannot hold.

    Raises MismatchError for shapes and types, UsageError with the id of the first row whose features
    are not finite or all zero, or whose coordinates are out of range.
    """
    n = len(block)
    if not n == len(block.paths) == len(block.authors) == len(block.sha256s):
        raise MismatchError("The columns of a block have different lengths.")
    _check_array("features", block.features, (n, views, dim), np.float16)
    _check_array("coordinates", block.latlon_deg, (n, 2), np.float64)
    if "" in block.ids:
        raise UsageError(f"The photo {block.paths[block.ids.index('')]} has no id.", _REMEDY)
    for what, are_wrong in find_wrong_rows(block.features, block.latlon_deg).items():
        if are_wrong.any():
            raise UsageError(f"Photo {block.ids[int(are_wrong.argmax())]} has {what}.", _REMEDY)


def find_wrong_rows(features: np.ndarray, latlon_deg: np.ndarray) -> dict[str, np.ndarray]:
    """What may be wrong with rows, and with which it is: (n,) bool, of (n, V, F) and (n, 2) degrees.

    Coordinates are in range if they are a `LatLon`: -90 <= lat <= 90, -180 <= lon < 180.
    """
    lat, lon = latlon_deg[:, 0], latlon_deg[:, 1]
    is_on_earth = (np.abs(lat) <= 90) & (lon >= -180) & (lon < 180)  # false where they are no numbers
    return {
        "features that are not finite": ~np.isfinite(features).all((1, 2)),
        "features that are all zero": ~np.all(features.any(2), 1),
        "coordinates out of range": ~is_on_earth,
    }


def _check_array(name: str, array: np.ndarray, shape: tuple[int, ...], dtype: type) -> None:
    if array.shape != shape or array.dtype != dtype:
        found, wanted = f"{array.shape} {array.dtype}", f"{shape} {np.dtype(dtype)}"
        raise MismatchError(f"The {name} of a block are {found}, but the store holds {wanted}.")
