"""Which rows of a feature store a training learns from, and which it is validated on."""

from __future__ import annotations

import numpy as np

from geotool.core.errors import EmptyResultError, MismatchError
from geotool.core.report import Report, stop_if_asked
from geotool.features.store import FeatureStore

VALIDATION_ROWS = 10_000  # at most: enough for half a percent, and searched in seconds
_ROWS_AT_ONCE = 16_384


def check_features(store: FeatureStore, report: Report) -> None:
    """Raises EmptyResultError without rows, MismatchError with the first one that is no number."""
    if len(store) == 0:
        raise EmptyResultError(f"The feature store in {store.folder} has no rows.", "See its failures.csv.")
    start = 0
    for shard in store.shards:
        for first in range(0, len(shard), _ROWS_AT_ONCE):
            stop_if_asked(report)
            part = shard[first : first + _ROWS_AT_ONCE]
            is_wrong = ~np.isfinite(part).all(axis=(1, 2))
            if is_wrong.any():
                _refuse(store, start + first + int(is_wrong.argmax()))
            report.progress(start + first + len(part), len(store), unit="rows checked")
        start += len(shard)


def split_rows(store: FeatureStore, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows to learn from and rows to validate on, both rising: `share` of them, VALIDATION_ROWS at most.

    All rows of an author are on one side: two photos of a walk are no test of one another.
    """
    groups = _find_groups(store)  # (N,)
    counts = np.bincount(groups)
    wanted = min(round(share * len(store)), VALIDATION_ROWS)
    order = np.random.default_rng(seed).permutation(len(counts))
    order = order[counts[order] <= wanted]  # an author with more than that is learnt from
    is_kept = np.isin(groups, order[np.cumsum(counts[order]) <= wanted])
    return np.flatnonzero(~is_kept), np.flatnonzero(is_kept)


def _find_groups(store: FeatureStore) -> np.ndarray:
    """(N,) number of each row's author; a row without one is a group of its own."""
    codes = store.table(("author",))["author"].combine_chunks().dictionary_encode().indices
    found = codes.fill_null(-1).to_numpy(zero_copy_only=False)
    alone = found < 0
    groups = found.astype(np.int64)
    groups[alone] = found.max(initial=-1) + 1 + np.arange(alone.sum())
    return groups


def _refuse(store: FeatureStore, row: int) -> None:
    raise MismatchError(
        f"Row {row} ({store.ids()[row]}) of {store.folder} has features that are no numbers.",
        "Make the store again with precompute.",
    )
