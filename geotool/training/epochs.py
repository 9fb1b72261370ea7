"""Finite shuffled epochs: every row once, in an order that depends on the seed and the epoch alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from geotool.features.store import FeatureStore
from geotool.training.processes import Processes

_EPOCH_SEEDS = 1_000_003  # seeds of the epochs of two seeds do not meet
_FREE_SHARE = 0.5  # of the GPU's free memory: the rest is for the training itself
_READ_AHEAD = 4  # batches per worker
_ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, slots=True)
class Epoch:
    """All rows of a training in the order of one epoch, and the view that each is seen in: (N,), (N,)."""

    rows: Tensor
    views: Tensor

    def batches(self, size: int) -> list[Epoch]:
        """Runs of `size` rows each; the last one has what is left."""
        return [Epoch(*part) for part in zip(self.rows.split(size), self.views.split(size), strict=True)]

    def part(self, share: slice) -> Epoch:
        return Epoch(self.rows[share], self.views[share])


def shuffle(rows: Tensor, views: int, seed: int, epoch: int) -> Epoch:
    """(N,) rows in a new order, each with one of `views` views by chance."""
    generator = torch.Generator().manual_seed(seed * _EPOCH_SEEDS + epoch)
    order = torch.randperm(len(rows), generator=generator)
    return Epoch(rows[order], torch.randint(0, views, (len(rows),), generator=generator))


class Features(Protocol):
    """Where batches come from."""

    def read(self, batches: list[Epoch]) -> Iterator[Tensor]:
        """(b, F) float32 on the training's device for each batch, in their order."""


def open_features(store: FeatureStore, device: str, workers: int) -> Features:
    """In the GPU's memory where they fit, else read from disk. A CPU has the system's cache of the files."""
    if device == "cuda" and 2 * len(store) * store.views * store.dim < _FREE_SHARE * _free_bytes():
        return ResidentFeatures(store, device)
    return StreamedFeatures(store, device, workers)


class ResidentFeatures:
    """All features of a store on a device: no step waits for a disk."""

    def __init__(self, store: FeatureStore, device: str) -> None:
        shape = (len(store), store.views, store.dim)
        self._features = torch.empty(shape, dtype=torch.float16, device=device)
        start = 0
        for shard in store.shards:
            for part in np.array_split(shard, -(-len(shard) // _ROWS_AT_ONCE)):
                self._features[start : start + len(part)] = torch.from_numpy(np.array(part))
                start += len(part)

    def read(self, batches: list[Epoch]) -> Iterator[Tensor]:
        device = self._features.device
        for batch in batches:
            yield self._features[batch.rows.to(device), batch.views.to(device)].float()


class StreamedFeatures:
    """Features read batch by batch, ahead of their step by `workers` processes if there are any."""

    def __init__(self, store: FeatureStore, device: str, workers: int) -> None:
        self._store, self._device, self._workers = store, device, workers

    def read(self, batches: list[Epoch]) -> Iterator[Tensor]:
        # A batch is one item, so that the order is the same for any number of workers. One per row
        # and an endless stream is how others came to show each batch once per worker.
        loader = DataLoader(
            _StoredBatches(self._store, batches),
            batch_size=None,
            num_workers=self._workers,
            prefetch_factor=_READ_AHEAD if self._workers else None,
            pin_memory=self._device == "cuda",
        )
        for features in loader:
            yield features.to(self._device, non_blocking=True)


class _StoredBatches(Dataset[Tensor]):
    def __init__(self, store: FeatureStore, batches: list[Epoch]) -> None:
        self._store, self._batches = store, batches

    def __len__(self) -> int:
        return len(self._batches)

    def __getitem__(self, index: int) -> Tensor:
        batch = self._batches[index]
        return read_rows(self._store, batch.rows, batch.views)


def read_rows(store: FeatureStore, rows: Tensor, views: Tensor) -> Tensor:
    """The features of (n,) rows, each in its view: (n, F) float32."""
    features = torch.empty(len(rows), store.dim)
    for view in views.unique().tolist():
        chosen = views == view
        features[chosen] = torch.from_numpy(store.read(rows[chosen].numpy(), view))
    return features


def shares(batches: list[Epoch], processes: Processes) -> list[Epoch]:
    """This process's part of each batch."""
    return [batch.part(processes.share(len(batch.rows))) for batch in batches]


def _free_bytes() -> int:
    return torch.cuda.mem_get_info()[0]
