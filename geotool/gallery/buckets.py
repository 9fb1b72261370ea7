"""Sorting more vectors than fit in memory: rows are put aside in buckets of leaves, then bucket by bucket."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from geotool.core.errors import MismatchError

BUCKET_BYTES = 64 << 20
REMEDY = "Delete that folder and start the same command again."


class Buckets:
    """Files of records (row, leaf, vector); each holds the records of some consecutive leaves.

    `rows` counts the records of each bucket. Records of one bucket stay in the order they came.
    """

    def __init__(self, folder: Path, *, leaf_count: int, size: int, dim: int) -> None:
        self._folder, self._leaf_count = folder, leaf_count
        self._record = np.dtype([("row", "<i8"), ("leaf", "<i4"), ("vector", "<f2", (dim,))])
        wanted = -(-size * self._record.itemsize // BUCKET_BYTES)
        self.rows = [0] * min(wanted, leaf_count)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def record_bytes(self) -> int:
        return self._record.itemsize

    def resume(self, rows: list[int]) -> None:
        """Go on from `rows` records per bucket; what was written after that is cut off."""
        self.rows = list(rows)
        for bucket, count in enumerate(rows):
            file, length = self._file(bucket), count * self._record.itemsize
            if file.exists() and file.stat().st_size > length:
                os.truncate(file, length)

    def append(self, first_row: int, leaves: np.ndarray, vectors: np.ndarray) -> None:
        """Put aside consecutive rows: (n,) leaves and (n, D) vectors."""
        records = np.empty(len(leaves), self._record)
        records["row"] = np.arange(first_row, first_row + len(leaves))
        records["leaf"], records["vector"] = leaves, vectors
        buckets = leaves * len(self) // self._leaf_count  # (n,)
        order = np.argsort(buckets, kind="stable")
        stops = np.cumsum(np.bincount(buckets, minlength=len(self)))
        for bucket, part in enumerate(np.split(records[order], stops[:-1])):
            if len(part):
                with open(self._file(bucket), "ab") as file:
                    file.write(part.tobytes())
                self.rows[bucket] += len(part)

    def leaves(self, bucket: int) -> range:
        """The leaves of a bucket."""
        first, stop = (-(-b * self._leaf_count // len(self)) for b in (bucket, bucket + 1))
        return range(first, stop)

    def read(self, bucket: int) -> np.ndarray:
        """The records of a bucket, memory-mapped. Raises MismatchError where they are not what was put aside.

        A computer that lost its power may leave zeros in place of what it had not written yet.
        """
        if self.rows[bucket] == 0:
            return np.empty(0, self._record)
        file, leaves = self._file(bucket), self.leaves(bucket)
        if not file.exists() or file.stat().st_size != self.rows[bucket] * self._record.itemsize:
            raise MismatchError(f"{file} has lost records.", REMEDY)
        records = np.memmap(file, self._record, mode="r")
        leaf = records["leaf"]
        if not (np.diff(records["row"]) > 0).all() or leaf.min() < leaves.start or leaf.max() >= leaves.stop:
            raise MismatchError(f"{file} is damaged.", REMEDY)
        return records

    def remove(self, bucket: int) -> None:
        self._file(bucket).unlink(missing_ok=True)

    def _file(self, bucket: int) -> Path:
        return self._folder / f"bucket-{bucket:04}.bin"


class ArrayFile:
    """An .npy file that is written piece by piece, in any order. Unlike a map, it takes no memory."""

    def __init__(self, path: Path) -> None:
        mapped = np.lib.format.open_memmap(path, "r")
        self._path, self._offset, self._type = path, mapped.offset, mapped.dtype
        self._row_bytes = mapped.dtype.itemsize * int(np.prod(mapped.shape[1:]))

    @classmethod
    def create(cls, path: Path, dtype: type, shape: tuple[int, ...]) -> ArrayFile:
        """A file of zeros, which takes no place on the disk until it is written."""
        np.lib.format.open_memmap(path, "w+", dtype, shape)
        return cls(path)

    def write(self, first: int, rows: np.ndarray) -> None:
        """Write (n, ...) rows from row `first` on."""
        with open(self._path, "r+b") as file:
            file.seek(self._offset + first * self._row_bytes)
            file.write(np.ascontiguousarray(rows, self._type).tobytes())
