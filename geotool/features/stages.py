"""The two stages of the work, the same in every engine: entries are decoded, decoded photos are embedded.

A run is the unit of work: consecutive entries of a manifest, which become one block of the store. How its
photos are cut into batches depends on the run alone, so that every engine computes the same features.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from geotool.core.errors import BadImageError
from geotool.core.records import ItemError
from geotool.features.blocks import Block, find_wrong_rows
from geotool.features.decode import Decoder, Encoded
from geotool.features.entries import Entry, check_is_there
from geotool.model.geomodel import GeoModel
from geotool.photos.manifest_rows import Row

# Pictures (photos times views) of a run, and of them those that go through the tower at once. A run is what
# a kill may cost, and how often the disk is waited for: some seconds.
RUN_PICTURES = {"cpu": 32, "mps": 64, "cuda": 512}
BATCH_PICTURES = {"cpu": 8, "mps": 16, "cuda": 128}

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Decoded:
    """One photo, ready for the tower."""

    row: Row
    sha256: str  # of its bytes
    levels: Tensor  # (V, 3, S, S) uint8


Outcome = Decoded | ItemError


def find_run_length(device: str, views: int) -> int:
    """Entries of a run."""
    return max(1, RUN_PICTURES[device] // views)


def in_groups(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    """Lists of `size` items, the last one shorter."""
    left = iter(items)
    while group := list(itertools.islice(left, size)):
        yield group


def decode_entries(entries: Sequence[Entry], decoder: Decoder) -> list[Outcome]:
    """Read and decode; in the place of what cannot be used is an ItemError.

    Raises NotFoundError where a file is gone since it was listed.
    """
    stored = [_read(entry) for entry in entries]
    levels = iter(decoder.decode_all([item for item in stored if isinstance(item, Encoded)]))
    return [
        _to_outcome(entry, item, next(levels)) if isinstance(item, Encoded) else item
        for entry, item in zip(entries, stored, strict=True)
    ]


def _read(entry: Entry) -> Encoded | ItemError:
    if isinstance(entry, ItemError):
        return entry
    try:
        return Encoded(entry.read_bytes(), entry.shown)
    except BadImageError as error:
        check_is_there(entry)
        return _item_error(entry, error)


def _to_outcome(entry: Entry, photo: Encoded, levels: Tensor | BadImageError) -> Outcome:
    assert isinstance(entry, Row)
    if isinstance(levels, BadImageError):
        return _item_error(entry, levels)
    return Decoded(entry, hashlib.sha256(photo.data).hexdigest(), levels)


def _item_error(row: Row, error: BadImageError) -> ItemError:
    return ItemError(path=row.shown, stage="read", message=str(error), exit_code=error.exit_code)


class Embedder:
    """Runs decoded photos through a model's image tower."""

    def __init__(self, model: GeoModel, views: int) -> None:
        self._model, self._views = model, views
        self._at_once = max(1, BATCH_PICTURES[model.device] // views)  # photos

    def embed(self, outcomes: Iterable[Outcome]) -> Block:
        """The block of one run. A batch starts when its photos are there; only the last one is waited for.

        Raises DeviceError out of memory.
        """
        photos: list[Decoded] = []
        failures: list[ItemError] = []
        features = [torch.empty(0, self._views, self._model.info.feature_dim, dtype=torch.float16)]
        for batch in in_groups(outcomes, self._at_once):
            decoded = [outcome for outcome in batch if isinstance(outcome, Decoded)]
            failures += [outcome for outcome in batch if isinstance(outcome, ItemError)]
            photos += decoded
            if decoded:
                features.append(self._find_features([photo.levels for photo in decoded]))
        return _to_block(photos, failures, torch.cat([part.cpu() for part in features]).numpy())

    def _find_features(self, levels: list[Tensor]) -> Tensor:
        """B times (V, 3, S, S) -> (B, V, F) float16, on the model's device."""
        pictures = torch.cat(self._move(levels))  # (B V, 3, S, S)
        return self._model.find_features_of_levels(pictures).half().unflatten(0, (-1, self._views))

    def _move(self, levels: list[Tensor]) -> list[Tensor]:
        """To the model's device; in one piece, for which nobody waits, where the device is a GPU."""
        if self._model.device == "cuda" and not any(part.is_cuda for part in levels):
            levels = [torch.cat(levels).pin_memory()]
        return [part.to(self._model.device, non_blocking=True) for part in levels]


def _to_block(photos: list[Decoded], failures: list[ItemError], features: np.ndarray) -> Block:
    """`features` (n, V, F). Photos whose features no store can hold become failures."""
    latlon_deg = np.array([_degrees(photo.row) for photo in photos], np.float64).reshape(-1, 2)
    wrong = find_wrong_rows(features, latlon_deg)
    for what, are_wrong in wrong.items():
        failures += [_unusable(photos[i].row, what) for i in np.flatnonzero(are_wrong)]
    right = np.flatnonzero(~np.any(list(wrong.values()), axis=0))
    rows = [photos[i].row for i in right]
    return Block(
        ids=[row.id for row in rows],
        paths=[row.shown for row in rows],
        authors=[row.author for row in rows],
        sha256s=[photos[i].sha256 for i in right],
        latlon_deg=latlon_deg[right],
        features=features[right],
        failures=failures,
    )


def _degrees(row: Row) -> tuple[float, float]:
    return row.location.lat, row.location.lon


def _unusable(row: Row, what: str) -> ItemError:
    return ItemError(path=row.shown, stage="encode", message=f"The photo has {what}.")
