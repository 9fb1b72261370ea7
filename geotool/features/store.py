"""The feature store: features of many photos, their coordinates and names. Row i of one is row i of all.

    meta.json            how it was made
    features-00000.npy   (n, V, F) float16, the same number of rows in each but the last
    latlon_deg.npy       (N, 2) float64
    rows.parquet         id, path, author, sha256
    failures.csv         path, stage, reason of the photos without a row

Equal inputs give equal bytes, so `created` in the meta is empty: the time is that of the file.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geotool.core.artifacts import META_FILE, read_meta, unfinished_folder
from geotool.core.errors import MismatchError
from geotool.core.records import ArtifactMeta

if TYPE_CHECKING:
    import pyarrow

KIND, SCHEMA = "features", 1
LATLON_FILE, ROWS_FILE, FAILURES_FILE = "latlon_deg.npy", "rows.parquet", "failures.csv"
_DAMAGED = "Delete it and make it again, or copy it again from where it is whole."
COLUMNS = ("id", "path", "author", "sha256")


def shard_name(shard: int) -> str:
    return f"features-{shard:05}.npy"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureStore:
    """N photos with V views of F features each, mapped from disk.

    Several processes may read one; pickled, it is its folder, and loading refuses another content.
    """

    folder: Path
    meta: ArtifactMeta
    latlon_deg: np.ndarray  # (N, 2) float64
    shards: tuple[np.ndarray, ...]  # (n, V, F) float16

    def __len__(self) -> int:
        return len(self.latlon_deg)

    @property
    def views(self) -> int:
        return self.shards[0].shape[1]

    @property
    def dim(self) -> int:
        return self.shards[0].shape[2]

    @property
    def created(self) -> str:
        """When it was finished, UTC, ISO 8601."""
        time_s = (self.folder / META_FILE).stat().st_mtime
        return datetime.datetime.fromtimestamp(time_s, datetime.UTC).isoformat(timespec="seconds")

    def read(self, rows: np.ndarray, view: int = 0) -> np.ndarray:
        """The features of (n,) rows, in their order: (n, F) float32. Raises IndexError.

        The disk is read in its own order, each shard once.
        """
        rows = np.asarray(rows)
        order = np.argsort(rows, kind="stable")
        wanted = rows[order]  # (n,) ascending
        if len(rows) and not 0 <= wanted[0] <= wanted[-1] < len(self):
            raise IndexError(f"rows {wanted[0]}..{wanted[-1]} of a store of {len(self)}")
        features = np.empty((len(rows), self.dim), np.float32)
        first = 0
        for shard in self.shards:
            start, stop = np.searchsorted(wanted, (first, first + len(shard)))
            if start < stop:
                features[order[start:stop]] = shard[wanted[start:stop] - first, view]
            first += len(shard)
        return features

    def ids(self) -> list[str]:
        """The ids of all rows."""
        return self.table(("id",))["id"].to_pylist()

    def table(self, columns: Sequence[str] = COLUMNS) -> pyarrow.Table:
        """The names of all rows in memory: id, path, author, sha256."""
        import pyarrow.parquet

        return pyarrow.parquet.read_table(self.folder / ROWS_FILE, columns=list(columns))

    def batches(self, size: int, columns: Sequence[str] = COLUMNS) -> Iterator[pyarrow.RecordBatch]:
        """The same piece by piece, of `size` rows each but the last."""
        import pyarrow.parquet

        with pyarrow.parquet.ParquetFile(self.folder / ROWS_FILE) as file:
            yield from file.iter_batches(size, columns=list(columns))

    def __reduce__(self) -> tuple[Any, ...]:
        return _reload, (self.folder, self.meta.fingerprint)


def load_store(folder: Path) -> FeatureStore:
    """Map a store. Raises NotFoundError, or MismatchError where its files do not fit each other."""
    folder = Path(folder).resolve()
    meta = read_meta(folder, KIND, SCHEMA, _missing_hint(folder))
    try:
        latlon_deg = load_mapped(folder / LATLON_FILE)
        shards = tuple(map(load_mapped, shard_paths(folder)))
    except (OSError, ValueError) as error:
        raise MismatchError(f"The feature store in {folder} is damaged: {error}.", _DAMAGED) from error
    rows, views, dim = (meta.config.get(name) for name in ("rows", "views", "dim"))
    fits = all(shard.dtype == np.float16 and shard.shape[1:] == (views, dim) for shard in shards)
    if not fits or latlon_deg.shape != (rows, 2) or sum(map(len, shards)) != rows:
        raise MismatchError(f"The feature store in {folder} is damaged: its files do not fit.", _DAMAGED)
    return FeatureStore(folder=folder, meta=meta, latlon_deg=latlon_deg, shards=shards)


def load_mapped(path: Path) -> np.ndarray:
    """An array that is read from disk where it is touched. Raises OSError or ValueError."""
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def shard_paths(folder: Path) -> list[Path]:
    """The files with features, in the order of their rows."""
    return sorted(folder.glob("features-*.npy"))


def _missing_hint(folder: Path) -> str:
    if unfinished_folder(folder).exists():
        return "It is unfinished: start the same precompute command again."
    return f"Make it with: python -m geotool precompute DATA --out {folder}."


def _reload(folder: Path, fingerprint: str) -> FeatureStore:
    store = load_store(folder)
    if store.meta.fingerprint != fingerprint:
        found = f"{store.meta.fingerprint}, no longer {fingerprint}"
        raise MismatchError(f"The feature store in {folder} is now {found}.", "Start again with it.")
    return store
